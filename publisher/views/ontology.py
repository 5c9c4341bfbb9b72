"""The vocabulary at /ontology and its concepts at /concept, as pages and as RDF; the context and the frames, which never change."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, redirect, request
from markupsafe import Markup
from werkzeug.wrappers import Response as Answer

from publisher.concepts import SCHEMES
from publisher.config import project_file
from publisher.graph import vocabulary as said
from publisher.ontology import VERSION
from publisher.record import CLASSES
from publisher.views.answers import negotiated, problem, validated
from publisher.views.diagram import diagram
from publisher.views.pages.frame import language, place_of, shown

blueprint = Blueprint("ontology", __name__)

SUFFIXES = {
    "ttl": "text/turtle",
    "jsonld": "application/ld+json",
    "nt": "application/n-triples",
    "rdf": "application/rdf+xml",
    "html": "text/html",
}
A_YEAR = 31_536_000
WORDS = {
    "title": ("Vokabular für Ratsunterlagen", "Vocabulary for council records"),
    "lead": (
        "Die Begriffe, mit denen diese Daten beschrieben sind: OParl 1.1 als RDF, angebunden an ELI-DL, ORG, FOAF, schema.org und PROV.",
        "The terms by which these data are described: OParl 1.1 as RDF, connected to ELI-DL, ORG, FOAF, schema.org and PROV.",
    ),
    "registered": (
        "Der Namensraum w3id.org/oparl-ld ist noch nicht eingetragen; bis dahin führen die Adressen hier zu den Definitionen.",
        "The namespace w3id.org/oparl-ld is not registered yet; until then the addresses here lead to the definitions.",
    ),
    "downloads": ("Zum Herunterladen", "Downloads"),
    "context": ("JSON-LD-Kontext, unveränderlich", "JSON-LD context, immutable"),
    "frames": ("Rahmen (JSON-LD Framing)", "Frames (JSON-LD framing)"),
    "diagram": ("Klassen und wie sie aufeinander verweisen", "Classes and how they refer to each other"),
    "classes": ("Klassen", "Classes"),
    "properties": ("Eigenschaften", "Properties"),
    "schemes": ("Begriffslisten", "Concept schemes"),
    "concepts": ("Begriffe", "Concepts"),
    "key": ("Schlüssel", "Key"),
    "meaning": ("Bedeutung", "Meaning"),
    "value": ("Wert", "Value"),
    "often": ("Anzahl", "How many"),
    "also": ("sagt zugleich", "also says"),
    "example": ("Beispiel", "Example"),
    "term": ("Begriff", "Term"),
    "definition": ("Definition", "Definition"),
    "embedded": ("eingebettet", "embedded"),
    "external": ("Adresse einer Liste", "address of a list"),
    "inverse": ("Rückverweis", "back reference"),
    "spellings": ("auch geschrieben", "also written"),
    "skos:broader": ("Oberbegriff", "broader"),
    "skos:exactMatch": ("gleichbedeutend", "exact match"),
    "decides": ("ist eine Entscheidung", "is a decision"),
    "decides_not": ("ist keine Entscheidung", "is no decision"),
    "used_in": ("Verwendet in", "Used in"),
    "rdfs:subClassOf": ("Unterklasse von", "subclass of"),
    "rdfs:subPropertyOf": ("Untereigenschaft von", "subproperty of"),
    "rdfs:domain": ("steht bei", "stands at"),
    "rdfs:range": ("Wert", "value"),
    "schema:domainIncludes": ("steht bei", "stands at"),
    "schema:rangeIncludes": ("Wert", "value"),
    "skos:closeMatch": ("ähnlich", "close match"),
    "owl:equivalentClass": ("gleichbedeutend", "equivalent"),
    "owl:equivalentProperty": ("gleichbedeutend", "equivalent"),
    "owl:inverseOf": ("Umkehrung von", "inverse of"),
    "oparlx:onClass": ("in Klasse", "on class"),
    "oparlx:onProperty": ("meint", "means"),
    "oparlx:key": ("Schlüssel", "key"),
    "oparlx:valueClass": ("Klasse des Werts", "value class"),
    "oparlx:implies": ("sagt zugleich", "also says"),
    "oparlx:impliesInverse": ("sagt umgekehrt", "says inversely"),
    "oparlx:minCount": ("mindestens", "at least"),
    "oparlx:maxCount": ("höchstens", "at most"),
}
FACTS = tuple(name for name in WORDS if ":" in name)


@blueprint.get("/ontology")
@blueprint.get("/ontology.<any(ttl, jsonld, nt, rdf, html):suffix>")
def ontology(suffix: str = "") -> Response:
    """Answer with the whole vocabulary, as a page or as RDF."""
    return _answer("/ontology", suffix, "", "ontology.html", concepts=False)


@blueprint.get("/ontology/context.jsonld")
def newest_context() -> Answer:
    """Lead to the context in force, whose own address never changes its content."""
    return redirect(f"{_base()}/ontology/context/{VERSION}.jsonld", 302)


@blueprint.get("/ontology/context/<version>.jsonld")
def context(version: str) -> Response:
    """Answer with the JSON-LD context, which may be kept for ever (JSON-LD 1.1, 6.1; OParl forbids nothing here)."""
    if version != VERSION:
        return _missing(f"Kontext {version}; es gibt {VERSION} / there is {VERSION}")
    return _lasting(project_file("ontology", "context.jsonld").read_bytes())


@blueprint.get("/ontology/frames/<name>.jsonld")
def frame(name: str) -> Response:
    """Answer with the frame of a class, with our context."""
    if name not in CLASSES:
        return _missing(f"Rahmen {name}; es gibt / there are: {', '.join(CLASSES)}")
    found = orjson.loads(project_file("ontology", "frames", f"{name}.jsonld").read_bytes())
    address = f"{_base()}/ontology/context/{VERSION}.jsonld"
    return _lasting(orjson.dumps({"@context": address, **found}, option=orjson.OPT_INDENT_2))


@blueprint.get("/ontology/<name>")
def term(name: str) -> Response:
    """Answer with one term: "section", "Paper.mainFile", "oparl:number", or any of them with a suffix."""
    stem, suffix = _parted(name)
    found = said.term(stem)
    if found is None:
        return _missing(f"Begriff / term {stem}")
    return _answer(f"/ontology/{stem}", suffix, found.iri, "ontology_term.html", concepts=False, entry=found)


@blueprint.get("/concept")
@blueprint.get("/concept.<any(ttl, jsonld, nt, rdf, html):suffix>")
def all_concepts(suffix: str = "") -> Response:
    """Answer with all concept schemes."""
    return _answer("/concept", suffix, "", "ontology_concept.html", concepts=True, entry=None)


@blueprint.get("/concept/<path:name>")
def concept(name: str) -> Response:
    """Answer with a concept scheme, or one concept of it, or either with a suffix."""
    stem, suffix = _parted(name)
    iri = f"{_base()}/concept/{stem}"
    found = said.concept_entries(_base()).get(iri)
    if found is None:
        return _missing(f"Begriff / concept {stem}")
    return _answer(f"/concept/{stem}", suffix, iri, "ontology_concept.html", concepts=True, entry=found)


def _answer(place: str, suffix: str, subject: str, template: str, *, concepts: bool, **values: Any) -> Response:
    media = SUFFIXES.get(suffix) or negotiated(request.headers.get("Accept"), list(SUFFIXES.values()))
    if media is None:
        return problem(406, "Kein passendes Format / not acceptable", f"Angeboten / offered: {', '.join(SUFFIXES.values())}")
    response = (
        shown(template, **_page(place), **values)
        if media == "text/html"
        else Response(said.written(media, _base(), subject=subject, concepts=concepts), mimetype=media)
    )
    response.headers["Link"] = ", ".join(
        f'<{_base()}{place}.{end}>; rel="alternate"; type="{name}"' for end, name in SUFFIXES.items() if name != media
    )
    if suffix == "":
        response.headers.add("Vary", "Accept")
        response.headers["Content-Location"] = f"{_base()}{place}.{next(end for end, name in SUFFIXES.items() if name == media)}"
    return validated(response, sha256(response.get_data()).hexdigest()[:32], max_age=3600)


def _page(place: str) -> dict[str, Any]:
    lang = language()
    entries = said.concept_entries(_base())
    return {
        "w": lambda key: WORDS[key][lang == "en"],
        "said": said,
        "name": lambda entry: entry.labels.get(lang) or entry.labels.get("de") or entry.name,
        "about": lambda entry: entry.comments.get(lang) or entry.comments.get("de") or "",
        "place": place,
        "vocab": _base(),
        "suffixes": [end for end in SUFFIXES if end != "html"],
        "address": _address,
        "facts": lambda entry: _facts(entry, lang),
        "frames": CLASSES,
        "version": VERSION,
        "schemes": [entries[f"{_base()}/concept/{scheme}"] for scheme in SCHEMES],
        "concepts_of": lambda scheme: [entry for entry in entries.values() if entry.all("skos:inScheme") == (scheme.iri,)],
        "picture": lambda: _picture(lang),
    }


def _facts(entry: said.Entry, lang: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return what is said of a term: the name of the fact, and each value with its address, "" where it has none."""
    return [
        (WORDS[name][lang == "en"], [(said.curie(value), _address(value)) for value in entry.all(name)])
        for name in FACTS
        if entry.all(name)
    ]


def _address(iri: str) -> str:
    """Return where a term is explained: here if it is one of the vocabulary's, at its owner's otherwise."""
    entry = said.vocabulary().get(iri)
    if entry is None or not entry.name.startswith(("oparl:", "oparlx:")):
        return place_of(iri)
    local = entry.name.partition(":")[2]
    name = local if said.term(local) == entry else entry.name
    return place_of(f"{_base()}/ontology/{name}")


def _picture(lang: str) -> Markup:
    names = {entry.iri: entry.labels.get(lang) or entry.name for entry in said.classes()}
    edges: dict[tuple[str, str], list[str]] = {}
    for one in names:
        for row in said.rows(one):
            if row.value in names and row.value != one and not row.external and not row.inverse:
                edges.setdefault((one, row.value), []).append(row.key)
    return diagram(names, edges, WORDS["diagram"][lang == "en"], _addresses(names))


def _addresses(names: Mapping[str, str]) -> dict[str, str]:
    return {iri: f"#{said.curie(iri).partition(':')[2]}" for iri in names}


def _parted(name: str) -> tuple[str, str]:
    """Return the name without a suffix of ours, and the suffix: "Paper.mainFile.ttl" -> ("Paper.mainFile", "ttl")."""
    stem, dot, suffix = name.rpartition(".")
    return (stem, suffix) if dot and suffix in SUFFIXES else (name, "")


def _lasting(body: bytes) -> Response:
    response = Response(body, mimetype="application/ld+json")
    response.headers["Cache-Control"] = f"public, max-age={A_YEAR}, immutable"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return validated(response, sha256(body).hexdigest()[:32])


def _missing(what: str) -> Response:
    return problem(404, "Nicht gefunden / not found", what)


def _base() -> str:
    base: str = current_app.config["BASE"]
    return base
