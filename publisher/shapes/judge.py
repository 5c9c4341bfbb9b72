"""Judges records one by one, in batches: shapes and N-Quads in, results out."""

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import NamedTuple

from publisher.errors import Misconfigured
from publisher.shapes.batch import Batch, batches, halves
from publisher.shapes.files import BASE, Shapes

# By name, not by import: pySHACL takes half a second to load and changes rdflib globally, and where the native
# engine has no wheel the other must still work.
ENGINES = {"shacl": "publisher.shapes.native", "pyshacl": "publisher.shapes.oracle"}
UNREADABLE = BASE + "unreadable"


class Result(NamedTuple):
    """One broken rule: sh:ValidationResult as plain values.

    value: the offending term in N-Triples syntax, "" where the rule names none. component: local name, "MinCount".
    record: the named graph in which the focus was described; the focus itself for data without graphs.
    """

    focus: str
    path: str
    value: str
    shape: str
    severity: str
    component: str
    messages: dict[str, str]
    record: str


class Finding(NamedTuple):
    """What an engine says: focus and value in N-Triples syntax, the shape's IRI, the constraint component's local name."""

    focus: str
    shape: str
    component: str
    value: str


Engine = Callable[[Shapes, bytes], list[Finding]]


def judge(quads: bytes | str, shapes: Shapes, *, engine: str = "shacl") -> list[Result]:
    """Return what is wrong with each record in N-Quads (graph = record) or N-Triples, ordered by record, focus and rule.

    Each record is judged alone, so the answer does not depend on what else is in the batch; deleted objects are judged
    by the shape of tombstones. A record that the engine cannot read or that makes it fail gets the one Violation
    #unreadable and leaves the others alone. Raises Misconfigured for an unknown engine.
    """
    run = _engine(engine)
    found: set[tuple[str, str, str, str, str]] = set()
    for batch in batches(quads.encode() if isinstance(quads, str) else quads):
        for part, findings in _findings(batch, shapes, run):
            for finding in findings:
                for record in part.records_of(finding.focus):
                    found.add((record, finding.focus.strip("<>"), finding.shape, finding.component, finding.value))
    return [_result(shapes, *row) for row in sorted(found)]


def _engine(name: str) -> Engine:
    if name not in ENGINES:
        raise Misconfigured(f"no SHACL engine {name!r}; there are: {', '.join(ENGINES)}")
    run: Engine = import_module(ENGINES[name]).findings
    return run


def _findings(batch: Batch, shapes: Shapes, run: Engine) -> Iterator[tuple[Batch, list[Finding]]]:
    """Yield what the engine finds, halving a batch that it cannot do until the one record that stops it stands alone."""
    watch = Watch()
    findings: list[Finding] = []
    with watch:
        findings = run(shapes, batch.data)
    if not watch.failed:
        yield batch, findings
        return
    parts = halves(batch)
    if len(parts) == 1:
        yield batch, [Finding(f"<{record}>", UNREADABLE, "Engine", "") for record in batch.graphs()]
    else:
        for part in parts:
            yield from _findings(part, shapes, run)


class Watch:
    """Keeps an engine's failure from ending the run, a Rust panic (no subclass of Exception) included."""

    failed = False

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self.failed = kind is not None and (issubclass(kind, ValueError | RuntimeError) or kind.__name__ == "PanicException")
        return self.failed


def _result(shapes: Shapes, record: str, focus: str, shape: str, component: str, value: str) -> Result:
    rule = shapes.rules[shape]
    return Result(focus, rule.path, value, shape, rule.severity, component, rule.messages, record)


def by_record(results: Iterable[Result], owner_of: Callable[[str], str | None]) -> dict[str, list[Result]]:
    """Return the results by the record that owns their focus node; where `owner_of` knows none, by the record judged."""
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(owner_of(result.focus) or result.record, []).append(result)
    return found
