"""Nodes of the derived layer at their own IRIs: whoever follows a process or a decision in a query's answer finds it."""

from hashlib import sha256
from typing import Any

import orjson
from flask import Response, request

from publisher.concepts import concepts
from publisher.graph import nodes
from publisher.graph.vocabulary import SYNTAX, curie
from publisher.journal.reader import Found, Reader
from publisher.ontology import ontology
from publisher.views.answers import negotiated, problem, validated
from publisher.views.pages.frame import language, shown

MEDIA = {
    "ttl": "text/turtle",
    "jsonld": "application/ld+json",
    "nt": "application/n-triples",
    "rdf": "application/rdf+xml",
    "html": "text/html",
}


def answered(reader: Reader, iri: str) -> Response | None:
    """Return what is said of a node that we derived, None if `iri` is no such node.

    The record it comes from is named by rel=describedby.
    """
    stem, dot, suffix = iri.rpartition(".")
    name, media = (stem, MEDIA[suffix]) if dot and suffix in MEDIA else (iri, "")
    record = _record(reader, name)
    if record is None:
        return None
    obj, known = orjson.loads(record.json), concepts(reader.base)
    said = nodes.facts(name, obj, _Served(reader), known)
    if not said:
        return None
    media = media or negotiated(request.headers.get("Accept"), list(MEDIA.values())) or ""
    if not media:
        return problem(406, "Kein passendes Format / not acceptable", f"Angeboten / offered: {', '.join(MEDIA.values())}")
    if media in SYNTAX:
        response = Response(nodes.written(media, name, obj, _Served(reader), known), mimetype=media)
        response.headers["Vary"] = "Accept, Accept-Encoding"
    else:
        response = shown("node.html", iri=name, record=record.iri, title=_title(said), rows=_rows(said), formats_of=list(MEDIA)[:-1])
    ends = ", ".join(f'<{name}.{end}>; rel="alternate"; type="{one}"' for end, one in MEDIA.items() if one != media)
    response.headers["Link"] = f'{ends}, <{record.iri}>; rel="describedby"'
    return validated(response, sha256(response.get_data()).hexdigest()[:32])


def _record(reader: Reader, iri: str) -> Found | None:
    owner = nodes.owner_of(iri)
    part = reader.get(owner) if owner else None
    found = reader.get(part.owner) if part and part.owner != part.iri else part
    return None if found is None or found.deleted else found


class _Served:
    """Other records and parts of the release by IRI."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def __call__(self, iri: str) -> dict[str, Any] | None:
        found = self.reader.get(iri)
        return orjson.loads(found.json) if found else None


def _title(said: list[nodes.Fact]) -> str:
    titles = [one.value for one in said if one.name in ("eli:title", "eli-dl:process_title")]
    return titles[0] if titles else ", ".join(one.value.rsplit("#", 1)[-1].rsplit("/", 1)[-1] for one in said if one.name == "rdf:type")


def _rows(said: list[nodes.Fact]) -> list[tuple[str, list[tuple[str, bool]]]]:
    """Return for each property its label, or its short name where the ontology has none, and its values: text, whether an IRI."""
    lang = language()
    rows: dict[str, list[tuple[str, bool]]] = {}
    for one in said:
        known = ontology().labels.get(one.property)
        rows.setdefault(ontology().label(one.property, lang) if known else curie(one.property), []).append((one.value, one.is_iri))
    return list(rows.items())
