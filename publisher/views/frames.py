"""The published frames, one a class, for documents in framed form."""

from typing import Any

import orjson

from publisher.config import project_file
from publisher.ontology import ontology


def frame(cls: str) -> dict[str, Any]:
    """Return the frame of a class: the published file, else one that matches the class under our context."""
    path = project_file("ontology", "frames", f"{cls.rsplit('/', 1)[-1].rsplit('#', 1)[-1]}.jsonld")
    if path.is_file():
        found: dict[str, Any] = orjson.loads(path.read_bytes())
        return found | {"@context": ontology().context}
    return {"@context": ontology().context, "type": cls}
