"""The vocabulary and its concepts as an instance publishes them: what a page shows, and the RDF that stands behind it."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

import pyoxigraph as ox

from publisher.concepts import SCHEMES
from publisher.config import project_file
from publisher.ontology import OPARLX, ontology
from publisher.record import CLASSES, SCHEMA

CONCEPTS = "https://w3id.org/oparl-ld/concept"
ONTOLOGY = OPARLX.rstrip("#")
OWN_CLASSES = ("PaperSection", "ResolutionProposal", "FinancialImpact")
SYNTAX = {
    "text/turtle": ox.RdfFormat.TURTLE,
    "application/ld+json": ox.RdfFormat.JSON_LD,
    "application/n-triples": ox.RdfFormat.N_TRIPLES,
    "application/rdf+xml": ox.RdfFormat.RDF_XML,
}
PREFIXES = {
    "adms": "http://www.w3.org/ns/adms#",
    "besluit": "http://data.vlaanderen.be/ns/besluit#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "ech": "https://ch.paf.link/schema/operations/",
    "eli": "http://data.europa.eu/eli/ontology#",
    "eli-dl": "http://data.europa.eu/eli/eli-draft-legislation-ontology#",
    "ep-statuses": "https://data.europarl.europa.eu/def/ep-statuses/",
    "epvoc": "https://data.europarl.europa.eu/def/epvoc#",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "locn": "http://www.w3.org/ns/locn#",
    "m8g": "http://data.europa.eu/m8g/",
    "mandaat": "http://data.vlaanderen.be/ns/mandaat#",
    "oparl": SCHEMA,
    "oparlx": OPARLX,
    "opengov": "http://www.w3.org/ns/opengov#",
    "org": "http://www.w3.org/ns/org#",
    "owl": "http://www.w3.org/2002/07/owl#",
    "prov": "http://www.w3.org/ns/prov#",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "schema": "http://schema.org/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
PREFIX_OF = sorted(((iri, name) for name, iri in PREFIXES.items()), key=lambda pair: -len(pair[0]))


class Row(NamedTuple):
    """One key of a class: the property it means, what stands there, and what else follows from it."""

    iri: str
    key: str
    property: str
    value: str
    many: bool
    required: bool
    embedded: bool
    external: bool
    inverse: bool
    implies: tuple[str, ...]


class Entry(NamedTuple):
    """A thing of the vocabulary: labels and definitions by language, and property -> values for all else, as IRIs or text."""

    iri: str
    name: str
    labels: dict[str, str]
    comments: dict[str, str]
    facts: dict[str, tuple[str, ...]]

    def all(self, name: str) -> tuple[str, ...]:
        """Return the values of a property given as "rdfs:range"."""
        return self.facts.get(name, ())


def curie(iri: str) -> str:
    """Return an IRI with its usual prefix, as it is where none is known."""
    return next((f"{name}:{iri[len(stem) :]}" for stem, name in PREFIX_OF if iri.startswith(stem) and len(iri) > len(stem)), iri)


@cache
def _triples() -> tuple[ox.Triple, ...]:
    path = project_file("ontology", "oparl.ttl")
    return tuple(ox.Triple(quad.subject, quad.predicate, quad.object) for quad in ox.parse(path=str(path), format=ox.RdfFormat.TURTLE))


@cache
def _concept_triples(base: str) -> tuple[ox.Triple, ...]:
    made = []
    for scheme in SCHEMES:
        text = project_file("ontology", "concepts", f"{scheme}.ttl").read_text("utf-8")
        head = f"@base <{base}/> .\n" + text.partition("\n")[2]
        made += [ox.Triple(quad.subject, quad.predicate, quad.object) for quad in ox.parse(head, format=ox.RdfFormat.TURTLE)]
    return tuple(made)


@cache
def vocabulary() -> dict[str, Entry]:
    """Return every term that the ontology describes, by IRI."""
    return _entries(_triples())


@cache
def concept_entries(base: str) -> dict[str, Entry]:
    """Return every scheme and concept of an instance, by IRI."""
    return _entries(_concept_triples(base))


def _entries(triples: Iterable[ox.Triple]) -> dict[str, Entry]:
    said: dict[str, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for triple in triples:
        said[_text(triple.subject)][curie(triple.predicate.value)].append(triple.object)
    return {iri: _entry(iri, facts) for iri, facts in said.items()}


def _entry(iri: str, said: dict[str, list[Any]]) -> Entry:
    labels = _by_language(said.get("rdfs:label") or said.get("skos:prefLabel") or said.get("dct:title") or [])
    comments = _by_language(said.get("rdfs:comment") or said.get("skos:definition") or said.get("dct:description") or [])
    return Entry(iri, curie(iri), labels, comments, {name: tuple(map(_text, values)) for name, values in said.items()})


def _by_language(literals: Iterable[Any]) -> dict[str, str]:
    return {literal.language or "de": literal.value for literal in literals}


def _text(term: Any) -> str:
    return str(term.value)


@cache
def rows(cls: str) -> tuple[Row, ...]:
    """Return the keys of a class in the order of the ontology; `cls` is its IRI."""
    uses = (entry for entry in vocabulary().values() if entry.all("oparlx:onClass") == (cls,))
    return tuple(_row(entry) for entry in uses)


def _row(entry: Entry) -> Row:
    def is_so(name: str) -> bool:
        return entry.all(name) == ("true",)

    meant = entry.all("oparlx:onProperty")[0]
    value = entry.all("oparlx:valueClass") or _datatype(entry)
    return Row(
        entry.iri,
        entry.all("oparlx:key")[0],
        meant,
        value[0] if value else "",
        many=not entry.all("oparlx:maxCount"),
        required=entry.all("oparlx:minCount") == ("1",),
        embedded=is_so("oparlx:embedded"),
        external=is_so("oparlx:list"),
        inverse=is_so("oparlx:inverse"),
        implies=entry.all("oparlx:implies"),
    )


def _datatype(entry: Entry) -> tuple[str, ...]:
    use = ontology().uses[entry.all("oparlx:onClass")[0]][entry.all("oparlx:key")[0]]
    return {
        "lang": (PREFIXES["rdf"] + "langString",),
        "plain": (PREFIXES["xsd"] + "string",),
        "json": (PREFIXES["rdf"] + "JSON",),
        "typed": (use.datatype,),
    }.get(use.kind, ("IRI",))


def classes() -> list[Entry]:
    """Return the classes of OParl and our own in the order in which OParl introduces them."""
    return [vocabulary()[SCHEMA + name] for name in CLASSES] + [vocabulary()[OPARLX + name] for name in OWN_CLASSES]


def properties() -> list[Entry]:
    """Return all properties, OParl's first, each part sorted by name."""
    found = [entry for entry in vocabulary().values() if PREFIXES["rdf"] + "Property" in entry.all("rdf:type")]
    return sorted(found, key=lambda entry: (not entry.iri.startswith(SCHEMA), entry.iri.casefold()))


def term(name: str) -> Entry | None:
    """Return the term that the last part of its address names: "section", "Paper.mainFile", "oparl:number"; ours before OParl's."""
    prefix, colon, local = name.partition(":")
    if colon and prefix in ("oparl", "oparlx"):
        return vocabulary().get(PREFIXES[prefix] + local)
    return vocabulary().get(OPARLX + name) or vocabulary().get(SCHEMA + name)


def written(media: str, base: str, *, subject: str = "", concepts: bool = False) -> bytes:
    """Return the ontology, the concepts, or what they say of one subject, in a media type of SYNTAX."""
    triples = _concept_triples(base) if concepts else _triples()
    if subject:
        inside = (subject + "/",) if concepts and subject.count("/") == base.count("/") + 2 else ()
        triples = tuple(one for one in triples if _text(one.subject) == subject or _text(one.subject).startswith(inside))
    if media == "text/turtle":
        return turtle(triples)
    return ox.serialize(triples, format=SYNTAX[media]) or b""


def turtle(triples: Iterable[ox.Triple]) -> bytes:
    """Return Turtle with the prefixes that occur, sorted: the engine writes all of them, in any order."""
    text = (ox.serialize(triples, format=ox.RdfFormat.TURTLE, prefixes=PREFIXES) or b"").decode()
    lines = text.split("\n")
    body = "\n".join(line for line in lines if not line.startswith("@prefix "))
    heads = sorted(line for line in lines if line.startswith("@prefix ") and f"{line.split()[1]}" in body)
    return "\n".join((*heads, "", body)).encode()


def uses_of(iri: str) -> list[Entry]:
    """Return the uses of a property in its classes."""
    return [entry for entry in vocabulary().values() if entry.all("oparlx:onProperty") == (iri,)]


def graphs(base: str) -> list[tuple[str, bytes]]:
    """Return the named graphs {base}/ontology and {base}/concept as (IRI, N-Quads), so that queries find labels and matches."""
    return [
        (f"{base}{place}", _in_graph(triples, f"{base}{place}"))
        for place, triples in (("/ontology", _triples()), ("/concept", _concept_triples(base)))
    ]


def _in_graph(triples: Iterable[ox.Triple], graph: str) -> bytes:
    quads = (ox.Quad(one.subject, one.predicate, one.object, ox.NamedNode(graph)) for one in triples)
    return ox.serialize(quads, format=ox.RdfFormat.N_QUADS) or b""
