"""What a release is made from beside the journal's versions: when one of these changes, a build has something to do."""

from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import orjson

from publisher import __version__
from publisher.config import project_file
from publisher.errors import Malformed
from publisher.journal import Journal
from publisher.release import Release

FOLDERS = ("ontology", "shapes")
SETTINGS = ("catalog.toml", "stream.toml")


class Inputs(NamedTuple):
    """Hashes. program: this version of it, with ontology, concepts and shapes; where it changed, everything is made anew."""

    program: str = ""
    linksets: str = ""
    settings: str = ""
    sources: str = ""


def inputs(home: Path, journal: Journal) -> Inputs:
    """Return the inputs as they are now."""
    program = (path for folder in FOLDERS for path in project_file(folder).rglob("*"))
    described = orjson.dumps(journal.sources(), option=orjson.OPT_SORT_KEYS)
    return Inputs(
        _hash(program, __version__.encode()),
        _hash([*(home / "linksets").glob("*.csv"), home / "texts" / "log.tsv"]),
        _hash(home / name for name in SETTINGS),
        _hash((), described),
    )


def made_from(served: Release | None) -> Inputs:
    """Return the inputs of a release; those of none, or of a release of an older program, equal no others."""
    try:
        return Inputs(**served.manifest["inputs"]) if served else Inputs()
    except (Malformed, KeyError, TypeError):
        return Inputs()


def _hash(files: Iterable[Path], more: bytes = b"") -> str:
    digest = sha256(more)
    for path in sorted(files):
        if path.is_file():
            digest.update(f"\n{path.name} {sha256(path.read_bytes()).hexdigest()}".encode())
    return digest.hexdigest()
