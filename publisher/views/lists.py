"""The OParl 1.1 API: the System, its Bodies, and every external list with filters, stable order and paging by key."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import unquote, urlencode

import orjson
from flask import Blueprint, Response, current_app, request

from publisher import __version__
from publisher.errors import Malformed
from publisher.journal.reader import Found, Reader, ordered
from publisher.ontology import VERSION
from publisher.record import SCHEMA
from publisher.views.answers import negotiated, unchanged, validated
from publisher.views.documents import context_url

blueprint = Blueprint("lists", __name__)

CLASS_OF = {
    "organization": "Organization",
    "person": "Person",
    "meeting": "Meeting",
    "paper": "Paper",
    "agendaItem": "AgendaItem",
    "consultation": "Consultation",
    "file": "File",
    "locationList": "Location",
    "legislativeTermList": "LegislativeTerm",
    "membership": "Membership",
}
OF_ORGANIZATION = ("meeting", "consultation")
TIMES = ("created_since", "created_until", "modified_since", "modified_until")
PARAMETERS = (*TIMES, "limit", "omit_internal", "after")
USUAL, MOST = 100, 1000
# OParl 1.1, 2-13: what omit_internal leaves out, since it stands in external lists of its own
INTERNAL = {
    "AgendaItem": ("auxiliaryFile",),
    "Meeting": ("auxiliaryFile", "agendaItem"),
    "Paper": ("auxiliaryFile", "location"),
    "Person": ("membership",),
    "Body": ("legislativeTerm",),
}


class Asked(NamedTuple):
    """A list request, checked. times: the filters given, as RFC 3339; after: key of the last object of the page before."""

    times: dict[str, str]
    limit: int
    omit_internal: bool
    after: tuple[str, str]

    @property
    def deleted(self) -> bool:
        """Tombstones belong into an answer exactly if modified_since is given (OParl 1.1, 2-12)."""
        return "modified_since" in self.times

    def query(self, after: tuple[str, str] | None) -> str:
        """Return the query of a page of the same list; links keep every filter."""
        pairs: list[tuple[str, str]] = list(self.times.items())
        pairs += [("limit", str(self.limit))] if self.limit != USUAL else []
        pairs += [("omit_internal", "true")] if self.omit_internal else []
        pairs += [("after", token(after))] if after else []
        return f"?{urlencode(pairs)}" if pairs else ""


def token(after: tuple[str, str]) -> str:
    return urlsafe_b64encode("\n".join(after).encode()).decode().rstrip("=")


def asked(arguments: Mapping[str, str]) -> Asked:
    """Return what a query string asks for. Raises Malformed with a sentence that says what to write instead."""
    for name in arguments:
        if name == "page":
            raise Malformed(
                "page", "diese Liste hat keine Seitennummern; folge links.next / this list has no page numbers, follow links.next"
            )
        if name not in PARAMETERS:
            raise Malformed(name, f"unbekannter Filter / unknown filter; bekannt / known: {', '.join(PARAMETERS)}")
    times = {name: moment(name, arguments[name]) for name in TIMES if name in arguments}
    return Asked(
        times, _limit(arguments.get("limit", str(USUAL))), _flag(arguments.get("omit_internal", "false")), _key(arguments.get("after", ""))
    )


def moment(name: str, text: str) -> str:
    """Return a date-time filter as RFC 3339. Colons and plus may be percent-encoded, once or twice, or not at all. Raises Malformed."""
    plain = unquote(text).strip()
    # A plus that was not encoded arrives as a blank.
    plain = re.sub(r"(?<=\d) (?=\d\d:?\d\d$)", "+", plain)
    try:
        found = datetime.fromisoformat(plain)
    except ValueError:
        found = None
    if found is None or "T" not in plain or found.tzinfo is None:
        example = "2021-06-02T00:00:00+02:00"
        raise Malformed(
            f"{name}={text!r}",
            f"erwartet wird Datum, Uhrzeit und Zeitzone, z. B. {example} / "
            f"expected date, time and time zone, e.g. {example}, URL-encoded {example.replace(':', '%3A').replace('+', '%2B')}",
        )
    return found.isoformat()


def _limit(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) == 0:
        raise Malformed(f"limit={text!r}", f"erwartet wird eine Zahl von 1 bis {MOST} / expected a number from 1 to {MOST}")
    return min(int(text), MOST)


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise Malformed(f"omit_internal={text!r}", "erwartet wird true oder false / expected true or false")
    return text.lower() == "true"


def _key(text: str) -> tuple[str, str]:
    if not text:
        return "", ""
    try:
        created, iri = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split("\n")
    except ValueError as error:
        raise Malformed("after", "kein gültiges Lesezeichen; folge links.next / no valid bookmark, follow links.next") from error
    return created, iri


def error(status: int, message: str, debug: str = "") -> Response:
    """Return an OParl Error object (OParl 1.1, 3.13)."""
    body = {"type": f"{SCHEMA}Error", "message": message} | ({"debug": debug} if debug else {})
    return Response(orjson.dumps(body), status, mimetype="application/json")


def _reader() -> Reader:
    reader: Reader = current_app.config["LIBRARY"].reader()
    return reader


@blueprint.get("/oparl")
@blueprint.get("/oparl/system")
@blueprint.get("/oparl/v1.1/system")
def system() -> Response:
    """Answer with our own System, the entry of the API; the Systems of the sources keep their own IRIs."""
    reader, media = _reader(), _media()
    if media is None:
        return _not_acceptable()
    body = orjson.dumps(system_object(reader.base, reader.sources(), reader.bodies()))
    return _json(reader, body, media, f"system-{reader.release}-{media[-7:]}")


def system_object(base: str, sources: list[dict[str, Any]], bodies: list[Found]) -> dict[str, Any]:
    """Return our System object (OParl 1.1, 3.2); its times are those of its Bodies, so that it is the same until they change."""
    names = [str(one.get("publisher") or one.get("title") or one["name"]) for one in sources]
    contacts = [str(one["contact"]) for one in sources if one.get("contact")]
    times = {
        "created": min((one.created for one in bodies if one.created), default=""),
        "modified": max((one.modified for one in bodies if one.modified), default=""),
    }
    return {
        "@context": context_url(base),
        "type": f"{SCHEMA}System",
        "id": f"{base}/oparl/system",
        "oparlVersion": SCHEMA,
        "body": f"{base}/oparl/body",
        "name": f"Ratsinformationen: {', '.join(dict.fromkeys(names))}" if names else "Ratsinformationen",
        **({"contactEmail": contacts[0]} if contacts and "@" in contacts[0] else {}),
        "website": base,
        "vendor": f"{base}/about",
        "product": f"{base}/about?version={__version__}",
        **{key: value for key, value in times.items() if value},
    }


@blueprint.get("/oparl/body")
def bodies() -> Response:
    """Answer with the list of Bodies."""
    reader = _reader()
    return listed(reader, f"{reader.base}/oparl/body", "Body")


@blueprint.get(f"/id/<path:owner>/<any({', '.join(CLASS_OF)}):key>")
def external(owner: str, key: str) -> Response:
    """Answer with an external list of a Body, or with an Organization's meetings and consultations."""
    reader, media = _reader(), _media()
    if media and unchanged(_tag(reader, media)):
        return _json(reader, b"", media, _tag(reader, media))
    iri = f"{reader.base}/id/{owner}"
    found = reader.get(iri)
    if found and found.type == "Body":
        return listed(reader, f"{iri}/{key}", CLASS_OF[key], body=iri)
    if found and found.type == "Organization" and key in OF_ORGANIZATION:
        return listed(reader, f"{iri}/{key}", CLASS_OF[key], organization=iri)
    return error(404, f"{iri}: kein Body mit dieser Liste / no Body with such a list; {reader.base}/oparl/body")


def _tag(reader: Reader, media: str) -> str:
    return f"{reader.release}-{VERSION}-{sha256((request.full_path + media).encode()).hexdigest()[:16]}"


def listed(reader: Reader, url: str, cls: str, *, body: str = "", organization: str = "") -> Response:
    """Return a page of a list, byte for byte the objects as their own addresses answer them (without their @context)."""
    media = _media()
    if media is None:
        return _not_acceptable()
    try:
        wanted = asked(request.args)
    except Malformed as wrong:
        return error(400, str(wrong), request.url)
    cut: dict[str, Any] = {"after": wanted.after, "limit": wanted.limit + 1, "deleted": wanted.deleted, **wanted.times}
    rows = reader.page_of(organization, "organization", cls, **cut) if organization else reader.page(cls, body=body, **cut)
    more, rows = len(rows) > wanted.limit, rows[: wanted.limit]
    links = {"first": url + wanted.query(None), "self": url + wanted.query(wanted.after if wanted.after[1] else None)}
    if more:
        links["next"] = url + wanted.query((getattr(rows[-1], ordered(wanted.times)), rows[-1].iri))
    total = None if wanted.times or organization else _total(reader, cls, body)
    return _json(reader, envelope(reader.base, rows, links, wanted, total), media, _tag(reader, media))


def envelope(base: str, rows: list[Found], links: dict[str, str], wanted: Asked, total: int | None) -> bytes:
    """Return the list object (OParl 1.1, 2-09)."""
    items = [_without(row, INTERNAL.get(row.type, ())) if wanted.omit_internal else row.json for row in rows]
    # No totalPages: pages have no numbers here, and clients that see it without currentPage guess wrong.
    pagination = {"elementsPerPage": wanted.limit} | ({} if total is None else {"totalElements": total})
    head = b'{"@context":' + orjson.dumps(context_url(base)) + b',"data":['
    return b"".join([head, b",".join(items), b'],"pagination":', orjson.dumps(pagination), b',"links":', orjson.dumps(links), b"}"])


def _without(row: Found, keys: tuple[str, ...]) -> bytes:
    obj = orjson.loads(row.json)
    for item in obj.get("agendaItem", ()) if row.type == "Meeting" else ():
        item.pop("auxiliaryFile", None)
    return orjson.dumps({key: value for key, value in obj.items() if key not in keys})


def _total(reader: Reader, cls: str, body: str) -> int:
    known: dict[tuple[int, str, str], int] = current_app.extensions.setdefault("list-totals", {})
    key = (reader.release, cls, body)
    if key not in known:
        if len(known) > 1000:
            known.clear()
        known[key] = reader.count(cls, body)
    return known[key]


def _media() -> str | None:
    """What the client takes: OParl's application/json first; a browser that asks for HTML gets JSON as well, it has no page here."""
    accept = request.headers.get("Accept")
    found = negotiated(accept, ("application/json", "application/ld+json"))
    return found or ("application/json" if "text/html" in (accept or "") else None)


def _not_acceptable() -> Response:
    return error(406, "Angeboten werden application/json und application/ld+json / offered: application/json and application/ld+json")


def _json(reader: Reader, body: bytes, media: str, tag: str) -> Response:
    response = Response(body, mimetype=media)
    response.headers["X-Publisher-Release"] = str(reader.release)
    response.headers["Vary"] = "Accept, Accept-Encoding"
    return validated(response, tag)
