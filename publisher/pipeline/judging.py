"""New versions judged, many at once: what is wrong with each, and the rows by which a release would serve it."""

from typing import Any, NamedTuple

from publisher.graph.mapper import quads
from publisher.journal.rows import Rows, rows, stored
from publisher.pipeline.hands import Desk
from publisher.shapes import Result, judge, shapes


class Judged(NamedTuple):
    """A version and what the shapes said of it. wrong: why it is kept out, "" if it is not. results: as dicts."""

    seq: int
    iri: str
    wrong: str
    results: list[dict[str, Any]]
    rows: Rows


def judged(desk: Desk, seqs: list[int]) -> list[Judged]:
    """Judge versions of the journal by the core shapes. Raises Misconfigured for a broken shape file."""
    versions = [(version, stored(version)) for version in map(desk.written.version, seqs)]
    found: dict[str, list[Result]] = {}
    for result in judge("".join(quads(obj) for _, obj in versions), shapes()):
        found.setdefault(result.record, []).append(result)
    answer = []
    for version, obj in versions:
        results = found.get(version.iri, [])
        wrong = sorted({result.messages.get("de") or result.shape for result in results if result.severity == "Violation"})
        answer.append(Judged(version.seq, version.iri, "; ".join(wrong), [result._asdict() for result in results], rows(version, obj)))
    return answer
