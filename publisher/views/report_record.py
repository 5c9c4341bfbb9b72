"""What the report of a release says of one record: found by bisection, as plain values, JSON-LD and Turtle."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson

SH = "http://www.w3.org/ns/shacl#"
DCT = "http://purl.org/dc/terms/"
XSD = "http://www.w3.org/2001/XMLSchema#"
RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
SHAPES = "https://w3id.org/oparl-ld/shapes/1.0#"
TERM = re.compile(r'"(?P<text>.*)"(?:\^\^<(?P<type>[^>]+)>|@(?P<lang>[\w-]+))?', re.DOTALL)
ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
PLAIN = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
MARKS = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})
NODE = {"@type": "@id"}
CONTEXT: dict[str, Any] = {
    "sh": SH,
    "dct": DCT,
    "id": "@id",
    "type": "@type",
    "ValidationReport": "sh:ValidationReport",
    "ValidationResult": "sh:ValidationResult",
    "conforms": {"@id": "sh:conforms", "@type": f"{XSD}boolean"},
    "result": {"@id": "sh:result", "@container": "@set"},
    "resultMessage": {"@id": "sh:resultMessage", "@container": "@language"},
    "value": {"@id": "sh:value"},
    "subject": {"@id": "dct:subject", **NODE},
    "source": {"@id": "dct:source", **NODE},
    **{
        key: {"@id": f"sh:{key}", **NODE}
        for key in ("focusNode", "resultPath", "sourceShape", "resultSeverity", "sourceConstraintComponent")
    },
}


class Fault(NamedTuple):
    """One result: its lasting IRI, the broken rule as the report describes it, and where. value: a term in N-Triples syntax, or ""."""

    iri: str
    rule: Mapping[str, Any]
    focus: str
    record: str
    value: str
    component: str


def faults(path: Path, base: str, record: str, rules: Mapping[str, Mapping[str, Any]]) -> list[Fault]:
    """Return the results of a record, from the release's records.tsv at `path`; `rules`: name -> line of the report.

    Each IRI is made of rule and focus as in the report itself, so that it stays as long as the fault.
    """
    found = sorted(_line(path, record), key=lambda one: (one["rule"], one["focus"], one["component"], one["value"]))
    seen: Counter[str] = Counter()
    made = []
    for one in found:
        iri = f"{base}/report/result/{one['rule']}/{quote(one['focus'].removeprefix(f'{base}/'), safe='/:~.-_')}"
        seen[iri] += 1
        name = iri if seen[iri] == 1 else f"{iri};{seen[iri]}"
        made.append(Fault(name, rules[one["rule"]], one["focus"], record, one["value"], one["component"]))
    return made


def _line(path: Path, record: str) -> list[dict[str, str]]:
    """Return a record's line of a file that is sorted by record, [] where it has none or the file is missing."""
    if not path.is_file():
        return []
    key = record.encode()
    with path.open("rb") as file:

        def after(place: int) -> bytes:
            """Return the first line that begins at `place` or later."""
            file.seek(max(place - 1, 0))
            if place:
                file.readline()
            return file.readline()

        low, high = 0, path.stat().st_size
        while low < high:
            middle = (low + high) // 2
            line = after(middle)
            if line and line.partition(b"\t")[0] < key:
                low = middle + 1
            else:
                high = middle
        name, _, found = after(low).partition(b"\t")
    return list(orjson.loads(found)) if name == key else []


def text_of(value: str) -> str:
    """Return an N-Triples term as people read it: an IRI without brackets, a literal without quotes and datatype."""
    if literal := TERM.fullmatch(value):
        return _plain(literal["text"])
    return value.removeprefix("<").removesuffix(">")


def _plain(text: str) -> str:
    return ESCAPE.sub(lambda hit: chr(int(hit[1] or hit[2], 16)) if hit[1] or hit[2] else PLAIN.get(hit[3], hit[3]), text)


def json_ld(found: Iterable[Fault], about: str, iri: str) -> bytes:
    """Return results as JSON-LD: one sh:ValidationReport (`iri`) about a record (`about`)."""
    results = [_node(fault) for fault in found]
    head = {"@context": CONTEXT, "id": iri, "type": "ValidationReport", "subject": about, "conforms": not results}
    return orjson.dumps(head | {"result": results}, option=orjson.OPT_INDENT_2)


def _node(fault: Fault) -> dict[str, Any]:
    node = {"id": fault.iri, "type": "ValidationResult", "focusNode": fault.focus, "source": fault.record}
    if fault.rule["path"] and "<" not in fault.rule["path"]:
        node["resultPath"] = fault.rule["path"]
    if fault.value and not fault.value.startswith("_:"):
        node["value"] = _value(fault.value)
    return node | {
        "sourceShape": fault.rule["iri"],
        "sourceConstraintComponent": _component(fault),
        "resultSeverity": SH + fault.rule["severity"],
        "resultMessage": fault.rule["message"],
    }


def _component(fault: Fault) -> str:
    return f"{SHAPES}unreadable" if fault.component == "Engine" else f"{SH}{fault.component}ConstraintComponent"


def _value(term: str) -> Any:
    literal = TERM.fullmatch(term)
    if not literal:
        return {"id": text_of(term)}
    tail = {"@type": literal["type"]} if literal["type"] else {"@language": literal["lang"]} if literal["lang"] else {}
    return {"@value": _plain(literal["text"]), **tail} if tail else _plain(literal["text"])


def turtle(found: Iterable[Fault], about: str, iri: str) -> str:
    """Return the same as Turtle, a statement a line."""
    results = list(found)
    lines = [(iri, RDF_TYPE, f"<{SH}ValidationReport>"), (iri, f"{DCT}subject", f"<{about}>")]
    lines.append((iri, f"{SH}conforms", f'"{str(not results).lower()}"^^<{XSD}boolean>'))
    for fault in results:
        node = _node(fault)
        lines += [(iri, f"{SH}result", f"<{fault.iri}>"), (fault.iri, RDF_TYPE, f"<{SH}ValidationResult>")]
        lines += [
            (fault.iri, SH + key, f"<{node[key]}>")
            for key in ("focusNode", "resultPath", "sourceShape", "sourceConstraintComponent", "resultSeverity")
            if key in node
        ]
        if "value" in node:
            lines.append((fault.iri, f"{SH}value", fault.value))
        lines.append((fault.iri, f"{DCT}source", f"<{fault.record}>"))
        lines += [
            (fault.iri, f"{SH}resultMessage", f'"{text.translate(MARKS)}"@{lang}') for lang, text in sorted(fault.rule["message"].items())
        ]
    return "".join(f"<{subject}> <{predicate}> {value} .\n" for subject, predicate, value in lines)
