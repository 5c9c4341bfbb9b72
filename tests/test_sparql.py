"""The endpoint: the protocol, formats, caching, the honest end of every query, and what cannot get through."""

import csv
import ctypes
import gzip
import io
import json
import os
import platform
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from xml.etree import ElementTree

import brotli
import pytest
from rdflib import Dataset, Graph, URIRef

from publisher.errors import LimitMet
from publisher.store import opened
from publisher.store.gate import Query, checked
from publisher.store.limits import Limits, Purse, met
from publisher.store.worker import LONG_TURN, LOWEST
from publisher.store.workers import Job, Pool, Worker
from publisher.views import create_app
from publisher.views.results import Kept
from publisher.views.sparql import dataset_app

BASE = "https://ris.example.org"
PAPER = BASE + "/eli/dl/05334/vorlage/{}"
NAME = "https://schema.oparl.org/1.1/name"
ALL = "SELECT ?s ?n { ?s <https://schema.oparl.org/1.1/name> ?n } ORDER BY ?n"
PAPERS = 300
SECONDS = 3
CROSS = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l }"
LONG_TEXTS = f"CONSTRUCT {{ ?a ?b ?l }} {{ ?a ?b ?c . ?d ?e ?f BIND(CONCAT(STR(?c), STR(?f), '{'x' * 5000}') AS ?l) }}"
HUGE_REGEX = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i FILTER(REGEX(CONCAT(STR(?c), STR(?f)), '^((.?){80}){8}')) }"


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> Path:
    """A release directory with a store of PAPERS papers, each in its graph, with its ELI layer beside it."""
    path = tmp_path_factory.mktemp("release")
    store = opened(f"oxigraph:{path}/working", writable=True)
    lines = []
    for key in range(PAPERS):
        iri = PAPER.format(key)
        lines.append(f'<{iri}> <{NAME}> "Vorlage {key:03}, \\"Straße\\"\\nzweite Zeile"@de <{iri}> .\n')
        lines.append(f"<{iri}> <https://schema.oparl.org/1.1/body> <{BASE}/id/05334> <{iri}> .\n")
        lines.append(f"<{iri}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://example.org/Work> <{iri}/eli> .\n")
    store.load(line.encode() for line in lines)
    store.release(path / "store")
    store.close()
    return path


@pytest.fixture(scope="module")
def limits() -> Limits:
    return Limits(seconds=SECONDS, rows=2_000, bytes=1_800_000, memory=400 << 20, query_bytes=20_000, workers=1, client_seconds=0)


@pytest.fixture(scope="module")
def client(release, limits):
    app = dataset_app(release, BASE, limits)
    yield app.test_client()
    app.extensions["sparql"][0].close()


def asked(client, query: str, accept: str = "", **headers: str):
    return client.get("/sparql", query_string={"query": query}, headers={"Accept": accept or "*/*", **headers})


def detail(response) -> str:
    assert response.content_type == "application/problem+json"
    assert response.json["status"] == response.status_code
    return response.json["detail"]


def test_three_ways_to_ask_give_the_same_answer(client):
    ways = [
        asked(client, ALL),
        client.post("/sparql", data={"query": ALL}),
        client.post("/sparql", data=ALL.encode(), content_type="application/sparql-query"),
        client.post("/sparql", data=ALL.encode(), content_type="application/sparql-query; charset=utf-8"),
    ]

    assert [way.status_code for way in ways] == [200] * 4
    assert len({way.data for way in ways}) == 1
    assert len(ways[0].json["results"]["bindings"]) == PAPERS


def test_head_is_get_without_the_body(client):
    head = client.head("/sparql", query_string={"query": ALL})

    assert (head.status_code, head.data) == (200, b"")
    assert head.content_length == len(asked(client, ALL).data)


def test_options_names_methods_and_types(client):
    options = client.options("/sparql")

    assert (options.status_code, options.headers["Allow"]) == (204, "GET, HEAD, POST, OPTIONS")
    assert "application/sparql-query" in options.headers["Accept-Post"]
    assert options.headers["Access-Control-Allow-Origin"] == "*"


TABLES = ["application/sparql-results+json", "application/sparql-results+xml", "text/csv", "text/tab-separated-values"]


@pytest.mark.parametrize("accept", TABLES)
def test_a_table_in_each_format_holds_every_row(client, accept):
    response = asked(client, ALL, accept)

    assert (response.status_code, response.mimetype) == (200, accept)
    assert "Accept" in response.headers["Vary"]
    text = response.get_data(as_text=True)
    if accept.endswith("json"):
        names = [row["n"]["value"] for row in json.loads(text)["results"]["bindings"]]
    elif accept.endswith("xml"):
        names = [found.text for found in ElementTree.fromstring(text).iter("{http://www.w3.org/2005/sparql-results#}literal")]
    elif accept.endswith("csv"):
        names = [row["n"] for row in csv.DictReader(io.StringIO(text, newline=""))]
    else:
        names = [line.split("\t")[1][1:-4].replace("\\n", "\n").replace('\\"', '"') for line in text.splitlines()[1:]]
    assert names == [f'Vorlage {key:03}, "Straße"\nzweite Zeile' for key in range(PAPERS)]


@pytest.mark.parametrize("accept", TABLES)
@pytest.mark.parametrize(("query", "truth"), [("ASK {}", True), ("ASK { <urn:a> <urn:b> 1 }", False)])
def test_ask_in_each_format(client, accept, query, truth):
    assert str(truth).lower() in asked(client, query, accept).get_data(as_text=True)


GRAPHS = {
    "text/turtle": "turtle",
    "application/n-triples": "nt",
    "application/ld+json": "json-ld",
    "application/rdf+xml": "xml",
    "application/n-quads": "nquads",
    "application/trig": "trig",
}


@pytest.mark.parametrize("accept", GRAPHS)
def test_a_graph_in_each_format_is_the_same_graph(client, accept):
    response = asked(client, f"CONSTRUCT {{ ?s <{NAME}> ?n }} WHERE {{ ?s <{NAME}> ?n }}", accept)

    assert response.mimetype == accept
    graph = Graph()
    for triple in (
        Graph().parse(data=response.data, format=GRAPHS[accept])
        if GRAPHS[accept] not in ("nquads", "trig")
        else quads(response.data, GRAPHS[accept])
    ):
        graph.add(triple)
    assert len(graph) == PAPERS
    assert (URIRef(PAPER.format(7)), URIRef(NAME)) in {(s, p) for s, p, _ in graph}


def quads(data: bytes, form: str):
    return [quad[:3] for quad in Dataset().parse(data=data, format=form).quads()]


def test_describe_reads_all_graphs(client):
    response = asked(client, f"DESCRIBE <{PAPER.format(3)}>", "application/n-triples")

    assert len(response.data.splitlines()) == 3


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("*/*", "application/sparql-results+json"),
        ("text/*", "text/csv"),
        ("application/json", "application/json"),
        ("text/html,application/xml;q=0.9,*/*;q=0.8", "application/xml"),
        ("text/csv;q=0.5, text/tab-separated-values;q=0.6", "text/tab-separated-values"),
        ("application/sparql-results+xml,text/rdf n3,text/*;q=0.1", "application/sparql-results+xml"),
    ],
)
def test_what_is_accepted_decides_the_format(client, accept, media_type):
    assert asked(client, "ASK {}", accept).mimetype == media_type


def test_format_decides_before_accept(client):
    response = client.get("/sparql?format=csv&query=ASK%20%7B%7D", headers={"Accept": "application/json"})

    assert response.mimetype == "text/csv"


@pytest.mark.parametrize(("query", "accept"), [("ASK {}", "image/png"), ("ASK {}", "text/turtle"), ("DESCRIBE <urn:a>", "text/csv")])
def test_a_format_we_do_not_have_is_answered_by_those_we_have(client, query, accept):
    response = asked(client, query, accept)

    assert response.status_code == 406
    assert response.json["available"][0] in detail(response)


def counted(client, query: str, **params: list[str]) -> int:
    response = client.get("/sparql", query_string={"query": query, **params})
    return int(response.json["results"]["bindings"][0]["n"]["value"])


def test_the_default_graph_is_the_union_and_can_be_narrowed(client):
    count = "SELECT (COUNT(*) AS ?n) {dataset} {{ ?s ?p ?o }}"
    one, other = PAPER.format(1), PAPER.format(1) + "/eli"

    assert counted(client, count.format(dataset="")) == 3 * PAPERS
    assert counted(client, count.format(dataset=f"FROM <{one}>")) == 2
    assert counted(client, count.format(dataset=f"FROM <{one}> FROM <{other}>")) == 3
    assert counted(client, count.format(dataset=f"FROM NAMED <{one}>")) == 0
    assert counted(client, count.format(dataset=""), **{"default-graph-uri": [one, other]}) == 3
    assert counted(client, count.format(dataset=f"FROM <{one}>"), **{"default-graph-uri": other}) == 1
    assert counted(client, "SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }", **{"named-graph-uri": [one, other]}) == 3
    assert counted(client, "SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }", **{"default-graph-uri": one}) == 0


@pytest.mark.parametrize(
    ("query", "status", "word"),
    [
        ("", 400, "SELECT"),
        ("SELECT * {", 400, "1:"),
        ("SELECT ?x { BIND(<a b> AS ?x) }", 400, "SPARQL"),
        ("DELETE WHERE { ?s ?p ?o }", 403, "DELETE"),
        ("SELECT * { SERVICE <http://127.0.0.1/> { ?s ?p ?o } }", 403, "Comunica"),
        ("ASK { " + " " * 20_000 + "}", 413, "20000"),
    ],
)
def test_what_cannot_run_is_refused_with_a_sentence(client, query, status, word):
    response = asked(client, query)

    assert response.status_code == status
    assert word in detail(response)


def test_requests_that_are_no_protocol_requests(client):
    assert client.get("/sparql?default-graph-uri=urn:a").status_code == 400
    assert client.get("/sparql?query=ASK%20%7B%7D&query=ASK%20%7B%7D").status_code == 400
    assert client.get("/sparql?query=%ff%fe").status_code == 400
    assert client.get("/sparql?update=CLEAR%20ALL").status_code == 403
    assert client.post("/sparql", data={"update": "CLEAR ALL"}).status_code == 403
    assert client.post("/sparql", data=b"CLEAR ALL", content_type="application/sparql-update").status_code == 403
    assert client.post("/sparql", data=b"ASK {}", content_type="text/plain").status_code == 415
    assert client.post("/sparql", data=b"\xff\xfeA\x00", content_type="application/sparql-query").status_code == 400
    assert client.post("/sparql", data=b"x" * 1_000_000, content_type="application/sparql-query").status_code == 413
    put = client.put("/sparql", data=b"ASK {}")
    assert (put.status_code, put.headers["Allow"]) == (405, "GET, HEAD, POST, OPTIONS")


def test_a_known_answer_is_not_sent_again(client):
    first = asked(client, ALL, "text/csv")

    again = asked(client, ALL, "text/csv", **{"If-None-Match": first.headers["ETag"]})
    other = asked(client, ALL, "text/tab-separated-values", **{"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert other.status_code == 200
    assert first.headers["X-Publisher-Release"] == "1"
    assert float(first.headers["X-Query-Time"]) >= 0


def test_an_answer_that_changes_with_the_clock_is_not_kept(client):
    response = asked(client, "SELECT (NOW() AS ?now) {}")

    assert "ETag" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"


UNPACK = {"gzip": gzip.decompress, "br": brotli.decompress}


@pytest.mark.parametrize(
    ("accepted", "coding"), [("gzip", "gzip"), ("br;q=0.2, gzip;q=0.1", "br"), ("gzip, deflate, br", "br"), ("*", "br")]
)
def test_a_packed_answer_is_the_same_answer(client, accepted, coding):
    for _ in range(2):  # worked out, and kept
        packed = asked(client, ALL, "text/csv", **{"Accept-Encoding": accepted})

        assert (packed.headers["Content-Encoding"], packed.headers["Vary"]) == (coding, "Accept, Accept-Encoding")
        assert UNPACK[coding](packed.data) == asked(client, ALL, "text/csv").data
        assert packed.headers["ETag"] == asked(client, ALL, "text/csv").headers["ETag"]


@pytest.mark.parametrize("accepted", ["", "identity", "br;q=0, gzip;q=0", "zstd", "*;q=0"])
def test_who_unpacks_nothing_is_sent_nothing_packed(client, accepted):
    assert "Content-Encoding" not in asked(client, ALL, "text/csv", **{"Accept-Encoding": accepted}).headers


def test_an_answer_is_worked_out_once_a_release(release):
    app = dataset_app(release, BASE, Limits(workers=1, client_seconds=0))
    client = app.test_client()

    first, again, other = (asked(client, ALL, accept) for accept in ("text/csv", "text/csv", "text/tab-separated-values"))

    assert (again.data, again.headers["ETag"]) == (first.data, first.headers["ETag"])
    assert [answer.headers["X-Query-Time"] == "0" for answer in (first, again, other)] == [False, True, False]
    app.extensions["sparql"].pool.close()


def test_what_is_kept_has_bounds_and_ends_with_its_release():
    kept = Kept(room=100, largest=60)
    for key in ("a", "b", "c"):
        kept.put(1, key, key.encode() * 40)
    kept.put(1, "large", b"x" * 61)

    assert [kept.get(1, key) is not None for key in ("a", "b", "c", "large")] == [False, True, True, False]
    assert kept.get(2, "b") is None
    kept.put(2, "b", b"new")
    assert (kept.get(1, "c"), kept.get(2, "c"), kept.get(2, "b")) == (None, None, b"new")


def test_a_large_answer_is_whole_zipped_or_not(release):
    app = dataset_app(release, BASE, Limits(seconds=600, workers=1, client_seconds=0))
    query = f"SELECT ?a ?n {{ ?a <{NAME}> ?n . ?b <{NAME}> ?m }}"

    plain = asked(app.test_client(), query, "text/tab-separated-values")
    packed = {coding: asked(app.test_client(), query, "text/tab-separated-values", **{"Accept-Encoding": coding}).data for coding in UNPACK}

    assert plain.content_length == len(plain.data) > 4 << 20
    assert plain.data.count(b"\n") == PAPERS**2 + 1
    assert [UNPACK[coding](data) == plain.data for coding, data in packed.items()] == [True, True]
    app.extensions["sparql"][0].close()


@pytest.mark.parametrize(
    ("query", "accept", "limit", "status"),
    [
        (CROSS, "text/csv", "time", 503),
        (HUGE_REGEX, "text/csv", "time", 503),
        ("SELECT * { ?a ?b ?c . ?d ?e ?f }", "text/csv", "rows", 422),
        ("SELECT * { ?a ?b ?c . ?d ?e ?f }", "application/sparql-results+json", "rows", 422),
        ("SELECT * { ?a ?b ?c . ?d ?e ?f }", "application/sparql-results+xml", "rows", 422),
        ("SELECT * { ?a ?b ?c . ?d ?e ?f }", "text/tab-separated-values", "rows", 422),
        ("CONSTRUCT { ?a ?b ?f } { ?a ?b ?c . ?d ?e ?f }", "application/n-triples", "rows", 422),
        (LONG_TEXTS, "text/turtle", "bytes", 422),
    ],
)  # fmt: skip
def test_a_query_beyond_a_limit_ends_with_its_name(client, query, accept, limit, status):
    begin = time.monotonic()

    response = asked(client, query, accept)

    assert (response.status_code, response.json["limit"]) == (status, limit)
    assert " / " in detail(response)
    assert time.monotonic() - begin < 10 * SECONDS  # on a busy machine it is killed late, left alone it would run for hours


@pytest.mark.parametrize("accept", TABLES)
def test_the_row_limit_is_exact(client, limits, accept):
    query = "SELECT ?a ?d {{ ?a ?b ?c . ?d ?e ?f }} LIMIT {}"

    assert asked(client, query.format(limits.rows), accept).status_code == 200
    assert asked(client, query.format(limits.rows + 1), accept).json["limit"] == "rows"


def test_large_answers_on_their_way_are_bounded_and_small_ones_are_not(release):
    app = dataset_app(release, BASE, Limits(workers=1, streams=1, whole=10_000, patience=0.2, client_seconds=0))
    large, small = f"SELECT ?a ?n {{ ?a <{NAME}> ?n }}", "ASK {}"
    slow = app.test_client().get("/sparql", query_string={"query": large}, buffered=False)

    refused = asked(app.test_client(), large)
    assert (refused.status_code, refused.json["limit"]) == (503, "streams")
    assert asked(app.test_client(), small).status_code == 200
    slow.close()
    assert asked(app.test_client(), large).status_code == 200
    assert app.test_client().head("/sparql", query_string={"query": large}).status_code == 200
    assert asked(app.test_client(), large).status_code == 200
    app.extensions["sparql"][0].close()


def test_memory_is_limited(release):
    app = dataset_app(release, BASE, Limits(seconds=60, memory=120 << 20, workers=1, client_seconds=0))

    response = asked(app.test_client(), "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY ?i ?f ?c", "text/csv")

    assert (response.status_code, response.json["limit"]) == (422, "memory")
    assert asked(app.test_client(), "ASK {}").status_code == 200
    app.extensions["sparql"][0].close()


@pytest.mark.parametrize(
    "query",
    [
        "ASK " + "{" * 9_000 + "}" * 9_000,
        "ASK { FILTER(" + "(" * 9_000 + "1" + ")" * 9_000 + ") }",
        "ASK { FILTER(" + "!" * 15_000 + "1) }",
    ],
)
def test_deep_nesting_ends_a_worker_but_not_the_endpoint(client, query):
    response = asked(client, query)

    assert response.status_code in (200, 400, 422)
    assert asked(client, "ASK {}").status_code == 200


def test_a_worker_is_replaced_after_a_kill(client):
    assert asked(client, CROSS).status_code == 503

    assert asked(client, "ASK {}").json == {"head": {}, "boolean": True}


def test_a_worker_that_died_while_idle_is_replaced_and_the_query_answered(release):
    pool, job = Pool(Limits(workers=1)), Job(checked("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"), "text/csv")
    first = pool.ask(release / "store", job).body.read()
    [idle] = pool._idle
    os.kill(idle._process.pid, signal.SIGKILL)
    os.waitid(os.P_PID, idle._process.pid, os.WEXITED | os.WNOWAIT)

    assert not idle.alive and pool.ask(release / "store", job).body.read() == first
    pool.close()


def test_a_full_pool_says_when_to_come_back(release):
    app = dataset_app(release, BASE, Limits(seconds=2, workers=1, waiting=0, client_seconds=0))
    busy = threading.Thread(target=lambda: asked(app.test_client(), CROSS))
    busy.start()
    time.sleep(0.5)

    response = asked(app.test_client(), "ASK {}")
    busy.join()

    assert (response.status_code, response.json["limit"], response.headers["Retry-After"]) == (503, "workers", "5")
    assert asked(app.test_client(), "ASK {}").status_code == 200
    app.extensions["sparql"][0].close()


def test_a_client_that_used_its_share_waits_and_others_do_not(release):
    app = dataset_app(release, BASE, Limits(seconds=1, workers=1, client_seconds=0.5, client_share=0.1))
    ask = app.test_client()
    assert asked(ask, CROSS).json["limit"] == "time"

    refused = asked(ask, "ASK {}")
    other = ask.get("/sparql?query=ASK%20%7B%7D", environ_base={"REMOTE_ADDR": "192.0.2.7"})

    assert (refused.status_code, refused.json["limit"]) == (429, "client")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60  # the seconds beyond the stock, ten times; starting the worker is among them
    assert other.status_code == 200
    app.extensions["sparql"][0].close()


def test_a_purse_fills_again_and_forgets():
    purse = Purse(stock=10, share=0.5, clients=2)
    purse.spend("a", 14, now=100)

    assert [purse.debt("a", now) for now in (100, 106, 108, 200)] == [8, 2, 0, 0]
    purse.spend("b", 99, now=100)
    purse.spend("c", 99, now=100)
    assert purse.debt("a", 100) == 0 < purse.debt("c", 100)


class Trap(BaseHTTPRequestHandler):
    hits: list[str] = []

    def do_POST(self):
        Trap.hits.append(self.path)
        self.send_response(500)
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *args):
        pass


def test_a_worker_cannot_reach_another_server_even_past_the_gate(release):
    """The same query, let past the gate on purpose, reaches a local server from an unsealed process and not from a worker."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Trap)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}/secret"
    text = f"SELECT ?s ?p ?o {{ SERVICE SILENT <{url}> {{ ?s ?p ?o }} }}"
    code = f"import pyoxigraph; list(pyoxigraph.Store().query({text!r}))"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert Trap.hits == ["/secret"]
    worker = Worker(release / "store", Limits())

    answer = worker.ask(Job(Query(text, "SELECT", False, True), "text/csv"))

    assert worker.sealed
    assert answer.body.read() == b"s,p,o\r\n,,\r\n"
    assert Trap.hits == ["/secret"]
    worker.close()
    server.shutdown()


def test_a_worker_ends_with_its_parent(release):
    code = (
        "import sys, time; from pathlib import Path; from publisher.store.workers import *\n"
        "from publisher.store.limits import *; from publisher.store.gate import checked\n"
        f"worker = Worker(Path({str(release / 'store')!r}), Limits()); worker.start(); print(worker._process.pid, flush=True)\n"
        f"worker.ask(Job(checked({CROSS!r}), 'text/csv'))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout
    pid = int(parent.stdout.readline())
    time.sleep(0.3)

    parent.kill()
    parent.wait()

    for _ in range(50):
        if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2]:
            break
        time.sleep(0.1)
    else:
        pytest.fail(f"process {pid} outlived its parent")


def test_a_long_query_stands_back_and_leaves_a_processor_to_others_and_the_next_one_does_not(release):
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this system does not let us choose processors")
    worker = Worker(release / "store", Limits(seconds=600))
    query = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f VALUES ?x { 1 2 3 4 5 6 7 8 } }"
    seen = []

    def look() -> None:
        while not seen or seen[-1] is not None:
            seen.append(standings(worker))
            time.sleep(0.02)

    watcher = threading.Thread(target=look)
    watcher.start()
    answer = worker.ask(Job(checked(query), "text/csv"))
    seen.append(None)
    watcher.join()

    assert answer.body.read().split() == [b"n", str(900 * 900 * 8).encode()]
    every = os.sched_getaffinity(0)
    usual, back = (os.getpriority(os.PRIO_PROCESS, 0), every), (LOWEST, every - {min(every)} or every)
    assert any(found and back in found for found in seen)
    worker.ask(Job(checked("ASK {}"), "text/csv"))
    end = time.monotonic() + 10
    while time.monotonic() < end and standings(worker).count(usual) < 2:
        worker.ask(Job(checked("ASK {}"), "text/csv"))
    assert standings(worker).count(usual) >= 2  # its first thread, and one that is new
    worker.close()


def standings(worker: Worker) -> list[tuple[int, set[int]]]:
    """Return the priority of each thread of a worker, and the processors it may use."""
    found = []
    for task in Path(f"/proc/{worker._process.pid}/task").iterdir():
        with suppress(ProcessLookupError):
            found.append((os.getpriority(os.PRIO_PROCESS, int(task.name)), os.sched_getaffinity(int(task.name))))
    return found


def test_a_new_release_is_answered_by_new_workers(release, tmp_path):
    store = opened(f"oxigraph:{tmp_path}/working", writable=True)
    store.load([b"<urn:a> <urn:b> <urn:c> <urn:g> .\n"])
    store.release(tmp_path / "store")
    pool, job = Pool(Limits(workers=1)), Job(checked("SELECT (COUNT(*) AS ?n) { ?s ?p ?o }"), "text/csv")

    answers = [pool.ask(path / "store", job).body.read() for path in (release, tmp_path, release)]

    assert answers == [b"n\r\n900\r\n", b"n\r\n1\r\n", b"n\r\n900\r\n"]
    pool.close()


def test_answers_go_to_those_who_asked_under_load(release):
    pool, wrong = Pool(Limits(workers=2, waiting=8, patience=30)), []

    def ask(number: int) -> None:
        for turn in range(40):
            sent = f"{number}-{turn}"
            got = pool.ask(release / "store", Job(checked(f"SELECT ('{sent}' AS ?n) {{}}"), "text/csv")).body.read()
            if got != f"n\r\n{sent}\r\n".encode():
                wrong.append((sent, got))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    pool.close()


def test_a_release_that_is_gone_is_no_limit_of_the_query(tmp_path):
    app = dataset_app(tmp_path, BASE, Limits(workers=1))

    response = asked(app.test_client(), "ASK {}")

    assert response.status_code == 503
    assert "limit" not in response.json
    app.extensions["sparql"][0].close()


def test_the_endpoint_describes_itself_and_its_limits(client, limits):
    for accept in ("*/*", "text/turtle", "application/rdf+xml", "application/ld+json"):
        response = client.get("/sparql", headers={"Accept": accept})
        graph = Graph().parse(data=response.data, format=GRAPHS[response.mimetype], publicID=BASE)
        sd = "http://www.w3.org/ns/sparql-service-description#"
        assert (URIRef(BASE + "/sparql"), URIRef(sd + "endpoint"), URIRef(BASE + "/sparql")) in graph
        assert (None, URIRef(sd + "feature"), URIRef(sd + "UnionDefaultGraph")) in graph
        [rows] = graph.objects(None, URIRef("https://w3id.org/oparl-ld/ns#queryRowLimit"))
        assert int(rows) == limits.rows
    again = client.get("/sparql", headers={"Accept": "*/*", "If-None-Match": client.get("/sparql").headers["ETag"]})
    assert again.status_code == 304


def test_an_endpoint_without_pages_describes_itself_to_browsers_too(client):
    page = client.get("/sparql", headers={"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"})

    assert page.mimetype in ("text/turtle", "application/rdf+xml", "application/xml")
    assert BASE.encode() in page.data


def test_void_is_served_from_the_release(release, client):
    assert client.get("/.well-known/void").status_code == 404
    (release / "void.ttl").write_text("<urn:a> a <http://rdfs.org/ns/void#Dataset> .", "utf-8")

    response = client.get("/.well-known/void", headers={"Accept": "application/n-triples"})

    (release / "void.ttl").unlink()
    assert response.data == b"<urn:a> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://rdfs.org/ns/void#Dataset> .\n"


def test_limits_are_named_in_two_languages():
    for limit in ("time", "rows", "bytes", "memory", "workers"):
        with pytest.raises(LimitMet, match=" / ") as caught:
            raise met(limit, Limits())
        assert caught.value.limit == limit


def test_a_store_that_breaks_is_no_fault_of_the_query(release, tmp_path):
    shutil.copytree(release / "store", tmp_path / "store")
    for table in (tmp_path / "store").glob("*.sst"):
        table.write_bytes(b"rubbish" * (table.stat().st_size // 7))
    app = dataset_app(tmp_path, BASE, Limits(workers=1, client_seconds=0))

    response = asked(app.test_client(), ALL)

    assert response.status_code == 503
    assert "limit" not in response.json
    app.extensions["sparql"][0].close()


def test_a_browser_without_script_gets_its_answer_as_a_table(sample_home):
    client = create_app(sample_home).test_client()
    browser = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}

    def read(query: str, **more: str) -> str:
        response = client.get("/sparql", query_string={"query": query, **more}, headers=browser)
        assert (response.status_code, response.mimetype) == (200, "text/html")
        assert response.headers["Vary"] == "Accept, Accept-Encoding, Accept-Language"
        return response.text

    rows = read(f"SELECT ?paper ?name {{ ?paper <{NAME}> ?name }} LIMIT 2", format="")
    assert rows.count("<tr>") == 3 and "Zeilen: 2." in rows and '<th scope="col">paper</th>' in rows
    assert "Rows: 2." in read(f"SELECT ?paper ?name {{ ?paper <{NAME}> ?name }} LIMIT 2", lang="en")
    assert "<td><span>true</span></td>" in read("ASK { ?a ?b ?c }")
    assert "&gt; a &lt;https://schema.oparl.org/1.1/" in read("CONSTRUCT { ?a a ?c } { ?a a ?c } LIMIT 3")
    assert "<td><span>&lt;script&gt;</span></td>" in read('SELECT ("<script>" AS ?x) {}')
    assert "<td><span>javascript:alert(1)</span></td>" in read('SELECT (IRI("javascript:alert(1)") AS ?x) {}')


def test_a_query_process_runs_in_turns_that_a_document_may_interrupt(release):
    worker = Worker(release / "store", Limits())
    worker.start()
    attributes = ctypes.create_string_buffer(56)
    told = ctypes.CDLL(None).syscall({"x86_64": 315, "aarch64": 275}.get(platform.machine(), 0), worker._process.pid, attributes, 56, 0)
    worker.close()

    turn = struct.unpack_from("Q", attributes.raw, 24)[0]
    if told or not turn:
        pytest.skip("this system does not tell how long a process's turns are (Linux 6.12 and later do)")
    assert turn == LONG_TURN
