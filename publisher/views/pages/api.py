"""The HTTP interface described for programs (OpenAPI 3.1) and for people, with examples that work as they stand."""

import re
from typing import Any, NamedTuple

import orjson
from flask import Response, current_app

from publisher import __version__
from publisher.views.answers import validated
from publisher.views.pages.frame import blueprint, language, reader, remembered, shown, site

JSON, LD, TTL, NT, RDF = "application/json", "application/ld+json", "text/turtle", "application/n-triples", "application/rdf+xml"
ATOM, ICS, HTML, CSV, NQ = "application/atom+xml", "text/calendar", "text/html", "text/csv", "application/n-quads"
RESULTS = ("application/sparql-results+json", "application/sparql-results+xml", CSV, "text/tab-separated-values")
RECORD = (LD, TTL, NT, RDF, NQ, JSON, HTML)


class Parameter(NamedTuple):
    """One parameter: name, where it stands (path or query), German and English meaning, an example."""

    name: str
    place: str
    german: str
    english: str
    example: str = ""
    kind: str = "string"


class Way(NamedTuple):
    """One way to ask: path as OpenAPI writes it, what it gives in German and English, media types, parameters, an example.

    accept: the media type that the example asks for. The words {paper}, {body} ... in an example are a record of this instance.
    """

    path: str
    german: str
    english: str
    media: tuple[str, ...]
    parameters: tuple[Parameter, ...] = ()
    example: str = ""
    accept: str = ""


JURISDICTION = Parameter("jurisdiction", "path", "Regional- oder Gemeindeschlüssel", "regional or municipal key", "05999004")
KEY = Parameter("key", "path", "Schlüssel des Datensatzes", "key of the record", "1")
BODY = Parameter("body", "query", "IRI einer Körperschaft", "IRI of a body")
COMMITTEE = Parameter("organization", "query", "IRI eines Gremiums", "IRI of a committee")
Q = Parameter("q", "query", "Suchwörter", "words to search for", "Haushalt")
TIMES = tuple(
    Parameter(name, "query", "RFC 3339 mit Zeitzone", "RFC 3339 with a time zone", "2021-01-01T00:00:00+01:00")
    for name in ("created_since", "created_until", "modified_since", "modified_until")
)
LIMIT = Parameter("limit", "query", "Objekte je Seite", "objects a page", "100", "integer")
WAYS = (
    Way(
        "/eli/dl/{jurisdiction}/{class}/{key}",
        "Vorlage, Sitzung, TOP oder Beratung",
        "paper, meeting, agenda item or consultation",
        RECORD,
        (JURISDICTION, Parameter("class", "path", "vorlage, sitzung, top, beratung", "vorlage, sitzung, top, beratung", "vorlage"), KEY),
        "{paper}",
        TTL,
    ),
    Way(
        "/eli/dl/{jurisdiction}/vorlage",
        "Vorlage nach ihrer Nummer (leitet weiter)",
        "paper by its number (redirects)",
        (JSON,),
        (JURISDICTION, Parameter("reference", "query", "Nummer der Vorlage", "number of the paper", "2021/0268")),
        "{reference}",
    ),
    Way(
        "/id/{jurisdiction}/{class}/{key}",
        "Gremium, Person, Datei, Ort, Mitgliedschaft, Wahlperiode",
        "organization, person, file, location, membership, legislative term",
        RECORD,
        (JURISDICTION, Parameter("class", "path", "organization, person, file ...", "organization, person, file ...", "person"), KEY),
        "{person}",
        LD,
    ),
    Way("/id/{jurisdiction}", "Körperschaft", "body", RECORD, (JURISDICTION,), "{body}", JSON),
    Way(
        "/id/{jurisdiction}/{list}",
        "Liste nach OParl 1.1, weiter mit links.next",
        "list as in OParl 1.1, go on with links.next",
        (LD, JSON),
        (JURISDICTION, Parameter("list", "path", "paper, meeting, person, organization ...", "the same", "paper"), *TIMES, LIMIT),
        "{body}/paper?limit=2",
        JSON,
    ),
    Way("/oparl/system", "Einstieg für OParl", "entry for OParl clients", (LD, JSON), (), "/oparl/system", JSON),
    Way("/oparl/body", "Liste der Körperschaften", "list of bodies", (LD, JSON), (), "/oparl/body", JSON),
    Way(
        "/sparql",
        "SPARQL-1.1-Abfrage, nur lesend",
        "SPARQL 1.1 query, read only",
        (*RESULTS, TTL, NT, LD, RDF),
        (
            Parameter("query", "query", "Abfrage", "query", "ASK { ?s ?p ?o }"),
            Parameter("format", "query", "json, csv, ttl ...", "json, csv, ttl ..."),
        ),
        "/sparql?query=SELECT%20%3Fp%20WHERE%20%7B%3Fp%20a%20%3Chttps%3A%2F%2Fschema.oparl.org%2F1.1%2FPaper%3E%7D%20LIMIT%203",
        CSV,
    ),
    Way(
        "/search",
        "Volltextsuche",
        "full text search",
        (HTML, JSON),
        (
            Q,
            Parameter("type", "query", "Klasse, z. B. Paper", "class such as Paper", "Paper"),
            BODY,
            COMMITTEE,
            Parameter("year", "query", "Jahr", "year", "2021"),
            Parameter("result", "query", "Wort eines Ergebnisses", "word of a result", "abgelehnt"),
            Parameter("page", "query", "Seite, ab 1", "page, from 1", "1", "integer"),
        ),
        "/search?q=rat&format=json",
        JSON,
    ),
    Way("/feed.atom", "Neues als Atom-Feed", "what is new as an Atom feed", (ATOM,), (Q, BODY, COMMITTEE), "/feed.atom"),
    Way("/calendar.ics", "Sitzungen als Kalender", "meetings as a calendar", (ICS,), (BODY, COMMITTEE), "/calendar.ics"),
    Way("/catalog", "Katalog nach DCAT-AP.de", "catalogue as DCAT-AP.de", (LD, TTL, RDF, NT, HTML)),
    Way("/stream", "Ereignisstrom (LDES) aller Änderungen", "event stream (LDES) of all changes", (LD, NQ), (), "/stream", LD),
    Way("/dumps", "Verzeichnis der Gesamtabzüge", "list of the dumps", (JSON, HTML), (), "/dumps", JSON),
    Way("/ontology", "Vokabular", "vocabulary", (TTL, LD, NT, RDF, HTML), (), "/ontology", TTL),
    Way(
        "/lookup",
        "Unsere IRI zu einer Adresse des Originals",
        "our IRI for an address of the original",
        (JSON,),
        (Parameter("uri", "query", "Adresse des Originals", "address of the original"),),
    ),
    Way("/status/report.json", "Prüfbericht der Ausgabe", "quality report of the release", (JSON,), (), "/status/report.json"),
    Way(
        "/.well-known/void",
        "Beschreibung des Datensatzes (VoID)",
        "description of the dataset (VoID)",
        (TTL, LD, NT, RDF),
        (),
        "/.well-known/void",
        TTL,
    ),
)


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Answer with the interface as OpenAPI 3.1."""
    return validated(Response(orjson.dumps(document(), option=orjson.OPT_INDENT_2), mimetype="application/json"), f"openapi-{__version__}")


@blueprint.get("/api")
def api() -> Response:
    """Answer with the interface as a page, each way with an example to copy."""
    lang = language()
    rows = [(way, way.english if lang == "en" else way.german, curl(way)) for way in WAYS]
    return shown("api.html", rows=rows)


def document() -> dict[str, Any]:
    """Return the description as OpenAPI 3.1 wants it (OAS 3.1.0, 4.8)."""
    base = current_app.config["BASE"]
    return {
        "openapi": "3.1.0",
        "info": {"title": site().name["en"], "version": __version__, "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"}},
        "servers": [{"url": base}],
        "paths": {way.path: {"get": _operation(way)} for way in WAYS},
        "components": {"schemas": {"Problem": PROBLEM}},
    }


PROBLEM = {
    "type": "object",
    "required": ["title", "status"],
    "properties": {"type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"}},
}


def _operation(way: Way) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "operationId": re.sub(r"\W+", "_", way.path).strip("_"),
        "summary": way.english,
        "description": way.german,
        "parameters": [_parameter(one) for one in way.parameters],
        "responses": {
            "200": {"description": way.english, "content": {media: {} for media in way.media}},
            "default": {"description": "problem details (RFC 9457)", "content": problem},
        },
    }


def _parameter(one: Parameter) -> dict[str, Any]:
    made = {"name": one.name, "in": one.place, "required": one.place == "path", "description": one.english, "schema": {"type": one.kind}}
    example = int(one.example) if one.kind == "integer" else one.example
    return made | ({"example": example} if one.example else {})


def curl(way: Way) -> str:
    """Return a command that works as it stands on this instance; "" where it would need what this instance lacks."""
    named = remembered(("named",), _named)
    example = way.example
    for word, path in named.items():
        example = example.replace(f"{{{word}}}", path)
    if not example or "{" in example:
        return ""
    accept = f' -H "Accept: {way.accept}"' if way.accept else ""
    return f'curl -L{accept} "{current_app.config["BASE"]}{example}"'


def _named() -> dict[str, str]:
    """Return the path of one record of each class that examples speak of."""
    source = reader()
    newest = {word: source.latest(name, 1) for word, name in (("paper", "Paper"), ("person", "Person"), ("body", "Body"))}
    found = {word: one[0].iri.removeprefix(source.base) for word, one in newest.items() if one}
    for one in source.latest("Paper", 20):
        if reference := orjson.loads(one.json).get("reference"):
            stem = one.iri.removeprefix(source.base).rpartition("/")[0]
            if re.fullmatch(r"[\w./-]+", reference) and len(source.by_reference(stem.split("/")[3], reference)) == 1:
                return found | {"reference": f"{stem}?reference={reference}"}
    return found
