"""A first look at an address: which kind of system answers, which of its mistakes show, and a TOML to begin with."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import orjson

from publisher.config import Source
from publisher.errors import Malformed, Unreachable
from publisher.fetch import Fetch, Page
from publisher.record import Record, Refusal
from publisher.sources import allris3, oparl_files
from publisher.sources.addresses import joined
from publisher.sources.municipalities import LETTERS, Place, places
from publisher.sources.oparl import OWN_LISTS, PART_LISTS, Walk
from publisher.sources.oparl_page import json_of, listed, type_of
from publisher.sources.repairs import dialect_of
from publisher.sources.repairs.dialects import label
from publisher.sources.stamps import Stamps

# Where products put their OParl System, below the host or the RIS's folder.
ENTRIES = ("oparl/system", "public/oparl/system", "webservice/oparl/v1.1/system", "webservice/oparl/v1.0/system", "oparl/1.0/system.asp")
# What the pages of each kind say of themselves.
PAGES = (
    ("unserac", "unserAC (mirror)", re.compile(rb"unser-?ac", re.I)),
    ("allris4", "ALLRIS 4 (CC e-gov)", re.compile(rb"ALLRIS net Version 4\.|wicket[^>]{0,80}allris|allris[^>]{0,80}wicket", re.I)),
    ("allris3", "ALLRIS 3 (CC e-gov)", re.compile(rb"ALLRIS net Version 3\.|id=\"allriscontainer\"", re.I)),
)
OTHERS = (
    ("SessionNet (Somacos)", re.compile(rb"sessionnet|somacos", re.I)),
    ("SD.NET RIM (Sternberg)", re.compile(rb"sd\.?net|sternberg|sitzungsdienst", re.I)),
)


class Probe(NamedTuple):
    """What an address holds.

    counts: class -> objects, as the server announces them or as seen on first pages; announced: those of which the sum is known.
    faults: rule -> how often on the pages looked at.
    remarks: what a clerk should know, German first. toml: a source file that `publisher harvest` takes.
    """

    url: str
    kind: str
    dialect: str
    vendor: str
    title: str
    jurisdiction: str
    license: str
    counts: dict[str, int]
    faults: dict[str, int]
    remarks: tuple[str, ...]
    announced: dict[str, int]
    toml: str


def probe(url: str, fetch: Fetch, today: str = "") -> Probe:
    """Return what answers at an address, or what lies in a folder, after a look at the first page of each list.

    Raises Malformed if it is none of the kinds we read, Unreachable if nothing answers.
    """
    if "://" not in url:
        return _told(url, "oparl-files", list(oparl_files.records(Source("probe", "oparl-files", url, "00000"))), Counter(), today)
    page = fetch(url)
    if _is_oparl(page):
        return _of_server(url, fetch, today)
    for kind, vendor, marks in PAGES:
        if marks.search(page.body):
            return _of_pages(url, kind, vendor, page)
    for entry in _entries(url):
        try:
            if _is_oparl(fetch(entry, check=Page.json)):
                return _of_server(entry, fetch, today)
        except (Unreachable, Malformed):
            continue
    other = next((name for name, marks in OTHERS if marks.search(page.body)), "")
    hint = (
        f"a page of {other}, whose OParl does not answer at the usual places; ask the council for it"
        if other
        else "a page of no product we know"
    )
    raise Malformed(url, f"expected OParl, ALLRIS or unserAC, got {hint}")


def saved_pages(folder: Path) -> Iterator[tuple[str, str, list[str]]]:
    """Yield (file, kind of page, fields found in it) for each saved classic ALLRIS page (*.html) in a folder, by name.

    For a page that cannot be read its kind is what was expected; a field of several parts is told with their number.
    """
    parameters = {"au020": "AULFDNR", "fr020": "FRLFDNR", "pa020": "PALFDNR", "pa021": "PALFDNR", "kp020": "KPLFDNR"}
    for path in sorted(folder.rglob("*.html")):
        raw, name = path.read_bytes(), path.stem[:5].lower()
        key = re.search(rb'objectID" content="(\d+)', raw)
        asked = f"?{parameters[name]}={key[1].decode()}" if key and name in parameters else ""
        try:
            facts = allris3.page_of(raw, f"https://saved.example/bi/{path.stem}.asp{asked}")
        except Malformed as error:
            yield str(path.relative_to(folder)), error.expected, []
        except KeyError:
            yield str(path.relative_to(folder)), "expected a page named after its kind, such as vo020.html", []
        else:
            found = {key: value for key, value in facts.items() if key not in ("kind", "lines", "notes") and value}
            words = [f"{key} ({len(value)})" if isinstance(value, list | tuple) else key for key, value in found.items()]
            yield str(path.relative_to(folder)), facts["kind"], words


def _entries(url: str) -> Iterator[str]:
    root = f"{urlsplit(url).scheme}://{urlsplit(url).netloc}/"
    bases = dict.fromkeys((root, urljoin(url, ".")))
    yield from dict.fromkeys(urljoin(base, entry) for base in bases for entry in ENTRIES)


def _is_oparl(page: Page) -> bool:
    try:
        told, _ = json_of(page.body, page.url)
    except Malformed:
        return False
    return any(isinstance(obj, dict) and type_of(obj) in ("System", "Body") for obj in listed(told).objects)


def _of_server(url: str, fetch: Fetch, today: str) -> Probe:
    source = Source("probe", "oparl", url, "00000")
    walk = Walk(source, fetch)
    items: list[Record | Refusal] = list(walk.entry(walk.answer(url)))
    announced: Counter[str] = Counter()
    for body in walk.bodies[:1]:
        for key in OWN_LISTS + PART_LISTS:
            if isinstance(body.get(key), str):
                walk.owner = body["id"]
                items += _first_page(walk, joined(url, body[key]), announced)
    return _told(url, "oparl", items, announced, today)


def _first_page(walk: Walk, url: str, announced: Counter[str]) -> Iterator[Record | Refusal]:
    try:
        answer = walk.answer(url)
    except (Unreachable, Malformed) as error:
        yield Refusal(url, error.expected)
        return
    kinds = [type_of(obj) for obj in answer.listed.objects if isinstance(obj, dict)]
    if kinds and answer.listed.total:
        announced[next(filter(None, kinds), "?")] += answer.listed.total
    for obj in answer.listed.objects:
        yield from walk.taken(obj, answer, answer.notes)


def _told(url: str, kind: str, items: list[Record | Refusal], announced: Counter[str], today: str) -> Probe:
    records = [item for item in items if isinstance(item, Record)]
    system = next((item.object for item in records if item.type == "System"), {})
    body = next((item.object for item in records if item.type == "Body"), {})
    dialect = next(
        filter(None, (dialect_of(item.raw or item.object) for item in sorted(records, key=lambda item: item.type != "System"))), ""
    )
    counts = Counter(item.type for item in records)
    stamps = Stamps()
    for item in records:
        stamps.add(item)
    faults = Counter(note.rule for item in records for note in item.notes)
    place = _place(body, url)
    license_ = str(body.get("license") or system.get("license") or "")
    remarks = _remarks(records, place, license_, stamps.verdict(today or date.min.isoformat()).words)
    remarks += tuple(f"{item.url}: {item.reason}" for item in items if isinstance(item, Refusal))
    title = str(body.get("name") or system.get("name") or "")
    sure = dict(counts if kind == "oparl-files" else announced)
    found = Probe(url, kind, dialect, label(dialect), title, place.key, license_, {**counts, **announced}, dict(faults), remarks, sure, "")
    return found._replace(toml=toml(found))


def _place(body: dict[str, Any], url: str) -> Place:
    """Return the place that the Body's keys mean, else its name, its web site, or the address; an empty one if none is unmistakable."""
    for told in (body.get("rgs"), body.get("ags"), body.get("name"), body.get("website"), url):
        found = places(told) if isinstance(told, str) else []
        if found and (len(found) == 1 or told == body.get("name")):
            return found[0]
    return Place("", "")


def _remarks(records: list[Record], place: Place, license_: str, stamps: str) -> tuple[str, ...]:
    bodies = sum(item.type == "Body" for item in records)
    return tuple(
        words
        for words, holds in (
            ("keine Lizenz genannt: vor dem Veröffentlichen erfragen (no licence stated: ask before publishing)", not license_),
            ("Lizenz als Text statt URL (licence in words, not a URL)", license_ and not license_.startswith("http")),
            ("kein Schlüssel erkannt: jurisdiction von Hand eintragen (no key found: fill in jurisdiction)", not place.key),
            (f"{bodies} Körperschaften (bodies); der Schlüssel gilt der ersten (the key is the first one's)", bodies > 1),
            (f"Zeitstempel (stamps): {stamps}", stamps),
        )
        if holds
    )


def _of_pages(url: str, kind: str, vendor: str, page: Page) -> Probe:
    named = re.search(rb"<title[^<>]{0,200}>(.{0,2000}?)</title>", page.body, re.S | re.I)
    title = " ".join(page._replace(body=named[1]).text.split()) if named else ""
    found = places(url)
    place = found[0] if len(found) == 1 else Place("", "")
    remarks = _remarks([], place, "", "")
    told = Probe(url, kind, kind, vendor, title, place.key, "", {}, {}, remarks, {}, "")
    return told._replace(toml=toml(told))


def toml(found: Probe) -> str:
    """Return a source file for what was found; what a person must decide stands in comments."""
    lines = [f"# {found.vendor}; {', '.join(f'{name} {count}' for name, count in sorted(found.counts.items())) or 'not counted'}"]
    lines += [f"# {remark}" for remark in found.remarks]
    values = {
        "kind": found.kind,
        "url": found.url,
        "jurisdiction": found.jurisdiction,
        "title": found.title,
        "license": found.license,
    }
    lines += [f"{key} = {_quoted(value)}" for key, value in values.items() if value or key == "jurisdiction"]
    lines += ["pause = 1.0"] if "://" in found.url else []
    if found.announced:
        lines += ["", "[expected]", *(f"{name} = {count}" for name, count in sorted(found.announced.items()))]
    return "\n".join(re.sub(r"[\x00-\x1f\x7f]+", " ", line) for line in lines) + "\n"


def _quoted(text: str) -> str:
    """Return a TOML basic string: JSON's escapes are TOML's, but for DEL."""
    return orjson.dumps(text).decode().replace("\x7f", "\\u007f")


def slug(found: Probe) -> str:
    """Return a file name for the source: "Gemeinde Hürtgenwald" -> "huertgenwald"."""
    name = next((place.name for place in places(found.jurisdiction)), "") if found.jurisdiction else found.title
    spelled = re.split(r"[,/(]", name.lower())[0].translate(LETTERS)
    return re.sub(r"[^a-z0-9]+", "-", spelled).strip("-") or Path(urlsplit(found.url).hostname or found.url).stem or "source"
