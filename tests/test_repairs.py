"""Each vendor's mistake, as an answer written for this project with the same fault, and as the vendor's own answer where we have it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.config import Source
from publisher.record import CLASSES, Note, Record
from publisher.sources import oparl_files
from publisher.sources.oparl_page import Origin, json_of, record, type_by_url
from publisher.sources.repairs import DAMAGE, REPAIRS, dialect_of, repaired

SHARED = Path(os.environ.get("PUBLISHER_SHARED", Path(__file__).parent.parent.parent / "shared")) / "realdata"
real = pytest.mark.skipif(not SHARED.is_dir(), reason="the real answers lie in ../shared, which is absent")

TAGESORDNUNG = {"name": "Tagesordnung", "fileName": "TO_17.pdf"}
# dialect, class, the object with the fault, the rule, path of the change, the value there afterwards (None: gone)
CASES: list[tuple[str, str, dict[str, Any], str, str, Any]] = [
    ("", "Body", {"ags": "5999016"}, "ags_of_eight_digits", "ags", "05999016"),
    ("", "Body", {"ags": 5999016}, "ags_of_eight_digits", "ags", "05999016"),
    ("", "Body", {"rgs": "59990160160"}, "rgs_of_twelve_digits", "rgs", "059990160160"),
    ("", "Location", {"postalCode": "99999\u00a0"}, "postal_code_without_blanks", "postalCode", "99999"),
    (
        "",
        "Location",
        {"geojson": {"type": "Feature", "geometry": {"type": "Point", "coordinates": [50.7, 6.4]}}},
        "coordinates_lon_lat",
        "geojson",
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [6.4, 50.7]}},
    ),
    (
        "",
        "Location",
        {"geojson": {"type": "Feature", "geometry": {"type": "Point", "coordinates": ["8.4", "49,01"]}}},
        "coordinates_as_numbers",
        "geojson",
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [8.4, 49.01]}},
    ),
    ("", "Paper", {"name": "Haushalt 2031\r\nhier: Stellenplan"}, "names_on_one_line", "name", "Haushalt 2031 hier: Stellenplan"),
    ("", "AgendaItem", {"result": "einstimmig "}, "trimmed", "result", "einstimmig"),
    ("", "Paper", {"name": "Schule\u0001\u0002 am Markt"}, "without_control_characters", "name", "Schule am Markt"),
    ("", "LegislativeTerm", {"startDate": "0000-00-00"}, "date_of_zeros", "startDate", None),
    ("", "Paper", {"created": "2031-05-02T09:41:05Z"}, "date_time_in_full", "created", "2031-05-02T09:41:05+00:00"),
    ("", "Paper", {"created": "2031-05-02T09:41:05.125+0200"}, "date_time_in_full", "created", "2031-05-02T09:41:05+02:00"),
    ("", "Paper", {"created": "2031-05-02 09:41:05+02:00"}, "date_time_in_full", "created", "2031-05-02T09:41:05+02:00"),
    ("", "Meeting", {"start": "2031-07-02T17:30:00"}, "offset_of_berlin", "start", "2031-07-02T17:30:00+02:00"),
    ("", "Meeting", {"start": "2031-12-02T17:30:00"}, "offset_of_berlin", "start", "2031-12-02T17:30:00+01:00"),
    ("", "File", {"date": "2031-04-27T21:51:03+02:00"}, "date_without_time", "date", "2031-04-27"),
    ("", "File", {"date": "2031-04-26T22:30:00Z"}, "date_without_time", "date", "2031-04-27"),
    ("", "Paper", {"date": "14.3.2031"}, "german_date", "date", "2031-03-14"),
    (
        "",
        "Meeting",
        {"auxiliaryFile": {"id": "https://x.example/f/1"}},
        "object_in_its_array",
        "auxiliaryFile",
        [{"id": "https://x.example/f/1"}],
    ),
    ("", "Paper", {"mainFile": [{"id": "https://x.example/f/1"}]}, "object_out_of_its_array", "mainFile", {"id": "https://x.example/f/1"}),
    ("", "File", {"mimeType": "pdf"}, "media_type_of_extension", "mimeType", "application/pdf"),
    ("", "File", {"size": 0}, "size_unknown", "size", None),
    (
        "sternberg",
        "File",
        {"mimeType": "application/octetstream", "fileName": "plan.PDF"},
        "octet_stream_by_name",
        "mimeType",
        "application/pdf",
    ),
    (
        "sternberg",
        "File",
        {"mimeType": "application/octetstream", "accessUrl": "https://x.example/files/a"},
        "octet_stream_by_name",
        "mimeType",
        "application/octet-stream",
    ),
    ("sessionnet", "Meeting", {"verbatimProtocol": TAGESORDNUNG}, "agenda_is_no_protocol", "invitation", TAGESORDNUNG),
    (
        "sessionnet",
        "Meeting",
        {"verbatimProtocol": TAGESORDNUNG, "invitation": {"name": "Einladung"}, "auxiliaryFile": [{"name": "Plan"}]},
        "agenda_is_no_protocol",
        "auxiliaryFile",
        [{"name": "Plan"}, TAGESORDNUNG],
    ),
    (
        "allris4",
        "Meeting",
        {"verbatimProtocol": {"name": "Niederschrift"}},
        "minutes_are_results",
        "resultsProtocol",
        {"name": "Niederschrift"},
    ),
    ("sternberg", "File", {"fileName": "Einladung.pdf.pdf"}, "extension_once", "fileName", "Einladung.pdf"),
    (
        "sternberg",
        "File",
        {"accessUrl": "https://x.example/files//rim1/a.pdf"},
        "file_path_with_one_slash",
        "accessUrl",
        "https://x.example/files/rim1/a.pdf",
    ),
    ("allris4", "Paper", {"modified": "2000-01-01T00:00:00+01:00"}, "stamp_of_2000", "modified", None),
    ("allris4", "Meeting", {"start": "2031-05-11T17:00:00+02:00", "end": "2031-05-12T00:00:00+02:00"}, "end_of_day_unknown", "end", None),
    (
        "sessionnet",
        "Meeting",
        {"start": "2031-05-11T17:00:00+02:00", "end": "2031-05-11T00:00:00+02:00"},
        "end_of_day_unknown",
        "end",
        None,
    ),
    (
        "allris4",
        "Meeting",
        {"agendaItem": [{"id": "https://x.example/b", "order": 100003}, {"id": "https://x.example/a", "order": 100001}]},
        "order_from_zero",
        "agendaItem",
        [{"id": "https://x.example/b", "order": 1}, {"id": "https://x.example/a", "order": 0}],
    ),
    ("allris3", "System", {"name": "N/A"}, "not_available", "name", None),
    ("allris3", "Paper", {"reference": " "}, "not_available", "reference", None),
    ("rubin", "Paper", {"modified": "2031-05-02T09:41:05+02:00"}, "stamp_of_the_answer", "modified", None),
    ("kleineanfragen", "LegislativeTerm", {"start_date": "2031-05-02"}, "keys_in_camel_case", "startDate", "2031-05-02"),
]


@pytest.mark.parametrize(
    ("dialect", "kind", "faulty", "rule", "key", "mended"), CASES, ids=[f"{case[3]}-{at}" for at, case in enumerate(CASES)]
)
def test_a_fault_is_mended_and_noted(dialect, kind, faulty, rule, key, mended):
    before = json.loads(json.dumps(faulty))

    obj, notes = repaired(kind, faulty, dialect)

    assert obj.get(key) == mended
    assert ("normalised", rule, key) in [(note.kind, note.rule, note.path) for note in notes]
    assert faulty == before
    assert repaired(kind, obj, dialect) == (obj, []), "a mended object needs no mending"


def test_each_repair_has_its_case():
    rules = {row.rule.__name__ for rows in REPAIRS.values() for row in rows}

    assert rules - {"location_object_of_person"} == {case[3] for case in CASES}


HEALTHY = [
    ("", "Body", {"ags": "05999016"}),
    ("", "Location", {"geojson": {"type": "Feature", "geometry": {"type": "Point", "coordinates": [6.4, 50.7]}}}),
    ("", "Location", {"geojson": {"type": "Feature", "geometry": {"type": "Point", "coordinates": [2.35, 48.85]}}}),
    ("", "Meeting", {"start": "2031-05-11T17:00:00+02:00", "end": "2031-05-12T00:00:00+02:00"}),
    ("allris4", "Meeting", {"start": "2031-05-11T17:00:00+02:00", "end": "2031-05-11T19:00:00+02:00"}),
    ("allris4", "Meeting", {"agendaItem": [{"order": 0}, {"order": 4}]}),
    ("", "Paper", {"modified": "2000-01-01T00:00:00+01:00", "date": "2031-02-03"}),
    ("", "File", {"mimeType": "application/pdf", "size": 12, "fileName": "Plan.pdf"}),
    ("sternberg", "File", {"fileName": "v1.1.pdf"}),
    ("sternberg", "Person", {"location": "https://x.example/location/1"}),
    ("", "Paper", {"name": "Straße – Überplanung „Süd“ & Nord", "text": "eine Zeile\nnoch eine"}),
    ("", "Paper", {"date": "31.02.2031"}),
]


@pytest.mark.parametrize(("dialect", "kind", "obj"), HEALTHY)
def test_what_is_right_or_cannot_be_known_stays_as_it_is(dialect, kind, obj):
    assert repaired(kind, obj, dialect) == (obj, [])


def test_a_location_embedded_in_a_person_goes_where_oparl_has_it():
    place = {"id": "https://x.example/location/1", "type": "https://schema.oparl.org/1.0/Location", "postalCode": "99999\u00a0"}

    obj, notes = repaired("Person", {"id": "https://x.example/person/1", "location": place}, "sternberg")

    assert obj == {
        "id": "https://x.example/person/1",
        "location": "https://x.example/location/1",
        "locationObject": place | {"postalCode": "99999"},
    }
    assert {note.rule for note in notes} == {"location_object_of_person", "postal_code_without_blanks"}


def test_faults_deep_inside_are_noted_with_their_path():
    paper = {"consultation": [{"id": "https://x.example/c/1"}, {"id": "https://x.example/c/2", "role": "Anhörung\n"}]}

    _, notes = repaired("Paper", paper)

    assert notes == [Note("normalised", "names_on_one_line", "consultation.1.role")]


@pytest.mark.parametrize(
    ("kind", "obj", "rule", "path"),
    [
        ("Body", {"ags": "059990000"}, "ags_of_wrong_length", "ags"),
        ("Meeting", {"start": "2031-05-11T17:00:00+02:00", "end": "2031-05-11T16:00:00+02:00"}, "end_before_start", "end"),
        ("Paper", {"mainFile": [{"id": "https://x.example/1"}, {"id": "https://x.example/2"}]}, "several_for_one", "mainFile"),
        ("Organization", {"name": "OrÃ©al-Ausschuss"}, "text_in_wrong_charset", "name"),
        ("AgendaItem", {"resolutionText": "<p>Der Rat beschließt&nbsp;...</p>"}, "text_with_markup", "resolutionText"),
    ],
)
def test_damage_is_named_and_left_alone(kind, obj, rule, path):
    assert repaired(kind, obj) == (obj, [Note("damage", rule, path)])


def test_each_damage_has_its_case():
    named = {mark.args[1][at][2] for mark in test_damage_is_named_and_left_alone.pytestmark for at in range(len(mark.args[1]))}

    assert {row.rule.__name__ for row in DAMAGE} == named


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://x.example/oparl/v1.0/body/1/meeting/1082", "Meeting"),
        ("https://x.example/bi/oparl/1.0/papers.asp?id=12", "Paper"),
        ("https://x.example/oparl/bodies/1", "Body"),
        ("https://x.example/bodies/0001/agendaitems/4", "AgendaItem"),
        ("https://x.example/12", ""),
    ],
)
def test_a_type_that_is_missing_is_told_by_the_url(url, kind):
    assert type_by_url(url) == kind


def test_a_tombstone_without_type_becomes_a_record():
    obj = {"id": "https://x.example/body/1/paper/7", "modified": "2031-01-02T00:00:00+01:00", "deleted": True}

    item = record(obj, Origin("page"))

    assert isinstance(item, Record)
    assert (item.type, item.deleted, item.object["type"]) == ("Paper", True, "https://schema.oparl.org/1.1/Paper")
    assert Note("normalised", "type_from_url", "type") in item.notes


def test_a_body_link_to_the_list_of_bodies_leads_to_the_only_body():
    obj = {
        "id": "https://x.example/oparl/organization/1",
        "type": "https://schema.oparl.org/1.0/Organization",
        "body": "https://x.example/oparl/body",
    }

    item = record(obj, Origin("page", body_list="https://x.example/oparl/body", body="https://x.example/oparl/body/FR"))

    assert isinstance(item, Record) and item.object["body"] == "https://x.example/oparl/body/FR"


def test_raw_control_characters_cost_no_page():
    body = b'{"id": "https://x.example/papers.asp?id=1",\r\n "name": "Volks\x00schule\r\n \xc3\xbc \x1b \\" \\\\", "n": [1, 2]}'

    told, notes = json_of(body, "page")

    assert told["name"] == 'Volks\x00schule\r\n ü \x1b " \\'
    assert notes == (Note("normalised", "control_characters_escaped", "", 4),)


@pytest.mark.parametrize(
    ("obj", "dialect"),
    [
        ({"oparlVersion": "x", "vendor": "https://www.sitzungsdienst.net/"}, "sternberg"),
        ({"oparlVersion": "x", "vendor": "http://cc-egov.de/", "id": "https://x.example/bi/oparl/1.0/system.asp"}, "allris3"),
        ({"oparlVersion": "x", "vendor": "https://cc-egov.de/", "id": "https://x.example/public/oparl/system"}, "allris4"),
        ({"oparlVersion": "x", "name": "ALLRIS OParl der Stadt Musterstadt"}, "allris4"),
        ({"oparlVersion": "x", "vendor": "https://www.somacos.de?oparl=v1.6.1"}, "sessionnet"),
        ({"oparlVersion": "x", "product": "https://www.more-rubin.de/"}, "rubin"),
        ({"id": "https://x.example/webservice/oparl/v1.0/body/1/paper/3"}, "sternberg"),
        ({"id": "https://x.example/bodies/0001/papers/vo/2"}, "sessionnet"),
        ({"id": "https://x.example/p/2", "STERNBERG:sortierung": 1}, "sternberg"),
        ({"id": "https://x.example/p/2", "name": "ALLRIS ist der Gegenstand dieser Vorlage"}, ""),
    ],
)
def test_dialect(obj, dialect):
    assert dialect_of(obj) == dialect


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"), max_size=12)
    | st.sampled_from(["2031-01-01T00:00:00", "0", "pdf", "Plan.pdf.pdf", "a\n b", "1.5.2031", "application/octetstream"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "type", "coordinates", "geometry", "order", "end"]), inner, max_size=4)
    ),
    max_leaves=8,
)
KEYS = sorted({key for rows in REPAIRS.values() for row in rows for key in row.keys} | {"name", "agendaItem", "mainFile", "start", "ags"})


@given(st.sampled_from(CLASSES), st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6), st.sampled_from(sorted(REPAIRS)))
def test_no_object_whatever_breaks_a_repair(kind, obj, dialect):
    before = json.dumps(obj, sort_keys=True)

    mended, notes = repaired(kind, obj, dialect)

    assert json.dumps(obj, sort_keys=True) == before
    assert (mended == obj) == (not [note for note in notes if note.kind == "normalised"])


@given(st.sampled_from([row for rows in (*REPAIRS.values(), DAMAGE) for row in rows if row.fine]), st.data())
def test_a_rule_does_nothing_where_all_its_values_are_fine(row, data):
    obj = data.draw(st.dictionaries(st.sampled_from(KEYS), VALUES.filter(row.fine), max_size=4))
    obj = {key: data.draw(VALUES.filter(row.fine)) for key in row.keys[:1]} | obj

    told = row.rule(obj)

    assert told is obj or told == ()


def test_a_trace_is_found_beside_every_kind_of_escape():
    obj = {"name": 'eins\\"\nzwei', "reference": "drei\r\n", "paperType": "\x1bvier\x85"}

    mended, _ = repaired("Paper", obj, "")

    assert mended == {"name": 'eins\\" zwei', "reference": "drei", "paperType": "vier"}


@real
def test_the_faults_of_huertgenwald_are_those_counted_by_hand():
    folder = SHARED / "huertgenwald-sdnet"

    items = list(oparl_files.records(Source("huertgenwald", "oparl-files", str(folder), "05358016")))

    found: dict[tuple[str, str], int] = {}
    for item in items:
        assert isinstance(item, Record)
        for note in item.notes:
            last = note.path.split(".")
            where = next((word for word in reversed(last[:-1]) if not word.isdigit()), item.type)
            found[note.rule, where] = found.get((note.rule, where), 0) + 1
    assert found == {
        ("type_from_url", "Meeting"): 21,
        ("type_from_url", "Paper"): 18,
        ("ags_of_eight_digits", "Body"): 1,
        ("postal_code_without_blanks", "location"): 1,
        ("coordinates_lon_lat", "location"): 1,
        ("names_on_one_line", "Paper"): 1192,
        ("names_on_one_line", "agendaItem"): 1447,
        ("names_on_one_line", "mainFile"): 1192,
        ("names_on_one_line", "resolutionFile"): 1062,
        ("trimmed", "agendaItem"): found["trimmed", "agendaItem"],
        ("trimmed", "Paper"): found["trimmed", "Paper"],
    }


@real
def test_the_real_answers_of_other_products_are_mended():
    bonn = json.loads((SHARED / "oparl-dialects" / "allris4_bonn_meeting.json").read_text("utf-8"))
    braunschweig = json.loads((SHARED / "oparl-dialects" / "allris4_braunschweig_paper.json").read_text("utf-8"))
    krefeld = json.loads((SHARED / "mst-testdata" / "bodies" / "Stadt Krefeld.json").read_text("utf-8"))
    leipzig = json.loads((SHARED / "mst-testdata" / "systems" / "Stadt Leipzig.json").read_text("utf-8"))

    meeting, found = repaired("Meeting", bonn, dialect_of(bonn))
    paper, stamps = repaired("Paper", braunschweig, dialect_of(braunschweig))
    body, damage = repaired("Body", krefeld, dialect_of(krefeld))
    system, _ = repaired("System", leipzig, dialect_of(leipzig))

    assert dialect_of(bonn) == dialect_of(braunschweig) == "allris4"
    assert {note.rule for note in found} == {
        "end_of_day_unknown", "object_in_its_array", "media_type_of_extension", "size_unknown", "date_without_time", "order_from_zero",
    }  # fmt: skip
    assert "end" not in meeting and [item["order"] for item in meeting["agendaItem"]] == [0]
    assert meeting["auxiliaryFile"][0]["mimeType"] == "application/pdf"
    assert {note.rule for note in stamps} == {"stamp_of_2000", "media_type_of_extension"} and "modified" not in paper
    assert body["ags"] == "051140000" and Note("damage", "ags_of_wrong_length", "ags") in damage
    assert dialect_of(leipzig) == "allris3" and "name" not in system and "website" not in system


@real
def test_eighteen_of_twenty_nine_real_bodies_get_their_zero_back():
    bodies = [json.loads(path.read_text("utf-8")) for path in sorted((SHARED / "mst-testdata" / "bodies").glob("*.json"))]
    known = json.loads((SHARED / "mst-testdata" / "body_to_ags.json").read_text("utf-8"))

    mended = [repaired("Body", body) for body in bodies]

    assert sum(any(note.rule == "ags_of_eight_digits" for note in notes) for _, notes in mended) == 18
    keys = {entry["ags"] for entry in known.values()}
    assert all(body["ags"] in keys for body, notes in mended if any(note.rule == "ags_of_eight_digits" for note in notes))


@real
def test_the_real_broken_json_is_read():
    body = (SHARED / "mst-testdata" / "broken_json.broken_json").read_bytes()

    told, notes = json_of(body, "page")
    obj, more = repaired("Paper", told, "allris3")

    assert told["reference"] == "1664/99" and notes[0].leaves > 0
    assert obj["name"].startswith("Volkshochschule Braunschweig e. V. Umwandlung") and obj["name"].isprintable()
    assert {note.rule for note in more} >= {"without_control_characters", "names_on_one_line"}
