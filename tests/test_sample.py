"""The sample town: whole, consistent, valid OParl 1.1, so that a fresh clone shows every feature offline."""

import json
import os
from collections import Counter
from datetime import date, datetime
from pathlib import Path

import pytest
from jsonschema import Draft4Validator

from publisher.config import Source
from publisher.record import CLASSES, Record
from publisher.sources import oparl_files
from publisher.sources.links import LISTS
from publisher.sources.normal import normalised

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
SCHEMA = Path(os.environ.get("PUBLISHER_SHARED", Path(__file__).parents[2] / "shared")) / "vocab" / "oparl"
BASE = "https://ris.weissenbruck.example/oparl/v1.1"
ELSEWHERE = ("accessUrl", "downloadUrl", "web", "website", "vendor", "product", "license", "type", "oparlVersion")


def source() -> Source:
    return Source("sample", "oparl-files", str(SAMPLE), "05999004")


@pytest.fixture(scope="module")
def records() -> list[Record]:
    return list(oparl_files.records(source()))


def objects(value, path=()):
    """Yield (keys to it, object) for each object with a type, embedded ones too."""
    if isinstance(value, dict):
        if "type" in value and "id" in value:
            yield path, value
        for key, item in value.items():
            yield from objects(item, (*path, key))
    elif isinstance(value, list):
        for item in value:
            yield from objects(item, path)


@pytest.fixture(scope="module")
def things(records) -> dict[str, dict]:
    return {obj["id"]: obj for record in records for _, obj in objects(record.object)}


def kind(obj) -> str:
    return obj["type"].rsplit("/", 1)[-1].rsplit("#", 1)[-1]


def of(things, name) -> list[dict]:
    return [obj for obj in things.values() if kind(obj) == name]


def test_each_object_is_accepted_and_each_class_is_there(records, things):
    assert [one for one in records if not isinstance(one, Record)] == []
    assert {kind(obj) for obj in things.values()} == {*CLASSES, "PaperSection", "ResolutionProposal"}


def test_ids_are_unique(records):
    seen = Counter(obj["id"] for record in records for _, obj in objects(record.object))

    assert [url for url, times in seen.items() if times > 1] == []


def test_every_reference_resolves_to_an_object(things):
    dangling = [
        (obj["id"], key, url)
        for obj in things.values()
        for key, value in obj.items()
        if key not in (*ELSEWHERE, "id") and key not in LISTS.get(kind(obj), ())
        for url in (value if isinstance(value, list) else [value])
        if isinstance(url, str) and url.startswith(("http://", "https://")) and url not in things
    ]

    assert dangling == []


def test_every_reference_names_the_class_its_key_promises(things):
    wanted = {
        "organization": "Organization", "person": "Person", "meeting": "Meeting", "paper": "Paper", "agendaItem": "AgendaItem",
        "originatorPerson": "Person", "originatorOrganization": "Organization", "underDirectionOf": "Organization",
        "onBehalfOf": "Organization", "participant": "Person", "superordinatedPaper": "Paper", "body": "Body",
    }  # fmt: skip
    wrong = [
        (obj["id"], key, url)
        for obj in things.values()
        for key, name in wanted.items()
        if key not in LISTS.get(kind(obj), ())
        for url in (obj.get(key) if isinstance(obj.get(key), list) else [obj.get(key)])
        if isinstance(url, str) and kind(things[url]) != name
    ]

    assert wrong == []


def test_consultation_agenda_item_and_meeting_agree(things):
    consultations = of(things, "Consultation")

    assert len(consultations) > 60
    for one in consultations:
        item, meeting = things[one["agendaItem"]], things[one["meeting"]]
        assert (item["consultation"], item["meeting"]) == (one["id"], meeting["id"])
        assert one["organization"] == meeting["organization"]
        assert item["id"] in [inner["id"] for inner in meeting["agendaItem"]]
        assert one["id"] in [inner["id"] for inner in things[one["paper"]]["consultation"]]
        assert things[one["paper"]]["date"] <= meeting["start"][:10]
        assert one["authoritative"] is (one["role"] == "Entscheidung")


def test_superordinated_and_subordinated_papers_point_at_each_other(things):
    up = {(one["id"], other) for one in of(things, "Paper") for other in one.get("superordinatedPaper", ())}
    down = {(other, one["id"]) for one in of(things, "Paper") for other in one.get("subordinatedPaper", ())}

    assert up == down != set()


def test_results_are_of_every_sort_and_only_of_meetings_held(things):
    results = Counter()
    for item in of(things, "AgendaItem"):
        if "result" in item:
            assert things[item["meeting"]]["meetingState"] == "durchgeführt"
            results[item["result"].split(" (")[0]] += 1

    for word in (
        "einstimmig beschlossen", "mehrheitlich beschlossen", "abgelehnt", "vertagt", "zur Kenntnis genommen",
        "mehrheitlich nicht empfohlen", "zurückgezogen", "geändert beschlossen", "(offen)",
    ):  # fmt: skip
        assert results[word], word


def test_votes_fit_the_council(things):
    council = next(one for one in of(things, "Organization") if one["classification"] == "Parlament")
    seats = [one for one in of(things, "Membership") if one["organization"] == council["id"] and one["votingRight"]]

    assert len(seats) == council["votingMemberCount"]
    for item in of(things, "AgendaItem"):
        votes = [int(word) for word in item.get("result", "").replace("(", " ").split() if word.isdigit()]
        meeting = things[item["meeting"]]
        if votes:
            assert sum(votes) == len(meeting["participant"]), item["result"]


def test_one_paper_has_rival_proposals_and_sections(things):
    [paper] = [one for one in of(things, "Paper") if "oparlx:proposal" in one]
    first, second = paper["oparlx:proposal"]

    assert first["oparlx:alternativeTo"] == [second["id"]]
    assert first["oparlx:proposer"] != second["oparlx:proposer"]
    assert [one["oparlx:amended"] for one in (first, second)] == [False, True]
    assert [section["order"] for section in paper["oparlx:section"]] == [1, 2, 3, 4, 5, 6, 7]
    assert all(one["text"] in paper["oparlx:section"][0]["text"] for one in (first, second))


def test_one_paper_is_a_tombstone_and_says_nothing_more(records):
    [gone] = [record for record in records if record.deleted]

    assert gone.type == "Paper"
    assert set(gone.object) <= {"id", "type", "created", "modified", "deleted"}


def test_one_meeting_is_cancelled_and_some_are_still_to_come(things):
    meetings = of(things, "Meeting")
    newest = max(obj.get("modified", "") for obj in things.values())

    assert [one["meetingState"] for one in meetings if one.get("cancelled")] == ["abgesagt"]
    assert newest[:7] == "2026-11"
    assert sum(one["start"] > newest for one in meetings) == 3


def test_times_are_in_the_offset_of_their_day_and_no_meeting_is_at_a_weekend(things):
    for one in of(things, "Meeting"):
        start = datetime.fromisoformat(one["start"])
        assert start.weekday() < 5
        assert start.utcoffset().total_seconds() == 3600 * (2 if date(2026, 3, 29) <= start.date() < date(2026, 10, 25) else 1)


def test_places_are_points_lines_and_areas_written_longitude_first(things):
    shapes = Counter()
    for one in of(things, "Location"):
        if geometry := one.get("geojson", {}).get("geometry"):
            shapes[geometry["type"]] += 1
            flat = json.loads("[" + json.dumps(geometry["coordinates"]).replace("[", "").replace("]", "") + "]")
            assert all(7.9 < lon < 8.2 for lon in flat[::2]) and all(51.7 < lat < 51.9 for lat in flat[1::2])
            if geometry["type"] == "Polygon":
                assert all(ring[0] == ring[-1] for ring in geometry["coordinates"])

    assert shapes["Point"] > 10 and shapes["LineString"] > 4 and shapes["Polygon"] > 2


def test_sample_is_lifelike_in_number_and_light_to_ship(things):
    counts = Counter(kind(obj) for obj in things.values())

    assert counts["Paper"] >= 40 and counts["Meeting"] >= 14 and counts["Person"] >= 20
    assert sum(bool(one.get("text")) for one in of(things, "File")) >= 40
    assert sum(file.stat().st_size for file in SAMPLE.iterdir()) < 400_000


def test_sample_passes_the_door_unchanged(records):
    notes = [note for record in records for one in normalised(record, source()) for note in one.notes]

    assert [note for note in notes if note.kind != "normalised"] == []
    assert {note.rule for note in notes} <= {"back_link_repeats_embedding"}


@pytest.mark.skipif(not SCHEMA.is_dir(), reason=f"the OParl schema is not here: {SCHEMA} (set PUBLISHER_SHARED)")
def test_every_object_is_valid_by_the_specifications_schema(things):
    faults = []
    for obj in things.values():
        if kind(obj) not in CLASSES or obj.get("deleted"):
            continue
        schema = json.loads((SCHEMA / f"{kind(obj)}.json").read_text("utf-8"))
        for fault in Draft4Validator(schema).iter_errors(obj):
            faults.append((obj["id"].removeprefix(BASE), list(fault.path), fault.message[:200]))
        unknown = [key for key in obj if key not in schema["properties"] and not key.startswith("oparlx:")]
        faults += [(obj["id"], key, "no key of this class") for key in unknown]

    assert faults == []
