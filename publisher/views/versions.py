"""The versions of a record, each unchanging at its own IRI, what changed between two, and our IRI for an original's address."""

from typing import Any

import orjson
from flask import Blueprint, Response, current_app, request

from publisher.feeds.difference import difference
from publisher.feeds.stream import AS, DCT, KINDS, PROV, RDF_TYPE, SEQUENCE, TERMS, XSD, version_iri
from publisher.graph.mapper import quads
from publisher.journal.reader import Reader, Shown
from publisher.views.answers import HTML, negotiated, problem, validated
from publisher.views.documents import context_url
from publisher.views.pages.changes import rows
from publisher.views.pages.frame import Things, language
from publisher.views.pages.frame import shown as page
from publisher.views.shelf import links

blueprint = Blueprint("versions", __name__)

MEDIA = {"jsonld": "application/ld+json", "nq": "application/n-quads"}


def _reader() -> Reader:
    reader: Reader = current_app.config["LIBRARY"].reader()
    return reader


@blueprint.get("/id/<path:rest>/v/<int:seq>", defaults={"place": "id"})
@blueprint.get("/id/<path:rest>/v/<int:seq>.<any(jsonld, nq):suffix>", defaults={"place": "id"})
@blueprint.get("/eli/dl/<path:rest>/v/<int:seq>", defaults={"place": "eli/dl"})
@blueprint.get("/eli/dl/<path:rest>/v/<int:seq>.<any(jsonld, nq):suffix>", defaults={"place": "eli/dl"})
def version(place: str, rest: str, seq: int, suffix: str = "") -> Response:
    """Answer with one version of a record; it never changes."""
    reader, iri = _reader(), f"{_reader().base}/{place}/{rest}"
    shown = reader.versions(iri)
    at = next((at for at, one in enumerate(shown) if one.seq == seq), None)
    if at is None:
        known = ", ".join(version_iri(iri, one.seq) for one in shown[-20:])
        return problem(404, "Keine solche Version / no such version", f"Bekannt / known: {known or iri + ': -'}")
    if not shown[at].hash:
        return problem(410, "Gelöscht / gone", "Der Inhalt dieser Version wurde gelöscht / the content of this version was erased")
    media = MEDIA.get(suffix) or negotiated(request.headers.get("Accept"), list(MEDIA.values())) or "application/ld+json"
    before = shown[at - 1] if at else None
    body = _json_ld(reader.base, shown[at], before) if media == MEDIA["jsonld"] else _nquads(shown[at], before)
    response = Response(body, mimetype=media)
    response.headers["Vary"] = "Accept, Accept-Encoding"
    response.headers["Link"] = f'<{iri}>; rel="latest-version", <{iri}/v>; rel="version-history"' + (
        f', <{version_iri(iri, before.seq)}>; rel="predecessor-version"' if before else ""
    )
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return validated(response, f"{shown[at].hash[:20]}-{seq}-{media[-7:]}", shown[at].recorded)


def _kind(one: Shown, before: Shown | None) -> str:
    return KINDS["delete" if one.deleted else "update" if before else "create"]


def _json_ld(base: str, one: Shown, before: Shown | None) -> bytes:
    node: dict[str, Any] = {
        "@context": [context_url(base), TERMS],
        "id": version_iri(one.iri, one.seq),
        "type": f"as:{_kind(one, before)}",
        "isVersionOf": one.iri,
        "recorded": one.recorded,
        "sequence": one.seq,
    }
    if before:
        node["wasRevisionOf"] = version_iri(one.iri, before.seq)
    return orjson.dumps(node | {"@graph": [orjson.Fragment(one.json)]})


def _nquads(one: Shown, before: Shown | None) -> bytes:
    iri = f"<{version_iri(one.iri, one.seq)}>"
    lines = [
        f"{iri} <{RDF_TYPE}> <{AS}{_kind(one, before)}> .",
        f"{iri} <{DCT}isVersionOf> <{one.iri}> .",
        f'{iri} <{PROV}generatedAtTime> "{one.recorded}"^^<{XSD}dateTime> .',
        f'{iri} <{SEQUENCE}> "{one.seq}"^^<{XSD}integer> .',
    ]
    if before:
        lines.append(f"{iri} <{PROV}wasRevisionOf> <{version_iri(one.iri, before.seq)}> .")
    lines += [f"{line.rsplit(' ', 2)[0]} {iri} ." for line in quads(orjson.loads(one.json)).split("\n") if line]
    return "".join(f"{line}\n" for line in lines).encode()


@blueprint.get("/id/<path:rest>/v", defaults={"place": "id"})
@blueprint.get("/eli/dl/<path:rest>/v", defaults={"place": "eli/dl"})
def versions(place: str, rest: str) -> Response:
    """Answer with the list of a record's versions, or with what changed between two of them (?from=SEQ&to=SEQ)."""
    reader, iri = _reader(), f"{_reader().base}/{place}/{rest}"
    shown = reader.versions(iri)
    if not shown:
        return problem(404, "Keine Versionen / no versions", f"{iri}: eingebettet oder nie veröffentlicht / embedded or never published")
    if "from" in request.args or "to" in request.args:
        return _compared(iri, shown)
    listed = [
        {
            "id": version_iri(iri, one.seq),
            "recorded": one.recorded,
            "modified": one.modified,
            "deleted": one.deleted,
            "current": one.current,
            **({"changes": f"{iri}/v?from={shown[at - 1].seq}&to={one.seq}"} if at else {}),
        }
        for at, one in enumerate(shown)
    ]
    if _wants_page():
        return page("versions.html", iri=iri, name=_name(shown), versions=listed, changes=None)
    response = Response(orjson.dumps({"id": iri, "data": listed}), mimetype="application/json", headers={"Vary": "Accept"})
    return validated(response, f"v-{reader.release}-{len(shown)}")


def _wants_page() -> bool:
    return negotiated(request.headers.get("Accept"), ("application/json", *HTML)) in HTML


def _name(shown: list[Shown]) -> str:
    """What a record is or was called: a tombstone has no name any more."""
    objects = (orjson.loads(one.json) for one in reversed(shown))
    return next((str(obj["name"]) for obj in objects if obj.get("name")), shown[-1].iri.rsplit("/", 1)[-1])


def _compared(iri: str, shown: list[Shown]) -> Response:
    by_seq = {str(one.seq): one for one in shown}
    before, after = by_seq.get(request.args.get("from", "")), by_seq.get(request.args.get("to", str(shown[-1].seq)))
    if before is None or after is None:
        return problem(404, "Keine solche Version / no such version", f"from, to: bekannt / known: {', '.join(by_seq)}")
    old, new = orjson.loads(before.json), orjson.loads(after.json)
    if _wants_page():
        told = rows(old, new, Things(_reader()), language())
        return page("versions.html", iri=iri, name=_name(shown), changes=told, before=before, after=after, version_iri=version_iri)
    body = {
        "id": iri,
        "from": version_iri(iri, before.seq),
        "to": version_iri(iri, after.seq),
        "data": [change._asdict() | {"path": list(change.path)} for change in difference(old, new)],
    }
    return Response(orjson.dumps(body), mimetype="application/json", headers={"Vary": "Accept"})


@blueprint.get("/lookup")
def lookup() -> Response:
    """Answer with our IRIs for the id or page of an original, or for the IRI elsewhere that a confirmed link says is the same.

    /lookup?uri=https://ris.example.org/vo020.asp?VOLFDNR=1
    """
    uri = request.args.get("uri", "")
    if not uri:
        return problem(
            400, "uri fehlt / uri is missing", "Beispiel / example: /lookup?uri=https%3A%2F%2Fris.example.org%2Foparl%2Fpaper%2F1"
        )
    reader = _reader()
    found = reader.lookup(uri) or ([uri] if reader.get(uri) else links().to.get(uri, []))
    if not found:
        return problem(404, "Unbekannt / unknown", f"{uri}: zu dieser Adresse wurde nichts veröffentlicht / nothing was published for it")
    rows = reader.many(found)
    listed = [{"id": iri, "type": rows[iri].type, "name": orjson.loads(rows[iri].json).get("name", "")} for iri in found if iri in rows]
    return validated(Response(orjson.dumps({"uri": uri, "data": listed}), mimetype="application/json"), f"lookup-{reader.release}")
