"""What the derived layer says of one node that it minted: a process, a decision, an expression, an address."""

import re
from collections.abc import Iterable
from itertools import chain
from typing import Any, NamedTuple

import pyoxigraph as ox

from publisher.concepts import Concepts
from publisher.graph.eli import derived
from publisher.graph.facts import Lookup
from publisher.graph.sections import told
from publisher.graph.vocabulary import SYNTAX, curie, turtle

MINTED = re.compile(
    r"(.+?)/(?:(?:verfahren|zeitraum|anschrift|geometrie|ags|rgs)|(?:niederschrift|wortprotokoll|einladung)(?:/deu)?|deu|beschluss/[^/]+|betrag/[^/]+)"
)


class Fact(NamedTuple):
    """One thing said of a node: the property's IRI and usual short name, and the value, an IRI or a text."""

    property: str
    name: str
    value: str
    is_iri: bool


def owner_of(iri: str) -> str | None:
    """Return the IRI of the record or part from which a node of this IRI would be derived; None if we mint no such IRI."""
    found = MINTED.fullmatch(iri)
    return found[1] if found else None


def facts(iri: str, obj: dict[str, Any], lookup: Lookup, known: Concepts) -> list[Fact]:
    """Return what the layer of the record `obj` says of `iri`, types first; empty if it minted no such node."""
    return sorted(
        (_fact(triple) for triple in _triples(iri, obj, lookup, known)),
        key=lambda fact: (fact.name != "rdf:type", fact.name, fact.value),
    )


def written(media: str, iri: str, obj: dict[str, Any], lookup: Lookup, known: Concepts) -> bytes:
    """Return the same as RDF, in a media type of SYNTAX."""
    triples = sorted(_triples(iri, obj, lookup, known), key=str)
    return turtle(triples) if media == "text/turtle" else ox.serialize(triples, format=SYNTAX[media]) or b""


def _triples(iri: str, obj: dict[str, Any], lookup: Lookup, known: Concepts) -> Iterable[ox.Triple]:
    head = f"<{iri}> "
    lines = "".join(line for line in chain(derived(obj, lookup, known), told(obj, known)) if line.startswith(head))
    return {ox.Triple(quad.subject, quad.predicate, quad.object) for quad in ox.parse(lines, format=ox.RdfFormat.N_QUADS)}


def _fact(triple: ox.Triple) -> Fact:
    value: Any = triple.object
    return Fact(triple.predicate.value, curie(triple.predicate.value), str(value.value), isinstance(value, ox.NamedNode))
