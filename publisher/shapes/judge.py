"""Judges records one by one: shapes and N-Quads in, results out."""

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import NamedTuple

from publisher.errors import Misconfigured
from publisher.shapes import batch
from publisher.shapes.files import BASE, Shapes
from publisher.shapes.files import shapes as core

# By name, not by import: pySHACL takes half a second to load and changes rdflib globally, and where the native
# engine has no wheel the other must still work.
ENGINES = {"shacl": "publisher.shapes.native", "pyshacl": "publisher.shapes.oracle"}
UNREADABLE = BASE + "unreadable"


class Result(NamedTuple):
    """One broken rule: sh:ValidationResult as plain values.

    path: IRI, or SPARQL path. value: the offending term in N-Triples syntax, "" where the rule names none. component: local
    name without its tail, "MinCount". record: the graph that was judged; the focus itself for data without graphs.
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
    """Return what is wrong with each record in N-Quads (graph = record's IRI) or N-Triples, ordered by record, focus and rule.

    Raises Misconfigured for an unknown engine. For more than one can hold in memory, see `judged`.
    """
    data = quads.encode() if isinstance(quads, str) else quads
    return sorted(judged(batch.records(data), shapes, engine=engine), key=lambda result: (result.record, *result[:6]))


def judged(records: Iterable[tuple[str, bytes]], shapes: Shapes, *, engine: str = "shacl") -> Iterator[Result]:
    """Yield what is wrong with each (record's IRI, its N-Quads), record by record, by focus and rule within it.

    Each record is judged alone, so the answer does not depend on its neighbours; deleted objects are judged by the shape
    of tombstones. A record that the engine cannot read, or that makes it fail, gets the one Violation #unreadable and
    leaves the others alone. Raises Misconfigured for an unknown engine.
    """
    run = _engine(engine)
    for several in batch.batches(records):
        yield from _results(several, shapes, run)


def _engine(name: str) -> Engine:
    if name not in ENGINES:
        raise Misconfigured(f"no SHACL engine {name!r}; there are: {', '.join(ENGINES)}")
    run: Engine = import_module(ENGINES[name]).findings
    return run


def _results(several: list[batch.Record], shapes: Shapes, run: Engine) -> Iterator[Result]:
    """Yield the results of a batch; one that the engine cannot do is done again record by record."""
    findings: list[Finding] = []
    watch = Watch()
    with watch:
        findings = run(shapes, batch.marked(b"".join(data for _, data in several)))
    if watch.failed and len(several) > 1:
        for record in several:
            yield from _results([record], shapes, run)
    elif watch.failed:
        graph, data = several[0]
        focus = graph or data.split(b" ", 1)[0].decode("utf-8", "replace").strip("<>")
        yield _result(shapes, focus, Finding(focus, UNREADABLE, "Engine", ""))
    else:
        owners = _owners(several) if findings else {}
        rows = [(owners.get(finding[0]) or finding[0].strip("<>"), finding) for finding in findings]
        yield from (_result(shapes, *row) for row in sorted(rows))


def _owners(several: list[batch.Record]) -> dict[str, str]:
    """Return subject in N-Triples syntax -> the record that describes it, or, where none in the batch does, that speaks of it."""
    found: dict[str, str] = {}
    for graph, data in several:
        described, mentioned = batch.subjects(data)
        for subject in mentioned:
            name = subject.decode()
            if subject in described or name not in found:
                found[name] = graph
    return found


class Watch:
    """Keeps an engine's failure from ending the run, a Rust panic (no subclass of Exception) included."""

    failed = False

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self.failed = kind is not None and (issubclass(kind, ValueError | RuntimeError) or kind.__name__ == "PanicException")
        return self.failed


def _result(shapes: Shapes, record: str, finding: Finding) -> Result:
    # Every layer may meet what cannot be read; only one of them can hold the rule that says so.
    rule = shapes.rules.get(finding.shape) or core().rules[finding.shape]
    focus = finding.focus.strip("<>")
    return Result(focus, rule.path, finding.value, rule.iri, rule.severity, finding.component, rule.messages, record)


def by_record(results: Iterable[Result], owner_of: Callable[[str], str | None]) -> dict[str, list[Result]]:
    """Return the results by the record that owns their focus node; where `owner_of` knows none, by the record judged."""
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(owner_of(result.focus) or result.record, []).append(result)
    return found
