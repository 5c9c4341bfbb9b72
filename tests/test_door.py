"""The door: every value is kept, changed by a named rule, ignored on purpose, withheld, or reported; nothing vanishes."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from publisher.ontology import ontology
from publisher.record import Record
from publisher.sources.normal import leaves, normalised

from .conftest import files_source
from .objects import AT, OPARL, obj

SOURCE = files_source(Path("x"))


def through(found: dict[str, Any], source: Any = SOURCE, **more: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """The object beyond the door, and path -> "kind rule" of what was noted."""
    name = str(found.get("type", "Paper")).rsplit("/", 1)[-1]
    record = normalised(Record(name, found["id"], "test", found, **more), source)[0]
    return record.object, {note.path: f"{note.kind} {note.rule}" for note in record.notes}


def test_types_of_1_0_are_raised_to_1_1():
    made, notes = through({**obj("Paper", "paper/1"), "type": "https://schema.oparl.org/1.0/Paper"})

    assert made["type"] == OPARL + "Paper"
    assert notes["type"] == "normalised schema_version"


def test_an_embedded_object_without_type_gets_that_of_its_place():
    made, notes = through(obj("Meeting", "meeting/1", location={"id": f"{AT}location/1", "room": "Saal"}))

    assert made["location"]["type"] == OPARL + "Location"
    assert notes["location.type"] == "normalised missing_type"


@pytest.mark.parametrize("empty", [None, "", "  ", [], {}])
def test_empty_values_leave(empty):
    made, notes = through(obj("Paper", "paper/1", name=empty))

    assert "name" not in made
    assert notes["name"] == "normalised empty"


def test_a_vendors_key_never_becomes_an_iri_but_is_kept():
    made, notes = through(obj("Paper", "paper/1", **{"STERNBERG:sortierung": 7}))

    assert made["oparlx:extension"] == {"STERNBERG:sortierung": 7}
    assert notes["STERNBERG:sortierung"] == "normalised vendor_key"


def test_an_unknown_key_is_kept_and_reported_by_name():
    made, notes = through(obj("Paper", "paper/1", nmae="Tippfehler"))

    assert made["oparlx:extension"] == {"nmae": "Tippfehler"}
    assert notes["nmae"] == "unmapped unknown key Paper.nmae"


@pytest.mark.parametrize(
    ("name", "key", "wrong"),
    [
        ("Paper", "body", "Stadt Talheim"),
        ("Paper", "date", "0000-00-00"),
        ("Paper", "date", "Frühjahr"),
        ("Meeting", "start", "18 Uhr"),
        ("Meeting", "cancelled", "vielleicht"),
        ("File", "size", "groß"),
        ("Paper", "name", {"de": "Radweg"}),
        ("Location", "geojson", "kein JSON"),
    ],
)
def test_a_value_of_the_wrong_kind_is_kept_aside_and_reported_and_never_a_triple(name, key, wrong):
    made, notes = through(obj(name, "paper/1", **{key: wrong}))

    assert key not in made
    assert made["oparlx:extension"][key] == wrong
    assert notes[key].startswith("unmapped ")


@pytest.mark.parametrize(
    ("name", "key", "given_value", "value"),
    [
        ("Paper", "name", 2021, "2021"),
        ("Paper", "date", "2021-05-20T00:00:00+02:00", "2021-05-20"),
        ("Paper", "date", "20.05.2021", "2021-05-20"),
        ("Meeting", "start", "2021-06-17T18:00", "2021-06-17T18:00:00+02:00"),
        ("Meeting", "start", "2021-01-17T18:00", "2021-01-17T18:00:00+01:00"),
        ("Meeting", "cancelled", "true", True),
        ("File", "size", "1234", 1234),
        ("Person", "email", "a@example.org", ["a@example.org"]),
        ("Paper", "paperType", ["Antrag"], "Antrag"),
        ("Paper", "relatedPaper", [f"{AT}paper/2", f"{AT}paper/2", None], [f"{AT}paper/2"]),
        ("Paper", "web", "https://x.example/ä b", "https://x.example/%C3%A4%20b"),
        ("Paper", "name", "a\u0000b", "ab"),
    ],
)
def test_forms_are_mended_by_a_named_rule(name, key, given_value, value):
    made, notes = through(obj(name, "paper/1", **{key: given_value}))

    assert made[key] == value
    assert any(path.startswith(key) and note.startswith("normalised ") for path, note in notes.items())


def test_a_licence_in_words_is_kept_as_words():
    made, notes = through(obj("Paper", "paper/1", license="Nutzung nur nach Genehmigung."))

    assert made["oparlx:licenseText"] == "Nutzung nur nach Genehmigung."
    assert "license" not in made
    assert notes["license"] == "normalised licence_words"


def test_a_meeting_of_which_only_the_day_is_known_gets_no_invented_time():
    made, _ = through(obj("Meeting", "meeting/1", start="2021-06-17"))

    assert made["oparlx:day"] == "2021-06-17"
    assert "start" not in made


def test_private_values_are_withheld_and_counted():
    made, notes = through(obj("Person", "person/1", phone=["02429 1", "02429 2"]))

    assert "02429" not in str(made)
    assert notes["phone"] == "withheld privacy"


def test_what_the_toml_ignores_is_ignored_and_counted():
    made, notes = through(obj("Paper", "paper/1", **{"X:y": 1}), files_source(Path("x"), ignored=["Paper.X:y"]))

    assert "X:y" not in str(made)
    assert notes["X:y"] == "ignored listed"


def test_a_tombstone_keeps_only_what_the_specification_lets_stand():
    made, notes = through(obj("Paper", "paper/1", name="Geheim", deleted=True), deleted=True)

    assert set(made) == {"type", "id", "created", "modified", "deleted"}
    assert notes["name"] == "withheld depublished"


def test_an_embedded_object_gets_the_link_back_that_embedding_leaves_out():
    made, _ = through(obj("Meeting", "meeting/1", agendaItem=[obj("AgendaItem", "agendaitem/1", name="TOP")]))

    assert made["agendaItem"][0]["meeting"] == made["id"]


def test_agenda_items_without_order_are_numbered_by_their_place():
    made, _ = through(obj("Meeting", "meeting/1", agendaItem=[obj("AgendaItem", f"agendaitem/{at}") for at in range(3)]))

    assert [item["order"] for item in made["agendaItem"]] == [0, 1, 2]


def test_an_object_where_a_url_is_due_becomes_a_record_of_its_own():
    found = obj("Paper", "paper/1", originatorOrganization=[obj("Organization", "organization/9", name="SPD")])

    paper, organization = normalised(Record("Paper", found["id"], "test", found), SOURCE)

    assert paper.object["originatorOrganization"] == [f"{AT}organization/9"]
    assert (organization.type, organization.object["name"]) == ("Organization", "SPD")


def test_an_embedded_object_without_id_gets_one_from_its_owner_and_its_content():
    found = obj("Meeting", "meeting/1", location={"type": OPARL + "Location", "room": "Saal"})

    first, again = through(found)[0]["location"]["id"], through(found)[0]["location"]["id"]

    assert first == again
    assert first.startswith(f"{AT}meeting/1/location/")


def test_an_embedded_object_whose_id_is_no_address_gets_one_and_keeps_what_was_given():
    found = obj("Paper", "paper/1", mainFile={"id": "77", "type": OPARL + "File", "name": "Antrag"})

    made, notes = through(found)

    assert made["mainFile"]["id"].startswith(f"{AT}paper/1/file/")
    assert made["mainFile"]["oparlx:extension"] == {"id": "77"}
    assert notes["mainFile.id"] == "normalised id_from_owner"


def test_an_object_where_a_url_is_due_without_an_address_is_kept_aside():
    found = obj("Paper", "paper/1", body={"id": "5", "type": OPARL + "Body", "name": "Talheim"})

    made, notes = through(found)

    assert "body" not in made
    assert made["oparlx:extension"] == {"body": found["body"]}
    assert notes["body"].startswith("unmapped")


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "type", "name", "x"]), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(sorted({key for uses in ontology().uses.values() for key in uses})) | st.text(max_size=6)


@example("Paper", {"accessUrl": None, "oparlx:extension": {"id": None}})
@given(st.sampled_from(["Paper", "Meeting", "Person", "Body", "File", "Location"]), st.dictionaries(keys, values, max_size=6))
def test_nothing_that_comes_in_goes_out_without_a_word(name, found):
    given_object = {**found, "id": f"{AT}paper/1", "type": OPARL + name}

    made, notes = through(given_object)

    extension = made.get("oparlx:extension", {})
    for key, value in given_object.items():
        kept = made.get(key) == value or value in [extension.get(name) for name in extension if name.rstrip("_") == key]
        if key == "oparlx:extension" and isinstance(value, dict):
            kept = value.items() <= extension.items() if value else True
        assert kept or any(path == key or path.startswith(f"{key}.") for path in notes) or key in ("@context",)


def test_an_extension_that_comes_with_an_object_loses_nothing_to_ours():
    made, _ = through(obj("Paper", "paper/1", **{"oparlx:extension": {"X:y": 1}, "X:y": 2}))

    assert made["oparlx:extension"] == {"X:y": 1, "X:y_": 2}


def test_leaves_are_counted_at_any_depth():
    assert leaves({"a": [1, {"b": 2}], "c": [], "d": None}) == 4
