"""The catalogue's triples as N-Triples, Turtle, RDF/XML and JSON-LD with its context inside, each the same bytes every time."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

import orjson

PREFIXES = {
    "adms": "http://www.w3.org/ns/adms#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcatap": "http://data.europa.eu/r5r/",
    "dcatde": "http://dcat-ap.de/def/dcatde/",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "hydra": "http://www.w3.org/ns/hydra/core#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "void": "http://rdfs.org/ns/void#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
XSD = PREFIXES["xsd"]


class Literal(NamedTuple):
    """A text with a language, or a value with a datatype."""

    value: str
    language: str = ""
    datatype: str = ""


class Triple(NamedTuple):
    """Subject and predicate are IRIs; the object is an IRI (str) or a Literal."""

    subject: str
    predicate: str
    object: str | Literal


@lru_cache(1000)
def term(name: str) -> str:
    """Return the IRI of a prefixed name: "dct:title". A name without a known prefix is an IRI already."""
    prefix, _, local = name.partition(":")
    return PREFIXES[prefix] + local if prefix in PREFIXES else name


@lru_cache(10_000)
def short(iri: str) -> str | None:
    """Return "dct:title" for an IRI of a known vocabulary whose local name every syntax can write, else None."""
    for prefix, space in PREFIXES.items():
        if iri.startswith(space) and re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", iri[len(space) :]):
            return f"{prefix}:{iri[len(space) :]}"
    return None


def _quoted(text: str) -> str:
    marks = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return '"' + re.sub(r'[\\"\n\r\t]', lambda hit: marks[hit[0]], text) + '"'


def _written(value: str | Literal, iri: Callable[[str], str]) -> str:
    if isinstance(value, str):
        return iri(value)
    if value.language:
        return f"{_quoted(value.value)}@{value.language}"
    return _quoted(value.value) + (f"^^{iri(value.datatype)}" if value.datatype else "")


def ordered(triples: Iterable[Triple]) -> list[Triple]:
    """Return the triples without repetitions, by subject, type first, then predicate and object."""
    return sorted(set(triples), key=lambda t: (t.subject, t.predicate != term("rdf:type"), t.predicate, _written(t.object, str)))


def ntriples(triples: Iterable[Triple]) -> bytes:
    """Return sorted N-Triples."""
    lines = (f"<{t.subject}> <{t.predicate}> {_written(t.object, lambda iri: f'<{iri}>')} .\n" for t in ordered(triples))
    return "".join(lines).encode()


def turtle(triples: Iterable[Triple]) -> bytes:
    """Return Turtle, one block a subject."""

    def name(iri: str) -> str:
        return "a" if iri == term("rdf:type") else short(iri) or f"<{iri}>"

    rows = ordered(triples)
    used = {space.partition(":")[0] for row in rows for iri in _iris(row) if (space := short(iri) or "")}
    head = "".join(f"@prefix {prefix}: <{space}> .\n" for prefix, space in PREFIXES.items() if prefix in used)
    blocks = [
        f"\n<{subject}> " + " ;\n    ".join(f"{name(t.predicate)} {_written(t.object, name)}" for t in group) + " .\n"
        for subject, group in groupby(rows, key=lambda t: t.subject)
    ]
    return (head + "".join(blocks)).encode()


def _iris(triple: Triple) -> tuple[str, ...]:
    value = triple.object
    return triple.predicate, value if isinstance(value, str) else value.datatype


def rdfxml(triples: Iterable[Triple]) -> bytes:
    """Return RDF/XML, one rdf:Description a subject. Every predicate must be of a known vocabulary."""
    spaces = "".join(f"\n  xmlns:{prefix}={quoteattr(space)}" for prefix, space in PREFIXES.items())
    out = [f'<?xml version="1.0" encoding="utf-8"?>\n<rdf:RDF{spaces}>\n']
    for subject, group in groupby(ordered(triples), key=lambda t: t.subject):
        out.append(f"<rdf:Description rdf:about={quoteattr(subject)}>\n")
        out += [f"  {_element(t)}\n" for t in group]
        out.append("</rdf:Description>\n")
    return "".join([*out, "</rdf:RDF>\n"]).encode()


def _element(triple: Triple) -> str:
    name, value = short(triple.predicate), triple.object
    if isinstance(value, str):
        return f"<{name} rdf:resource={quoteattr(value)}/>"
    mark = f" xml:lang={quoteattr(value.language)}" if value.language else ""
    mark += f" rdf:datatype={quoteattr(value.datatype)}" if value.datatype else ""
    return f"<{name}{mark}>{escape(value.value)}</{name}>"


def jsonld(triples: Iterable[Triple]) -> bytes:
    """Return JSON-LD whose context stands inside: harvesters must not fetch one more file."""
    nodes = []
    for subject, group in groupby(ordered(triples), key=lambda t: t.subject):
        node: dict[str, Any] = {"@id": subject}
        for t in group:
            if t.predicate == term("rdf:type"):
                node.setdefault("@type", []).append(short(str(t.object)) or str(t.object))
            else:
                node.setdefault(short(t.predicate) or t.predicate, []).append(_value(t.object))
        nodes.append({key: value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in node.items()})
    return orjson.dumps({"@context": PREFIXES, "@graph": nodes}, option=orjson.OPT_INDENT_2) + b"\n"


def _value(value: str | Literal) -> Any:
    if isinstance(value, str):
        return {"@id": value}
    if value.language:
        return {"@value": value.value, "@language": value.language}
    return {"@value": value.value, "@type": short(value.datatype) or value.datatype} if value.datatype else value.value


WRITERS: dict[str, Callable[[Iterable[Triple]], bytes]] = {"jsonld": jsonld, "ttl": turtle, "rdf": rdfxml, "nt": ntriples}
