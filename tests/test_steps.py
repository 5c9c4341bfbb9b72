"""A release built step by step is the release built at once: every file that follows the change equals the one that follows all."""

import shutil
import sqlite3
from contextlib import closing
from random import Random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.generate import generate
from publisher import release
from publisher.config import Settings, settings
from publisher.errors import Misconfigured
from publisher.feeds import dumps
from publisher.journal import Journal, Version
from publisher.journal.reader import Reader
from publisher.journal.serving import Serving
from publisher.pipeline import hands, link
from publisher.pipeline.build import build
from publisher.pipeline.rendering import spans
from publisher.record import content_hash
from publisher.search import Index
from publisher.store import opened
from publisher.store.description import counted, void

from .conftest import AT, BASE, quiet

BODIES = ("05358016", "05334002")
NEW = "Sanierung der Sternwarte"


def version(obj, jurisdiction, *, deleted=False):
    kind = obj["type"].rsplit("/", 1)[-1]
    body = f"{BASE}/id/{jurisdiction}" if kind != "System" else ""
    return Version(0, obj["id"], kind, jurisdiction, "bench", body, "", AT, deleted, content_hash(obj), orjson.dumps(obj))


def town(jurisdiction):
    return list(generate(60, base=BASE, jurisdiction=jurisdiction, gaps=jurisdiction == BODIES[0]))


def changes():
    """Yield batches of (object, jurisdiction, deleted): papers, a meeting, a new record, tombstones, a body, a system."""
    first, second = (town(one) for one in BODIES)
    papers = [obj for obj in first if obj["type"].endswith("Paper")]
    meetings = [obj for obj in first if obj["type"].endswith("Meeting")]
    random = Random(1)
    yield [({**obj, "name": f"{NEW} {at}"}, BODIES[0], False) for at, obj in enumerate(random.sample(papers, 5))]
    gone = [{"type": obj["type"], "id": obj["id"], "deleted": True} for obj in random.sample(papers, 7)]
    yield [(obj, BODIES[0], True) for obj in gone]
    moved = {**meetings[2], "start": "2023-01-01T18:00:00+01:00"}
    new = {**papers[0], "id": f"{BASE}/eli/dl/{BODIES[0]}/vorlage/9000", "mainFile": [], "auxiliaryFile": [], "consultation": []}
    yield [(moved, BODIES[0], False), (new, BODIES[0], False), ({**papers[0], "date": ["2001-01-01", "2001-01-02"]}, BODIES[0], False)]
    body = next(obj for obj in second if obj["type"].endswith("Body"))
    yield [({**body, "license": "https://www.govdata.de/dl-de/zero-2-0", "name": "Stadt Anders"}, BODIES[1], False)]
    yield [({**body, "license": "https://www.govdata.de/dl-de/zero-2-0", "name": "Stadt Anders", "modified": AT}, BODIES[1], False)]
    system = next(obj for obj in second if obj["type"].endswith("System"))
    yield [({**system, "license": "https://creativecommons.org/licenses/by/4.0/"}, BODIES[1], False)]


def appended(home, batch):
    with Journal(home / "journal.sqlite") as journal:
        journal.set("base", BASE)
        for obj, jurisdiction, deleted in batch:
            journal.append(version(obj, jurisdiction, deleted=deleted))
        journal.commit()


def made(home, **options):
    build(Settings(home, BASE), AT, progress=quiet, force=True, **options)
    return release.current(home).path


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    """Return (release built in steps, the same at once, the same at once by processes)."""
    home = tmp_path_factory.mktemp("steps") / "home"
    appended(home, [(obj, jurisdiction, False) for jurisdiction in BODIES for obj in town(jurisdiction)])
    made(home)
    for batch in changes():
        appended(home, batch)
        steps = made(home)
    beside = home.with_name("beside")
    shutil.copytree(home, beside, symlinks=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(hands, "FEW", 1)
        parallel = made(beside, full=True)
    return steps, made(home, full=True), parallel


def files(path, folder):
    return {str(file.relative_to(path)): file.read_bytes() for file in sorted((path / folder).rglob("*")) if file.is_file()}


def test_dumps_are_the_same_byte_for_byte(releases):
    steps, *others = releases
    assert len(files(steps, "dumps")) > 40
    for other in others:
        for name, content in files(steps, "dumps").items():
            assert name == "dumps/manifest.json" or content == (other / name).read_bytes(), name
        assert sorted(files(steps, "dumps")) == sorted(files(other, "dumps"))


def test_the_dataset_is_described_alike_and_as_a_count_finds_it(releases):
    texts = {(path / "void.ttl").read_text() for path in releases}
    store = opened(f"oxigraph:{releases[0] / 'store'}")
    addresses = [line.split("<")[1].split(">")[0] for line in texts.copy().pop().splitlines() if "void:dataDump" in line]

    assert texts == {void(counted(store), BASE, addresses)}


def test_the_report_the_stream_and_the_sitemap_say_the_same(releases):
    for name in ("report.csv", "results.csv", "records.tsv", "robots.txt", "sitemap/sitemap-1.xml"):
        assert len({(path / name).read_bytes() for path in releases}) == 1, name
    assert files(releases[0], "stream") == files(releases[1], "stream") == files(releases[2], "stream")
    told = [orjson.loads((path / "report.json").read_bytes()) | {"release": 0} for path in releases]
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize("typed", ["Sternwarte", "Sanierung", "Sanierung Sternwarte 3", "Neubau Grundschule", "2008/", "Rathaus", ""])
def test_a_search_finds_the_same_and_what_went_no_more(releases, typed):
    found = [Index(path / "search").search(typed, limit=1000) for path in releases]

    assert found[0].total == found[1].total == found[2].total
    assert {hit.iri for hit in found[0].hits} == {hit.iri for hit in found[1].hits}
    assert [hit.iri for hit in found[1].hits] == [hit.iri for hit in found[2].hits]


def test_the_words_of_a_search_are_those_of_the_titles_there_are(releases):
    words = [orjson.loads((path / "search" / "noted.json").read_bytes())["words"] for path in releases]

    assert words[0] == words[1] == words[2]


def test_segments_of_an_index_are_linked_and_the_release_before_keeps_its_own(releases):
    steps = releases[0]
    before = steps.with_name(str(int(steps.name) - 1))
    shared = [path.name for path in (steps / "search").iterdir() if (before / "search" / path.name).exists()]

    assert any(path.stat().st_nlink > 1 for path in (steps / "search").iterdir() if path.suffix == ".store")
    assert "meta.json" in shared and Index(before / "search").search("Sternwarte").total > 0


def test_a_good_version_is_published_though_a_bad_one_came_before_the_build(tmp_path):
    home = tmp_path / "home"
    objects = town(BODIES[0])
    paper = next(obj for obj in objects if obj["type"].endswith("Paper"))
    appended(home, [(obj, BODIES[0], False) for obj in objects])
    made(home)
    bad = {**paper, "date": ["2001-01-01", "2001-01-02"]}

    appended(home, [({**paper, "name": "Gut"}, BODIES[0], False), (bad, BODIES[0], False)])
    now = made(home)

    reader = Reader(home, int(now.name))
    assert orjson.loads(reader.get(paper["id"]).json)["name"] == "Gut"
    assert [orjson.loads(one.json)["name"] for one in reader.versions(paper["id"])] == [paper["name"], "Gut"]
    assert [one["iri"] for one in orjson.loads((now / "report.json").read_bytes())["refused"]] == [paper["id"]]


def test_a_linkset_and_a_catalogue_take_effect_without_a_changed_record_and_go_again(tmp_path):
    home = tmp_path / "home"
    appended(home, [(obj, BODIES[0], False) for obj in town(BODIES[0])])
    made(home)
    assert not build(Settings(home, BASE), AT, progress=quiet).new
    body = f"{BASE}/id/{BODIES[0]}"
    (home / "linksets").mkdir()
    (home / "linksets" / "wiki.csv").write_text(
        link.written([link.Link(body, "skos:exactMatch", "http://www.wikidata.org/entity/Q1", "", "confirmed")]), "utf-8"
    )
    (home / "catalog.toml").write_text('publisher = "Stadt"\ncontact = "ris@example.org"\nlicense = "https://example.org/l"\n', "utf-8")

    now = made(home)
    ask = f"ASK {{ GRAPH <{BASE}/linkset/wiki> {{ <{body}> ?p <http://www.wikidata.org/entity/Q1> }} }}"

    assert (now / "linksets" / "wiki.nq").exists() and (now / "catalog").is_dir()
    assert b"true" in opened(f"oxigraph:{now / 'store'}").query(ask)
    (home / "linksets" / "wiki.csv").unlink()
    assert b"false" in opened(f"oxigraph:{made(home) / 'store'}").query(ask)


KEYS = st.sets(st.integers(0, 400), max_size=60)


@given(KEYS, KEYS)
def test_chunks_after_a_change_are_those_of_all_records(before, after):
    def chunks(keys):
        cut = []
        for iri in sorted(f"urn:{key:03}" for key in keys):
            if not cut or dumps.opens(iri):
                cut.append([])
            cut[-1].append(iri)
        return cut

    old = [dumps.Chunk(one[0], len(one), {}, {}, {}) for one in chunks(before)]
    touched = {f"urn:{key:03}": key in after for key in before ^ after}
    starts = []
    for one in spans(old, touched):
        if isinstance(one, dumps.Chunk):
            starts.append((one.start, one.records))
        else:
            within = [key for key in after if f"urn:{key:03}" >= one[0] and (not one[1] or f"urn:{key:03}" < one[1])]
            starts += [(chunk[0], len(chunk)) for chunk in chunks(within)]

    assert starts == [(chunk[0], len(chunk)) for chunk in chunks(after)]


def told(home):
    return [one[:8] for one in Reader(home, release.current(home).number).events(limit=10_000)]


@pytest.fixture
def chronicle(tmp_path):
    """An instance whose paper was changed, changed again before a build, broken, and changed after a rollback."""
    home = tmp_path / "home"
    paper = next(obj for obj in town(BODIES[0]) if obj["type"].endswith("Paper"))
    bad = {**paper, "date": ["2001-01-01", "2001-01-02"]}
    appended(home, [(obj, BODIES[0], False) for obj in town(BODIES[0])])
    made(home)
    for versions in ([{**paper, "name": "Zweite"}], [bad], [{**paper, "name": "Ungesehen"}, {**paper, "name": "Vierte"}]):
        appended(home, [(one, BODIES[0], False) for one in versions])
        made(home)
    return home, paper


def names(home, paper):
    return [orjson.loads(one.json)["name"] for one in Reader(home, release.current(home).number).versions(paper["id"])]


def test_what_a_release_told_stays_told_after_a_rollback(chronicle):
    home, paper = chronicle
    before = told(home)
    release.rolled_back(home)
    appended(home, [({**paper, "name": "Danach"}, BODIES[0], False)])
    made(home)

    assert told(home)[:-1] == before
    assert names(home, paper) == [paper["name"], "Zweite", "Vierte", "Danach"]


def test_the_journal_alone_gives_back_all_that_was_told(chronicle):
    home, paper = chronicle
    before = told(home)
    for file in home.glob("serving.sqlite*"):
        file.unlink()
    made(home, full=True)

    assert told(home) == before
    assert names(home, paper) == [paper["name"], "Zweite", "Vierte"]


def test_a_journal_without_a_log_is_taken_to_have_served_what_its_releases_did(chronicle):
    home, paper = chronicle
    with Journal(home / "journal.sqlite") as journal:
        journal.db.executescript("drop table served; drop table kept_out")
    appended(home, [({**paper, "name": "Danach"}, BODIES[0], False)])
    made(home)
    before = told(home)
    for file in home.glob("serving.sqlite*"):
        file.unlink()
    made(home, full=True)

    assert told(home) == before


def test_how_many_releases_are_kept_and_what_may_be_lost_is_said_in_the_home(tmp_path):
    assert settings(str(tmp_path), None, {}).retention == 3
    file = tmp_path / "publisher.toml"

    file.write_text("retention = 5\nsafety_share = 0.2\n", "utf-8")

    assert (settings(str(tmp_path), None, {}).retention, settings(str(tmp_path), None, {}).safety_share) == (5, 0.2)
    for wrong in ("retention = 0", 'retention = "3"', "safety_share = 5", "safety_share = true", "retentoin = 3", "retention ="):
        file.write_text(wrong, "utf-8")
        with pytest.raises(Misconfigured, match=r"publisher\.toml"):
            settings(str(tmp_path), None, {})


def test_after_the_first_build_readers_have_every_index(tmp_path):
    home = tmp_path / "home"
    appended(home, [(obj, BODIES[0], False) for obj in town(BODIES[0])])
    made(home)

    with closing(sqlite3.connect(home / "serving.sqlite")) as built, Serving(tmp_path / "empty.sqlite") as empty:
        names = "select name, sql from sqlite_master where type = 'index' order by name"
        assert built.execute(names).fetchall() == empty.db.execute(names).fetchall()
