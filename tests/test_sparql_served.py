"""The endpoint on its real server: the W3C protocol suite, other people's clients, hostile queries and slow readers."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from rdflib import Graph, Namespace, URIRef
from rdflib.plugins.stores.sparqlstore import SPARQLStore
from SPARQLWrapper import CSV, JSON, POST, TURTLE, SPARQLWrapper

from publisher.store import opened
from publisher.store.limits import Limits

SHARED = Path(os.environ.get("PUBLISHER_SHARED", "../shared")).resolve()
SUITE = SHARED / "suites/rdf-tests/sparql/sparql11"
NAME = "https://schema.oparl.org/1.1/name"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(release: Path, workers: int = 1, threads: int = 16) -> Iterator[str]:
    """Serve a release directory's store on a free port; yields the address without a path."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "publisher.views.sparql:served_dataset"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", str(workers), "--blocking-threads", str(threads), "--no-log"]
    command += ["--backpressure", "64"]
    server = subprocess.Popen(command, env=os.environ | {"PUBLISHER_DATASET": str(release), "PUBLISHER_BASE": base}, start_new_session=True)
    try:
        for _ in range(200):
            try:
                httpx.get(f"{base}/sparql", params={"query": "ASK {}"})
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield base
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # and those it started
        server.wait()


def released(folder: Path, nquads: bytes) -> Path:
    store = opened(f"oxigraph:{folder}/working", writable=True)
    store.load([nquads])
    store.release(folder / "store")
    store.close()
    return folder


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    lines = [f'<urn:paper:{key}> <{NAME}> "Vorlage {key}"@de <urn:paper:{key}> .\n' for key in range(2_000)]
    with serving(released(tmp_path_factory.mktemp("served"), "".join(lines).encode())) as base:
        yield f"{base}/sparql"


def test_every_query_test_of_the_protocol_suite(tmp_path):
    if not SUITE.is_dir():
        pytest.skip(f"{SUITE} absent: set PUBLISHER_SHARED to the shared folder")
    manifest = SUITE / "protocol/manifest.ttl"
    graph, ut = Graph().parse(manifest), Namespace("http://www.w3.org/2009/sparql/tests/test-update#")
    quads = set()
    for data in graph.objects(None, ut.graphData):
        label = graph.value(data, URIRef("http://www.w3.org/2000/01/rdf-schema#label"))
        file = SUITE / "protocol" / str(graph.value(data, ut.graph)).rsplit("/", 1)[1]
        quads |= {f"{line.strip().removesuffix('.')} <{label}> .\n" for line in file.read_text("utf-8").splitlines() if line.strip()}

    with serving(released(tmp_path, "".join(sorted(quads)).encode())) as base:
        tool = [sys.executable, str(SHARED / "tools/sparql_http_suite.py"), str(SUITE)]
        here = [*tool, "--query", f"{base}/sparql", "--load", "none"]
        run = subprocess.run(here, capture_output=True, text=True, check=False)
        updates = subprocess.run([*here, "--update", f"{base}/sparql"], capture_output=True, text=True, check=False)

    assert "protocol: 20 passed, 0 failed, 14 skipped of 34" in run.stdout, run.stdout + run.stderr
    assert "sd: 3 passed, 0 failed, 0 skipped of 3" in run.stdout
    refused = [line for line in updates.stdout.splitlines() if line.startswith("FAIL")]
    assert len(refused) == 7
    assert all(line.startswith("FAIL protocol update_") and "got 403" in line for line in refused), refused


def test_two_processes_on_different_releases_tell_a_balancer_which_they_serve(tmp_path):
    for number in (6, 7):
        (tmp_path / str(number)).mkdir()
        released(tmp_path / str(number), f"<urn:a> <urn:release> <urn:{number}> <urn:g> .\n".encode())
    with serving(tmp_path / "6") as stale, serving(tmp_path / "7") as fresh:
        answers = {base: httpx.get(f"{base}/health?release=7") for base in (stale, fresh)}
        seen = {base: httpx.get(f"{base}/sparql?query=SELECT%20*%20%7B%3Fs%20%3Fp%20%3Fo%7D") for base in (stale, fresh)}

    assert [(answers[base].status_code, answers[base].json()["release"]) for base in (stale, fresh)] == [(503, 6), (200, 7)]
    assert [(seen[base].headers["X-Publisher-Release"], "urn:7" in seen[base].text) for base in (stale, fresh)] == [
        ("6", False),
        ("7", True),
    ]
    assert seen[stale].headers["ETag"] != seen[fresh].headers["ETag"]


def test_a_server_killed_outright_leaves_nobody_behind(tmp_path):
    with serving(released(tmp_path, b"<urn:a> <urn:b> <urn:c> <urn:g> .\n"), threads=1) as base:
        children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
        if not children.exists():
            pytest.skip("this system does not tell who is whose child")
        server = next(int(pid) for pid in children.read_text().split() if base[-5:] in Path(f"/proc/{pid}/cmdline").read_text())
        mine = offspring(server)
        assert len(mine) == 1 + Limits().workers  # the web process and its query workers

        os.kill(server, signal.SIGKILL)

        end = time.monotonic() + 20
        while time.monotonic() < end and (left := [pid for pid in mine if Path(f"/proc/{pid}/status").exists()]):
            time.sleep(0.1)
        assert not left


def offspring(pid: int) -> list[int]:
    """Return the ids of all processes that descend from one."""
    own = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
    return own + [far for child in own for far in offspring(child)]


def test_sparqlwrapper_asks_tables_and_graphs(endpoint):
    client = SPARQLWrapper(endpoint)
    client.setQuery(f"SELECT ?n {{ <urn:paper:7> <{NAME}> ?n }}")
    client.setReturnFormat(JSON)
    assert client.queryAndConvert()["results"]["bindings"] == [{"n": {"type": "literal", "xml:lang": "de", "value": "Vorlage 7"}}]

    client.setMethod(POST)
    client.setReturnFormat(CSV)
    assert client.query().convert() == b"n\r\nVorlage 7\r\n"

    client.setQuery(f"CONSTRUCT WHERE {{ <urn:paper:7> <{NAME}> ?n }}")
    client.setReturnFormat(TURTLE)
    assert len(Graph().parse(data=client.query().convert(), format="turtle")) == 1


@pytest.mark.parametrize("method", ["GET", "POST", "POST_FORM"])
def test_rdflib_reads_the_endpoint_as_a_graph(endpoint, method):
    graph = Graph(SPARQLStore(endpoint, method=method))

    assert len(list(graph.triples((None, URIRef(NAME), None)))) == 2_000
    assert str(graph.value(URIRef("urn:paper:9"), URIRef(NAME))) == "Vorlage 9"
    assert bool(graph.query("ASK { <urn:paper:9> ?p ?o }"))


def test_comunica_asks_the_endpoint(endpoint):
    comunica = shutil.which("comunica-sparql") or os.environ.get("COMUNICA")
    if not comunica:
        pytest.skip("comunica-sparql absent: npm install -g @comunica/query-sparql (Node 22) or set COMUNICA to its command")

    run = subprocess.run(
        [*comunica.split(), f"sparql@{endpoint}", f"SELECT ?n {{ <urn:paper:7> <{NAME}> ?n }}"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert "Vorlage 7" in run.stdout, run.stderr


def test_a_reader_that_stops_reading_stops_nobody_else(endpoint):
    query = f"SELECT ?a ?n ?m {{ ?a <{NAME}> ?n . ?b <{NAME}> ?m }} LIMIT 200000"
    host, port = endpoint.removeprefix("http://").removesuffix("/sparql").split(":")
    slow = []
    for _ in range(12):
        reader = socket.create_connection((host, int(port)))
        target = httpx.QueryParams({"query": query, "format": "csv"})
        reader.sendall(f"GET /sparql?{target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        slow.append(reader)
    time.sleep(8)

    waits = []
    for _ in range(20):
        begin = time.monotonic()
        assert httpx.get(endpoint, params={"query": "ASK {}"}, timeout=20).json()["boolean"]
        waits.append(time.monotonic() - begin)

    for reader in slow:
        reader.close()
    assert sorted(waits)[18] < 1, waits


def test_who_sends_slowly_keeps_no_thread_from_the_others(tmp_path):
    release = released(tmp_path, b"<urn:a> <urn:b> <urn:c> <urn:g> .\n")
    with serving(release, threads=16) as base:
        host, port = base.removeprefix("http://").split(":")
        slow = [socket.create_connection((host, int(port))) for _ in range(40)]
        for sender in slow:
            sender.sendall(b"POST /sparql HTTP/1.1\r\nHost: x\r\nContent-Type: application/sparql-query\r\nContent-Length: 100\r\n\r\nA")
        time.sleep(1)

        waits = []
        for _ in range(10):
            begin = time.monotonic()
            assert httpx.get(f"{base}/sparql", params={"query": "ASK {}"}, timeout=20).json()["boolean"]
            waits.append(time.monotonic() - begin)
        turned_away = httpx.post(f"{base}/sparql", data={"query": "ASK {}"})
        for sender in slow:
            sender.close()

        assert max(waits) < 5, waits
        assert (turned_away.status_code, turned_away.headers["Retry-After"]) == (503, "5")
        end = time.monotonic() + 20
        while time.monotonic() < end and httpx.post(f"{base}/sparql", data={"query": "ASK {}"}).status_code != 200:
            time.sleep(0.1)
        assert httpx.post(f"{base}/sparql", data={"query": "ASK {}"}).json()["boolean"]


HOSTILE = [
    "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY ?c ?f ?i",
    "SELECT (COUNT(*) AS ?n) { ?a (!<urn:x>|^!<urn:x>)* ?b . ?b (!<urn:x>|^!<urn:x>)* ?c }",
    "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f FILTER(REGEX(CONCAT(STR(?c), STR(?f)), '^((.?){80}){8}x$')) }",
    "ASK { " + "{" * 5_000 + "}" * 5_000 + " }",
    "SELECT " + " ".join(f"(?a AS ?a{n})" for n in range(5_000)) + " { ?a ?b ?c . ?d ?e ?f }",
    "SELECT (GROUP_CONCAT(?c) AS ?x) { ?a ?b ?c . ?d ?e ?f }",
]


def test_hostile_queries_end_as_answers_or_problems_while_others_are_served(endpoint):
    statuses, waits, stop = [], [], time.monotonic() + 8

    def attack(query: str) -> None:
        while time.monotonic() < stop:
            try:
                statuses.append(httpx.post(endpoint, data={"query": query}, timeout=60).status_code)
            except httpx.TransportError as error:
                statuses.append(str(error))

    attackers = [threading.Thread(target=attack, args=(query,)) for query in HOSTILE]
    for attacker in attackers:
        attacker.start()
    while time.monotonic() < stop:
        begin = time.monotonic()
        assert httpx.get(endpoint, headers={"Accept": "text/turtle"}, timeout=30).status_code == 200
        waits.append(time.monotonic() - begin)
        time.sleep(0.02)
    for attacker in attackers:
        attacker.join()

    assert set(statuses) <= {200, 400, 413, 422, 429, 503}, statuses
    assert sorted(waits)[int(len(waits) * 0.99)] < 5, sorted(waits)[-10:]  # an attack lasts eight: nobody waits for its end
    assert httpx.post(endpoint, data={"query": "x" * 1_000_000}).status_code == 413
