"""ALLRIS 4: parsers on pages written for these tests, the walk over a town whose lists Wicket sends piece by piece."""

import json
import os
import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.errors import Malformed, PublisherError, Unreachable
from publisher.record import Record, Refusal, parts
from publisher.sources import allris4, allris4_lists, allris4_pages
from publisher.sources.normal import normalised
from tests import allris_site as site
from tests.conftest import BASE, harvested

PAGES = {path.name: path.read_bytes() for path in sorted((site.PAGES / "allris4").iterdir())}
URL = "https://ris.example.org/public/"
ANSWERS = {
    "si018": PAGES["si018_shell.html"],
    "si018?7-1.0-CONTENT=": PAGES["si018_1.xml"],
    "si018?7-1.0-NAVIGATOR-NEXT=": PAGES["si018_2.xml"],
    "gr010": PAGES["gr010_shell.html"],
    "gr010?3-1.0-CONTENT=": PAGES["gr010.xml"],
    **{f"gr020?GRLFDNR={key}&REFRESH=false": PAGES[f"gr020_{key}.html"] for key in (7, 20, 21)},
    **{f"to010?REFRESH=false&SILFDNR={key}": PAGES[f"to010_{key}.html"] for key in (501, 505, 506)},
    "to010?REFRESH=false&SILFDNR=507": PAGES["closed.html"],
    "to020?REFRESH=false&TOLFDNR=7002": PAGES["to020_7002.html"],
    "to020?REFRESH=false&TOLFDNR=7005": PAGES["closed.html"],
    **{f"vo020?REFRESH=false&VOLFDNR={key}": PAGES[f"vo020_{key}.html"] for key in (3001, 3002)},
    "kp020?KPLFDNR=81&REFRESH=false": PAGES["kp020_81.html"],
    "kp020?KPLFDNR=82&REFRESH=false": PAGES["closed.html"],
}


@pytest.fixture(scope="module")
def town():
    with site.served(ANSWERS, "text/html; charset=UTF-8") as server:
        source = site.source(server, "allris4")
        found = list(allris4.records(source, site.fetch(source)))
        yield server, source, found


def one(found, cls, key):
    [record] = [record for record in found if isinstance(record, Record) and record.id == f"urn:ris:99999001:{cls}/{key}"]
    return record


def test_a_paper_is_read_by_its_stable_ids():
    facts = allris4_pages.paper(PAGES["vo020_3001.html"], URL + "vo020?VOLFDNR=3001&refresh=false")

    assert facts["reference"] == "2024/0101"
    assert facts["name"] == "Bau des Radweges an der Ahr – Antrag vom 05.01.2024, geändert"
    assert facts["paperType"] == "Antrag"
    assert facts["originator"] == ["Fraktion Linde"]
    assert facts["underDirectionOf"] == ["A 61 - Amt für Stadtentwicklung"]
    assert facts["involved"] == ["Kämmerei", "A 66 - Tiefbauamt"]
    assert facts["section"] == [
        {"anchor": "SV", "name": "Sachlage", "text": "Der Weg kostet 50.000 € – „dringend“ laut Sozialraum-planung, siehe 16.06.2023."},
        {"anchor": "BV", "name": "Beschlussvorschlag", "text": "a) Der Rat beschließt den Bau.\nb) Die Verwaltung berichtet."},
    ]


def test_the_date_of_the_version_is_never_the_date_of_the_page():
    facts = allris4_pages.paper(PAGES["vo020_3002.html"], URL + "vo020?VOLFDNR=3002")

    assert "2026-07-08" not in json.dumps(facts, default=list)
    assert "date" not in facts


def test_a_station_has_a_row_for_itself_and_one_for_each_date():
    facts = allris4_pages.paper(PAGES["vo020_3001.html"], URL + "vo020?VOLFDNR=3001")

    assert facts["consultation"] == [
        {"status": "Erledigt", "organization": "Bauausschuss", "role": "Vorberatung", "day": "2024-02-14",
         "name": "Sitzung des Bauausschusses", "meeting": "505", "agendaItem": "7005", "result": "zurückgestellt"},
        {"status": "Geplant", "organization": "Bauausschuss", "role": "Vorberatung", "day": "2030-04-17",
         "name": "Sitzung des Bauausschusses", "meeting": "506", "agendaItem": "7016"},
        {"status": "Bereit", "organization": "Rat der Stadt", "role": "Entscheidung"},
    ]  # fmt: skip


def test_english_dates_are_read_too():
    paper = allris4_pages.paper(PAGES["vo020_3002.html"], URL + "vo020?VOLFDNR=3002")
    agenda = allris4_pages.agenda(PAGES["to010_505.html"], URL + "to010?SILFDNR=505")

    assert paper["consultation"][0]["day"] == "2024-03-06"
    assert (agenda["day"], agenda["start"], agenda["end"]) == ("2024-02-14", "17:00", "18:15")


def test_only_files_with_a_lasting_address_are_files():
    facts = allris4_pages.paper(PAGES["vo020_3001.html"], URL + "vo020?VOLFDNR=3001")

    assert facts["file"] == [{"key": "9002", "name": "Lageplan", "mimeType": "application/pdf", "url": URL + "doc/doc9002.pdf"}]
    assert facts["attachment"] == ["Vorlage"]
    assert "C:" not in json.dumps(facts, default=list)
    assert [note.rule for note in facts["notes"] if note.kind == "damage"] == ["session-link"]


def test_supporters_and_clerks_stay_out_and_are_counted():
    facts = allris4_pages.paper(PAGES["vo020_3001.html"], URL + "vo020?VOLFDNR=3001")

    told = json.dumps({name: value for name, value in facts.items() if name != "lines"}, default=list)
    assert "Verborgen" not in told
    assert "Geheim" not in told
    assert sum(note.leaves for note in facts["notes"] if note.kind == "withheld") == 3


def test_an_agenda_tells_public_from_closed_items_by_number_or_by_the_row_above():
    facts = allris4_pages.agenda(PAGES["to010_501.html"], URL + "to010?SILFDNR=501")

    assert [(item.get("key"), item["number"], item["public"]) for item in facts["agendaItem"]] == [
        ("7001", "Ö 1", True),
        ("7002", "Ö 2", True),
        (None, "3", False),
    ]
    assert facts["agendaItem"][1]["result"] == "ungeändert beschlossen"
    assert "result" not in facts["agendaItem"][2]
    assert facts["organization"] == {"key": "gr-20", "name": "Hauptausschuss"}


def test_an_item_gives_minutes_resolution_and_vote():
    facts = allris4_pages.item(PAGES["to020_7002.html"], URL + "to020?TOLFDNR=7002")

    assert (facts["minutes"], facts["resolutionText"], facts["vote"]) == (
        "Herr Ahorn erläutert.",
        "Der Haushalt wird beschlossen.",
        "Ja 9, Nein 2",
    )
    assert (facts["meeting"], facts["paper"], facts["number"]) == ("501", "3002", "Ö 2")


@pytest.mark.parametrize(("name", "why"), [("busy.html", "busy"), ("closed.html", "not public")])
@pytest.mark.parametrize(
    "parser", [allris4_pages.paper, allris4_pages.agenda, allris4_pages.item, allris4_lists.meetings, allris4_lists.organizations]
)
def test_an_error_page_with_status_200_is_no_page(parser, name, why):
    with pytest.raises(Malformed) as caught:
        parser(PAGES[name], URL + "vo020?VOLFDNR=1")

    assert caught.value.expected == why


def test_a_classic_page_is_told_from_one_of_allris_4():
    with pytest.raises(Malformed):
        allris4_pages.paper(site.PAPER_3001, URL + "vo020?VOLFDNR=3001")


@pytest.mark.parametrize("name", [name for name in PAGES if "shell" not in name and name not in ("busy.html", "closed.html")])
def test_each_piece_of_text_is_accounted_for(name):
    code, _, key = name.partition(".")[0].partition("_")
    parameter = {"vo020": "VOLFDNR", "to010": "SILFDNR", "to020": "TOLFDNR", "gr020": "GRLFDNR", "kp020": "KPLFDNR"}.get(code, "X")

    facts = allris4.page_of(PAGES[name], f"{URL}{code}?{parameter}={key}")

    lines = facts["lines"]
    assert lines["total"] == lines["used"] + lines["withheld"] + sum(lines["boilerplate"].values()) + lines["unmapped"]
    assert lines["twice"] == 0
    assert lines["left"] == (["Fantasiefeld:", "nie gesehen"] if name == "vo020_3001.html" else [])


def test_the_town_is_read_whole(town):
    _, _, found = town

    counts = {}
    for record in found:
        name = record.type if isinstance(record, Record) else "Refusal"
        counts[name] = counts.get(name, 0) + 1

    assert counts == {"Body": 1, "Organization": 7, "Paper": 2, "Meeting": 4, "Person": 2}


def test_every_page_is_asked_for_in_german_and_once(town):
    server, _, _ = town

    assert all(headers["accept-language"].startswith("de") for page, headers in server.headers.items() if page != "robots.txt")
    assert server.headers["si018?7-1.0-CONTENT="]["wicket-ajax"] == "true"
    assert {page: count for page, count in server.asked.items() if count > 1} == {}


def test_published_addresses_carry_no_state(town):
    server, _, found = town

    paper = one(found, "paper", "3001").object

    assert paper["web"] == f"{server.url}vo020?VOLFDNR=3001"
    assert one(found, "meeting", "501").object["web"] == f"{server.url}to010?SILFDNR=501"


def test_a_formal_item_without_key_has_its_number_as_natural_key(town):
    _, _, found = town

    item = one(found, "meeting", "501").object["agendaItem"][2]

    assert item["id"] == "urn:ris:99999001:agendaitem/501-3"
    assert item["oparlx:keyBasis"] == "meeting + number"


def test_a_closed_meeting_is_told_by_the_list(town):
    _, _, found = town

    meeting = one(found, "meeting", "507").object

    assert (meeting["name"], meeting["start"]) == ("Sitzung des Aufsichtsrates", "2024-03-07T18:00:00+01:00")


def test_all_references_within_the_town_lead_to_something(town):
    _, _, found = town

    records = [record for record in found if isinstance(record, Record)]
    known = {record.id for record in records} | {obj["id"] for record in records for _, obj in parts(record.object)}
    named = set(re.findall(r"urn:ris:99999001:[a-z]+/[a-z0-9/.\-]+", json.dumps([record.object for record in records])))

    assert {id for id in named - known if "/section/" not in id} == set()


def test_no_private_word_leaves_the_town(town):
    _, _, found = town

    told = json.dumps([record.object for record in found if isinstance(record, Record)], ensure_ascii=False)

    for secret in ("Geheim", "Privatweg", "0999", "Verborgen", "N. N."):
        assert secret not in told


def test_every_key_has_its_place_in_the_table(town):
    _, source, found = town

    for record in found:
        if isinstance(record, Record):
            for raised in normalised(record, source):
                added = raised.notes[len(record.notes) :]
                assert [note for note in added if note.kind in ("unmapped", "damage", "withheld")] == []


def test_a_list_that_never_ends_ends(tmp_path):
    answers = ANSWERS | {"si018?7-1.0-NAVIGATOR-NEXT=": PAGES["si018_1.xml"]}

    with site.served(answers, "text/html; charset=UTF-8") as server:
        source = site.source(server, "allris4")
        found = list(allris4.records(source, site.fetch(source, tmp_path)))

    assert {record.id.rsplit("/", 1)[1] for record in found if isinstance(record, Record) and record.type == "Meeting"} >= {"501", "507"}


def test_a_server_that_is_asked_too_often_ends_the_walk():
    with site.served(dict.fromkeys((*ANSWERS, "si010"), PAGES["busy.html"]), "text/html; charset=UTF-8") as server:
        source = site.source(server, "allris4")
        with pytest.raises(Unreachable, match="too often"):
            list(allris4.records(source, site.fetch(source)))


def test_a_passing_rate_guard_is_waited_out():
    answers = dict(ANSWERS)

    def guarded(server):
        first = server.state.setdefault("guard", 0) == 0
        server.state["guard"] += 1
        return 200, {"Content-Type": "text/html; charset=UTF-8"}, PAGES["busy.html"] if first else PAGES["vo020_3002.html"]

    answers["vo020?REFRESH=false&VOLFDNR=3002"] = guarded
    with site.served(answers, "text/html; charset=UTF-8") as server:
        source = site.source(server, "allris4")
        found = list(allris4.records(source, site.fetch(source)))

    assert one(found, "paper", "3002").object["name"] == "Haushalt 2024"
    assert not [refusal for refusal in found if isinstance(refusal, Refusal)]


def test_the_harvest_of_the_town_is_whole(tmp_path):
    with site.served(ANSWERS, "text/html; charset=UTF-8") as server:
        outcome = harvested(tmp_path, site.source(server, "allris4"), BASE)

    assert outcome.whole
    assert {cls: count["seen"] for cls, count in outcome.counts.items()} == {
        "Body": 1,
        "Organization": 7,
        "Paper": 2,
        "Meeting": 4,
        "Person": 2,
    }


FUZZED = [(name, raw) for name, raw in PAGES.items() if "shell" not in name]
DIRT = (
    b"<",
    b">",
    b'"',
    b"</dd>",
    b"<dl>",
    b"</table>",
    b"<table>",
    b"\x00",
    b"\x02",
    b"\xff",
    b"LFDNR=",
    b"]]>",
    b"<h2>",
    b"9" * 40,
    b"link_x",
)


@settings(max_examples=int(os.environ.get("PUBLISHER_FUZZ", "300")), deadline=None)
@given(st.integers(0, len(FUZZED) - 1), st.integers(0, 2**32))
def test_a_mutated_page_never_crashes_and_never_makes_a_bogus_id(which, seed):
    name, raw = FUZZED[which]
    code, _, key = name.partition(".")[0].partition("_")
    parameter = {"vo020": "VOLFDNR", "to010": "SILFDNR", "to020": "TOLFDNR", "gr020": "GRLFDNR", "kp020": "KPLFDNR"}.get(code, "X")
    rng, page = random.Random(seed), bytearray(raw)
    for _ in range(rng.randint(1, 12)):
        at, size = rng.randrange(len(page) + 1), rng.choice((1, 2, 7, 40, 300))
        if rng.random() < 0.4:
            del page[at : at + size]
        else:
            page[at:at] = rng.choice(DIRT) if rng.random() < 0.6 else page[at : at + size]

    try:
        facts = allris4.page_of(bytes(page), f"{URL}{code if code in allris4.PARSERS else 'vo020'}?{parameter}={key}")
    except PublisherError:
        return

    lines = facts["lines"]
    assert lines["total"] == lines["used"] + lines["withheld"] + sum(lines["boilerplate"].values()) + lines["unmapped"]
    for found in re.findall(r'"(?:key|paper|meeting|agendaItem)": "([^"]*)"', json.dumps(facts, default=list)):
        assert re.fullmatch(r"(?:gr-)?[1-9]\d{0,17}", found), found


def _in_english(page: str) -> str:
    names = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return re.sub(r"(?<=<td>)(\d\d)\.(\d\d)\.(\d{4})", lambda hit: f"{names[int(hit[2]) - 1]} {int(hit[1])}, {hit[3]}", page)


DRESSED = {
    "a column in front": lambda page: re.sub(r"<tr([^>]*)>(?=<t([dh]))", r"<tr\1><t\2></t\2>", page),
    "keys in lower case": lambda page: re.sub("(?<!do027.)[A-Z]{2}LFDNR", lambda hit: hit[0].lower(), page).replace("dolfdnr", "DOLFDNR"),
    "second headings": lambda page: re.sub(r"<(/?)h1", r"<\1h2", page),
    "days in English": _in_english,
    "cells with spans": lambda page: re.sub(r"(<td[^>]*>)([^<]+)(</td>)", r"\1<span>\2</span>\3", page),
    "absolute addresses": lambda page: re.sub(r'"\./([a-z]{2}0\d\d)', r'"http://127.0.0.1/public/\1', page),
}
DRESS_PARSERS = {
    "vo020": allris4_pages.paper,
    "to010": allris4_pages.agenda,
    "to020": allris4_pages.item,
    "gr010": allris4_lists.organizations,
    "gr020": allris4_lists.organization,
    "kp020": allris4_lists.person,
    "si018": allris4_lists.meetings,
}


@pytest.mark.parametrize("how", sorted(DRESSED))
@pytest.mark.parametrize("name", sorted(name for name in PAGES if name[:5] in DRESS_PARSERS and "shell" not in name))
def test_a_page_of_allris_4_in_another_dress_says_the_same(name, how):
    parameter = {"vo020": "VOLFDNR", "to010": "SILFDNR", "to020": "TOLFDNR", "gr020": "GRLFDNR", "kp020": "KPLFDNR"}.get(name[:5], "X")
    url, page = f"http://127.0.0.1/public/{name[:5]}?{parameter}={name[6:].split('.')[0]}", PAGES[name].decode()

    def told(text: str):
        facts = DRESS_PARSERS[name[:5]](text, url)
        return {key: value for key, value in facts.items() if key not in ("lines", "notes")}

    assert told(DRESSED[how](page)) == told(page)


def test_a_number_in_front_of_a_station_or_a_meeting_takes_no_ones_place():
    def numbered(name: str) -> str:
        return re.sub(r"<tr([^>]*)>(?=<td)", r"<tr\1><td>7</td>", PAGES[name].decode())

    paper, listed = "http://127.0.0.1/vo020?VOLFDNR=3001", "http://127.0.0.1/si018"

    stations = allris4_pages.paper(numbered("vo020_3001.html"), paper)["consultation"]
    meetings = allris4_lists.meetings(numbered("si018_1.xml"), listed)["meetings"]

    assert stations == allris4_pages.paper(PAGES["vo020_3001.html"], paper)["consultation"]
    assert meetings == allris4_lists.meetings(PAGES["si018_1.xml"], listed)["meetings"]
