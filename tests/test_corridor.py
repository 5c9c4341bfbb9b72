"""From files to a served release: what changes is published, what breaks stays out, what is missing is not lost."""

import gzip

import orjson
import pytest

from publisher import release
from publisher.config import Settings
from publisher.errors import Busy, Refused
from publisher.journal import Journal
from publisher.journal.reader import Reader
from publisher.pipeline.build import build
from publisher.pipeline.dump import dump
from publisher.pipeline.forget import forget
from publisher.pipeline.harvest import harvest
from publisher.store import opened, rows

from .conftest import AT, BASE, built, files_source, harvested, quiet
from .objects import AT as SOURCE
from .objects import BODY, COMMITTEE, MEETING, PAPER, TOMBSTONE, TOWN, obj

PAPER_IRI = f"{BASE}/eli/dl/05999004/vorlage/1"


@pytest.fixture
def home(tmp_path, town):
    folder = town(**TOWN)
    place = tmp_path / "home"
    harvested(place, files_source(folder))
    built(place)
    return place


def reader(home):
    return Reader(home, release.current(home).number)


def paper(home):
    return orjson.loads(reader(home).get(PAPER_IRI).json)


def selected(home, query):
    store = opened(f"oxigraph:{release.current(home).path / 'store'}")
    return list(rows(store.query(query)))


def test_each_class_of_the_crawl_is_in_the_journal_and_in_sparql(home):
    counts = reader(home).counts()

    found = {row["c"].rsplit("/", 1)[-1]: int(row["n"]) for row in selected(home, COUNTS)}

    assert counts["Paper"] == (1, 1)
    for name, (live, tombstones) in counts.items():
        if "#" not in name and name not in ("PaperSection", "ResolutionProposal"):
            assert found[name] == live + tombstones, name


COUNTS = "SELECT ?c (COUNT(DISTINCT ?s) AS ?n) WHERE { ?s a ?c FILTER(STRSTARTS(STR(?c), 'https://schema.oparl.org/1.1/')) } GROUP BY ?c"


def test_harvesting_again_appends_nothing(home, town):
    before = Journal(home / "journal.sqlite").last_seq()

    outcome = harvested(home, files_source(town(**TOWN)))

    assert Journal(home / "journal.sqlite").last_seq() == before
    assert sum(counter["unchanged"] for counter in outcome.counts.values()) == sum(counter["seen"] for counter in outcome.counts.values())
    assert not built(home).new


def test_a_changed_record_is_published_by_the_next_build_and_not_before(home, town):
    harvested(home, files_source(town(paper=[{**PAPER, "name": "Neuer Titel"}, TOMBSTONE])))

    assert paper(home)["name"].startswith("Radweg")
    assert built(home).changed == 1
    assert paper(home)["name"] == "Neuer Titel"
    assert [row["n"] for row in selected(home, f"SELECT ?n WHERE {{ <{PAPER_IRI}> <https://schema.oparl.org/1.1/name> ?n }}")] == [
        "Neuer Titel"
    ]


def test_a_record_that_breaks_a_core_rule_stays_out_and_its_last_good_version_in(home, town):
    wrong = {**PAPER, "reference": ["1", "2"], "date": ["2021-01-01", "2021-01-02"]}
    harvested(home, files_source(town(paper=[wrong, TOMBSTONE])))

    made = built(home)

    assert [iri for iri, _ in made.rejected] == [PAPER_IRI]
    assert paper(home)["reference"] == "2021/0268"


def test_an_incremental_build_and_a_full_one_make_the_same_dump(home, town):
    harvested(home, files_source(town(paper=[{**PAPER, "name": "Neu"}, TOMBSTONE], organization=[{**COMMITTEE, "shortName": "HA"}])))
    built(home)
    step_by_step = list(dump(reader(home), "nquads"))

    built(home, full=True)

    assert list(dump(reader(home), "nquads")) == step_by_step
    assert sorted(step_by_step) == step_by_step


def test_the_store_holds_what_the_dump_holds(home):
    lines = list(dump(reader(home), "nquads"))

    count = selected(
        home, f"SELECT (COUNT(*) AS ?n) WHERE {{ GRAPH ?g {{ ?s ?p ?o }} FILTER(?g NOT IN (<{BASE}/ontology>, <{BASE}/concept>)) }}"
    )

    assert int(count[0]["n"]) == len(lines)


def many(count):
    return [obj("Paper", f"body/1/paper/{number}", name=f"Vorlage {number}") for number in range(10, 10 + count)]


def test_a_missing_record_becomes_a_tombstone_within_the_safety_share(home, town):
    harvested(home, files_source(town(paper=[PAPER, TOMBSTONE, *many(30)])))
    outcome = harvested(home, files_source(town(paper=[PAPER, TOMBSTONE, *many(29)])))
    built(home)

    assert outcome.counts["Paper"]["withdrawn"] == 1
    assert reader(home).get(f"{BASE}/eli/dl/05999004/vorlage/39").deleted


def test_a_short_answer_never_empties_a_town(home, town):
    outcome = harvested(home, files_source(town(paper=[], meeting=[])))

    assert "safety share" in outcome.kept
    assert sum(counter["withdrawn"] for counter in outcome.counts.values()) == 0


def test_what_is_there_but_cannot_be_read_any_more_is_refused_and_not_withdrawn(home, town):
    papers = [{**PAPER, "id": f"{SOURCE}body/1/paper/{at}"} for at in range(100, 140)]
    harvested(home, files_source(town(paper=[PAPER, TOMBSTONE, *papers])))

    outcome = harvested(
        home, files_source(town(paper=[PAPER, TOMBSTONE, *papers[:-1], {**papers[-1], "type": "https://example.org/Nonsense"}]))
    )

    assert [refusal.id for refusal in outcome.refusals] == [papers[-1]["id"]]
    assert outcome.counts["Paper"]["withdrawn"] == 0


def test_an_object_where_a_url_is_due_never_replaces_the_record_itself(tmp_path, town):
    folder = town(**TOWN | {"paper": [{**PAPER, "body": {"id": BODY["id"], "type": BODY["type"], "name": "Kurz"}}]})
    place = tmp_path / "stray"

    harvested(place, files_source(folder))
    outcome = harvested(place, files_source(folder))
    built(place)

    assert outcome.counts["Body"] == {"seen": 1, "unchanged": 1}
    assert orjson.loads(reader(place).get(f"{BASE}/id/05999004").json)["name"] == "Stadt Talheim"


def test_a_record_that_comes_back_is_undeleted(home, town):
    harvested(home, files_source(town(paper=[PAPER, TOMBSTONE, *many(30)])))
    harvested(home, files_source(town(paper=[PAPER, TOMBSTONE, *many(29)])))
    harvested(home, files_source(town(paper=[PAPER, TOMBSTONE, *many(30)])))
    built(home)

    assert not reader(home).get(f"{BASE}/eli/dl/05999004/vorlage/39").deleted


def test_a_release_that_would_lose_too_much_is_refused_and_the_old_one_stays(home, town):
    harvested(home, files_source(town(paper=[{**PAPER, "deleted": True}, TOMBSTONE], meeting=[{**MEETING, "deleted": True}])))

    with pytest.raises(Refused, match="safety share"):
        built(home)

    assert not reader(home).get(PAPER_IRI).deleted
    assert built(home, force=True).new
    assert reader(home).get(PAPER_IRI).deleted


def test_rollback_serves_the_previous_release_again(home, town):
    harvested(home, files_source(town(paper=[{**PAPER, "name": "Neu"}, TOMBSTONE])))
    built(home)

    release.rolled_back(home)

    assert paper(home)["name"].startswith("Radweg")
    assert built(home).new
    assert paper(home)["name"] == "Neu"


def test_a_release_that_a_rollback_went_back_behind_is_never_served_again(home, town):
    for name in ("Zweite", "Dritte"):
        harvested(home, files_source(town(paper=[{**PAPER, "name": name}, TOMBSTONE])))
        built(home)
    release.rolled_back(home)
    harvested(home, files_source(town(paper=[{**PAPER, "name": "Vierte"}, TOMBSTONE])))

    assert built(home).number == 4
    assert release.rolled_back(home).number == 2
    assert paper(home)["name"] == "Zweite"


def test_a_full_build_keeps_the_last_good_version_in_the_store_and_in_the_dump(home, town):
    before = b"".join(dump(reader(home), "nquads"))
    harvested(home, files_source(town(paper=[{**PAPER, "created": ["2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"]}, TOMBSTONE])))

    assert built(home, full=True).rejected
    opened_store = opened(f"oxigraph:{release.current(home).path / 'store'}")

    assert b"".join(dump(reader(home), "nquads")) == before
    assert list(rows(opened_store.query(f"SELECT ?g WHERE {{ GRAPH ?g {{ <{PAPER_IRI}> a ?c }} FILTER(?g = <{PAPER_IRI}>) }}")))


def test_what_was_mended_is_no_longer_reported_as_kept_out(home, town):
    harvested(home, files_source(town(paper=[{**PAPER, "created": ["2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"]}, TOMBSTONE])))
    built(home)
    assert len(refused(home)) == 1

    harvested(home, files_source(town(paper=[{**PAPER, "name": "Gut"}, TOMBSTONE])))
    built(home)

    assert refused(home) == []


def refused(home):
    return orjson.loads((release.current(home).path / "report.json").read_bytes())["refused"]


def test_a_full_build_that_was_killed_is_made_anew_by_the_next_one(home, town, monkeypatch):
    whole = sum(1 for _ in selected(home, "SELECT ?s WHERE { ?s ?p ?o }"))

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr("publisher.pipeline.rendering.written", killed)
        built(home, full=True)
    harvested(home, files_source(town(paper=[{**PAPER, "name": "Neu"}, TOMBSTONE])))
    built(home)

    assert sum(1 for _ in selected(home, "SELECT ?s WHERE { ?s ?p ?o }")) == whole


def test_only_so_many_releases_are_kept(home, town):
    for number in range(5):
        harvested(home, files_source(town(paper=[{**PAPER, "name": f"Fassung {number}"}, TOMBSTONE])))
        build(Settings(home, BASE, retention=2), AT, progress=quiet)

    assert len(release.retained(home)) == 2
    assert paper(home)["name"] == "Fassung 4"


def test_another_base_is_refused_and_rebase_keeps_the_old_iris(home, town):
    folder = town(**TOWN)
    with pytest.raises(Refused, match="rebase"):
        with_other = Settings(home, "https://neu.example.org", base_given=True)
        from_other(home, folder, with_other)

    built(home, rebase="https://neu.example.org")

    found = orjson.loads(reader(home).get("https://neu.example.org/eli/dl/05999004/vorlage/1").json)
    assert found["owl:sameAs"] == [f"{SOURCE}body/1/paper/1", PAPER_IRI]
    assert found["body"] == "https://neu.example.org/id/05999004"
    assert reader(home).get(PAPER_IRI) is None
    assert reader(home).lookup(PAPER_IRI) == ["https://neu.example.org/eli/dl/05999004/vorlage/1"]
    assert not any(line.startswith(f"<{BASE}/".encode()) for line in dump(reader(home), "nquads"))


def test_after_a_move_harvesting_again_changes_nothing_and_brings_nothing_back(home, town):
    person = f"{BASE}/id/05999004/person/1"
    with Journal(home / "journal.sqlite") as journal:
        forget(journal, home, person, AT)
    built(home, rebase="https://neu.example.org", force=True)

    outcome = harvested(home, files_source(town(**TOWN)))
    made = built(home)

    assert sum(counter["new"] + counter["changed"] for counter in outcome.counts.values()) == 0
    assert not made.new
    assert reader(home).get("https://neu.example.org/id/05999004/person/1").deleted
    graphs = selected(home, "SELECT DISTINCT ?g WHERE { GRAPH ?g { ?s ?p ?o } }")
    assert [row["g"] for row in graphs if row["g"].startswith(BASE)] == []


def test_a_record_keeps_its_old_iris_when_it_changes_after_a_move_there_and_back(home, town):
    built(home, rebase="https://neu.example.org")
    built(home, rebase=BASE)
    harvested(home, files_source(town(paper=[{**PAPER, "name": "Danach"}, TOMBSTONE])))
    built(home)

    found = paper(home)
    assert found["name"] == "Danach"
    assert found["owl:sameAs"] == [f"{SOURCE}body/1/paper/1", "https://neu.example.org/eli/dl/05999004/vorlage/1"]
    assert found["mainFile"]["owl:sameAs"][-1] == "https://neu.example.org/id/05999004/file/1"


def from_other(home, folder, wanted):
    from_source = files_source(folder)
    with Journal(home / "journal.sqlite") as journal:
        harvest(journal, from_source, None, AT, settings=wanted, progress=quiet)


def test_an_alias_keeps_the_iri_when_the_vendor_changes(home, town):
    (home / "aliases").mkdir()
    (home / "aliases" / "moved.csv").write_text(f"old,new\n{SOURCE}body/1/paper/1,{SOURCE}body/1/paper/9001\n", "utf-8-sig")

    harvested(home, files_source(town(paper=[{**PAPER, "id": f"{SOURCE}body/1/paper/9001", "name": "Umgezogen"}, TOMBSTONE])))
    built(home)

    assert paper(home)["name"] == "Umgezogen"


def test_two_sources_of_one_jurisdiction_need_different_namespaces(home, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "paper.json").write_bytes(orjson.dumps({"data": [{**PAPER, "id": "https://other.example/paper/1"}]}))

    with pytest.raises(Refused, match="namespace"):
        raising(harvested(home, files_source(other, name="other")))


def raising(outcome):
    if outcome.failure:
        raise Refused(outcome.failure)


def test_two_writers_never_meet(home):
    with release.writing(home), pytest.raises(Busy, match="another publisher command"):
        built(home)


def test_references_can_be_followed_backwards(home):
    found = reader(home).referring(f"{BASE}/id/05999004/organization/1")

    assert {one.type for one in found} == {"Paper", "Meeting", "Membership", "Consultation", "ResolutionProposal"}


def test_a_release_keeps_the_time_of_its_build(home):
    manifest = release.current(home).manifest

    assert reader(home).made == manifest["made"] == AT


def meeting(number, room):
    place = {**MEETING["location"], "room": room}
    return {**MEETING, "id": f"{SOURCE}body/1/meeting/{number}", "agendaItem": [], "location": place}


def rooms(home):
    place = f"<{BASE}/id/05999004/location/1>"
    return sorted(row["room"] for row in selected(home, f"SELECT ?room WHERE {{ {place} <https://schema.oparl.org/1.1/room> ?room }}"))


def test_a_place_that_many_meetings_share_is_counted_once_and_every_difference_kept(home, town):
    def after(*meetings):
        harvested(home, files_source(town(meeting=list(meetings))), force=True)
        built(home, force=True)
        step_by_step = list(dump(reader(home), "nquads"))
        found = rooms(home)
        built(home, full=True)
        assert list(dump(reader(home), "nquads")) == step_by_step
        assert rooms(home) == found
        return found

    assert after(meeting(1, "Saal"), meeting(2, "Saal"), meeting(3, "Saal")) == ["Saal"]
    assert after(meeting(1, "Saal"), meeting(2, "Foyer"), meeting(3, "Saal")) == ["Foyer", "Saal"]
    assert after(meeting(1, "Foyer"), meeting(2, "Foyer"), meeting(3, "Saal")) == ["Foyer", "Saal"]
    assert after(meeting(2, "Foyer"), meeting(3, "Foyer")) == ["Foyer"]
    assert after(meeting(0, "Dach"), meeting(2, "Foyer"), meeting(3, "Dach")) == ["Dach", "Foyer"]


def test_a_part_whose_copies_differ_in_their_dates_is_listed_once(home, town):
    def meeting(at):
        room = {**MEETING["location"], "created": f"2020-0{at}-01T10:00:00+01:00", "modified": f"2020-0{at}-01T10:00:00+01:00"}
        return {**MEETING, "id": f"{SOURCE}body/1/meeting/{at}", "agendaItem": [], "location": room}

    harvested(home, files_source(town(meeting=[meeting(2), meeting(1), meeting(3)])))
    built(home)

    listed = reader(home).page("Location")
    assert [one.created[:7] for one in listed] == ["2020-01"]
    assert [one.iri for one in listed] == [one.iri for one in reader(home).latest("Location")]
    assert reader(home).count("Location") == 1


def test_a_forgotten_record_is_nowhere_any_more_and_its_tombstone_stays(home, town):
    harvested(home, files_source(town(paper=[{**PAPER, "name": "Geheimwort", "reference": "G/1"}, TOMBSTONE])))
    built(home)
    with Journal(home / "journal.sqlite") as journal:
        done = forget(journal, home, PAPER_IRI, AT)

    build(Settings(home, BASE, retention=1), AT, progress=quiet, full=True, force=True)
    harvested(home, files_source(town(paper=[{**PAPER, "name": "Geheimwort", "reference": "G/1"}, TOMBSTONE])))
    build(Settings(home, BASE, retention=1), AT, progress=quiet, force=True)

    assert done.versions == 2
    assert reader(home).get(PAPER_IRI).deleted
    assert [event.kind for event in reader(home).events() if event.iri == PAPER_IRI] == ["delete"]
    holding = [path for path in home.rglob("*") if path.is_file() and holds(path, b"Geheimwort", b"Der Weg fehlt")]
    assert holding == []


def holds(path, *words):
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return any(word in content for word in words)


def told(home):
    found = orjson.loads((release.current(home).path / "report.json").read_bytes())
    return {key: found[key] for key in ("totals", "checked", "rules", "refused")}, (release.current(home).path / "results.csv").read_text(
        "utf-8"
    )


def test_a_report_made_step_by_step_equals_one_made_anew(home, town):
    rival = {**obj("Paper", "body/1/paper/7", name="Zweite", reference="2021/0268"), "body": PAPER["body"]}
    late = {**MEETING, "start": "2031-06-17T18:00:00+02:00", "end": "2031-06-17T17:00:00+02:00"}
    number = {**MEETING["agendaItem"][0], "id": f"{SOURCE}body/1/agendaitem/2", "order": 1}
    steps = [
        {"paper": [PAPER, TOMBSTONE, rival]},
        {"paper": [PAPER, TOMBSTONE, {**rival, "reference": "2021/9"}]},
        {"paper": [PAPER, TOMBSTONE, rival], "meeting": [late]},
        {"meeting": [{**MEETING, "agendaItem": [MEETING["agendaItem"][0], number]}]},
        {"organization": [{**COMMITTEE, "endDate": "2020-12-31"}]},
        {"body": [{**TOWN["body"][0], "legislativeTerm": []}]},
        {"paper": [{**PAPER, "deleted": True}, TOMBSTONE, rival]},
    ]
    seen = set()

    for step in steps:
        harvested(home, files_source(town(**step)), force=True)
        built(home, force=True)
        step_by_step = told(home)
        built(home, full=True, force=True)
        assert told(home) == step_by_step
        seen |= {line["rule"] for line in step_by_step[0]["rules"]}

    assert {"Body-references-unique", "Meeting-in-term", "Meeting-numbers-unique"} <= seen, seen
