"""What each address of the HTTP interface takes and gives: interface.csv, from which its description is made."""

import csv
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

MEDIA = {
    "json": "application/json",
    "jsonld": "application/ld+json",
    "ttl": "text/turtle",
    "nt": "application/n-triples",
    "nq": "application/n-quads",
    "rdf": "application/rdf+xml",
    "html": "text/html",
    "csv": "text/csv",
    "txt": "text/plain",
    "xml": "application/xml",
    "ics": "text/calendar",
    "atom": "application/atom+xml",
}
TAGS = {
    "records": ("Datensätze", "Records"),
    "oparl": ("OParl 1.1", "OParl 1.1"),
    "sparql": ("Abfragen", "Queries"),
    "feeds": ("Änderungen, Abzüge, Kalender", "Changes, dumps, calendars"),
    "catalog": ("Katalog", "Catalogue"),
    "ontology": ("Vokabular", "Vocabulary"),
    "report": ("Prüfbericht", "Quality report"),
    "reconcile": ("Abgleich", "Reconciliation"),
    "pages": ("Seiten für Menschen", "Pages for people"),
    "operation": ("Betrieb", "Operation"),
}

IRI = {"type": "string", "format": "iri"}
TEXT_OF = {"type": "string"}
NUMBER = {"type": "integer", "minimum": 0}
MOMENT = {"type": "string", "format": "date-time"}
QUERY: dict[str, tuple[str, str, dict[str, Any]]] = {
    "body": ("IRI einer Körperschaft", "IRI of a body", IRI),
    "organization": ("IRI eines Gremiums", "IRI of a committee", IRI),
    "location": ("IRI eines Orts", "IRI of a place", IRI),
    "meeting": ("IRI einer Sitzung", "IRI of a meeting", IRI),
    "iri": ("IRI eines Datensatzes", "IRI of a record", IRI),
    "uri": ("Adresse des Originals", "address of the original", {"type": "string"}),
    "q": ("Suchwörter", "words to search for", TEXT_OF),
    "type": ("Klasse, z. B. Paper", "class such as Paper", TEXT_OF),
    "year": ("Jahr", "year", TEXT_OF),
    "result": ("Art des Ergebnisses", "kind of result", TEXT_OF),
    "page": ("Seite, ab 1", "page, from 1", {"type": "integer", "minimum": 1, "maximum": 999_999}),
    "format": ("Format, z. B. json", "format such as json", TEXT_OF),
    "lang": ("Sprache der Seite", "language of the page", {"type": "string", "enum": ["de", "en"]}),
    "month": ("Monat, z. B. 2021-06", "month such as 2021-06", {"type": "string", "pattern": r"^\d{4}-\d{2}$"}),
    "reference": ("Nummer der Vorlage", "number of the paper", TEXT_OF),
    "context": ("„inline“ schreibt den Kontext ins Dokument", '"inline" writes the context into the document', {"type": "string"}),
    "query": ("Abfrage in SPARQL 1.1", "query in SPARQL 1.1", TEXT_OF),
    "default-graph-uri": ("Vorgabegraph", "default graph", IRI),
    "named-graph-uri": ("benannter Graph", "named graph", IRI),
    "example": ("Name einer Beispielabfrage", "name of an example query", TEXT_OF),
    "created_since": ("angelegt seit", "created since", MOMENT),
    "created_until": ("angelegt bis", "created until", MOMENT),
    "modified_since": ("geändert seit; auch Gelöschtes", "modified since; deleted ones too", MOMENT),
    "modified_until": ("geändert bis", "modified until", MOMENT),
    "limit": ("Zahl der Objekte, 1 bis 1000", "number of objects, 1 to 1000", {"type": "integer", "minimum": 1, "maximum": 999_999_999}),
    "omit_internal": ("Eingebettete Listen weglassen", "leave out embedded lists", {"type": "boolean"}),
    "after": ("Lesezeichen aus links.next", "bookmark from links.next", TEXT_OF),
    "from": ("ab diesem", "from this one on", NUMBER),
    "to": ("bis zu diesem", "up to this one", NUMBER),
    "rule": ("Name einer Regel: die Seite zeigt deren Einzelfälle", "name of a rule: the page shows its single cases", TEXT_OF),
    "release": ("mindestens dieser Stand", "at least this release", NUMBER),
    "queries": ("Stapel von Anfragen als JSON", "batch of queries as JSON", TEXT_OF),
    "extend": ("gewünschte Eigenschaften als JSON", "wanted properties as JSON", TEXT_OF),
    "prefix": ("Anfang des Namens", "beginning of the name", TEXT_OF),
    "cursor": ("ab diesem Treffer", "from this hit on", NUMBER),
    "id": ("Schlüssel eines Dings", "key of a thing", TEXT_OF),
}


class Way(NamedTuple):
    """One address: its part of the interface, what it gives in German, media types, query parameters, further statuses.

    example: a path that works on this instance, with the words of `interface.words` in braces; accept: what to ask it for.
    """

    tag: str
    german: str
    media: tuple[str, ...]
    query: tuple[str, ...]
    statuses: tuple[int, ...]
    example: str
    accept: str


@cache
def ways() -> dict[str, Way]:
    """Return shape of a path ("/stream/{}/{}") -> what it takes and gives."""
    with Path(__file__).with_name("interface.csv").open(encoding="utf-8", newline="") as file:
        return {row["path"]: _way(row) for row in csv.DictReader(file)}


def _way(row: dict[str, str]) -> Way:
    media = tuple(MEDIA.get(name, name) for name in row["media"].split())
    statuses = tuple(int(status) for status in row["statuses"].split())
    return Way(row["tag"], row["german"], media, tuple(row["query"].split()), statuses, row["example"], MEDIA.get(row["accept"], ""))
