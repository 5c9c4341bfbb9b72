"""W3C's SHACL test suite by engine, as a pass table: `python bench/w3c_shacl.py [SUITE] > bench/w3c-shacl.csv`.

SUITE is the folder `tests` of the data-shapes test suite; by default that of $PUBLISHER_SHARED. A test passes if the engine
says the same of conformance and finds the same results: focus, value, component, severity, and path where it is an IRI.
"""

import csv
import logging
import os
import re
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlparse

import pyoxigraph as ox
import shacl
from pyshacl import validate
from rdflib import RDF, SH, Graph, Namespace, URIRef
from rdflib.term import Node

try:
    import shacl_rust
except ImportError:
    shacl_rust = None

MF = Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#")
SHT = Namespace("http://www.w3.org/ns/shacl-test#")
SUITE = Path(os.environ.get("PUBLISHER_SHARED", "../shared")) / "suites" / "data-shapes" / "data-shapes-test-suite" / "tests"
Found = Counter[tuple[str, ...]]


class Case(NamedTuple):
    """One sht:Validate: what to validate with what, and the report to expect; None where the engine is to refuse."""

    name: str
    data: Path
    shapes: Path
    conforms: bool | None
    found: Found


def plain(node: Node | None) -> str:
    """A term in N-Triples syntax; blank nodes have no name, for each engine gives them its own."""
    if node is None:
        return ""
    text = node.n3() if isinstance(node, URIRef) else "_:" if node.n3().startswith("_:") else str(ox.Literal(str(node)))
    tail = getattr(node, "language", None) or getattr(node, "datatype", None) or ""
    return f"{text}^{str(tail).lower()}"


def found(graph: Graph, results: Iterator[Node]) -> Found:
    out: Found = Counter()
    for result in results:
        path = graph.value(result, SH.resultPath)
        terms = [graph.value(result, term) for term in (SH.focusNode, SH.value, SH.sourceConstraintComponent, SH.resultSeverity)]
        out[(*(plain(term) for term in terms), plain(path) if isinstance(path, URIRef) else "")] += 1
    return out


def cases(folder: Path) -> Iterator[Case]:
    for path in sorted(folder.rglob("*.ttl")):
        graph = Graph().parse(path, publicID=path.resolve().as_uri())
        for test in graph.subjects(RDF.type, SHT.Validate):
            action, result = graph.value(test, MF.action), graph.value(test, MF.result)
            data, shapes = (Path(urlparse(str(graph.value(action, term))).path) for term in (SHT.dataGraph, SHT.shapesGraph))
            refused = result == SHT.Failure
            conforms = None if refused else graph.value(result, SH.conforms).toPython()
            yield Case(path.stem, data, shapes, conforms, found(graph, graph.objects(result, SH.result)))


def ntriples(path: Path) -> str:
    quads = ox.parse(path.read_bytes(), format=ox.RdfFormat.TURTLE, base_iri=path.resolve().as_uri())
    return ox.serialize(quads, format=ox.RdfFormat.N_TRIPLES).decode()


def by_shacl(case: Case) -> tuple[bool, Found]:
    report = shacl.Shapes.from_text(ntriples(case.shapes), format="ntriples").validate_text(ntriples(case.data), format="ntriples")
    graph = Graph().parse(data=report.serialize("ntriples"), format="nt")
    return report.conforms, found(graph, graph.objects(None, SH.result))


def by_shacl_rust(case: Case) -> tuple[bool, Found]:
    texts = ntriples(case.data), ntriples(case.shapes)
    report = shacl_rust.validate(*texts, data_format="nt", shapes_format="nt", experimental_index=True)
    names = ("focusNode", "value", "sourceConstraintComponent", "severity")
    out: Found = Counter()
    for result in report["results"]:
        path = result.get("resultPath") or ""
        lines = "".join(f"<urn:r> <urn:p{at}> {result[name]} .\n" for at, name in enumerate(names) if result.get(name))
        lines += f"<urn:r> <urn:p4> {path} .\n" if re.fullmatch("<[^<>]*>", path) else ""
        graph = Graph().parse(data=lines, format="nt")
        out[tuple(plain(graph.value(URIRef("urn:r"), URIRef(f"urn:p{at}"))) for at in range(5))] += 1
    return report["conforms"], out


def by_pyshacl(case: Case) -> tuple[bool, Found]:
    data, shapes = (Graph().parse(data=ntriples(path), format="nt") for path in (case.data, case.shapes))
    conforms, graph, _ = validate(data, shacl_graph=shapes, advanced=True, js=False)
    return conforms, found(graph, graph.objects(None, SH.result))


ENGINES: dict[str, Callable[[Case], tuple[bool, Found]]] = {"shacl": by_shacl, "pyshacl": by_pyshacl}
if shacl_rust:
    ENGINES["shacl-rust"] = by_shacl_rust


def verdict(engine: Callable[[Case], tuple[bool, Found]], case: Case) -> str:
    """ "passed", or what is wrong."""
    try:
        conforms, results = engine(case)
    except (ValueError, RuntimeError, TypeError, LookupError) as error:
        return "passed" if case.conforms is None else f"refused: {type(error).__name__}"
    except Exception as error:  # noqa: BLE001  pySHACL's own errors have no common root but Exception
        return "passed" if case.conforms is None else f"refused: {type(error).__name__}"
    if case.conforms is None:
        return "not refused"
    return (
        "passed"
        if (conforms, results) == (case.conforms, case.found)
        else "other results"
        if conforms == case.conforms
        else "other verdict"
    )


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    suite = Path(sys.argv[1]) if len(sys.argv) > 1 else SUITE
    writer = csv.writer(sys.stdout)
    writer.writerow(["part", "test", *(f"{name} {version(name)}" for name in ENGINES)])
    passed: Counter[tuple[str, str]] = Counter()
    for part in ("core", "sparql"):
        for case in cases(suite / part):
            verdicts = {name: verdict(engine, case) for name, engine in ENGINES.items()}
            writer.writerow([part, case.name, *verdicts.values()])
            for name, said in verdicts.items():
                passed[part, name] += said == "passed"
            passed[part, "all"] += 1
    for part in ("core", "sparql"):
        told = ", ".join(f"{name} {passed[part, name]}" for name in ENGINES)
        print(f"{part}: {passed[part, 'all']} tests; passed: {told}", file=sys.stderr)


if __name__ == "__main__":
    main()
