"""The oracle and fallback: pySHACL, the reference engine of the RDF world in Python."""

from pyshacl import validate
from rdflib import RDF, SH, Dataset, Graph, URIRef
from rdflib.exceptions import ParserError
from rdflib.term import Node

from publisher.shapes.files import Shapes
from publisher.shapes.judge import Finding


def findings(shapes: Shapes, data: bytes) -> list[Finding]:
    """Return what pySHACL finds in N-Quads or N-Triples, all graphs read as one. Raises ValueError for what is neither."""
    dataset = Dataset()
    try:
        dataset.parse(data=data.decode(), format="nquads")
    except ParserError as error:
        raise ValueError(f"not N-Quads: {error}") from error
    graph = Graph()
    for subject, predicate, value, _ in dataset.quads():
        graph.add((subject, predicate, value))
    _, report, _ = validate(graph, shacl_graph=shapes.graph, advanced=False, js=False)
    return sorted(_finding(shapes, report, node) for node in report.subjects(RDF.type, SH.ValidationResult))


def _finding(shapes: Shapes, report: Graph, node: Node) -> Finding:
    focus, value, component = (report.value(node, term) for term in (SH.focusNode, SH.value, SH.sourceConstraintComponent))
    shape = report.value(node, SH.sourceShape)
    return Finding(
        focus.n3() if focus is not None else "",
        _named(shapes.graph, shape),
        str(component).rsplit("#", 1)[-1].removesuffix("ConstraintComponent"),
        value.n3() if value is not None else "",
    )


def _named(graph: Graph, shape: Node | None) -> str:
    """Return the nearest shape above that has an IRI."""
    while shape is not None and not isinstance(shape, URIRef):
        shape = next(graph.subjects(SH.property, shape), None)
    return str(shape or "")
