"""What is fuzzed: for each way in, bytes to begin with, and what holds whatever bytes come: named refusals, true counts, no bogus id."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import orjson
import pyoxigraph as ox

from bench.proof.service import ROOT
from publisher.config import Source
from publisher.errors import LimitMet, Malformed, PublisherError, QueryRefused
from publisher.fetch import Page
from publisher.record import Record, Refusal, parts
from publisher.sources import allris3, allris3_exports, allris4, ldes, unserac
from publisher.sources.oparl_page import Origin, is_oparl, is_url, json_of, listed
from publisher.sources.oparl_page import record as oparl_record
from publisher.sources.repairs import REPAIRS
from publisher.sources.seen import Seen
from publisher.sources.unserac_page import mirror
from publisher.sources.unserac_records import objects
from publisher.store.gate import ESCAPE, checked
from publisher.store.textsearch import rewritten
from tests import allris_site as site

PAGES = ROOT / "tests" / "pages"
URL = "https://ris.example.org/bi/"
KEY = re.compile(r"(?:(?:au|fr|pa|gr)-)?[1-9]\d{0,17}|[a-z0-9]+(?:-[a-z0-9]+)*-\d{4}-\d\d-\d\d")  # a number, or a committee and a day
KEYS = ("key", "paper", "meeting", "agendaItem", "minutesOf")
URN = re.compile(r"urn:ris:05334:(?:body|organization|meeting|consultation|paper)/[a-z0-9]+(?:[-/][a-z0-9]+)*")
REGION = Source("region", "unserac", "x", "05334")
EXPORTS = {
    "vo040.asp": allris3_exports.papers,
    "si010.asp": allris3_exports.meetings,
    "to010.asp?SILFDNR=504": allris3_exports.agenda,
    "to020.asp?TOLFDNR=71": allris3_exports.item,
    "kp041.asp": allris3_exports.persons,
    "ics.asp?SILFDNR=501": allris3_exports.calendar,
}
DIALECTS = sorted(REPAIRS)


class Target(NamedTuple):
    """judged: fails on bytes that break a promise; the first byte chooses the address or dialect under which the rest came."""

    seeds: Callable[[], list[bytes]]
    judged: Callable[[bytes], None]


def parted(raw: bytes, choices: list[Any]) -> tuple[Any, bytes]:
    """Return what the first byte chooses, and the other bytes."""
    return choices[(raw[0] if raw else 0) % len(choices)], raw[1:]


def numbered(pages: list[bytes]) -> list[bytes]:
    return [bytes((at,)) + page for at, page in enumerate(pages)]


def classic() -> dict[str, bytes]:
    town = site.classic_town()
    told = {name: town[name] for name in ("to010.asp?SILFDNR=501", "to020.asp?TOLFDNR=7002", "fr010.asp", "kp020.asp?KPLFDNR=81")}
    lists = {
        "si010.asp": site.month("März&nbsp;2024", site.MARCH),
        "vo040.asp": site.LIST_PAGES[0],
        "fr020.asp?FRLFDNR=7": town["fr020.asp?FRLFDNR=7"],
    }
    return {"vo020.asp?VOLFDNR=3001": site.PAPER_3001, **told, **lists}


def newer() -> dict[str, bytes]:
    names = {"vo020": "VOLFDNR", "to010": "SILFDNR", "to020": "TOLFDNR", "gr020": "GRLFDNR", "kp020": "KPLFDNR"}
    found = {}
    for path in sorted((PAGES / "allris4").iterdir()):
        name, _, key = path.stem.partition("_")
        if name in allris4.PARSERS and key != "shell":
            found[f"{name}?{names.get(name, 'PAGE')}={key}"] = path.read_bytes()
    return found


CLASSIC, NEWER = classic(), newer()


def page_of_allris(parser: Callable[[bytes, str], dict[str, Any]], pages: dict[str, bytes]) -> Callable[[bytes], None]:
    """Return the promise of a page's parser: a named refusal, or facts whose lines add up and whose keys are numbers."""
    addresses = list(pages)

    def judged(raw: bytes) -> None:
        address, page = parted(raw, addresses)
        with suppress(PublisherError):
            facts = parser(page, URL + address)
            lines = facts["lines"]
            assert lines["total"] == lines["used"] + lines["withheld"] + sum(lines["boilerplate"].values()) + lines["unmapped"]
            of_keys(facts)

    return judged


def of_keys(facts: dict[str, Any]) -> None:
    """Fail if a key is none, or a text is none that can be written."""
    wrong = [key for key in keys_in(facts) if not KEY.fullmatch(key)]
    assert wrong == [], wrong
    orjson.dumps({key: value for key, value in facts.items() if key not in ("lines", "notes")}, default=list)


def keys_in(value: Any, name: str = "") -> Iterator[str]:
    """Yield each key of a thing in facts, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key != "lines":
                yield from keys_in(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_in(inner, name)
    elif name in KEYS and isinstance(value, str):
        yield value


def exports() -> list[bytes]:
    row = "<volfdnr>3002</volfdnr><voname>2024/0102</voname><vobetr>Haushalt &uuml;& mehr</vobetr><voverf>X</voverf>"
    top = "<tolfdnr>71</tolfdnr><volfdnr>0</volfdnr><tofnum>4</tofnum><tofunum>1</tofunum><toostLang>öffentlich</toostLang>"
    sitting = "<silfdnr>501</silfdnr><sisbvcs>20240306T163000Z</sisbvcs><sisevcs>20240306T180000</sisevcs><siname>HA/12</siname>"
    person = "<kplfdnr>81</kplfdnr><adname>Muster</adname><advname>Eva</advname><adtit>Dr.</adtit><kppartei>X</kppartei><adtel>1</adtel>"
    minutes = "<toptext>Haushalt</toptext><totyp>geändert beschlossen</totyp><rtfbs><a href='x'>Der Rat</a></rtfbs>"
    prolog = '<?xml version="1.0" encoding="ISO-8859-1"?><results><special><saname>Sitzung</saname></special>'
    listed_rows = [f"{prolog}<list><row>{one}</row></list></results>".encode("cp1252") for one in (row, sitting, top)]
    event = "BEGIN:VEVENT\r\nUID:501@x\r\nDTSTART:20240306T163000Z\r\nDTEND:20240306T180000\r\nSUMMARY:Rat\\, fällt\r\n  aus\r\n"
    calendar = f"BEGIN:VCALENDAR\r\n{event}LOCATION:Saal\r\nURL:{URL}to010.asp?SILFDNR=501\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n".encode()
    item = f"{prolog}<head>{minutes}</head></results>".encode("cp1252")
    return numbered([*listed_rows, item, f"{prolog}<list><item>{person}</item></list></results>".encode(), calendar])


def export(raw: bytes) -> None:
    """An export of classic ALLRIS: XML or iCalendar."""
    (address, parser), body = parted(raw, list(EXPORTS.items()))
    with suppress(PublisherError):
        of_keys(parser(body, URL + address))


def mirrored(raw: bytes) -> None:
    """A page of the unserAC mirror, or a text copied from one."""
    text = raw.decode("utf-8", "replace")
    count = unserac.booked(text)
    assert count["used"] + count["withheld"] + sum(count["boilerplate"].values()) + count["unmapped"] == count["total"]
    unserac.is_listing(text, URL)
    unserac.paper_links(text, URL)
    with suppress(PublisherError):
        for obj in objects(mirror(text, URL), REGION, URL).objects:
            ids = [obj["id"], *(part["id"] for _, part in parts(obj))]
            assert all(URN.fullmatch(one) for one in ids), ids
            orjson.dumps(obj)


def oparl() -> list[bytes]:
    schema = "https://schema.oparl.org/1.1/"
    file = {"id": "https://ris.example/files?id=2", "type": schema + "File", "mimeType": "pdf", "size": 0, "name": "A\u00a0B"}
    step = {"id": "https://ris.example/c/3", "type": schema + "Consultation", "role": "Anhörung\n"}
    paper = {
        "id": "https://ris.example/papers?id=1",
        "type": schema + "Paper",
        "date": "2031-02-03",
        "mainFile": file,
        "consultation": [step],
    }
    gone = {"id": "https://ris.example/meetings?id=4", "deleted": True, "created": "2000-01-01T00:00:00+01:00"}
    body = {
        "id": "https://ris.example/body/1",
        "type": schema + "Body",
        "ags": "5999016",
        "location": {"geojson": {"type": "Point", "coordinates": [50.7, 6.4]}},
    }
    page = {"data": [paper, gone, body], "pagination": {"totalElements": 3}, "links": {"next": "https://ris.example/papers?page=2"}}
    return numbered([json.dumps(one, ensure_ascii=False).encode() for one in (page, body, [paper], gone, step)])


def answered(raw: bytes) -> None:
    """An answer of an OParl server: each object a record with an id that was sent, or a refusal with a reason."""
    dialect, body = parted(raw, DIALECTS)
    try:
        told, notes = json_of(body, "page")
    except Malformed:
        return
    if not is_oparl(told):
        return
    seen, sent = Seen(), json.dumps(told)
    for item in (oparl_record(obj, Origin("page", dialect=dialect, notes=notes)) for obj in listed(told).objects):
        for one in seen.once(item, "page"):
            if isinstance(one, Refusal):
                assert one.reason
            else:
                assert is_url(one.id) and one.object["id"] == one.id and json.dumps(one.id)[1:-1] in sent
                orjson.dumps(one.object)


def stream() -> list[bytes]:
    obj = {"id": "https://a.example/eli/dl/05999004/vorlage/1", "type": "https://schema.oparl.org/1.1/Paper", "name": "A"}
    member = {
        "id": obj["id"] + "/v/12",
        "type": "as:Update",
        "isVersionOf": obj["id"],
        "sequence": 12,
        "@graph": [obj],
        "body": "https://a.example/id/1",
    }
    relation = {"type": "GreaterThanOrEqualToRelation", "node": "/stream/1", "tree:value": {"@value": "2026-01-01T00:00:00Z"}}
    page = {"id": "https://a.example/stream#eventstream", "view": {"relation": [relation]}, "member": [member]}
    return [json.dumps(page).encode()]


def followed(raw: bytes) -> None:
    """The event stream of another publisher: a page of it, read as entry and as a page of members."""
    page = Page("https://a.example/stream", 200, "application/ld+json", raw, {})
    for read in (ldes.base, ldes.nodes, ldes.members):
        with suppress(PublisherError):
            read(page)
    with suppress(PublisherError):
        for member in ldes.members(page):
            one = ldes.record(member, page.url)
            ldes.sequence(one.url)
            assert isinstance(one, Record) or one.reason


def queries() -> list[bytes]:
    given = [path.read_bytes() for path in sorted((ROOT / "publisher" / "views" / "examples").glob("*.rq"))]
    calls = (b"ASK{SERVICE SILENT<urn:x>{}}", b"SELECT*{BIND(1<2 AS?a)SERVICE<urn:x#>{?s?p'''\"#'''}}", b"ASK{GRAPH:SERVICE{}}")
    found = b'PREFIX x: <https://w3id.org/oparl-ld/ns#> SELECT * FROM <urn:g> { ?s x:matches ("Rat \\u0041" ?score 5) }'
    return [*given, *(b"PREFIX : <http://x/> " + call for call in calls), found]


def asked(raw: bytes) -> None:
    """A query: refused by name, or without any SERVICE that the engine would run. Needs a process without a network."""
    text = raw.decode("utf-8", "replace")
    try:
        query = checked(text)
        rewritten(query, lambda words, _: ([(f"urn:x:{len(words)}", 1.0)], 1))
    except (QueryRefused, LimitMet):
        return
    plain = ESCAPE.sub(lambda escape: chr(int(escape[1] or escape[2], 16)), text)
    if "service" in plain.lower() and parses(text):
        assert parses(re.sub("(?i)serv", "sorv", plain)), "a SERVICE passed the gate"


def parses(text: str) -> bool:
    """Return whether Oxigraph takes a text as a query."""
    try:
        ox.Store().query(text)
    except (OSError, RuntimeError):
        return True
    except SyntaxError:
        return False
    return True


def mirror_pages() -> list[bytes]:
    return [path.read_bytes() for path in sorted((PAGES / "unserac").rglob("*.*"))]


TARGETS = {
    "pages of ALLRIS classic": Target(lambda: numbered(list(CLASSIC.values())), page_of_allris(allris3.page_of, CLASSIC)),
    "pages of ALLRIS 4": Target(lambda: numbered(list(NEWER.values())), page_of_allris(allris4.page_of, NEWER)),
    "exports of ALLRIS classic": Target(exports, export),
    "pages of unserAC": Target(mirror_pages, mirrored),
    "answers of OParl": Target(oparl, answered),
    "event streams": Target(stream, followed),
    "queries": Target(queries, asked),
}
