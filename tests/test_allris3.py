"""Classic ALLRIS: parsers on pages of our own and on the real ones of Hamburg's districts, the walk over a whole little town."""

import json
import os
import random
import re
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.errors import Malformed, PublisherError, Unreachable
from publisher.pipeline.coverage import coverage
from publisher.record import Record, Refusal, parts
from publisher.sources import allris3, allris3_exports, allris3_frame, allris3_lists, allris3_pages, allris4_lists
from publisher.sources.normal import normalised
from publisher.sources.pages_common import base_of, day, decoded, groups, hours, key_in, moments
from tests import allris_site as site
from tests.conftest import BASE, harvested

HAMBURG = Path(os.environ.get("PUBLISHER_SHARED", Path(__file__).parent.parent.parent / "shared")) / "realdata" / "allris-classic-hamburg"
URL = "https://ris.example.org/bi/"


def real_pages() -> list[tuple[str, bytes, str]]:
    """Name, bytes and address of each real page; the address carries the key only where the page's kind needs it."""
    found = []
    for path in sorted(HAMBURG.rglob("*.html")):
        raw = path.read_bytes()
        name = path.name.removesuffix(".html")
        key = re.search(rb'objectID" content="(\d+)', raw)
        parameter = {"au020": "AULFDNR", "fr020": "FRLFDNR"}.get(name)
        url = f"{URL}{name}.asp" + (f"?{parameter}={key[1].decode()}" if parameter and key else "")
        found.append((str(path.relative_to(HAMBURG)), raw, url))
    return found


REAL = real_pages()
hamburg = pytest.mark.skipif(not REAL, reason="../shared/realdata/allris-classic-hamburg is not here")


@pytest.fixture(scope="module")
def town():
    with site.served(site.classic_town()) as server:
        source = site.source(server, "allris3")
        found = list(allris3.records(source, site.fetch(source)))
        yield server, source, found


def one(found, cls, key):
    [record] = [record for record in found if isinstance(record, Record) and record.id == f"urn:ris:99999001:{cls}/{key}"]
    return record


# --- words, days, keys ---


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Do, 14.03.2024", "2024-03-14"),
        ("01.1.2020", "2020-01-01"),
        ("14. März 2024", "2024-03-14"),
        ("Jan 29, 2026", "2026-01-29"),
        ("29 Oct 2026", "2026-10-29"),
        ("2026-01-29", "2026-01-29"),
        ("31.02.2024", None),
        ("00.00.0000", None),
        ("14.03.24", None),
        ("Version 4.1.7", None),
        ("", None),
    ],
)
def test_a_day_is_read_as_printed_and_never_made_up(text, iso):
    assert day(text) == iso


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("17:30 - 18:00", ("17:30", "18:00")),
        ("ab 17:30 Uhr", ("17:30", None)),
        ("ca. 18 Uhr", ("18:00", None)),
        ("18.00", ("18:00", None)),
        ("18 Uhr 30", ("18:30", None)),
        ("18 - 20 Uhr", ("18:00", "20:00")),
        ("von 18.30 Uhr bis ca. 20 Uhr", ("18:30", "20:00")),
        ("18:00 Uhr (Ende 19:15 Uhr)", ("18:00", "19:15")),
        ("ab 18:00 Uhr, im Anschluss an die Sitzung um 17:00 Uhr", ("18:00", None)),
        ("nach dem Rat", (None, None)),
        ("5:30 PM", ("17:30", None)),
        ("12:05 am", ("00:05", None)),
        ("", (None, None)),
        ("25:99", (None, None)),
    ],
)
def test_hours_are_read_as_printed(text, clock):
    assert hours(text) == clock


@pytest.mark.parametrize(
    ("iso", "begin", "end", "expected"),
    [
        ("2024-03-06", "17:30", "19:00", ("2024-03-06T17:30:00+01:00", "2024-03-06T19:00:00+01:00")),
        ("2024-03-31", "18:00", "00:30", ("2024-03-31T18:00:00+02:00", "2024-04-01T00:30:00+02:00")),
        ("2024-10-26", "22:00", "03:30", ("2024-10-26T22:00:00+02:00", "2024-10-27T03:30:00+01:00")),
        ("2024-07-01", "18:00", "18:00", ("2024-07-01T18:00:00+02:00", None)),
        ("2024-03-06", None, None, (None, None)),
        ("2024-03-06", "24:00", None, ("2024-03-07T00:00:00+01:00", None)),
    ],
)
def test_local_time_gets_the_offset_of_its_day(iso, begin, end, expected):
    assert moments(iso, begin, end) == expected


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("vo020.asp?VOLFDNR=1018473", "1018473"),
        ("vo020.asp?a=1&amp;volfdnr=7&b=2", "7"),
        ("vo020.asp?XVOLFDNR=7", None),
        ("vo020.asp?VOLFDNR=0", None),
        ("vo020.asp?VOLFDNR=12x", None),
        ("vo020.asp?VOLFDNR=", None),
        ("vo020.asp?VOLFDNR=-3", None),
        ("vo020.asp?VOLFDNR=٣", None),
        (None, None),
    ],
)
def test_a_key_is_a_number_or_none(url, key):
    assert key_in(url, "VOLFDNR") == key


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://ris.example.org/bi", "https://ris.example.org/bi/"),
        ("https://ris.example.org/bi/", "https://ris.example.org/bi/"),
        ("https://ris.example.org/bi/allris.net.asp", "https://ris.example.org/bi/"),
        ("https://ris.example.org/public/si010", "https://ris.example.org/public/"),
        ("https://ris.example.org/bi/vo020.asp?VOLFDNR=1", "https://ris.example.org/bi/"),
    ],
)
def test_the_folder_of_the_pages_is_found_from_any_address(url, base):
    assert base_of(url) == base


@pytest.mark.parametrize(
    "label",
    ["Drucksache-Art:", "Vorlage-Art:", "Vorlageart:", "Vorlagenart", "Art:", "Drucksachenart:"],
)
def test_each_spelling_of_the_kind_of_paper_is_one_field(label):
    assert allris3_frame.field_of(label) == "paperType"


@pytest.mark.parametrize("label", ["Verfasser:", "Verfasserin:", "Verfasser/in:", "Verfasser(in):", "Verfasser/-in:", "Verfasserin 2:"])
def test_each_spelling_of_the_author_is_one_field(label):
    assert allris3_frame.field_of(label) == "author"


@pytest.mark.parametrize("label", ["Bearbeiter:", "Bearbeiter/-in:", "Bearbeiterin:", "Sachbearbeiter(in):", "Ansprechpartner/in:"])
def test_each_spelling_of_the_clerk_is_one_field(label):
    assert allris3_frame.field_of(label) == "clerk"


def test_a_label_nobody_knows_has_no_field():
    assert allris3_frame.field_of("Fantasiefeld:") is None


@pytest.mark.parametrize(
    "name", ["SPD-Fraktion", "Fraktion GRÜNE Bergedorf", "Gruppe Ulme", "A 61 - Amt für Stadtentwicklung", "Seniorenbeirat", "CDU"]
)
def test_a_group_is_no_person(name):
    assert groups([name]) == [name]


@pytest.mark.parametrize(
    "name",
    [
        "Karl Verborgen",
        "Herr Meier, SPD-Fraktion",
        "Frau Dr. Linde",
        "Müller, Amt 61",
        "Ratsfrau",
        "eva@amt.example",
        "Konrat Ratke",
        "Eva Grüne",
        "Karl Rat",
        "Stadtrat Meier",
        "Fraktionsvorsitzender Karl Meier",
        "Referatsleiterin Schmidt",
    ],
)
def test_a_person_is_never_taken_for_a_group(name):
    assert groups([name]) == []


def test_bytes_are_read_as_they_are_not_as_they_are_named():
    said = '<meta charset="iso-8859-1">'

    assert decoded((said + "50 € – „so“").encode("cp1252")).endswith("50 € – „so“")
    assert decoded((said + "50 € – „so“").encode()).endswith("50 € – „so“")
    assert decoded('<meta charset="utf-8">ü'.encode()[:-1], "text/html; charset=utf-8").endswith("\ufffd")
    assert decoded(b"\x81\x8d\x90 \xfc").endswith("ü")


# --- pages ---


def test_a_paper_is_read_with_its_stations_texts_and_files():
    facts = allris3_pages.paper(site.PAPER_3001, URL + "vo020.asp?VOLFDNR=3001")

    assert facts["key"] == "3001"
    assert facts["reference"] == "2024/0101"
    assert facts["name"] == "Bau des Radweges an der Ahr - Antrag der Fraktion Linde vom 05.01.2024, geändert"
    assert facts["paperType"] == "Antrag"
    assert facts["originator"] == ["Fraktion Linde"]
    assert facts["involved"] == ["Kämmerei", "A 66 - Tiefbauamt"]
    assert facts["related"] == [{"key": "3002", "name": "2024/0102"}]
    assert [part["name"] for part in facts["section"]] == ["Sachlage", "Petitum/Beschluss"]
    assert facts["section"][0]["text"] == "Der Weg kostet 50.000 € – „dringend“ laut Sozialraum-planung; siehe Beschluss vom 16.06.2023."
    assert [file["key"] for file in facts["file"]] == ["9001", "9002"]
    assert facts["attachment"] == ["Lageplan Ahrweg"]


def test_a_postponed_station_has_two_dates_and_a_planned_one_none():
    facts = allris3_pages.paper(site.PAPER_3001, URL + "vo020.asp?VOLFDNR=3001")

    assert facts["consultation"] == [
        {"status": "Erledigt", "organization": "Bauausschuss", "role": "Vorberatung", "day": "2024-02-14",
         "name": "Sitzung des Bauausschusses", "result": "zurückgestellt", "meeting": "505", "agendaItem": "7005"},
        {"status": "Geplant", "organization": "Bauausschuss", "role": "Vorberatung", "day": "2030-04-17",
         "name": "Sitzung des Bauausschusses", "meeting": "506", "agendaItem": "7016"},
        {"status": "Bereit", "organization": "Rat der Stadt", "role": "Entscheidung"},
    ]  # fmt: skip


def test_clerks_stay_out_and_are_counted():
    facts = allris3_pages.paper(site.PAPER_3001, URL + "vo020.asp?VOLFDNR=3001")

    told = json.dumps({name: value for name, value in facts.items() if name != "lines"}, default=list)
    assert "Verborgen" not in told
    assert "Geheim" not in told
    assert sum(note.leaves for note in facts["notes"] if note.kind == "withheld") == 2
    assert facts["lines"]["withheld"] == 2


def test_an_unknown_label_is_reported_and_its_value_left_unread():
    facts = allris3_pages.paper(site.PAPER_3001, URL + "vo020.asp?VOLFDNR=3001")

    assert [note.path for note in facts["notes"] if note.rule == "label"] == ["vo020.Fantasiefeld"]
    assert facts["lines"]["left"] == ["Fantasiefeld:", "nie gesehen"]


def test_a_link_that_dies_with_the_session_is_reported_and_is_no_file():
    facts = allris3_pages.paper(site.PAPER_3001, URL + "vo020.asp?VOLFDNR=3001")

    assert [(note.kind, note.leaves) for note in facts["notes"] if note.rule == "session-link"] == [("damage", 1)]
    assert "___tmp" not in json.dumps(facts, default=list)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Zugriff verweigert", "not public"),
        ("Sie sind nicht berechtigt, diese Seite zu sehen.", "not public"),
        ("Keine Information verfügbar", "no information"),
        ("Zu viele Zugriffe. Bitte warten Sie.", "busy"),
        ("Guten Tag", "a classic ALLRIS page with .kb1"),
    ],
)
@pytest.mark.parametrize("parser", [allris3_pages.paper, allris3_pages.agenda, allris3_pages.item])
def test_an_error_page_with_status_200_is_no_page(parser, text, why):
    with pytest.raises(Malformed) as caught:
        parser(site.said(text), URL + "vo020.asp?VOLFDNR=1")

    assert caught.value.expected == why


def test_a_page_that_shows_another_key_than_asked_for_is_refused():
    with pytest.raises(Malformed, match="the page says 3001"):
        allris3_pages.paper(site.PAPER_3001, URL + "vo020.asp?VOLFDNR=3002")


def test_a_page_without_key_anywhere_is_refused():
    with pytest.raises(Malformed, match="VOLFDNR"):
        allris3_pages.paper(site.simple(0, "1", "x").replace(b'name="objectID"', b'name="other"'), URL + "vo020.asp")


def test_a_paper_named_like_an_error_is_a_paper():
    facts = allris3_pages.paper(site.simple(5, "2024/5", "Zugriff verweigert - Keine Information verfügbar"), URL + "vo020.asp?VOLFDNR=5")

    assert facts["name"] == "Zugriff verweigert - Keine Information verfügbar"


def test_open_is_no_result():
    agenda = site.agenda(
        5, "Sitzung", site.HAUPT, "Mi, 06.03.2024", "", site.item("Ö&nbsp;1", 71, "A", "(offen)"), site.item("N&nbsp;2", 72, "B", "vertagt")
    )

    [first, second] = allris3_pages.agenda(agenda, URL + "to010.asp?SILFDNR=5")["agendaItem"]

    assert "result" not in first
    assert (first["number"], first["public"]) == ("Ö 1", True)
    assert (second["number"], second["public"], second["result"]) == ("N 2", False, "vertagt")


def test_a_calendar_shows_the_day_once_for_several_meetings():
    facts = allris3_lists.calendar(site.month("März&nbsp;2024", site.MARCH), URL + "si010_j.asp")

    assert facts["month"] == "2024-03"
    assert [(entry["key"], entry["day"]) for entry in facts["meetings"]] == [
        ("501", "2024-03-06"),
        ("502", "2024-03-06"),
        ("503", "2024-03-13"),
        ("504", "2024-03-31"),
    ]
    assert [entry["cancelled"] for entry in facts["meetings"]] == [False, False, True, False]
    assert facts["lines"]["boilerplate"]["no meeting"] >= 1


@pytest.mark.parametrize(
    ("printed", "names"),
    [
        ("Batenhorst, Uwe", {"name": "Uwe Batenhorst", "familyName": "Batenhorst", "givenName": "Uwe"}),
        ("van den Linden, Jan", {"name": "Jan van den Linden", "familyName": "van den Linden", "givenName": "Jan"}),
        ("Dr. Marc Ulme-Eiche", {"name": "Dr. Marc Ulme-Eiche", "title": ["Dr."]}),
        ("Ahorn, Dr. Eva", {"name": "Dr. Eva Ahorn", "familyName": "Ahorn", "givenName": "Eva", "title": ["Dr."]}),
        ("Lars Buche", {"name": "Lars Buche"}),
        ("Richter", {"name": "Richter"}),
    ],
)
def test_a_name_is_split_only_where_the_town_splits_it(printed, names):
    assert allris3_lists.named(printed) == names


# --- the walk ---


def test_the_town_is_read_whole(town):
    _, _, found = town

    counts = {}
    for record in found:
        name = record.type if isinstance(record, Record) else "Refusal"
        counts[name] = counts.get(name, 0) + 1

    assert counts == {"Body": 1, "Organization": 9, "Paper": 3, "Meeting": 6, "Person": 2, "Refusal": 1}


def test_each_page_is_asked_for_once(town):
    server, _, _ = town

    assert {page: count for page, count in server.asked.items() if count > 1 and page != "noauth.asp"} == {}


def test_ids_are_unique_and_made_of_the_systems_own_keys(town):
    _, _, found = town

    records = [record for record in found if isinstance(record, Record)]
    ids = [record.id for record in records] + [
        obj["id"] for record in records for _, obj in parts(record.object) if "/Location" not in obj["type"]
    ]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"urn:ris:99999001:[a-z]+/[a-z0-9/.\-]+", id) for id in ids)


def test_a_committee_is_known_through_its_agenda(town):
    _, _, found = town

    stations = one(found, "paper", "3001").object["consultation"]

    assert [station["organization"] for station in stations] == [
        ["urn:ris:99999001:organization/au-21"],
        ["urn:ris:99999001:organization/au-21"],
        ["urn:ris:99999001:organization/pa-1"],
    ]
    assert one(found, "organization", "au-21").object["name"] == "Bauausschuss"


def test_an_item_and_its_consultation_point_at_each_other(town):
    _, _, found = town

    item = one(found, "meeting", "501").object["agendaItem"][1]
    [station] = one(found, "paper", "3002").object["consultation"]

    assert item["consultation"] == station["id"] == "urn:ris:99999001:consultation/3002-7002"
    assert station["agendaItem"] == item["id"]
    assert station["meeting"] == "urn:ris:99999001:meeting/501"
    assert item["resolutionText"] == "Der Haushalt wird beschlossen."
    assert item["oparlx:minutes"] == "Herr Ahorn erläutert."
    assert item["oparlx:vote"] == "Ja 9, Nein 2"


def test_an_item_of_a_closed_paper_has_no_link_that_leads_nowhere(town):
    _, _, found = town

    item = one(found, "meeting", "501").object["agendaItem"][3]

    assert "consultation" not in item
    assert item["public"] is False
    assert [refusal for refusal in found if isinstance(refusal, Refusal)][0].id == "urn:ris:99999001:paper/3003"


def test_all_references_within_the_town_lead_to_something(town):
    _, _, found = town

    records = [record for record in found if isinstance(record, Record)]
    known = {record.id for record in records} | {obj["id"] for record in records for _, obj in parts(record.object)}
    known |= {refusal.id for refusal in found if isinstance(refusal, Refusal)}
    named = set(re.findall(r"urn:ris:99999001:[a-z]+/[a-z0-9/.\-]+", json.dumps([record.object for record in records])))

    assert named - known - {f"urn:ris:99999001:paper/3001/section/{slug}" for slug in ("sachverhalt", "beschlussvorschlag")} == set()


def test_a_meeting_without_public_agenda_is_told_by_the_calendar(town):
    _, _, found = town

    meeting = one(found, "meeting", "502").object

    assert meeting["name"] == "Sitzung der Fraktion Linde"
    assert meeting["start"] == "2024-03-06T18:00:00+01:00"
    assert "agendaItem" not in meeting


def test_a_cancelled_meeting_says_so(town):
    _, _, found = town

    assert one(found, "meeting", "503").object["cancelled"] is True


def test_where_only_the_day_is_known_no_time_is_made_up(town):
    _, _, found = town

    meeting = one(found, "meeting", "506").object

    assert meeting["oparlx:day"] == "2030-04-17"
    assert "start" not in meeting


def test_a_meeting_after_the_months_walked_is_read_through_its_paper(town):
    server, _, _ = town

    assert server.asked["to010.asp?SILFDNR=506"] == 1
    assert "si010_j.asp?MM=4&YY=2030" not in server.asked


def test_a_paper_on_no_agenda_is_found_in_the_list_with_its_date(town):
    _, _, found = town

    assert one(found, "paper", "3004").object["date"] == "2023-12-11"


def test_memberships_join_rosters_and_the_persons_page(town):
    _, _, found = town

    person = one(found, "person", "81").object
    by_org = {membership["organization"].rsplit("/", 1)[-1]: membership for membership in person["membership"]}

    assert (person["familyName"], person["givenName"], person["title"]) == ("Ahorn", "Eva", ["Dr."])
    assert by_org["au-20"]["startDate"] == "2020-07-02"
    assert by_org["au-20"]["onBehalfOf"] == "urn:ris:99999001:organization/fr-7"
    assert (by_org["au-21"]["startDate"], by_org["au-21"]["endDate"]) == ("2009-07-14", "2014-12-13")


def test_no_private_word_leaves_the_town(town):
    _, _, found = town

    told = json.dumps([record.object for record in found if isinstance(record, Record)], ensure_ascii=False)

    for secret in ("Geheim", "Privatweg", "0999", "Verborgen", "N. N."):
        assert secret not in told


def test_natural_keys_are_marked_and_own_keys_are_not(town):
    _, _, found = town

    marked = {
        obj["id"].split(":")[3].split("/")[0]
        for record in found
        if isinstance(record, Record)
        for _, obj in parts(record.object)
        if "oparlx:keyBasis" in obj
    }

    assert marked == {"consultation", "location", "membership"}
    assert one(found, "organization", "name-kaemmerei").object["oparlx:keyBasis"] == "name within the body"
    assert "oparlx:keyBasis" not in one(found, "organization", "au-21").object


def test_every_key_has_its_place_in_the_table(town):
    _, source, found = town

    for record in found:
        if isinstance(record, Record):
            for raised in normalised(record, source):
                added = raised.notes[len(record.notes) :]
                assert [note for note in added if note.kind in ("unmapped", "damage", "withheld")] == []
                assert {note.rule for note in added} <= {"parent_link"}


def test_the_same_pages_give_the_same_records(town):
    server, source, found = town
    server.state.clear()

    again = list(allris3.records(source, site.fetch(source)))

    assert again == found


def test_an_interrupted_walk_replayed_from_the_cache_gives_the_same(tmp_path):
    with site.served(site.classic_town()) as server:
        source = site.source(server, "allris3")
        walk = allris3.records(source, site.fetch(source, tmp_path))
        for _ in range(9):
            next(walk)
        walk.close()
        server.state.clear()
        server.state["list"] = 1
        whole = list(allris3.records(source, site.fetch(source, tmp_path)))

        assert {page for page, count in server.asked.items() if count > 1} <= {"noauth.asp", "robots.txt"}
        server.state.clear()
        assert whole == list(allris3.records(source, site.fetch(source)))


def test_a_server_that_is_asked_too_often_ends_the_walk_instead_of_refusing_the_town():
    answers = {page: site.said("Zu viele Zugriffe") for page in site.classic_town()}

    with site.served(answers) as server, pytest.raises(Unreachable, match="too often"):
        list(allris3.records(site.source(server, "allris3"), site.fetch(site.source(server, "allris3"))))


def test_a_missing_calendar_is_told_as_a_missing_list():
    answers = {page: body for page, body in site.classic_town().items() if not page.startswith("si010")}

    with site.served(answers) as server:
        found = list(allris3.records(site.source(server, "allris3"), site.fetch(site.source(server, "allris3"))))

    assert [refusal for refusal in found if isinstance(refusal, Refusal) and not refusal.id and "calendar" in refusal.reason]


# --- real pages ---


@hamburg
@pytest.mark.parametrize(("raw", "url"), [(raw, url) for _, raw, url in REAL], ids=[name for name, _, _ in REAL])
def test_each_line_of_a_real_page_is_accounted_for(raw, url):
    facts = allris3.page_of(raw, url)

    lines = facts["lines"]
    assert lines["total"] == lines["used"] + lines["withheld"] + sum(lines["boilerplate"].values()) + lines["unmapped"]
    assert (lines["unmapped"], lines["twice"], lines["left"]) == (0, 0, [])
    assert lines["used"] > 0


@hamburg
@pytest.mark.parametrize(("raw", "url"), [(raw, url) for _, raw, url in REAL], ids=[name for name, _, _ in REAL])
def test_a_real_page_gives_what_its_kind_promises(raw, url):
    facts = allris3.page_of(raw, url)

    expected = {
        "paper": {"key", "reference", "name", "paperType", "status", "underDirectionOf", "consultation", "section", "file"},
        "meeting": {"key", "name", "organization", "day", "start", "end", "room", "place", "agendaItem", "file"},
        "item": {"key", "name", "meeting", "number", "organization", "day", "minutes"},
        "calendar": {"month", "meetings"},
        "papers": {"paper", "next"},
        "organizations": {"organization"},
        "organization": {"key", "name", "member"},
    }[facts["kind"]]
    assert expected <= set(facts)
    text = json.dumps({key: value for key, value in facts.items() if key != "lines"}, ensure_ascii=False, default=list)
    assert not re.search("[\u0080-\u009f\u00ad\u00a0\ufffd]|&[a-z]+;|<[a-z]|___tmp", text)


OWN = [
    (site.PAPER_3001, URL + "vo020.asp?VOLFDNR=3001"),
    (site.classic_town()["to010.asp?SILFDNR=501"], URL + "to010.asp?SILFDNR=501"),
    (site.classic_town()["to020.asp?TOLFDNR=7002"], URL + "to020.asp?TOLFDNR=7002"),
    (site.month("März&nbsp;2024", site.MARCH), URL + "si010.asp"),
    (site.LIST_PAGES[0], URL + "vo040.asp"),
    (site.classic_town()["fr010.asp"], URL + "fr010.asp"),
    (site.classic_town()["fr020.asp?FRLFDNR=7"], URL + "fr020.asp?FRLFDNR=7"),
    (site.classic_town()["kp020.asp?KPLFDNR=81"], URL + "kp020.asp?KPLFDNR=81"),
]
FUZZED = OWN + [(raw, url) for _, raw, url in REAL]
DIRT = (
    b"<", b">", b'"', b"</td>", b"<td>", b"<tr>", b"</table>", b"<table>", b"\x00", b"\x02", b"\x96", b"\xff", b"LFDNR=", b"<script>",
    b"</html>", b'<a name="allrisSV">', b"<br>", b"&#x0;", b"9" * 40, b"VOLFDNR=99999999999999999999", b"<form>",
)  # fmt: skip


def mutated(raw: bytes, seed: int) -> bytes:
    """A page with some bytes cut out, doubled, swapped or soiled."""
    rng = random.Random(seed)
    page = bytearray(raw)
    for _ in range(rng.randint(1, 12)):
        at = rng.randrange(len(page) + 1)
        size = rng.choice((1, 2, 7, 40, 300, 3000))
        act = rng.randrange(4)
        if act == 0:
            del page[at : at + size]
        elif act == 1:
            page[at:at] = rng.choice(DIRT)
        elif act == 2:
            page[at:at] = page[at : at + size]
        elif page:
            page[at : at + 1] = bytes([rng.randrange(256)])
    return bytes(page)


@settings(max_examples=int(os.environ.get("PUBLISHER_FUZZ", "400")), deadline=None)
@given(st.integers(0, len(FUZZED) - 1), st.integers(0, 2**32))
def test_a_mutated_page_never_crashes_and_never_makes_a_bogus_id(which, seed):
    raw, url = FUZZED[which]

    try:
        facts = allris3.page_of(mutated(raw, seed), url)
    except PublisherError:
        return

    lines = facts["lines"]
    assert lines["total"] == lines["used"] + lines["withheld"] + sum(lines["boilerplate"].values()) + lines["unmapped"]
    for key in keys_in(facts):
        assert re.fullmatch(r"(?:(?:au|fr|pa|gr)-)?[1-9]\d{0,17}|[a-z0-9]+(?:-[a-z0-9]+)*-\d{4}-\d\d-\d\d", key), key


def keys_in(value, name=""):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key != "lines":
                yield from keys_in(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_in(inner, name)
    elif name in ("key", "paper", "meeting", "agendaItem", "minutesOf") and isinstance(value, str):
        yield value


def test_a_labelled_paper_of_an_item_is_the_one_it_links_to_and_its_printed_number_no_key():
    linked = site.label("Vorlage", '<a href="vo020.asp?VOLFDNR=3002">2024/0102</a>')
    page = site.classic_town()["to020.asp?TOLFDNR=7002"]

    for row, key in ((linked, "3002"), (site.label("Drucksache", "2024/0102"), None)):
        told = re.sub(rb"<tr><td>&nbsp;</td><td class=\"text1\"><a href=\"vo020[^\n]*?</tr>", row.encode(), page)
        assert row.encode() in told

        facts = allris3.page_of(told, URL + "to020.asp?TOLFDNR=7002")

        assert facts.get("paper") == key


def test_a_row_of_the_list_that_shows_no_text_is_a_paper_by_its_key_alone():
    row = '<tr class="zl12"><td><a href="vo020.asp?VOLFDNR=3009"><img src="x.gif"></a></td></tr>'
    page = re.sub(rb"(?s)(<table class=\"tl1\">).*?(</table>)", rb"\1" + row.encode() + rb"\2", site.LIST_PAGES[0], count=1)

    facts = allris3.page_of(page, URL + "vo040.asp")

    assert facts["paper"] == [{"key": "3009"}]


# --- exports ---

XML = '<?xml version="1.0" encoding="ISO-8859-1"?><results><special><saname>Sitzung</saname></special>'


def test_the_export_of_meetings_tells_local_time():
    body = (
        XML + "<list><item><silfdnr>501</silfdnr><sisbvcs>20240306T163000Z</sisbvcs><sisevcs>20240306T180000Z</sisevcs>"
        "<siname>HA/12</siname><sitext>Sitzung des Haupt&uuml;ausschusses & mehr</sitext><grname>Hauptausschuss</grname>"
        "<sonst>x</sonst></item>"
        "<item><silfdnr>0</silfdnr></item></list></results>"
    ).encode("cp1252")

    facts = allris3_exports.meetings(body, URL + "si010.asp")

    assert facts["meetings"] == [
        {"key": "501", "day": "2024-03-06", "start": "17:30", "end": "19:00", "name": "Sitzung des Hauptüausschusses & mehr",
         "organization": {"name": "Hauptausschuss"}, "agenda": True, "cancelled": False}
    ]  # fmt: skip
    assert [(note.kind, note.path) for note in facts["notes"]] == [("unmapped", "si010.sonst")]


def test_the_export_of_an_agenda_gives_numbers_keys_and_publicity():
    body = XML + (
        "<head><sitext>Sitzung des Rates</sitext><raname>Saal</raname><raort>Am Markt 1</raort></head><list>"
        "<row><tolfdnr>71</tolfdnr><volfdnr>3002</volfdnr><tofnum>4</tofnum><tofunum>1</tofunum><tofuunum>0</tofuunum><toostLang>öffentlich</toostLang>"
        "<totext1>Haushalt</totext1></row><row><tolfdnr>72</tolfdnr><volfdnr>0</volfdnr><tofnum>5</tofnum><tofunum>0</tofunum><tofuunum>0</tofuunum>"
        "<toostLang>nichtöffentlich</toostLang><totext1>Grundstück</totext1></row></list></results>"
    )

    facts = allris3_exports.agenda(body, URL + "to010.asp?SILFDNR=504")

    assert (facts["name"], facts["room"], facts["place"], facts["occasion"]) == ("Sitzung des Rates", "Saal", "Am Markt 1", "Sitzung")
    assert facts["agendaItem"] == [
        {"key": "71", "number": "Ö 4.1", "public": True, "name": "Haushalt", "paper": "3002"},
        {"key": "72", "number": "N 5", "public": False, "name": "Grundstück"},
    ]


def test_the_export_of_papers_withholds_its_authors():
    body = XML + (
        "<list><row><volfdnr>3002</volfdnr><voname>2024/0102</voname><vobetr>Haushalt</vobetr><atname>Kämmerei</atname><vaname>Antrag</vaname>"
        '<voverf>Karl Verborgen</voverf><link_vo><a href="vo020.asp?VOLFDNR=3002" target="_blank" >x</a></link_vo></row></list></results>'
    )

    facts = allris3_exports.papers(body, URL + "vo040.asp")

    assert facts["paper"] == [
        {"key": "3002", "reference": "2024/0102", "name": "Haushalt", "paperType": "Antrag", "underDirectionOf": ["Kämmerei"]}
    ]
    assert {(note.kind, note.path) for note in facts["notes"]} == {("withheld", "vo040.voverf"), ("unmapped", "vo040.link_vo")}


def test_the_export_of_an_item_gives_result_and_minutes():
    minutes = '<rtfWP><?xml version="1.0"?><!DOCTYPE html PUBLIC "x"><html><body><p>Herr Ahorn</p><p>erläutert.</p></body></html></rtfWP>'
    head = "<toptext>Haushalt</toptext><voname>2024/0102</voname><totyp>(offen)</totyp>"
    body = f"<?xml version='1.0'?><results><head>{head}{minutes}</head></results>"

    facts = allris3_exports.item(body, URL + "to020.asp?TOLFDNR=71")

    assert facts == {
        "kind": "item",
        "key": "71",
        "name": "Haushalt",
        "reference": "2024/0102",
        "minutes": "Herr Ahorn erläutert.",
        "notes": [],
    }


def test_the_export_of_persons_keeps_addresses_out():
    body = XML + (
        "<list><row><kplfdnr>81</kplfdnr><adtit>Dr.</adtit><advname>Eva</advname><adname>Ahorn</adname><kppartei>Linde</kppartei>"
        "<adstr>Geheimweg</adstr><adtel>0999</adtel></row></list></results>"
    )

    facts = allris3_exports.persons(body, URL + "kp041.asp")

    assert facts["person"] == [
        {"key": "81", "name": "Dr. Eva Ahorn", "familyName": "Ahorn", "givenName": "Eva", "title": ["Dr."], "party": "Linde"}
    ]
    assert {note.kind for note in facts["notes"]} == {"withheld"}


def test_a_calendar_export_is_unfolded_and_in_local_time():
    body = (
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:501@ris\r\nDTSTART:20240331T160000Z\r\nDTEND;TZID=Europe/Berlin:20240331T200000\r\n"
        "SUMMARY:Sitzung des Rates\\, öffent\r\n lich\r\nLOCATION:Saal\\; Rathaus\r\nURL:https://ris.example.org/bi/to010.asp?SILFDNR=504\r\n"
        "END:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:ohne Nummer\r\nDTSTART:20240401\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )

    facts = allris3_exports.calendar(body, URL + "si010.asp")

    assert facts["meetings"] == [
        {"key": "504", "day": "2024-03-31", "start": "18:00", "end": "20:00", "name": "Sitzung des Rates, öffentlich",
         "place": "Saal; Rathaus", "agenda": True, "cancelled": False}
    ]  # fmt: skip
    assert [note.rule for note in facts["notes"]] == ["event without key"]


@pytest.mark.parametrize(
    "parser", [allris3_exports.papers, allris3_exports.meetings, allris3_exports.agenda, allris3_exports.persons, allris3_exports.calendar]
)
@pytest.mark.parametrize("body", [b"", b"<html>Zugriff verweigert</html>", b"<?xml version='1.0'?><results><list>", b"\xff\xfe<", "nichts"])
def test_what_is_no_export_is_refused(parser, body):
    with pytest.raises(Malformed):
        parser(body, URL + "to010.asp?SILFDNR=1")


def test_where_the_export_is_open_no_calendar_is_asked_for():
    rows = "".join(
        f"<item><silfdnr>{key}</silfdnr><sisbvcs>20240306T163000Z</sisbvcs><sitext>Sitzung</sitext></item>" for key in (501, 504)
    )
    answers = site.classic_town() | {"si010.asp?SELFACTION=ws&SHOWALL=true&TEMPLATE=xyz": (XML + f"<list>{rows}</list></results>").encode()}

    with site.served(answers) as server:
        source = site.source(server, "allris3", exports=True, lists=False, persons=False)
        found = list(allris3.records(source, site.fetch(source)))

        assert not any(page.startswith("si010_") for page in server.asked)
    assert [record.id.rsplit("/", 1)[1] for record in found if isinstance(record, Record) and record.type == "Meeting"] == ["501", "504"]


def test_the_harvest_of_the_town_is_whole_and_its_body_bears_the_jurisdictions_own_iri(tmp_path):
    with site.served(site.classic_town()) as server:
        outcome = harvested(tmp_path, site.source(server, "allris3"))

    with sqlite3.connect(tmp_path / "journal.sqlite") as journal:
        iris = dict(journal.execute("select type, iri from version order by seq"))
    assert outcome.whole
    assert {cls: count["seen"] for cls, count in outcome.counts.items()} == {
        "Body": 1,
        "Organization": 9,
        "Paper": 3,
        "Meeting": 6,
        "Person": 2,
    }
    assert iris["Body"] == f"{BASE}/id/99999001"
    assert iris["Paper"] == f"{BASE}/eli/dl/99999001/vorlage/3004"
    assert iris["Person"] == f"{BASE}/id/99999001/person/82"


DISTRICTS = sorted({path.parent.name for path in HAMBURG.rglob("allris/*/vo020.html")})


@hamburg
@pytest.mark.parametrize("district", DISTRICTS)
def test_a_districts_real_pages_replayed_as_a_little_site_give_whole_records(district):
    raw = {path.stem: path.read_bytes() for path in (HAMBURG / "allris" / district).iterdir()}
    key = {name: re.search(rb'objectID" content="(\d+)', body)[1].decode() for name, body in raw.items()}
    answers = {
        "si010_e.asp": site.month("November&nbsp;2025", site.entry(("Mo", "3"), "18:00", "Sitzung", int(key["to010"]), True)),
        "vo040.asp": site.papers([(int(key["vo020"]), "22-1", "Titel", "03.11.2025", "Antrag")], False),
        "au010.asp": site.listing("Ausschüsse", "AULFDNR", "au020.asp", [(int(key["au020"]), "Ausschuss der Liste", "9")]),
        "fr010.asp": site.listing("Fraktionen", "FRLFDNR", "fr020.asp", [(int(key["fr020"]), "Fraktion der Liste", "9")]),
        f"to010.asp?SILFDNR={key['to010']}": raw["to010"],
        f"vo020.asp?VOLFDNR={key['vo020']}": raw["vo020"],
        f"au020.asp?AULFDNR={key['au020']}": raw["au020"],
        f"fr020.asp?FRLFDNR={key['fr020']}": raw["fr020"],
    }

    with site.served(answers) as server:
        source = site.source(server, "allris3")
        found = list(allris3.records(source, site.fetch(source)))

    records = [record for record in found if isinstance(record, Record)]
    meeting, paper = one(found, "meeting", key["to010"]).object, one(found, "paper", key["vo020"]).object
    agenda = allris3_pages.agenda(raw["to010"], URL + "to010.asp")
    assert [item["number"] for item in meeting["agendaItem"]] == [item["number"] for item in agenda["agendaItem"]]
    assert meeting["organization"] == [f"urn:ris:99999001:organization/{agenda['organization']['key']}"]
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT18:00:00\+0[12]:00", meeting["start"])
    assert paper["date"] == "2025-11-03"
    assert len(paper["consultation"]) == len(allris3_pages.paper(raw["vo020"], URL + "vo020.asp")["consultation"])
    members = {
        member["key"]
        for page in ("au020", "fr020")
        for member in allris3_lists.organization(raw[page], URL + roster_of(page, key))["member"]
    }
    assert {record.id.rsplit("/", 1)[1] for record in records if record.type == "Person"} == members
    for record in records:
        for raised in normalised(record, source):
            assert [note for note in raised.notes[len(record.notes) :] if note.kind in ("unmapped", "damage")] == []
    lost = {refusal.id for refusal in found if isinstance(refusal, Refusal)}
    assert "" not in {
        refusal.id for refusal in found if isinstance(refusal, Refusal) and "pa010" not in refusal.url and "si010" not in refusal.url
    }
    assert {f"urn:ris:99999001:paper/{item['paper']}" for item in agenda["agendaItem"] if "paper" in item} <= lost


def roster_of(page: str, key: dict[str, str]) -> str:
    return f"{page}.asp?{'AULFDNR' if page == 'au020' else 'FRLFDNR'}={key[page]}"


def test_texts_of_an_older_office_integration_are_read_without_any_block():
    tail = '<a name="allrisSV"></a>Der Weg<br />ist <b>gut</b>.<p class="Text">Er bleibt.</p><a name="allrisBV">Wir bauen.</a>'
    page = site.classic("vo020", "Vorlage - 1/2", site.head(site.label("Betreff", "Weg"), "", tail), "5")

    facts = allris3_pages.paper(page, URL + "vo020.asp?VOLFDNR=5")

    assert [(part["anchor"], part["text"]) for part in facts["section"]] == [
        ("SV", "Der Weg\nist gut.\nEr bleibt."),
        ("BV", "Wir bauen."),
    ]
    assert facts["lines"]["unmapped"] == 0


def test_a_page_with_a_lost_bracket_is_asked_for_again():
    torn = site.PAPER_3001.replace(b'<td class="text3">', b'td class="text3">', 1)
    answers = site.classic_town()

    def second_time_whole(server):
        server.state["torn"] = server.state.get("torn", 0) + 1
        return 200, {"Content-Type": "text/html"}, torn if server.state["torn"] == 1 else site.PAPER_3001

    with pytest.raises(Malformed, match="stands there as text"):
        allris3_pages.paper(torn, URL + "vo020.asp?VOLFDNR=3001")
    with site.served(answers | {"vo020.asp?VOLFDNR=3001": second_time_whole}) as server:
        source = site.source(server, "allris3")
        found = list(allris3.records(source, site.fetch(source)))

    assert one(found, "paper", "3001").object["oparlx:public"] is True
    assert server.asked["vo020.asp?VOLFDNR=3001"] == 2


def test_a_page_of_the_older_frame_is_read():
    page = site.PAPER_3001.replace(b'id="rismain"', b'id="rismain_raw"')

    assert allris3_pages.paper(page, URL + "vo020.asp?VOLFDNR=3001")["reference"] == "2024/0101"


def test_the_ledger_of_a_town_sums_up_exactly():
    with site.served(site.classic_town()) as server:
        source = site.source(server, "allris3")
        book = coverage(source, site.fetch(source))
        pages = list(allris3.books(source, site.fetch(source)))

    whole = sum(item[1]["total"] for item in pages if not isinstance(item, Refusal))
    refused = sum(isinstance(item, Refusal) for item in pages)
    assert book.total == sum(book.kinds.values()) == whole + refused
    assert book.kinds["refused"] == 1
    assert book.kinds["unmapped"] == 2
    assert book.kinds["withheld"] >= 10
    assert book.kinds["lost"] == 0


def test_a_list_that_a_town_does_not_have_is_no_missing_list():
    answers = {page: body for page, body in site.classic_town().items() if page not in ("pa010.asp", "vo040.asp")}

    with site.served(answers) as server:
        source = site.source(server, "allris3")
        found = list(allris3.records(source, site.fetch(source)))

    assert [refusal for refusal in found if isinstance(refusal, Refusal) and not refusal.id] == []


def test_a_page_that_is_gone_is_told_with_the_id_of_its_thing():
    answers = {page: body for page, body in site.classic_town().items() if page != "vo020.asp?VOLFDNR=3002"}

    with site.served(answers) as server:
        source = site.source(server, "allris3")
        found = list(allris3.records(source, site.fetch(source)))

    gone = [(refusal.id, refusal.reason) for refusal in found if isinstance(refusal, Refusal)]
    assert ("urn:ris:99999001:paper/3002", "no such page") in gone
    assert "consultation" not in one(found, "meeting", "501").object["agendaItem"][1]


# --- pages of towns unseen: real pages in other words, charsets, addresses, columns ---

LABEL = re.compile(r'(<td class="kb1"[^>]*>)(.*?)(</td>)', re.DOTALL)
ROW = re.compile(r"<tr\b(?:(?!<tr\b|<table\b).)*?</tr>", re.DOTALL)


def labels(change):
    return lambda page: LABEL.sub(lambda hit: hit[1] + change(hit[2]) + hit[3], page)


def columns(change):
    def changed(hit):
        cells = re.findall(r"<t[dh]\b(?:(?!<t[dh]\b).)*?</t[dh]>", hit[0], re.DOTALL)
        return hit[0] if len(cells) < 2 else "<tr class='zl11'>" + "".join(change(cells)) + "</tr>"

    return lambda page: ROW.sub(changed, page)


SAME = {
    "no colon": labels(lambda label: label.replace(":", "")),
    "no-break spaces": labels(lambda label: label.replace(" ", "&nbsp;").replace(":", "&nbsp;:&nbsp;")),
    "entities": labels(lambda label: "".join(f"&#{ord(letter)};" if ord(letter) > 127 else letter for letter in label)),
    "upper case": labels(lambda label: label if "&" in label or "<" in label else label.upper()),
    "in bold, half": labels(lambda label: re.sub(r"^([^<&]{2})([^<&]{2,})", r"\1<b>\2</b>", label)),
    "head cells": lambda page: LABEL.sub(lambda hit: hit[1].replace("<td", "<th") + hit[2] + "</th>", page),
    "more classes": lambda page: re.sub(r'class="(kb1|tl1|zl1[12])"', r'class="\1 wide"', page),
    "keys in lower case": lambda page: re.sub("[A-Z]{2}LFDNR", lambda hit: hit[0].lower(), page),
    "session ids": lambda page: re.sub(r"\?([A-Z]{2}LFDNR=\d+)", r"?sid=A1&amp;\1&amp;refresh=false", page),
    "absolute addresses": lambda page: re.sub(r'"((?:vo|to|si|au|fr|kp)0\d\d\.asp\?[A-Z]{2}L)', r'"https://ris.example.org/bi/\1', page),
    "base": lambda page: page.replace("<head>", '<head><base href="https://other.example.org/x/">', 1),
    "hours with a dot": lambda page: re.sub(r"(\d\d):(\d\d) - (\d\d):(\d\d)", r"\1.\2 - \3.\4 Uhr", page),
}
ENCODED = {
    "UTF-8 undeclared": lambda page: page.encode(),
    "UTF-8 with a mark": lambda page: b"\xef\xbb\xbf" + page.encode(),
    "UTF-16": lambda page: page.encode("utf-16"),
    "windows-1252 with a mark": lambda page: b"\xef\xbb\xbf" + page.encode("cp1252"),
    "windows-1252 that says UTF-8": lambda page: re.sub("iso-8859-1", "UTF-8", page, flags=re.IGNORECASE).encode("cp1252"),
    "UTF-8 with a letter torn": lambda page: page.encode() + b"<!-- \xe4 -->",
}
OTHERWISE = {
    **{name: lambda page, change=change: change(page).encode("cp1252") for name, change in SAME.items()},
    **ENCODED,
}


def told(raw, url):
    facts = allris3.page_of(raw, url)
    return {key: value for key, value in facts.items() if key not in ("notes", "lines", "url")}


@hamburg
@pytest.mark.parametrize("how", sorted(OTHERWISE))
def test_a_page_in_another_dress_says_the_same(how):
    for name, raw, url in REAL:
        page = raw.decode("cp1252")

        facts = told(OTHERWISE[how](page), url)

        assert facts == told(raw, url), name


@hamburg
@pytest.mark.parametrize("form", ["{0}.{1}.{3}", "{0}/{1}/{2}"])
def test_a_day_that_leaves_its_century_or_order_open_is_reported_not_guessed(form):
    for name, raw, url in REAL:
        page = re.sub(rb"\b(\d\d)\.(\d\d)\.(20(\d\d))\b", lambda hit: form.format(*(part.decode() for part in hit.groups())).encode(), raw)

        before, after = allris3.page_of(raw, url), allris3.page_of(page, url)

        assert not {"day", "endDate"} & set(after), name
        if "day" in before or any("day" in station for station in before.get("consultation", ())) or name == "vo040.html":
            assert "date" in {note.rule for note in after["notes"]}, name


@hamburg
@pytest.mark.parametrize("at", range(8))
def test_a_column_more_or_fewer_never_puts_a_meeting_in_the_place_of_a_result_nor_a_role_in_that_of_a_name(at):
    ways = [lambda cells: [*cells[:at], "<td>&nbsp;</td>", *cells[at:]], lambda cells: cells[:at] + cells[at + 1 :]]
    for name, raw, url in REAL:
        for way in ways:
            try:
                before, after = told(raw, url), told(columns(way)(raw.decode("cp1252")).encode("cp1252"), url)
            except Malformed:
                continue
            assert {member["name"] for member in after.get("member", ())} <= {member["name"] for member in before.get("member", ())}, name
            results = {station.get("result") for station in after.get("consultation", ())}
            assert not results & {station.get("name") for station in before.get("consultation", ()) if "name" in station}, name
            natural = {key for key in keys_in(after) if re.fullmatch(r"[a-z].*-\d{4}-\d\d-\d\d", key)}
            assert set(keys_in(after)) - natural <= set(keys_in(before)), name
            assert not any(str(value).endswith(":") for key, value in after.items() if isinstance(value, str)), name


def test_a_list_whose_papers_bear_no_key_is_refused_rather_than_read_as_empty():
    page = re.sub(r"</?a\b[^>]*>", "", site.LIST_PAGES[0] if isinstance(site.LIST_PAGES[0], str) else site.LIST_PAGES[0].decode("cp1252"))

    with pytest.raises(Malformed, match="VOLFDNR"):
        allris3_lists.papers(page, URL + "vo040.asp")


def test_half_a_day_in_a_calendar_is_noted_with_the_next_record():
    pages = site.classic_town()
    pages["si010_j.asp"] = re.sub(rb">\s*(?:Mo|Di|Mi|Do|Fr)\s*<", b"><", pages["si010_j.asp"])

    with site.served(pages) as server:
        source = site.source(server, "allris3")
        found = list(allris3.records(source, site.fetch(source)))

    assert "si010.day" in {note.path for record in found if isinstance(record, Record) for note in record.notes}


# --- what has no key, and rosters of other columns ---


def test_a_calendar_row_without_key_is_a_meeting_where_committee_and_day_make_its_key():
    pages = site.classic_town()
    pages["si010_j.asp"] = site.month(
        "März&nbsp;2024",
        site.MARCH
        + site.entry(("Mo", "18"), "17:00 Uhr", "12. Sitzung des Bauausschusses", room="Saal 1")
        + site.entry(None, "", "Beirat für Menschen mit Behinderung - ENTFÄLLT")
        + site.entry(("Di", "19"), "", "Sitzungsferien")
        + site.entry(("Mi", "20"), "16:00", "Bürgersprechstunde")
        + site.entry(("Do", "21"), "16:00", "Sitzung"),
    )

    with site.served(pages) as server:
        source = site.source(server, "allris3")
        found = list(allris3.records(source, site.fetch(source)))

    building = one(found, "meeting", "bauausschusses-2024-03-18").object
    advisers = one(found, "meeting", "beirat-fuer-menschen-mit-behinderung-2024-03-18").object
    assert building["start"] == "2024-03-18T17:00:00+01:00"
    assert building["organization"] == ["urn:ris:99999001:organization/au-21"]
    assert building["oparlx:keyBasis"] == "committee + date"
    assert building["prov:wasDerivedFrom"] == [server.url + "si010_j.asp"]
    assert not {"web", "agendaItem"} & set(building)
    assert (advisers["oparlx:day"], advisers["cancelled"]) == ("2024-03-18", True)
    notes = [note for record in found if isinstance(record, Record) for note in record.notes if note.rule == "entry_without_key"]
    assert [(note.kind, note.path) for note in notes] == [
        ("damage", "si010.meeting")
    ] * 2  # the hour of "Bürgersprechstunde", a mere "Sitzung"


def test_two_meetings_of_one_committee_and_day_without_keys_are_reported():
    rows = site.entry(("Mo", "18"), "17:00", "Sitzung des Bauausschusses") + site.entry(None, "19:00", "Sitzung des Bauausschusses")

    facts = allris3_lists.calendar(site.month("März&nbsp;2024", rows), URL + "si010.asp")

    assert [entry["start"] for entry in facts["meetings"]] == ["17:00"]
    assert [note.path for note in facts["notes"]] == ["si010.bauausschusses-2024-03-18"]


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("Sitzung des Rates", ("Rates", True)),
        ("ENTFÄLLT! 3. öffentliche Sitzung der Bezirksversammlung", ("Bezirksversammlung", True)),
        ("Stadtrat", ("Stadtrat", True)),
        ("Ortsbeirat 3", ("Ortsbeirat 3", True)),
        ("Fraktionssitzung SPD", ("Fraktionssitzung SPD", True)),
        ("Kreistag (Sondersitzung)", ("Kreistag", True)),
        ("Sitzung", ("", True)),
        ("Schulferien", ("", False)),
        ("Sitzungsfreie Zeit", ("", False)),
        ("Weltkindertag", ("", False)),
        ("Bürgerversammlung", ("", False)),
        ("Heirat im Rathaus", ("", False)),
    ],
)
def test_a_title_names_a_committee_or_none(title, told):
    assert allris3_lists.sitting_of(title) == told


def test_a_list_of_meetings_keeps_one_without_key():
    rows = (
        "<tr><th>Datum</th><th>Sitzung</th></tr><tr><td>Mo, 18.03.2024</td><td>17:00</td>"
        '<td><a href="to010.asp?SILFDNR=9">Sitzung des Rates</a></td></tr>'
        "<tr><td>Di, 19.03.2024</td><td>18:00</td><td>Sitzung des Bauausschusses</td></tr>"
        "<tr><td>Mi, 20.03.2024</td><td></td><td>Ferien</td></tr>"
    )

    facts = allris3_lists.meetings(site.classic("si018", "Sitzungen", f"<table>{rows}</table>"), URL + "si018.asp")

    assert [(entry["key"], entry["day"], entry["start"]) for entry in facts["meetings"]] == [
        ("9", "2024-03-18", "17:00"),
        ("bauausschusses-2024-03-19", "2024-03-19", "18:00"),
    ]
    assert facts["lines"]["unmapped"] == 0


AGENDA = (
    ["TOP", "Betreff", "Vorlage", "Beschluss"],
    [
        [
            "Ö 5.1",
            '<a href="to020.asp?TOLFDNR=71">Radweg<br>Ahr</a>',
            '<a href="vo020.asp?VOLFDNR=31">2024/0101</a>',
            "ungeändert beschlossen",
        ],
        ["N2", "Grundstück", "", "vertagt"],
        ["3 a", "Anfragen", "", "(offen)"],
    ],
)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 0, 3, 2), (2, 3, 1, 0)])
@pytest.mark.parametrize("more", ["", "<td></td>", "<td>18:00</td>"])
def test_columns_of_an_agenda_are_known_by_their_heads_in_any_order(order, more):
    heads, rows = AGENDA
    head = f"<tr>{more.replace('td', 'th').replace('18:00', 'Zeit')}{''.join(f'<th>{heads[at]}</th>' for at in order)}</tr>"
    body = "".join(f"<tr>{more}{''.join(f'<td>{row[at]}</td>' for at in order)}</tr>" for row in rows)
    main = site.head(site.label("Gremium", site.HAUPT) + site.label("Datum", "06.03.2024"), "", f'<table class="tl1">{head}{body}</table>')

    facts = allris3_pages.agenda(site.classic("to010", "Tagesordnung - Sitzung", main, "5"), URL + "to010.asp?SILFDNR=5")

    first = {"key": "71", "paper": "31", "reference": "2024/0101", "page": True, "name": "Radweg Ahr", "result": "ungeändert beschlossen"}
    assert facts["agendaItem"] == [
        {"number": "Ö 5.1", "public": True, **first},
        {"number": "N2", "public": False, "name": "Grundstück", "result": "vertagt"},
        {"number": "3 a", "name": "Anfragen"},
    ]
    assert [(note.rule, note.leaves) for note in facts["notes"]] == ([("text", 1)] * 3 if "18:00" in more else [])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Ö 4.1", True), ("Ö4.1", True), ("N 17", False), ("N17", False), ("NÖ 3", False), ("Nö 3", False), ("TOP Ö 3", True),
        ("Nichtöffentlich 3", False), ("Öff. 2", True), ("3", None), ("3 a", None), ("TOP 3", None), ("Neues", None), ("Ökologie", None),
    ],
)  # fmt: skip
def test_a_number_says_whether_its_item_is_public_or_leaves_it_open(text, told):
    assert allris3_pages.numbered(text) == (text, told)


@pytest.mark.parametrize(
    ("title", "word", "number"),
    [
        ("Drucksache - 22-2362", "Drucksache", "22-2362"),
        ("Drucksache – 22-2362", "Drucksache", "22-2362"),
        ("Beschlussvorlage - FB 10/123/2020 - 01", "Beschlussvorlage", "FB 10/123/2020 - 01"),
        ("Vorlage - 2024/0101 - Neubau der Schule", "Vorlage", "2024/0101"),
        ("Vorlage 2024/0101", "Vorlage", "2024/0101"),
        ("Vorlage-Nr. 12/2020", "Vorlage", "12/2020"),
        ("Antrag: 12/3", "Antrag", "12/3"),
        ("2024/0101", "", "2024/0101"),
        ("Vorlage - Neubau der Schule", "Vorlage", None),
        ("Antrag der Fraktion 90", "Antrag der Fraktion 90", None),
    ],
)
def test_a_papers_heading_names_its_number_or_none(title, word, number):
    assert allris3_pages.reference(title) == {"word": word} | ({"reference": number} if number else {})


def test_a_papers_number_may_stand_in_the_head_alone():
    rows = site.label("Betreff", "A") + site.label("Vorlagen-Nr.", "2024/0101")

    facts = allris3_pages.paper(site.classic("vo020", "Vorlage", site.head(rows), "7"), URL + "vo020.asp?VOLFDNR=7")

    assert facts["reference"] == "2024/0101"


DETAIL = site.detail("Erledigt", "06.03.2024", 5, 71, "Sitzung des Rates", "beschlossen")
HEAD = '<tr class="zl12"><td title="Erledigt"></td><td>Rat der Stadt</td><td>Entscheidung</td></tr>'
TURNED = HEAD.replace("<td>Rat der Stadt</td><td>Entscheidung</td>", "<td>Entscheidung</td><td>Rat der Stadt</td>")
WHOLE = {"status": "Erledigt", "organization": "Rat der Stadt", "role": "Entscheidung", "day": "2024-03-06", "name": "Sitzung des Rates",
         "result": "beschlossen", "meeting": "5"}  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "less"),
    [
        (HEAD + DETAIL, {"agendaItem": "71"}),
        (
            HEAD.replace("<td>Rat der Stadt</td><td>Entscheidung</td>", "<td>Entscheidung</td><td>Rat der Stadt</td>") + DETAIL,
            {"agendaItem": "71"},
        ),
        ((HEAD + DETAIL).replace(' class="zl12"', ""), {"agendaItem": "71"}),
        ("<tr><th>Status</th><th>Gremium</th><th>Zuständigkeit</th></tr>" + HEAD + DETAIL, {"agendaItem": "71"}),
        (HEAD + DETAIL.replace("06.03.2024", "6. März 2024"), {"agendaItem": "71"}),
        (
            '<tr class="zl12"><td title="Erledigt"></td><td>Rat der Stadt</td><td>Entscheidung</td><td>06.03.2024</td>'
            '<td><a href="to010.asp?SILFDNR=5">Sitzung des Rates</a></td><td>beschlossen</td></tr>',
            {},
        ),
        (
            "<tr><td>Erledigt</td><td>06.03.2024</td><td>Rat der Stadt</td></tr>",  # a day before any committee: nothing is made up
            None,
        ),
    ],
)
def test_stations_are_read_in_one_row_or_two_and_with_either_column_first(rows, less):
    main = (
        site.label("Betreff", "A")
        + '<tr><td class="kb1" colspan="4">Beratungsfolge:</td></tr><tr><td colspan="4"><table>'
        + rows
        + "</table></td></tr>"
    )

    facts = allris3_pages.paper(site.classic("vo020", "Vorlage - 1/2", site.head(main), "7"), URL + "vo020.asp?VOLFDNR=7")

    if less is None:
        assert "organization" not in facts["consultation"][0] and facts["consultation"][0]["day"] == "2024-03-06"
    else:
        assert facts["consultation"] == [WHOLE | less]
        assert facts["lines"]["unmapped"] == 0


def test_a_meeting_may_tell_begin_and_end_apart():
    rows = site.label("Datum", "06.03.2024") + site.label("Ende", "20.15") + site.label("Sitzungsbeginn", "ca. 18 Uhr")

    facts = allris3_pages.agenda(site.classic("to010", "Tagesordnung - Rat", site.head(rows), "5"), URL + "to010.asp?SILFDNR=5")

    assert (facts["start"], facts["end"]) == ("18:00", "20:15")


def test_a_calendars_room_is_what_stands_under_that_head():
    head = "<tr><th colspan=2>Datum</th><th>Uhrzeit</th><th>Sitzung</th><th>Raum</th><th>Bemerkung</th></tr>"
    row = "<tr><td>Mi</td><td>6</td><td>18.00</td><td><a href='to010.asp?SILFDNR=5'>Rat</a></td><td>{}</td><td>öffentlich</td></tr>"
    page = '<h2>März 2024</h2><table class="tl1">' + head + row + "</table>"

    with_room, without = (
        allris3_lists.calendar(site.classic("si010", "Kalender", page.format(room)), URL + "si010.asp")["meetings"][0]
        for room in ("Saal 2", "")
    )

    assert (with_room["room"], with_room["start"], with_room["name"]) == ("Saal 2", "18:00", "Rat")
    assert "room" not in without


PERSON = '<a href="kp020.asp?KPLFDNR=81">Eva Ahorn</a>'


@pytest.mark.parametrize(
    ("heads", "cells", "told"),
    [
        (["Name", "Art der Mitarbeit", "Funktion"], [PERSON, "Mitglied", "SPD-Fraktion"], {"role": "Mitglied", "function": "SPD-Fraktion"}),
        (["Name", "Funktion"], [PERSON, "SPD-Fraktion (Sprecherin)"], {"function": "SPD-Fraktion (Sprecherin)"}),
        (["Name", "Funktion"], [PERSON, "1. stv. Vorsitz"], {"role": "1. stv. Vorsitz"}),
        (["Name", "Fraktion"], [PERSON, "Linde"], {"function": "Linde"}),
        (["Fraktion", "Name", "Funktion"], ["Linde", PERSON, "Vorsitzende"], {"role": "Vorsitzende", "function": "Linde"}),
        (
            ["Name", "Art", "Fraktion", "Funktion"],
            [PERSON, "Mitglied", "Linde", "Kassenwart"],
            {"role": "Mitglied", "function": "Linde", "office": "Kassenwart"},
        ),
        (
            ["Name", "Telefon", "Art", "Seit", "Bis", "E-Mail"],
            [PERSON, "0999-123", "Mitglied", "01.02.2020", "", "eva@privat.example"],
            {"role": "Mitglied", "startDate": "2020-02-01"},
        ),
        ([], [PERSON, "SPD-Fraktion"], {"function": "SPD-Fraktion"}),
        ([], [PERSON, "Ausschussmitglied", "Fraktion Linde"], {"role": "Ausschussmitglied", "function": "Fraktion Linde"}),
        ([], [PERSON, "Musterweg 3", "0999-123"], {}),
        (["Name", "Art"], [PERSON, "Mitglied", "Schlosserin"], {"role": "Mitglied"}),
    ],
)
@pytest.mark.parametrize("system", ["allris3", "allris4"])
def test_a_roster_without_a_column_shifts_no_value_and_further_columns_stay_out(system, heads, cells, told):
    head = f"<tr>{''.join(f'<th>{word}</th>' for word in heads)}</tr>" if heads else ""
    table = f'<table class="tl1">{head}<tr>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr></table>'
    if system == "allris3":
        facts = allris3_lists.organization(site.classic("au020", "Rat", table), URL + "au020.asp?AULFDNR=1")
    else:
        page = f'<html><body><h1 class="title">Rat</h1><div id="mainContent">{table}</div></body></html>'
        facts = allris4_lists.organization(page, URL + "gr020?GRLFDNR=1")

    assert facts["member"] == [{"key": "81", "name": "Eva Ahorn", **told}]
    assert not re.search("0999|privat|Musterweg|Schlosser", json.dumps(facts["member"]))
    assert facts["lines"]["unmapped"] == facts["lines"]["twice"] == 0


@pytest.mark.parametrize(
    ("printed", "days"),
    [
        ("14.07.1999 - 13.12.1999", ("1999-07-14", "1999-12-13")),
        ("14.07.1999-13.12.1999", ("1999-07-14", "1999-12-13")),
        ("von 01.01.2020 bis 02.02.2021", ("2020-01-01", "2021-02-02")),
        ("Jul 2, 2014 - Aug 3, 2015", ("2014-07-02", "2015-08-03")),
        ("seit 2. Juli 2014", ("2014-07-02", None)),
        ("2014-07-02", ("2014-07-02", None)),
        ("seit 02.07.2014 bis auf Weiteres", ("2014-07-02", None)),
        ("bis 02.07.2014", (None, "2014-07-02")),
        ("- 02.07.2014", (None, "2014-07-02")),
        ("03.11.25", (None, None)),
    ],
)
def test_a_membership_begins_and_ends_as_printed(printed, days):
    row = f'<tr><td><a href="au020.asp?AULFDNR=21">Bauausschuss</a></td><td>{printed}</td><td>Mitglied</td></tr>'

    facts = allris3_lists.person(site.classic("kp020", "Eva Ahorn", f"<table>{row}</table>"), URL + "kp020.asp?KPLFDNR=81")

    [membership] = facts["membership"]
    assert (membership.get("startDate"), membership.get("endDate")) == days
    assert membership["role"] == "Mitglied"
    assert bool([note for note in facts["notes"] if note.rule == "date"]) == (days == (None, None))
