"""OParl from files: what is there comes out, once; what cannot be read is named, and the rest goes on."""

import io
import json
import os
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from publisher.config import Source
from publisher.errors import Malformed, Misconfigured
from publisher.record import Note, Record, Refusal
from publisher.sources import oparl_files, records
from publisher.sources.links import linked
from publisher.sources.seen import embedded

SHARED = Path(os.environ.get("PUBLISHER_SHARED", Path(__file__).parent.parent.parent / "shared")) / "realdata"
real = pytest.mark.skipif(not SHARED.is_dir(), reason="the real crawl lies in ../shared, which is absent")
AT = "https://ris.musterstadt.example/oparl/v1/"


def made(kind: str, key: str, **values: Any) -> dict[str, Any]:
    return {"id": f"{AT}{kind.lower()}/{key}", "type": f"https://schema.oparl.org/1.1/{kind}", **values}


def written(folder: Path, files: dict[str, Any]) -> Source:
    for name, told in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(told if isinstance(told, bytes) else json.dumps(told).encode())
    return Source("musterstadt", "oparl-files", str(folder), "05999016")


def told(source: Source) -> tuple[list[str], list[Refusal]]:
    items = list(oparl_files.records(source))
    return [item.id.removeprefix(AT) for item in items if isinstance(item, Record)], [item for item in items if isinstance(item, Refusal)]


PAPER = made("Paper", "1", name="Vorlage", consultation=[made("Consultation", "1", role="Entscheidung")])


def test_pages_arrays_and_single_objects_are_read_alike(tmp_path):
    source = written(
        tmp_path,
        {
            "paper?page=10.json": {"data": [made("Paper", "10")], "links": {}},
            "paper?page=9.json": {"data": [made("Paper", "9")], "links": {}},
            "meeting.json": [made("Meeting", "1"), made("Meeting", "2")],
            "body.json": made("Body", "1", name="Musterstadt"),
            "README.md": b"no OParl",
        },
    )

    ids, refused = told(source)

    assert ids == ["body/1", "meeting/1", "meeting/2", "paper/9", "paper/10"]
    assert refused == []


@pytest.mark.parametrize("pack", ["zip", "tar", "tar.gz"])
def test_an_archive_gives_what_its_folder_gives(tmp_path, pack):
    files = {"b/paper?page=2.json": {"data": [PAPER]}, "a.json": made("Body", "1", name="Musterstadt")}
    source = written(tmp_path / "folder", files)
    archive = tmp_path / f"crawl.{pack}"
    if pack == "zip":
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, obj in files.items():
                packed.writestr(name, json.dumps(obj))
    else:
        with tarfile.open(archive, f"w:{pack.partition('.')[2]}") as packed:
            for name, obj in files.items():
                body = json.dumps(obj).encode()
                member = tarfile.TarInfo(name)
                member.size = len(body)
                packed.addfile(member, io.BytesIO(body))

    assert told(Source("x", "oparl-files", str(archive), "05999016")) == told(source)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (b"<!DOCTYPE html><html><body>Zugriff verweigert", "expected JSON, got an HTML or XML page"),
        (b'{"data": [{"id": "https://x', "expected JSON, got a cut or broken text"),
        (b"", "expected JSON, got an empty answer"),
        (made("Paper", "1") | {"type": "https://schema.oparl.org/1.1/Vorlage"}, "expected one of the twelve OParl types"),
        (made("Paper", "1") | {"id": 17}, "expected an id that is an absolute URL, got 17"),
        (made("Paper", "1") | {"id": "papier 1"}, "expected an id that is an absolute URL, got 'papier 1'"),
        ({"type": "https://schema.oparl.org/1.1/Paper", "name": "x"}, "expected an id that is an absolute URL, got none"),
        ({"id": "https://x.example/17", "name": "x"}, "expected a type"),
        (["Vorlage", {"id": AT + "paper/1", "deleted": True}], "expected an object, got str"),
        ({"type": "https://schema.oparl.org/1.1/Error", "message": "nicht gefunden"}, "the server reports an error: nicht gefunden"),
    ],
)
def test_what_cannot_be_read_is_named_and_the_rest_goes_on(tmp_path, wrong, words):
    source = written(tmp_path, {"a.json": made("Meeting", "1"), "b.json": wrong, "c.json": made("Meeting", "2")})

    ids, refused = told(source)

    assert [name for name in ids if name.startswith("meeting")] == ["meeting/1", "meeting/2"]
    [refusal] = refused
    assert words in refusal.reason and refusal.url.endswith("b.json")


def test_json_that_is_no_oparl_is_left_out_and_logged(tmp_path, caplog):
    source = written(tmp_path, {"a.json": PAPER, "checked.json": {AT + "location/1": True, AT + "location/2": False}})

    with caplog.at_level("INFO"):
        ids, refused = told(source)

    assert (ids, refused) == (["paper/1"], [])
    assert "checked.json: JSON, but no OParl in it" in caplog.text


@pytest.mark.parametrize("files", [{}, {"README.md": b"nothing"}, {"a.json": {"x": 1}}])
def test_a_folder_without_oparl_is_an_error_that_names_it(tmp_path, files):
    source = written(tmp_path, files)

    with pytest.raises(Malformed, match="expected OParl objects") as error:
        list(oparl_files.records(source))

    assert str(tmp_path) in str(error.value)


def test_a_path_that_is_not_there_and_an_archive_that_is_none_are_errors(tmp_path):
    (tmp_path / "crawl.tar.gz").write_bytes(b"no archive")

    for name in ("nowhere", "crawl.tar.gz"):
        with pytest.raises(Malformed, match=name):
            list(oparl_files.records(Source("x", "oparl-files", str(tmp_path / name), "05999016")))


def test_the_same_object_on_two_pages_comes_once(tmp_path):
    source = written(tmp_path, {"1.json": {"data": [PAPER]}, "2.json": {"data": [PAPER, made("Paper", "2")]}})

    assert told(source) == (["paper/1", "paper/2"], [])


@pytest.mark.parametrize(("first", "second"), [("2031-01-01", "2031-02-01"), ("2031-02-01", "2031-01-01")])
def test_of_two_contents_under_one_id_the_later_one_counts_and_the_other_is_refused(tmp_path, first, second):
    versions = {f"{name}.json": made("Paper", "1", modified=f"{day}T00:00:00+01:00") for name, day in (("1", first), ("2", second))}
    source = written(tmp_path, versions)

    items = list(oparl_files.records(source))

    [record] = [item for item in items if isinstance(item, Record)]
    [refusal] = [item for item in items if isinstance(item, Refusal)]
    assert record.object["modified"].startswith("2031-02-01")
    assert refusal.id == record.id and "other content" in refusal.reason


def test_a_part_that_its_owner_embeds_does_not_come_once_more(tmp_path):
    listed = [made("Consultation", "1", role="Entscheidung"), made("Consultation", "2", role="Anhörung")]
    source = written(tmp_path, {"consultation.json": {"data": listed}, "paper.json": PAPER})

    assert told(source) == (["consultation/2", "paper/1"], [])


def test_a_part_that_stands_in_its_list_otherwise_comes_as_well_and_is_named(tmp_path):
    listed = [made("Consultation", "1", role="Entscheidung", authoritative=True)]
    source = written(tmp_path, {"consultation.json": {"data": listed}, "paper.json": PAPER})

    items = [item for item in oparl_files.records(source) if isinstance(item, Record)]

    assert [(item.type, [note.rule for note in item.notes]) for item in items] == [
        ("Consultation", ["listed_otherwise_than_embedded"]), ("Paper", []),
    ]  # fmt: skip


def test_one_id_for_two_different_parts_is_named(tmp_path):
    other = made("Paper", "2", consultation=[made("Consultation", "1", role="Anhörung")])
    source = written(tmp_path, {"1.json": PAPER, "2.json": other})

    items = [item for item in oparl_files.records(source) if isinstance(item, Record)]

    assert [note for item in items for note in item.notes] == [Note("damage", "id_of_other_content", "consultation.0")]


def test_a_record_knows_the_body_in_whose_list_it_stands(tmp_path):
    bodies = [made("Body", key, meeting=f"{AT}body/{key}/meeting") for key in "12"]
    pages = {f"m{key}.json": {"data": [made("Meeting", key)], "links": {"self": f"{AT}body/{key}/meeting?page=1"}} for key in "12"}
    source = written(tmp_path, {"body.json": {"data": bodies}, **pages})

    owners = {item.id: item.body for item in oparl_files.records(source) if isinstance(item, Record)}

    assert owners == {f"{AT}body/{key}": "" for key in "12"} | {f"{AT}meeting/{key}": f"{AT}body/{key}" for key in "12"}


def test_a_kind_that_nobody_knows_is_refused_with_those_known():
    with pytest.raises(Misconfigured, match="oparl-files"):
        records(Source("x", "sessionnet", "https://x.example", "05999016"), None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"limits": 5}, "options.limits: unknown; known: limit,"),
        ({"limit": "5"}, "expected a number of objects"),
        ({"limit": True}, "expected a number of objects"),
        ({"dialect": "session"}, "expected one of: allris3, allris4"),
        ({"modified_since": "2031-01-01"}, "expected a time with offset"),
        ({"bodies": ["1"]}, "ids of the bodies"),
        ({"same": {"http://x.example/": ""}}, "a table of old and new prefixes"),
        ({"files": {"(": "x"}}, "a table of patterns"),
        ({"files": {"x": r"\1"}}, "a table of patterns"),
    ],
)
def test_a_wrong_option_is_refused_by_name(tmp_path, options, words):
    with pytest.raises(Misconfigured, match=words):
        list(oparl_files.records(Source("x", "oparl-files", str(tmp_path), "05999016", options=options)))


@real
def test_all_ids_of_huertgenwald_come_out():
    source = Source("huertgenwald", "oparl-files", str(SHARED / "huertgenwald-sdnet"), "05358016")

    items = list(oparl_files.records(source))

    found = [item for item in items if isinstance(item, Record)]
    ids = {item.id for item in found} | {part["id"] for item in found for _, part in embedded(item.object)}
    assert (len(items), len(found), len(ids), sum(item.deleted for item in found)) == (2555, 2555, 17_374, 39)


@real
def test_the_47_linked_ids_of_no_list_are_those_that_the_crawl_itself_names():
    folder = SHARED / "huertgenwald-sdnet"
    named = json.loads((folder / "missing_ids.json").read_text("utf-8"))

    found = [item for item in oparl_files.records(Source("h", "oparl-files", str(folder), "05358016")) if isinstance(item, Record)]

    ids = {item.id for item in found} | {part["id"] for item in found for _, part in embedded(item.object)}
    objects = {url for item in found for url in linked(item.type, item.object)} - ids
    lists = {item.object["meeting"] for item in found if item.type == "Organization" and "meeting" in item.object}
    assert objects == {url for url, answers in named.items() if answers}
    assert lists == {url for url, answers in named.items() if not answers}
    assert (len(objects), len(lists)) == (35, 12)


FILES = {r"(https?://[^/]+/ris)/oparl/bodies/\d+/files/(\d+)(?:\?.*)?": r"\1/getfile.asp?id=\2&type=do"}


def test_addresses_of_files_that_never_answer_are_written_as_the_sources_toml_says(tmp_path):
    at = "https://ris.musterstadt.example/ris/oparl/bodies/1/files/"
    file = made("File", "7", accessUrl=f"{at}7", downloadUrl=f"{at}7?download=1")
    paper = made("Paper", "1", mainFile=file, auxiliaryFile=[made("File", "8", accessUrl="https://other.example/8.pdf")])
    source = written(tmp_path, {"paper.json": {"data": [paper]}})

    [left] = oparl_files.records(source)
    [found] = oparl_files.records(replace(source, options={"files": FILES}))

    assert left.object["mainFile"]["accessUrl"] == f"{at}7"
    assert found.object["mainFile"]["accessUrl"] == "https://ris.musterstadt.example/ris/getfile.asp?id=7&type=do"
    assert found.object["mainFile"]["downloadUrl"] == "https://ris.musterstadt.example/ris/getfile.asp?id=7&type=do"
    assert found.object["mainFile"]["id"] == file["id"]
    assert found.object["auxiliaryFile"][0]["accessUrl"] == "https://other.example/8.pdf"
    assert Note("normalised", "file_address_of_source", "", 2) in found.notes
    assert found.raw["mainFile"]["accessUrl"] == f"{at}7"
