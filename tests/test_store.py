"""The embedded store: five verbs, releases that stay as they were, and what happens to a writer that is killed."""

import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.errors import Busy, Malformed, Misconfigured, QueryRefused
from publisher.store import opened, oxigraph, rows
from publisher.store.oxigraph import portions

PAPER = "https://ris.example.org/eli/dl/05334/vorlage/{}"


def nquads(key: int, name: str) -> bytes:
    iri = PAPER.format(key)
    work = "<http://data.europa.eu/eli/eli-draft-legislation-ontology#Work>"
    return (
        f'<{iri}> <https://schema.oparl.org/1.1/name> "{name}" <{iri}> .\n'
        f"<{iri}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> {work} <{iri}/eli> .\n"
    ).encode()


def names(store) -> list[str]:
    return [row["n"] for row in rows(store.query("SELECT ?n { ?s <https://schema.oparl.org/1.1/name> ?n } ORDER BY ?n"))]


@pytest.fixture
def store(tmp_path):
    store = opened(f"oxigraph:{tmp_path}/store", writable=True)
    yield store
    store.close()


def test_load_takes_chunks_cut_anywhere(store):
    text = b"".join(nquads(key, f"Vorlage {key:03}") for key in range(300))

    store.load(text[at : at + 97] for at in range(0, len(text), 97))

    assert names(store) == [f"Vorlage {key:03}" for key in range(300)]


@given(st.lists(st.text("a\n", max_size=9).map(str.encode), max_size=30), st.integers(1, 20))
def test_portions_are_of_whole_lines_and_leave_nothing_out(chunks, size):
    found = [b"".join(portion) for portion in portions(chunks, size)]

    assert b"".join(found) == b"".join(chunks)
    assert all(found)
    assert all(portion.endswith(b"\n") for portion in found[:-1])


def test_portions_end_with_the_chunk_that_makes_their_size():
    assert [b"".join(portion) for portion in portions([b"a\n", b"b\nc", b"c\n", b"d\n", b"e\n"], 5)] == [b"a\nb\n", b"cc\nd\n", b"e\n"]


def test_a_load_in_several_portions_is_that_of_one(store, monkeypatch):
    monkeypatch.setattr(oxigraph, "PORTION", 1000)
    text = b"".join(nquads(key, f"Vorlage {key:03}") for key in range(300))

    store.load(text[at : at + 97] for at in range(0, len(text), 97))

    assert names(store) == [f"Vorlage {key:03}" for key in range(300)]


def test_load_takes_a_file(store, tmp_path):
    (tmp_path / "dump.nq").write_bytes(nquads(1, "eins"))

    store.load(tmp_path / "dump.nq")

    assert names(store) == ["eins"]


def test_replace_changes_both_graphs_of_a_record_and_no_other(store):
    store.load([nquads(1, "alt"), nquads(2, "bleibt")])

    count = store.replace([(PAPER.format(1), nquads(1, "neu")), (PAPER.format(3), nquads(3, "dazu"))])

    assert (count, names(store)) == (2, ["bleibt", "dazu", "neu"])
    graphs = [row["g"] for row in rows(store.query("SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } } ORDER BY ?g"))]
    assert graphs == [PAPER.format(key) + layer for key in (1, 2, 3) for layer in ("", "/eli")]


def test_the_last_of_two_versions_in_a_batch_wins(store):
    store.replace([(PAPER.format(1), nquads(1, "erst")), (PAPER.format(1), nquads(1, "dann"))])

    assert names(store) == ["dann"]


def test_replace_twice_is_replace_once(store):
    batch = [(PAPER.format(key), nquads(key, str(key))) for key in range(2500)]

    store.replace(batch)
    store.replace(batch)

    [row] = rows(store.query("SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }"))
    assert row["n"] == "5000"


def test_remove_leaves_nothing_of_a_record(store):
    store.load([nquads(1, "weg"), nquads(2, "da")])

    assert store.remove([PAPER.format(1)]) == 1
    assert b"vorlage/1" not in store.query("SELECT * { GRAPH ?g { ?s ?p ?o } }", "text/csv")
    assert names(store) == ["da"]


def test_describe_reads_all_graphs(store):
    store.load([nquads(1, "eins"), nquads(2, "zwei")])

    assert sorted(store.describe(PAPER.format(1)).splitlines()) == sorted(
        line.rsplit(b" <", 1)[0] + b" ." for line in nquads(1, "eins").splitlines()
    )


def test_a_release_stays_as_it_was(store, tmp_path):
    store.load([nquads(1, "damals")])
    store.release(tmp_path / "releases" / "1" / "store")
    store.replace([(PAPER.format(1), nquads(1, "heute"))])
    store.release(tmp_path / "releases" / "2" / "store")

    copies = [opened(f"oxigraph:{tmp_path}/releases/{number}/store") for number in (1, 2)]

    assert [names(copy) for copy in copies] == [["damals"], ["heute"]]


def test_a_release_is_readable_by_several_processes_without_a_right_to_write(store, tmp_path):
    store.load([nquads(1, "eins")])
    store.release(tmp_path / "copy")
    for path in (tmp_path / "copy", *(tmp_path / "copy").iterdir()):
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / "copy").iterdir())
    code = f"from publisher.store import opened; print(opened('oxigraph:{tmp_path}/copy').query('ASK {{ ?s ?p ?o }}'))"

    answers = [subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout for _ in range(2)]

    assert all(b"true" in answer for answer in answers)
    assert sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / "copy").iterdir()) == before
    (tmp_path / "copy").chmod(0o755)


def test_a_store_is_compacted_only_where_a_fair_share_of_it_changed(store, tmp_path, monkeypatch):
    monkeypatch.setattr(oxigraph, "COMPACT_AFTER", 2)

    def openings(number, changed):
        """Return how often RocksDB was opened, which a compaction does, when so many records were changed and released."""
        store.replace((PAPER.format(key), nquads(key, f"Stand {number}")) for key in range(changed))
        store.release(tmp_path / str(number))
        return len(list((tmp_path / "store").glob("LOG*")))

    whole, little, much = openings(1, 300), openings(2, 5), openings(3, 50)

    assert whole == little < much


def test_a_release_over_the_rest_of_a_killed_one(store, tmp_path):
    (tmp_path / "copy.part").mkdir()
    (tmp_path / "copy.part" / "000001.sst").write_bytes(b"half")
    store.load([nquads(1, "eins")])

    store.release(tmp_path / "copy")

    assert names(opened(f"oxigraph:{tmp_path}/copy")) == ["eins"]
    assert not (tmp_path / "copy.part").exists()


@pytest.mark.usefixtures("store")
def test_two_writers_are_told_apart(tmp_path):
    with pytest.raises(Busy, match="another process writes"):
        opened(f"oxigraph:{tmp_path}/store", writable=True)


@pytest.mark.parametrize("url", ["sqlite:var/store", "oxigraph:", "var/store", ""])
def test_an_unknown_kind_names_the_known_ones(url):
    with pytest.raises(Misconfigured, match="oxigraph:"):
        opened(url)


def test_a_directory_that_is_no_store_says_what_to_do(tmp_path):
    with pytest.raises(Misconfigured, match="build again"):
        opened(f"oxigraph:{tmp_path}/nothing")


def test_what_is_no_nquads_is_named(store):
    with pytest.raises(Malformed, match="line 2"):
        store.load([nquads(1, "eins").splitlines()[0] + b"\n<a\n"])
    with pytest.raises(Malformed, match="vorlage/7"):
        store.replace([(PAPER.format(7), b"x")])


def test_what_is_no_query_is_refused(store):
    with pytest.raises(QueryRefused, match="SPARQL"):
        store.query("SELECT * {")
    with pytest.raises(QueryRefused, match="text/csv"):
        store.query("ASK {}", "text/html")


WRITER = """
import sys
from tests.test_store import PAPER, nquads
from publisher.store import opened
store = opened("oxigraph:" + sys.argv[1], writable=True)
print("open", flush=True)
turn = 0
while True:
    turn += 1
    store.replace((PAPER.format(key), nquads(key, f"{turn}")) for key in range(3000))
"""


def test_a_killed_writer_leaves_a_store_that_opens_and_takes_the_batch_again(tmp_path):
    for pause in (0.05, 0.4, 1.1):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "store")], stdout=subprocess.PIPE)
        assert writer.stdout and writer.stdout.readline() == b"open\n"
        time.sleep(pause)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()

        store = opened(f"oxigraph:{tmp_path}/store", writable=True)
        store.replace((PAPER.format(key), nquads(key, "danach")) for key in range(3000))

        [row] = rows(store.query("SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }"))
        assert (row["n"], set(names(store))) == ("6000", {"danach"})
        store.close()
