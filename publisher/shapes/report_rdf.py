"""The report as data: sh:ValidationReport and dqv:QualityMeasurement, without blank nodes, same report, same bytes."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple
from urllib.parse import quote

from publisher.shapes.files import BASE
from publisher.shapes.judge import Result
from publisher.shapes.report import Line, Report

SH = "http://www.w3.org/ns/shacl#"
DQV = "http://www.w3.org/ns/dqv#"
DCT = "http://purl.org/dc/terms/"
RDF_TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
XSD = "http://www.w3.org/2001/XMLSchema#"
SKOS = "http://www.w3.org/2004/02/skos/core#"
PREFIXES = {"sh": SH, "dqv": DQV, "dct": DCT, "skos": SKOS, "xsd": XSD, "shape": BASE}
JOINED = " ;\n    "
ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})
NONE: Mapping[str, str] = {}
METRICS = {
    "broken": ("integer", "Zahl der Befunde", "number of results", "wie oft die Regel verletzt ist", "how often the rule is broken"),
    "broken-share": (
        "decimal",
        "Anteil der Objekte mit Befund",
        "share of objects with a result",
        "Anteil der geprüften Objekte der Klasse, die die Regel verletzen",
        "share of the objects of the class that break the rule",
    ),
}


def triples(report: Report, datasets: Mapping[str, str] = NONE) -> Iterator[str]:
    """Yield the report as N-Triples lines: the report, its measurements, and the results that it keeps.

    datasets: source -> IRI of the dataset that the catalogue describes, on which the measurements are made.
    """
    me = f"{report.base}/report/{report.release}"
    yield _line(me, RDF_TYPE, f"<{SH}ValidationReport>")
    yield _line(me, f"<{SH}conforms>", _typed(str(report.conforms).lower(), "boolean"))
    yield _line(me, f"<{DCT}conformsTo>", f"<{BASE.rstrip('#')}>")
    yield _line(me, f"<{DCT}created>", _typed(report.made, "dateTime"))
    for metric, (datatype, *words) in METRICS.items():
        yield from _metric(BASE + metric, datatype, words)
    for line in report.lines:
        yield from _measured(me, datasets.get(line.source) or f"{report.base}/report/source/{quote(line.source, safe='')}", line)
    for iri, result in named(report.base, report.results):
        yield _line(me, f"<{SH}result>", f"<{iri}>")
        yield from result_triples(iri, result)


class Pieces(NamedTuple):
    """A report as Turtle, to be written one after the other; only links and blocks tell single results."""

    opening: str
    links: Iterator[str]
    middle: str
    blocks: Iterator[str]


def turtle(report: Report, datasets: Mapping[str, str] = NONE) -> str:
    """Return the report as Turtle; each node in one block, results by source. `datasets` as in `triples`."""
    told = pieces(report, datasets)
    return "".join((told.opening, *told.links, told.middle, *told.blocks))


def pieces(report: Report, datasets: Mapping[str, str] = NONE, *, node: str = "") -> Pieces:
    """Return the report's Turtle in pieces. node: IRI of this report, where it is a part of the whole one."""
    whole = f"<{report.base}/report/{report.release}>"
    lines = triples(replace(report, by_line={}), datasets)
    mine, *others = _blocks(line.replace(whole, f"<{node}>") if node else line for line in lines)
    head = "".join(f"@prefix {name}: <{at}> .\n" for name, at in PREFIXES.items())
    names = list(_by_source(report))
    links = (f" ;\n    sh:result <{iri}>" for iri, _ in names)
    return Pieces(head + mine.removesuffix(" .\n"), links, " .\n" + "".join(others), _results(names))


def _by_source(report: Report) -> Iterator[tuple[str, Result]]:
    """Yield the named results, one source after the other: no focus is in two of them."""
    for _, lines in groupby(sorted(report.by_line), key=lambda key: key[0]):
        yield from named(report.base, (result for key in lines for result in report.by_line[key]))


def _blocks(lines: Iterable[str]) -> Iterator[str]:
    """Yield N-Triples as one block a subject, subjects in the order in which they first come."""
    found: dict[str, list[str]] = {}
    for line in lines:
        found.setdefault(line.split(" ", 1)[0], []).append(line)
    for subject, several in found.items():
        yield f"\n{_short(subject)} " + JOINED.join(map(_fact, several)) + " .\n"


def _fact(line: str) -> str:
    _, predicate, rest = line.split(" ", 2)
    return f"{_short(predicate)} {_short(rest[:-3])}"


def _results(names: Iterable[tuple[str, Result]]) -> Iterator[str]:
    """Yield the blocks of results; what those of one rule have in common is written once."""
    common: dict[tuple[str, ...], tuple[str, str]] = {}
    for iri, result in names:
        key = result.shape, result.component, result.severity, result.path
        if key not in common:
            _, _, *facts, _ = map(_fact, result_triples("", result._replace(value="")))
            at = facts[0].startswith("sh:resultPath")
            common[key] = "".join(JOINED + fact for fact in facts[:at]), "".join(JOINED + fact for fact in facts[at:])
        path, rest = common[key]
        value = f"{JOINED}sh:value {_short(result.value)}" if result.value and not result.value.startswith("_:") else ""
        head = f"\n<{iri}> a sh:ValidationResult{JOINED}sh:focusNode <{result.focus}>"
        yield f"{head}{path}{value}{rest}{JOINED}dct:source <{result.record}> .\n"


def _short(term: str) -> str:
    """Return a term with a prefix where its local name needs no escaping."""
    if term == RDF_TYPE:
        return "a"
    head, mark, datatype = term.rpartition("^^")
    if mark and term.startswith('"'):
        return f"{head}^^{_short(datatype)}"
    if term.startswith("<"):
        for name, at in PREFIXES.items():
            local = term[1:-1].removeprefix(at)
            if local != term[1:-1] and local.replace("-", "").replace("_", "").isalnum() and local.isascii():
                return f"{name}:{local}"
    return term


def named(base: str, results: Iterable[Result]) -> Iterator[tuple[str, Result]]:
    """Yield (IRI, result). The IRI is made of rule and focus, so it stays while the fault stays, from release to release.

    Where one rule is broken more than once in one focus, the later ones (by component and value) bear a number.
    """
    seen: Counter[str] = Counter()
    for result in sorted(results, key=lambda one: (one.shape, one.focus, one.component, one.value)):
        focus = result.focus.removeprefix(f"{base}/")
        iri = f"{base}/report/result/{result.shape.removeprefix(BASE)}/{quote(focus, safe='/:~.-_')}"
        seen[iri] += 1
        yield iri if seen[iri] == 1 else f"{iri};{seen[iri]}", result


def result_triples(iri: str, result: Result) -> Iterator[str]:
    """Yield one sh:ValidationResult as N-Triples lines (https://www.w3.org/TR/shacl/#results-validation-result)."""
    yield _line(iri, RDF_TYPE, f"<{SH}ValidationResult>")
    yield _line(iri, f"<{SH}focusNode>", f"<{result.focus}>")
    if result.path and "<" not in result.path:
        yield _line(iri, f"<{SH}resultPath>", f"<{result.path}>")
    if result.value and not result.value.startswith("_:"):
        yield _line(iri, f"<{SH}value>", result.value)
    yield _line(iri, f"<{SH}sourceShape>", f"<{result.shape}>")
    component = f"{BASE}unreadable" if result.component == "Engine" else f"{SH}{result.component}ConstraintComponent"
    yield _line(iri, f"<{SH}sourceConstraintComponent>", f"<{component}>")
    yield _line(iri, f"<{SH}resultSeverity>", f"<{SH}{result.severity}>")
    for lang in sorted(result.messages):
        yield _line(iri, f"<{SH}resultMessage>", _text(result.messages[lang], lang))
    yield _line(iri, f"<{DCT}source>", f"<{result.record}>")


def _metric(iri: str, datatype: str, words: list[str]) -> Iterator[str]:
    yield _line(iri, RDF_TYPE, f"<{DQV}Metric>")
    yield _line(iri, f"<{DQV}expectedDataType>", f"<{XSD}{datatype}>")
    for term, (german, english) in (("prefLabel", words[:2]), ("definition", words[2:])):
        yield _line(iri, f"<{SKOS}{term}>", _text(german, "de"))
        yield _line(iri, f"<{SKOS}{term}>", _text(english, "en"))


def _measured(report: str, dataset: str, line: Line) -> Iterator[str]:
    """Yield a line of the report as measurements on the source: how often, and in which share of the objects."""
    about = f"{quote(line.source, safe='')}/{line.cls or 'other'}/{line.rule.iri.removeprefix(BASE)}"
    values = [("broken", _typed(str(line.times), "integer"))]
    if line.share is not None:
        values.append(("broken-share", _typed(f"{line.share:.6f}", "decimal")))
    for metric, value in values:
        iri = f"{report}/{metric}/{about}"
        yield _line(iri, RDF_TYPE, f"<{DQV}QualityMeasurement>")
        yield _line(iri, f"<{DQV}isMeasurementOf>", f"<{BASE}{metric}>")
        yield _line(iri, f"<{DQV}computedOn>", f"<{dataset}>")
        yield _line(iri, f"<{DCT}subject>", f"<{line.rule.iri}>")
        yield _line(iri, f"<{DQV}value>", value)
        yield _line(iri, f"<{DCT}isPartOf>", f"<{report}>")


def _line(subject: str, predicate: str, value: str) -> str:
    return f"<{subject}> {predicate} {value} .\n"


def _typed(text: str, datatype: str) -> str:
    return f'"{text}"^^<{XSD}{datatype}>'


def _text(text: str, lang: str) -> str:
    return f'"{text.translate(ESCAPES)}"@{lang}'
