"""The W3C Reconciliation API 0.2 over the search index: OpenRefine matches committees, people, papers and bodies with it."""

import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, render_template, request

from publisher.errors import Malformed
from publisher.journal.reader import Found, Reader
from publisher.ontology import Use, ontology
from publisher.record import SCHEMA
from publisher.search import folded
from publisher.views.answers import problem
from publisher.views.shelf import search_index

blueprint = Blueprint("reconcile", __name__)

TYPES = ("Organization", "Person", "Paper", "Body", "Meeting", "AgendaItem", "Location")
CANDIDATES, MOST_QUERIES, LONGEST = 25, 500, 300
SURE = 95.0


def _reader() -> Reader:
    reader: Reader = current_app.config["LIBRARY"].reader()
    return reader


def _named(cls: str) -> dict[str, str]:
    return {"id": cls, "name": ontology().label(SCHEMA + cls)}


def manifest(base: str) -> dict[str, Any]:
    """Return the service manifest (Reconciliation API 0.2, 4.2). Ids are IRIs without "{base}/"."""
    suggest = {"service_url": base}
    return {
        "versions": ["0.1", "0.2"],
        "name": "Ratsinformationen (OParl)",
        "identifierSpace": f"{base}/",
        "schemaSpace": SCHEMA,
        "documentation": f"{base}/about",
        "defaultTypes": [_named(cls) for cls in TYPES],
        "view": {"url": f"{base}/{{{{id}}}}"},
        "preview": {"url": f"{base}/reconcile/preview?id={{{{id}}}}", "width": 430, "height": 200},
        "suggest": {kind: suggest | {"service_path": f"/reconcile/suggest/{kind}"} for kind in ("entity", "type", "property")},
        "extend": {"propose_properties": {"service_url": base, "service_path": "/reconcile/properties"}, "property_settings": []},
        "batchSize": 50,
    }


@blueprint.route("/reconcile", methods=["GET", "POST"])
def service() -> Response:
    """Answer with the manifest, the matches of a batch of queries, or the values of an extension request."""
    given = request.form if request.method == "POST" else request.args
    try:
        if "queries" in given:
            return _json(matches(_object(given["queries"], "queries")))
        if "extend" in given:
            return _json(extended(_reader(), _object(given["extend"], "extend")))
    except Malformed as wrong:
        return problem(400, "Ungültige Anfrage / invalid request", str(wrong))
    return _json(manifest(_reader().base))


def _object(text: str, name: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except ValueError as error:
        raise Malformed(name, f"erwartet wird JSON / expected JSON: {error}") from error
    if not isinstance(found, dict) or len(found) > MOST_QUERIES:
        raise Malformed(name, f"erwartet wird ein Objekt mit höchstens {MOST_QUERIES} Einträgen / expected an object of at most that many")
    return found


def _json(body: Any) -> Response:
    return Response(orjson.dumps(body), mimetype="application/json")


def matches(queries: dict[str, Any]) -> dict[str, Any]:
    """Return the result batch (0.2, 4.4). Raises Malformed for a query of another shape."""
    return {key: {"result": candidates(_reader(), query)} for key, query in queries.items()}


def candidates(reader: Reader, query: Any) -> list[dict[str, Any]]:
    """Return the candidates of one query, best first; the first is a match if it is sure and no other is as good."""
    if not isinstance(query, dict):
        raise Malformed("queries", "erwartet werden Objekte mit query / expected objects with query")
    text = str(query.get("query") or "")[:LONGEST]
    wanted = query.get("type") or []
    types = [str(one).removeprefix(SCHEMA) for one in (wanted if isinstance(wanted, list) else [wanted])]
    limit = query.get("limit") if isinstance(query.get("limit"), int) else 5
    properties = [one for one in _list(query.get("properties")) if isinstance(one, dict)]
    found = reader.many(_iris(text, types))
    scored = sorted(((*score(text, one, properties), one) for one in found.values()), key=lambda row: (-row[0], row[2].iri))
    best = [row[0] for row in scored[:2]]
    alone = bool(best) and best[0] >= SURE and (len(best) == 1 or best[1] < best[0])
    return [
        {
            "id": _key(reader, one.iri),
            "name": _name(one),
            "description": _hint(one),
            "type": [_named(one.type)],
            "score": points,
            "match": alone and at == 0,
            "features": features,
        }
        for at, (points, features, one) in enumerate(scored[: max(1, min(int(limit or 5), CANDIDATES))])
    ]


def _iris(text: str, types: list[str]) -> list[str]:
    index, found = search_index(), dict[str, None]()
    for cls in types or [""]:
        for loose in (False, True):
            hits = index.search(text, type=cls, limit=CANDIDATES, loose=loose).hits if text.strip() else []
            found |= {hit.iri: None for hit in hits if hit.type in TYPES}
            if len(found) >= CANDIDATES:
                break
    return list(found)


def score(text: str, one: Found, properties: Iterable[dict[str, Any]]) -> tuple[float, list[dict[str, Any]]]:
    """Return 0-100 points for how well a thing fits, and what they are made of: its name (or reference), and each property asked for."""
    obj = orjson.loads(one.json)
    names = [str(obj[key]) for key in ("name", "shortName", "reference", "description") if obj.get(key)]
    name = max((similarity(text, candidate) for candidate in names), default=0.0)
    features = [{"id": "name", "value": round(name, 1)}]
    for asked in properties:
        values = [str(v.get("id") or v.get("name") or "") if isinstance(v, dict) else str(v) for v in _list(asked.get("v"))]
        mine = [str(item.get("id", "")) if isinstance(item, dict) else str(item) for item in _list(obj.get(str(asked.get("pid"))))]
        best = max((similarity(theirs, ours) for theirs in values for ours in mine), default=0.0)
        features.append({"id": str(asked.get("pid")), "value": round(best, 1)})
    rest = [float(str(feature["value"])) for feature in features[1:]]
    return round((2 * name + sum(rest)) / (2 + len(rest)), 1), features


def similarity(one: str, other: str) -> float:
    """Return 0-100: how alike two names are, whatever their case, umlauts and order of words ("Weiß, Jörg" is "Jörg Weiss")."""
    left, right = (re.findall(r"\w+", folded(text[:LONGEST])) for text in (one, other))
    if not left or not right:
        return 0.0
    if left == right:
        return 100.0
    if sorted(left) == sorted(right):
        return 98.0
    return 97.0 * SequenceMatcher(None, " ".join(sorted(left)), " ".join(sorted(right)), autojunk=False).ratio()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _key(reader: Reader, iri: str) -> str:
    return iri.removeprefix(f"{reader.base}/")


def _iri(reader: Reader, key: str) -> str:
    return key if key.startswith(("http://", "https://")) else f"{reader.base}/{key}"


def _name(found: Found) -> str:
    obj = orjson.loads(found.json)
    return str(obj.get("name") or obj.get("description") or obj.get("reference") or found.iri.rsplit("/", 1)[-1])


def _hint(found: Found) -> str:
    obj = orjson.loads(found.json)
    keys = ("reference", "date", "start", "organizationType", "paperType", "shortName", "streetAddress")
    return ", ".join(str(obj[key]) for key in keys if obj.get(key))


# --- data extension


def extended(reader: Reader, asked: dict[str, Any]) -> dict[str, Any]:
    """Return the values of properties for ids (0.2, 4.7). Raises Malformed for a request of another shape."""
    ids, wanted = asked.get("ids"), asked.get("properties")
    if not isinstance(ids, list) or not isinstance(wanted, list) or not all(isinstance(one, dict) and "id" in one for one in wanted):
        raise Malformed("extend", 'erwartet wird / expected {"ids": [...], "properties": [{"id": "name"}]}')
    if len(ids) > MOST_QUERIES:
        raise Malformed("extend", f"höchstens {MOST_QUERIES} ids / at most that many ids")
    keys = [str(one["id"]) for one in wanted]
    rows = {}
    for key in ids:
        found = reader.get(_iri(reader, str(key)))
        obj = orjson.loads(found.json) if found and not found.deleted else {}
        uses = ontology().uses.get(obj.get("type", ""), {})
        rows[str(key)] = {name: [_cell(reader, value, uses.get(name)) for value in _list(obj.get(name))] for name in keys}
    return {"meta": [{"id": name, "name": _label(name)} for name in keys], "rows": rows}


def _cell(reader: Reader, value: Any, use: Use | None) -> dict[str, Any]:
    if isinstance(value, dict):
        value = value.get("id") or orjson.dumps(value).decode()
    if use and use.value_class and isinstance(value, str):
        found = reader.get(value)
        return {"id": _key(reader, value), "name": _name(found) if found else value}
    if isinstance(value, bool):
        return {"bool": value}
    if isinstance(value, int | float):
        return {"float": value}
    if use and use.datatype.endswith(("#date", "#dateTime")):
        return {"date": str(value)}
    return {"str": str(value)}


def _properties(cls: str) -> Iterator[str]:
    skipped = {"oparlx:extension", "oparlx:section", "oparlx:proposal", "deleted"}
    yield from (key for key, use in ontology().uses.get(SCHEMA + cls, {}).items() if not use.external and key not in skipped)


def _label(key: str) -> str:
    for cls in TYPES:
        use = ontology().uses[SCHEMA + cls].get(key)
        if use:
            return ontology().label(use.predicate)
    return key


@blueprint.get("/reconcile/properties")
def proposed() -> Response:
    """Answer with the properties that a type can be extended by."""
    cls = request.args.get("type", "").removeprefix(SCHEMA)
    limit = request.args.get("limit", "")
    every = [{"id": key, "name": _label(key)} for key in _properties(cls)]
    wanted = int(limit) if limit.isdecimal() and limit.isascii() and len(limit) < 6 else len(every)
    return _json({"type": cls, "limit": wanted, "properties": every[:wanted]})


# --- suggest and preview


@blueprint.get("/reconcile/suggest/entity")
def suggest_entity() -> Response:
    """Answer with things whose name begins like `prefix`."""
    reader, cursor = _reader(), request.args.get("cursor", "0")
    at = int(cursor) if cursor.isdecimal() and cursor.isascii() and len(cursor) < 4 else 0
    types = [request.args["type"].removeprefix(SCHEMA)] if request.args.get("type") else TYPES
    hits = search_index().suggest(request.args.get("prefix", ""), types, limit=at + 10)[at:]
    rows = [{"id": _key(reader, hit.iri), "name": hit.title, "description": hit.reference, "notable": [_named(hit.type)]} for hit in hits]
    return _json({"result": rows})


@blueprint.get("/reconcile/suggest/type")
def suggest_type() -> Response:
    """Answer with the types whose name or key begins like `prefix`."""
    return _json({"result": [one for one in map(_named, TYPES) if _begins(one)]})


@blueprint.get("/reconcile/suggest/property")
def suggest_property() -> Response:
    """Answer with the properties whose name or key begins like `prefix`."""
    keys = dict.fromkeys(key for cls in TYPES for key in _properties(cls))
    return _json({"result": [one for key in keys if _begins(one := {"id": key, "name": _label(key)})][:20]})


def _begins(one: dict[str, str]) -> bool:
    prefix = folded(request.args.get("prefix", "").strip())
    return any(folded(text).startswith(prefix) for text in (one["id"], *one["name"].split()))


@blueprint.get("/reconcile/preview")
def preview() -> Response:
    """Answer with a small page about one thing, made to stand in a frame of another site."""
    reader = _reader()
    found = reader.get(_iri(reader, request.args.get("id", "")))
    if found is None or found.deleted:
        return problem(404, "Nicht gefunden / not found", "id: hier nicht veröffentlicht / not published here")
    text = render_template("reconcile_preview.html", iri=found.iri, name=_name(found), type=_named(found.type)["name"], hint=_hint(found))
    response = Response(text, mimetype="text/html")
    response.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors *"
    return response
