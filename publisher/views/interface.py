"""The whole HTTP interface, described from the routes themselves as OpenAPI 3.1 and as a page with commands to copy."""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlsplit

import orjson
from flask import Blueprint, Response, current_app, request
from werkzeug.routing import AnyConverter, BaseConverter, IntegerConverter, PathConverter, Rule

from publisher import __version__
from publisher.ontology import VERSION
from publisher.views.answers import negotiated, problem, validated
from publisher.views.interface_ways import QUERY, TAGS, Way, ways
from publisher.views.pages.frame import language, reader, remembered, shown, site
from publisher.views.shelf import release

blueprint = Blueprint("interface", __name__)

SUFFIXES = {"json": "application/json", "html": "text/html"}
METHODS = ("GET", "POST")
NEEDED = ("uri", "iri", "meeting")
FORM = "application/x-www-form-urlencoded"
PROBLEM = {
    "type": "object",
    "required": ["title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
# What a list of OParl says instead (OParl 1.1, 3.13).
ERROR = {"type": "object", "required": ["type", "message"], "properties": {"type": {"type": "string"}, "message": {"type": "string"}}}
BODIES = {
    "/sparql": {"application/sparql-query": {"schema": {"type": "string"}}, FORM: {"schema": {"type": "object", "required": ["query"]}}},
    "/reconcile": {FORM: {"schema": {"type": "object", "properties": {"queries": {"type": "string"}, "extend": {"type": "string"}}}}},
}


class Address(NamedTuple):
    """One documented address: its path as OpenAPI writes it, its shape ("/stream/{}/{}"), its route, and what is known of it."""

    path: str
    shape: str
    rule: Rule
    way: Way


def shape(path: str) -> str:
    """Return a path without the names of its parameters, in Flask's or OpenAPI's writing."""
    return re.sub(r"<[^<>]*>|\{[^{}]*\}", "{}", path)


def addresses() -> list[Address]:
    """Return every address of the app by path; two routes of one shape are one address. Raises KeyError for one that nobody described."""
    prefix, found = urlsplit(current_app.config["BASE"]).path, dict[str, Address]()
    # Routes under a base with a path stand below it; the description's server names that path.
    for rule in sorted(current_app.url_map.iter_rules(), key=lambda rule: rule.rule):
        own = rule.rule.removeprefix(prefix) or "/"
        found.setdefault(shape(own), Address(re.sub(r"<(?:[^<>]*:)?(\w+)>", r"{\1}", own), shape(own), rule, ways()[shape(own)]))
    return sorted(found.values())


@blueprint.get("/openapi", defaults={"suffix": ""})
@blueprint.get("/openapi.json", defaults={"suffix": "json"})
@blueprint.get("/openapi.html", defaults={"suffix": "html"})
def interface(suffix: str) -> Response:
    """Answer with the whole interface as OpenAPI 3.1, or as a page."""
    media = SUFFIXES.get(suffix) or negotiated(request.headers.get("Accept"), list(SUFFIXES.values()))
    if media is None:
        return problem(406, "Kein passendes Format / not acceptable", f"Angeboten / offered: {', '.join(SUFFIXES.values())}")
    if media == "text/html":
        return page()
    body = remembered(("openapi",), lambda: orjson.dumps(document(), option=orjson.OPT_INDENT_2))
    response = Response(body, mimetype="application/json")
    response.headers["Vary"] = "Accept, Accept-Encoding"
    return validated(response, f"openapi-{__version__}-{release().number}")


@blueprint.get("/api")
def page() -> Response:
    """Answer with the whole interface as a page, each address with a command to copy."""
    lang = language()
    groups = [(tag, names[lang == "en"], list(_rows(tag, lang))) for tag, names in TAGS.items()]
    return shown("interface.html", groups=groups)


def _rows(tag: str, lang: str) -> Iterator[tuple[str, str, str, tuple[str, ...], list[tuple[str, str]], str]]:
    """Yield (methods, path, what it gives, media types, parameters with their meaning, command) of a part of the interface."""
    for one in addresses():
        if one.way.tag == tag:
            told = one.way.german if lang == "de" else _english(one.rule)
            parameters = [(name, QUERY[name][0] if lang == "de" else QUERY[name][1]) for name in one.way.query]
            yield ", ".join(_methods(one)), one.path, told, one.way.media, parameters, curl(one.way)


def document() -> dict[str, Any]:
    """Return the description (OpenAPI Specification 3.1.0)."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": site().name["de"],
            "version": __version__,
            "description": "Ratsinformationen als verknüpfte offene Daten / council records as linked open data",
            "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
        },
        "servers": [{"url": current_app.config["BASE"]}],
        "tags": [{"name": tag, "description": f"{german} / {english}"} for tag, (german, english) in TAGS.items()],
        "paths": {one.path: {method.lower(): _operation(one, method) for method in _methods(one)} for one in addresses()},
        "components": {"schemas": {"Problem": PROBLEM, "Error": ERROR}},
    }


def _methods(one: Address) -> list[str]:
    # The endpoint has routes for methods that it refuses, so as to say which limit was met.
    return [method for method in METHODS if method in (one.rule.methods or ()) and (method == "GET" or one.shape in BODIES)]


def _english(rule: Rule) -> str:
    told = (current_app.view_functions[rule.endpoint].__doc__ or rule.endpoint).strip().partition("\n")[0]
    return "A file of the pages." if rule.endpoint == "static" else re.sub(r"^(Answer|Return) (with )?", "", told)


def _operation(one: Address, method: str) -> dict[str, Any]:
    way, asked = one.way, method == "GET"
    made: dict[str, Any] = {
        "operationId": f"{method.lower()}{re.sub(r'[^A-Za-z0-9]+', '_', one.path).rstrip('_') or '_home'}",
        "tags": [way.tag],
        "summary": way.german,
        "description": _english(one.rule),
        "parameters": _parameters(one) if asked else [],
        "responses": _responses(one),
    }
    if not asked:
        made["requestBody"] = {"required": True, "content": BODIES[one.shape]}
    if asked and (command := curl(way)):
        made["x-codeSamples"] = [{"lang": "Shell", "label": "curl", "source": command}]
    return made


def _parameters(one: Address) -> list[dict[str, Any]]:
    """Return the parameters of an address, with the values of its example."""
    address = urlsplit(example(one.way))
    query, path = parse_qs(address.query), urlsplit(current_app.config["BASE"]).path + unquote(address.path)
    given = current_app.url_map.bind("").match(path)[1] if path else {}
    found = [_place(name, converter) for name, converter in one.rule._converters.items()] + [_asked(name) for name in one.way.query]
    for parameter in found:
        values = given if parameter["in"] == "path" else {name: several[0] for name, several in query.items()}
        if parameter["name"] in values:
            value = values[parameter["name"]]
            parameter["example"] = int(value) if parameter["schema"].get("type") == "integer" else value
    return found


def _place(name: str, converter: BaseConverter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "integer", "minimum": 0} if isinstance(converter, IntegerConverter) else {"type": "string"}
    if isinstance(converter, AnyConverter):
        schema["enum"] = sorted(converter.items)
    told = {"description": "darf Schrägstriche enthalten / may contain slashes"} if isinstance(converter, PathConverter) else {}
    return {"name": name, "in": "path", "required": True, "schema": schema, **told}


def _asked(name: str) -> dict[str, Any]:
    german, english, schema = QUERY[name]
    return {"name": name, "in": "query", "required": name in NEEDED, "description": f"{german} / {english}", "schema": schema}


def _responses(one: Address) -> dict[str, Any]:
    refused: dict[str, Any] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    if one.way.tag == "oparl":
        refused["application/json"] = {"schema": {"$ref": "#/components/schemas/Error"}}
    given: dict[str, Any] = {media: {} for media in one.way.media}
    leads = not {302, 303}.isdisjoint(one.way.statuses) and one.way.tag != "records"
    found: dict[str, Any] = {} if leads else {"200": {"description": one.way.german, "content": given}}
    for status in one.way.statuses:
        # What is gone has a page and a document of its own; so has a process that is not ready.
        own = status == 410 or (status == 503 and one.way.tag == "operation")
        content = given if status in (206, 300) else {} if status < 400 else refused | (given if own else {})
        found[str(status)] = {"description": HTTPStatus(status).phrase, **({"content": content} if content else {})}
    return found | {"default": {"description": "problem details (RFC 9457)", "content": refused}}


def example(way: Way) -> str:
    """Return the path of an example on this instance; "" where it would need what this instance lacks."""
    try:
        return way.example.format_map(remembered(("words",), words))
    except KeyError:
        return ""


def curl(way: Way) -> str:
    """Return a command that works as it stands on this instance; "" where there is none."""
    accept, address = f' -H "Accept: {way.accept}"' if way.accept else "", example(way)
    return f'curl{accept} "{current_app.config["BASE"]}{address}"' if address else ""


def words() -> dict[str, str]:
    """Return what the examples speak of: paths ("paper") and encoded IRIs ("paperiri") of things of this instance."""
    held, found = reader(), {"vocabulary": VERSION}
    for word, cls in (("paper", "Paper"), ("body", "Body"), ("organization", "Organization"), ("meeting", "Meeting")):
        for one in held.latest(cls, 1):
            found |= {word: one.iri.removeprefix(held.base), f"{word}iri": quote(one.iri, safe="")}
            found["version" if word == "paper" else f"{word}version"] = str(one.seq)
            found[f"{word}key"] = quote(one.iri.removeprefix(f"{held.base}/"), safe="")
    for source in held.sources()[:1]:
        found["source"] = quote(source["name"], safe="")
    for path in sorted(release().path.glob("dumps/*/*"))[:1]:
        found["dump"] = f"/dumps/{path.parent.name}/{path.name}"
    return found
