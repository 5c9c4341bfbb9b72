"""What an OParl answer holds: its objects, the way to the next page, and the Record or Refusal of each object."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import orjson

from publisher.errors import Malformed
from publisher.fetch.page import shallow, sort_of
from publisher.record import CLASSES, SCHEMA, Note, Record, Refusal
from publisher.sources.addresses import is_address
from publisher.sources.repairs import repaired

TYPE = re.compile(r"https?://(?:www\.)?schema\.oparl\.org/1\.[01]/([A-Za-z]+)/?")
URL = re.compile(r"https?://(?:[^/?#\s\[\]@:\x00-\x20\x7f]+|\[[0-9a-fA-F:.]+\])(?::\d+)?(?:[/?#][^\x00-\x1f\x7f]*+)?\s*+")
WORDS = {word.lower() + end: word for word in CLASSES for end in ("", "s")} | {"bodies": "Body"}
# Half of a surrogate pair: no character, and no reader of JSON takes it.
LONE = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}")
CONTROL = re.compile(rb"[\x00-\x1f]")
MARKS = frozenset(("id", "type", "data", "name", "deleted", "created", "modified", "oparlVersion"))


class Listed(NamedTuple):
    """One answer: its objects, its own URL, the next page; its number, pages and objects in all (0: not said), the last page."""

    objects: list[Any]
    self: str = ""
    next: str = ""
    page: int = 0
    pages: int = 0
    total: int = 0
    last: str = ""


def json_of(body: bytes, place: str) -> tuple[Any, tuple[Note, ...]]:
    """Return the JSON of an answer, and notes on what had to be done so that it could be read. Raises Malformed.

    ALLRIS 3 (Braunschweig, 2018) puts raw control characters into names; a strict reader loses the whole page for one of them. The
    same servers answer in windows-1252 at times.
    """
    body = body.removeprefix(b"\xef\xbb\xbf")
    try:
        return shallow(orjson.loads(body), place), ()
    except orjson.JSONDecodeError as error:
        text, notes = _in_utf8(body)
        text, count = _controls_escaped(text)
        if count:
            notes = (*notes, Note("normalised", "control_characters_escaped", "", count))
        try:
            return shallow(orjson.loads(LONE.sub(rb"\\ufffd", text)), place), notes
        except orjson.JSONDecodeError:
            raise Malformed(place, f"expected JSON, got {sort_of(body)}: {error}") from error


def _in_utf8(body: bytes) -> tuple[bytes, tuple[Note, ...]]:
    try:
        body.decode()
    except UnicodeDecodeError:
        return body.decode("windows-1252", "replace").encode(), (Note("normalised", "charset_windows_1252", ""),)
    return body, ()


def _controls_escaped(body: bytes) -> tuple[bytes, int]:
    """Escape each control character inside a JSON string; those between the values are mere blanks."""
    count, parts = 0, []
    for at, part in enumerate(re.split(rb'("(?:[^"\\]|\\.)*")', body, flags=re.DOTALL)):
        if at % 2:
            part, found = CONTROL.subn(lambda match: b"\\u%04x" % match[0][0], part)
            count += found
        parts.append(part)
    return b"".join(parts), count


def readdressed(body: bytes, prefixes: Mapping[str, str]) -> tuple[bytes, tuple[Note, ...]]:
    """Return a page with each old prefix of addresses written as the new one: http and https of one id, or a host that moved.

    OParl allows one of http and https only; a server that mixes them, or moved its host between two walks, has two ids for one thing.
    """
    count = 0
    for old, new in prefixes.items():
        for told, meant in ((old, new), (old.replace("/", "\\/"), new.replace("/", "\\/"))):
            count += body.count(told.encode())
            body = body.replace(told.encode(), meant.encode())
    return body, (Note("normalised", "address_moved", "", count),) if count else ()


def listed(document: Any) -> Listed:
    """Return what an answer lists: {data, links}, a bare array or a bare object (SD.NET: Krefeld, Essen) alike."""
    if isinstance(document, list):
        return Listed(document)
    if not isinstance(document, dict):
        return Listed([])
    if "data" not in document or "type" in document:
        return Listed([document])
    links, pagination = document.get("links"), document.get("pagination")
    links, pagination = links if isinstance(links, dict) else {}, pagination if isinstance(pagination, dict) else {}
    data = document["data"] if isinstance(document["data"], list) else [document["data"]]
    page, pages, total = (_number(pagination, key) for key in ("currentPage", "totalPages", "totalElements"))
    return Listed(data, _text(links, "self"), _text(links, "next"), page, pages, total, _text(links, "last"))


def _text(table: dict[str, Any], key: str) -> str:
    value = table.get(key)
    return value if isinstance(value, str) else ""


def _number(table: dict[str, Any], key: str) -> int:
    value = table.get(key)
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"[0-9]{1,18}", value) else 0
    return value if isinstance(value, int) else 0


def is_oparl(document: Any) -> bool:
    """Return whether JSON claims to hold OParl at all; a table of link checks beside the pages, say, does not."""
    objects = document if isinstance(document, list) else [document]
    return any(isinstance(item, dict) and not MARKS.isdisjoint(item) for item in objects) or document == []


def type_of(obj: dict[str, Any]) -> str:
    """Return the class that `type` names, in OParl 1.0 or 1.1; "" if it names none."""
    match = TYPE.fullmatch(obj["type"].strip()) if isinstance(obj.get("type"), str) else None
    return match.group(1) if match else ""


def type_by_url(url: str) -> str:
    """Return the class that the last telling word of a URL's path names: ".../body/1/meeting/1082" -> "Meeting"; "" if none does."""
    for part in reversed(unquote(urlsplit(url).path).split("/")):
        word = WORDS.get(part.lower().removesuffix(".asp"))
        if word:
            return word
    return ""


def is_url(text: Any) -> bool:
    """Return whether `text` is an absolute http(s) URL with a host and no control characters."""
    return isinstance(text, str) and URL.fullmatch(text) is not None and (text.isascii() and "[" not in text or is_address(text))


class Origin(NamedTuple):
    """Where an object was read: the page or file, the page's own URL (then the record's url), its product, what was done to read it.

    body_list, body: the URL of the System's list of bodies and the one body in it, if there is but one. owner: the Body whose list it is.
    files: patterns of files' addresses and what they are written as.
    """

    place: str
    self_url: str = ""
    dialect: str = ""
    notes: tuple[Note, ...] = ()
    body_list: str = ""
    body: str = ""
    owner: str = ""
    files: Mapping[str, str] = MappingProxyType({})


def files_served(value: Any, patterns: Mapping[str, str]) -> tuple[Any, int]:
    """Return an object whose files' addresses are written as the source's TOML says, and how many were: ids stay as they are.

    Some servers print addresses of files that never answer while another page of theirs gives the file (SessionNet, Magdeburg 2026).
    """
    if isinstance(value, list):
        items = [files_served(item, patterns) for item in value]
        return [item for item, _ in items], sum(count for _, count in items)
    if not isinstance(value, dict):
        return value, 0
    made, changed = {}, 0
    for key, told in value.items():
        if key in ("accessUrl", "downloadUrl") and isinstance(told, str):
            hits = ((re.fullmatch(pattern, told), address) for pattern, address in patterns.items())
            made[key] = next((hit.expand(address) for hit, address in hits if hit), told)
            changed += made[key] != told
        else:
            made[key], count = files_served(told, patterns)
            changed += count
    return made, changed


def record(obj: Any, origin: Origin) -> Record | Refusal:
    """Return the Record of one top-level object, repaired by its dialect, or a Refusal saying what is missing."""
    if not isinstance(obj, dict):
        return Refusal(origin.place, f"expected an object, got {type(obj).__name__}")
    kind, url = type_of(obj), obj.get("id")
    if kind == "Error" or (url is None and kind == "" and ("message" in obj or "error" in obj)):
        return Refusal(origin.place, f"the server reports an error: {str(obj.get('message', obj.get('error')))[:200]}")
    if not isinstance(url, str) or not is_url(url):
        return Refusal(origin.place, f"expected an id that is an absolute URL, got {_shown(obj)}", kind)
    notes, raw = list(origin.notes), obj
    if not obj.get("type"):
        kind = type_by_url(url)
        if not kind:
            return Refusal(origin.place, "expected a type; its URL tells none either", "", url)
        obj = {"id": url, "type": SCHEMA + kind} | {key: value for key, value in obj.items() if key not in ("id", "type")}
        notes.append(Note("normalised", "type_from_url", "type"))
    if kind not in CLASSES:
        return Refusal(origin.place, f"expected one of the twelve OParl types, got {str(obj['type'])[:200]!r}", kind, url)
    if origin.body and obj.get("body") == origin.body_list and kind != "System":
        obj = obj | {"body": origin.body}
        notes.append(Note("normalised", "body_not_its_list", "body"))
    obj, found = repaired(kind, obj, origin.dialect)
    if origin.files:
        obj, count = files_served(obj, origin.files)
        found += [Note("normalised", "file_address_of_source", "", count)] if count else []
    owner = "" if kind in ("System", "Body") else origin.owner or origin.body
    url = obj["id"]  # without the blanks that stood around it
    return Record(kind, url, origin.self_url or url, obj, obj.get("deleted") is True, (*notes, *found), raw, owner)


def _shown(obj: dict[str, Any]) -> str:
    return repr(obj["id"])[:200] if "id" in obj else "none"
