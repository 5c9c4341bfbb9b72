"""The engine in use: shacl, written in Rust, compiled shapes kept between batches."""

from functools import lru_cache

import shacl

from publisher.shapes.files import Shapes
from publisher.shapes.judge import Finding


@lru_cache(maxsize=8)
def _compiled(shapes: Shapes) -> shacl.Shapes:
    return shacl.Shapes.from_text(shapes.constraints, format="ntriples", base="urn:shapes")


def findings(shapes: Shapes, data: bytes) -> list[Finding]:
    """Return what the engine finds in N-Quads or N-Triples, all graphs read as one. Raises ValueError for what is neither."""
    report = _compiled(shapes).validate_text(data.decode(), format="nquads", base="urn:data")
    return [
        Finding(
            result.focus_node,
            (result.root_shape or "").strip("<>"),
            result.component.removesuffix("ConstraintComponent"),
            result.value or "",
        )
        for result in report.results
    ]
