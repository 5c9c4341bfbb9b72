"""The oracle and fallback: pySHACL, the reference engine of the RDF world in Python."""

from collections.abc import Iterator
from contextlib import contextmanager

import rdflib
from pyshacl import validate
from rdflib import RDF, SH, Dataset, Graph, Literal, URIRef
from rdflib.exceptions import ParserError
from rdflib.term import Node

from publisher.shapes.files import Shapes
from publisher.shapes.judge import Finding

ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def findings(shapes: Shapes, data: bytes) -> list[Finding]:
    """Return what pySHACL finds in N-Quads or N-Triples, all graphs read as one. Raises ValueError for what is neither."""
    graph = Graph()
    with as_written():
        for triple in _triples(data):
            graph.add(triple)
        _, report, _ = validate(graph, shacl_graph=shapes.graph, advanced=False, js=False)
        return sorted(_finding(shapes, report, node) for node in report.subjects(RDF.type, SH.ValidationResult))


@contextmanager
def as_written() -> Iterator[None]:
    """Keep rdflib from rewriting literals ("ja" as a boolean becomes "false"): what was published is judged."""
    before = rdflib.NORMALIZE_LITERALS
    rdflib.NORMALIZE_LITERALS = False
    try:
        yield
    finally:
        rdflib.NORMALIZE_LITERALS = before


def _triples(data: bytes) -> Iterator[tuple[Node, Node, Node]]:
    dataset = Dataset()
    try:
        dataset.parse(data=data.decode(), format="nquads")
    except ParserError as error:
        raise ValueError(f"not N-Quads: {error}") from error
    for subject, predicate, value, _ in dataset.quads():
        # rdflib reads "<rat> <https:" as one IRI.
        if any(isinstance(term, URIRef) and set(term) & set(" <>") for term in (subject, predicate, value)):
            raise ValueError(f"not N-Quads: {subject} {predicate} {value}")
        yield subject, predicate, value


def _finding(shapes: Shapes, report: Graph, node: Node) -> Finding:
    component = report.value(node, SH.sourceConstraintComponent)
    return Finding(
        _term(report.value(node, SH.focusNode)),
        _named(shapes.graph, report.value(node, SH.sourceShape)),
        str(component).rsplit("#", 1)[-1].removesuffix("ConstraintComponent"),
        _term(report.value(node, SH.value)),
    )


def _term(node: Node | None) -> str:
    """Return a term in N-Triples syntax, "" for none."""
    if not isinstance(node, Literal):
        return node.n3() if node is not None else ""
    tail = f"@{node.language}" if node.language else f"^^<{node.datatype}>" if node.datatype else ""
    return f'"{str(node).translate(ESCAPES)}"{tail}'


def _named(graph: Graph, shape: Node | None) -> str:
    """Return the nearest shape above that has an IRI."""
    while shape is not None and not isinstance(shape, URIRef):
        shape = next(graph.subjects(SH.property, shape), None)
    return str(shape or "")
