"""Each record is judged alone, whatever else is in the batch; what cannot be judged is named."""

import os
import shutil
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.config import Source
from publisher.errors import Misconfigured
from publisher.graph.mapper import quads
from publisher.iris import Iris
from publisher.pipeline.localise import localised, space_of
from publisher.record import Record
from publisher.shapes import BASE, ENGINES, by_record, judge, judged, shapes
from publisher.sources import oparl_files
from publisher.sources.normal import normalised

SHARED = Path(os.environ.get("PUBLISHER_SHARED", Path(__file__).parent.parent.parent / "shared"))
SHAPES = Path(__file__).parent.parent / "shapes"
HOST = "https://ris.example.org"
STAMP = {"created": "2024-03-01T09:00:00+01:00", "modified": "2024-03-14T18:00:00+01:00"}


def paper(key: str, **keys):
    keys = {"name": "Kita", "reference": key, "date": "2024-03-01", "paperType": "Antrag", **STAMP, **keys}
    return {"type": "https://schema.oparl.org/1.1/Paper", "id": f"{HOST}/eli/dl/05358016/vorlage/{key}", **keys}


def place(street: str, code: str = "52393"):
    iri = f"{HOST}/id/05358016/location/1"
    return {"type": "https://schema.oparl.org/1.1/Location", "id": iri, "streetAddress": street, "postalCode": code, **STAMP}


def found(text: str) -> list[tuple[str, str]]:
    return [(result.record.rsplit("/", 1)[1], result.shape.removeprefix(BASE)) for result in judge(text, shapes())]


def test_two_descriptions_of_one_place_do_not_melt_into_one_with_two_addresses():
    text = quads(paper("1", location=[place("Am Markt 1")])) + quads(paper("2", location=[place("Marktplatz 1")]))

    assert found(text) == []


def test_a_fault_in_an_embedded_object_belongs_to_the_record_that_describes_it_so():
    text = quads(paper("1", location=[place("Am Markt 1")])) + quads(paper("2", location=[place("Am Markt 1", "5239")]))

    assert found(text) == [("2", "Location-postalCode-digits")]


def test_what_a_file_says_of_foreign_papers_is_not_held_against_them():
    meeting = {"type": "https://schema.oparl.org/1.1/Meeting", "id": f"{HOST}/eli/dl/05358016/sitzung/1", "name": "Rat", **STAMP}
    meeting |= {"start": "2024-03-14T18:00:00+01:00", "organization": [f"{HOST}/id/05358016/organization/1"], "location": place("Markt 1")}
    elsewhere = {**place("Markt 2"), "id": f"{HOST}/id/05358016/location/2", "meetings": [meeting["id"]]}

    assert found(quads(meeting) + quads(elsewhere)) == []


@settings(deadline=None)
@given(st.permutations(range(6)), st.lists(st.sampled_from(["name", "reference", "date", "created"]), min_size=6, max_size=6))
def test_order_and_neighbours_change_nothing(order, missing):
    papers = [paper(str(at), location=[place(f"Weg {at}")]) for at in range(6)]
    texts = [quads({key: value for key, value in one.items() if key != gone}) for one, gone in zip(papers, missing, strict=True)]

    together = judge("".join(texts[at] for at in order), shapes())
    alone = [result for text in texts for result in judge(text, shapes())]

    assert together == alone
    assert [result.shape.removeprefix(BASE) for result in alone] == [
        f"Paper-{key}-missing" if key != "created" else "created-missing" for key in missing
    ]


def test_lines_of_a_record_may_stand_anywhere():
    text = quads(paper("1", date="2024-02-31", location=[place("Weg 1", "5239")])) + quads(paper("2"))

    assert (
        found("".join(sorted(text.splitlines(keepends=True)))) == found(text) == [("1", "Paper-date"), ("1", "Location-postalCode-digits")]
    )


def test_a_deleted_record_owes_nothing_but_when_it_was_deleted():
    gone = {"type": "https://schema.oparl.org/1.1/Paper", "id": f"{HOST}/eli/dl/05358016/vorlage/1", "deleted": True}

    assert found(quads({**gone, **STAMP})) == []
    assert found(quads(gone)) == [("1", "modified-missing")]


@pytest.mark.parametrize("engine", ["shacl", "pyshacl"])
@pytest.mark.parametrize(("good", "bad"), [("<http://body/>", "<http://b ody/>"), ("<http://body/>", "<rat>"), (" .\n", "\n")])
def test_a_record_that_cannot_be_read_is_refused_alone_and_named(engine, good, bad):
    texts = {
        "1": quads(paper("1")),
        "2": quads(paper("2", body="http://body/")).replace(good, bad, 1),
        "3": quads(paper("3", date="2024-02-31")),
    }

    results = judged(((key, text.encode()) for key, text in texts.items()), shapes(), engine=engine)

    assert [(result.record, result.shape.removeprefix(BASE)) for result in results] == [("2", "unreadable"), ("3", "Paper-date")]


def test_a_record_that_makes_the_engine_fail_is_refused_alone_and_named(monkeypatch):
    native = pytest.importorskip("publisher.shapes.native")
    weak = ModuleType("weak_engine")

    def findings(known, data):
        if b'"Absturz"@de' in data:
            raise RuntimeError("engine failed")
        return native.findings(known, data)

    weak.findings = findings
    monkeypatch.setitem(sys.modules, "weak_engine", weak)
    monkeypatch.setitem(ENGINES, "weak", "weak_engine")
    text = quads(paper("1")) + quads(paper("2", name="Absturz")) + quads(paper("3", date="2024-02-31"))

    results = judge(text, shapes(), engine="weak")

    assert [(result.focus.rsplit("/", 1)[1], result.shape.removeprefix(BASE)) for result in results] == [
        ("2", "unreadable"),
        ("3", "Paper-date"),
    ]


@pytest.mark.parametrize("layer", ["ranges", "eli", "dcat", "strict"])
def test_every_layer_names_what_it_cannot_read(layer):
    [result] = judge(quads(paper("1")).replace("Kita", 'Ki"ta'), shapes((layer,)))

    assert (result.shape.removeprefix(BASE), result.severity) == ("unreadable", "Violation")


def test_bytes_that_are_no_text_are_refused_and_named():
    text = quads(paper("1")).encode().replace(b"Kita", b"\xff\xfe") + quads(paper("2")).encode()

    assert [(result.record.rsplit("/", 1)[1], result.shape.removeprefix(BASE)) for result in judge(text, shapes())] == [("1", "unreadable")]


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n"])
def test_nothing_to_judge_is_nothing_wrong(text):
    assert judge(text, shapes()) == []


@settings(deadline=None)
@given(st.binary(max_size=60), st.sampled_from([b"", b"\n", b" .\n", b" <http://g/1> .\n"]), st.booleans())
def test_whatever_bytes_come_each_record_gets_an_answer(noise, end, first):
    good = quads(paper("1", date="2024-02-31")).encode()

    results = judge(noise + end + good if first else good + noise + end, shapes())

    assert all(result.severity in ("Violation", "Warning", "Info") for result in results)
    assert results


def test_an_unknown_engine_is_refused_with_those_there_are():
    with pytest.raises(Misconfigured, match=r"no SHACL engine 'jena'; there are: shacl, pyshacl"):
        judge("", shapes(), engine="jena")


def test_results_are_handed_to_who_owns_their_focus():
    results = judge(quads(paper("1", date="2024-02-31", location=[place("Weg 1", "5239")])), shapes())

    owned = by_record(results, {f"{HOST}/id/05358016/location/1": "owner"}.get)

    assert {owner: len(several) for owner, several in owned.items()} == {"owner": 1, f"{HOST}/eli/dl/05358016/vorlage/1": 1}


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("paper.ttl", "sh:path oparl:reference ;", "sh:path oparl:refernce ;", r"paper\.ttl:\d+: no vocabulary declares \S+refernce"),
        ("paper.ttl", "sh:maxCount 1", "sh:maxCuont 1", r"paper\.ttl:\d+: no vocabulary declares \S+maxCuont"),
        ("paper.ttl", "sh:severity sh:Warning", "sh:severity sh:Fatal", r"paper\.ttl:\d+: Paper-\S+: severity \S+Fatal\S* is unknown"),
        ("paper.ttl", "    sh:severity sh:Violation ;\n", "", r"paper\.ttl:\d+: Paper-\S+: severity is missing"),
        ("paper.ttl", ":Paper-name,", ":Paper-nmae,", r"paper\.ttl:\d+: Paper names the rule Paper-nmae, which is not there"),
        ("paper.ttl", '@en .', '@fr .', r"paper\.ttl:\d+: Paper-\S+: expected one sh:message in German"),
        ("paper.ttl", "sh:path oparl:reference ;", "sh:path oparl:reference", r"paper\.ttl:\d+: not Turtle"),
        ("file.ttl", ":File-name a", ":Paper-name a", r"file\.ttl:\d+: Paper-name stands in two files"),
    ],
)  # fmt: skip
def test_a_broken_shape_file_is_refused_with_file_and_line(tmp_path, file, old, new, said):
    shutil.copytree(SHAPES, tmp_path, dirs_exist_ok=True)
    text = (tmp_path / file).read_text("utf-8")
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new, 1), "utf-8")

    with pytest.raises(Misconfigured, match=said):
        shapes(("core",), tmp_path)


def test_the_line_named_is_the_line_of_the_rule(tmp_path):
    shutil.copytree(SHAPES, tmp_path, dirs_exist_ok=True)
    text = (tmp_path / "paper.ttl").read_text("utf-8")
    lines = text.splitlines()
    at = next(number for number, line in enumerate(lines, 1) if line.startswith(":Paper-date-missing "))
    (tmp_path / "paper.ttl").write_text(
        text.replace(
            text[text.index(":Paper-date-missing a") :], text[text.index(":Paper-date-missing a") :].replace("sh:Warning", "sh:Grave", 1)
        )
    )

    with pytest.raises(Misconfigured, match=rf"paper\.ttl:{at}: Paper-date-missing"):
        shapes(("core",), tmp_path)


def test_a_missing_shape_file_and_an_unknown_layer_are_named(tmp_path):
    with pytest.raises(Misconfigured, match="common.ttl"):
        shapes(("core",), tmp_path)
    with pytest.raises(Misconfigured, match="no layer 'kern'"):
        shapes(("kern",))


@pytest.mark.skipif(not (SHARED / "realdata").is_dir(), reason="real data not there: set PUBLISHER_SHARED")
def test_a_whole_real_crawl_is_accepted_and_its_known_gaps_are_counted():
    source = Source(name="h", kind="oparl-files", url=str(SHARED / "realdata" / "huertgenwald-sdnet"), jurisdiction="05358016")
    records = [one for item in oparl_files.records(source) if isinstance(item, Record) for one in normalised(item, source)]
    iris = Iris(HOST, [space_of(source, records)])
    objects = {obj["id"]: obj for record in records if (obj := localised(record.object, iris))}

    results = list(judged(((iri, quads(obj).encode()) for iri, obj in objects.items()), shapes()))
    counts = Counter(result.shape.removeprefix(BASE) for result in results)

    assert [result for result in results if result.severity == "Violation"] == []
    assert {
        name: counts[name] for name in ("AgendaItem-public-missing", "Consultation-role-missing", "Consultation-authoritative-missing")
    } == {
        "AgendaItem-public-missing": 5106,
        "Consultation-role-missing": 2228,
        "Consultation-authoritative-missing": 2228,
    }
    assert (counts["Body-license-missing"], counts["Body-legislativeTerm-missing"]) == (1, 1)
