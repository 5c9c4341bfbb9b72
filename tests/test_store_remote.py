"""Remote engines, real ones on loopback: published by generations, verified, asked through the endpoint like the embedded store."""

import base64
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from publisher.cli import main
from publisher.config import Settings
from publisher.errors import LimitMet, Misconfigured, QueryRefused, Refused, Unreachable
from publisher.pipeline.build import build
from publisher.release import current
from publisher.store import opened, rows
from publisher.store.engine import Engine, address
from publisher.store.limits import Limits
from publisher.store.remote import GENERATION, Remote, publication
from publisher.views import create_app
from publisher.views.sparql import dataset_app
from tests import town

NAME = "https://schema.oparl.org/1.1/name"
PAPER = "https://ris.example.org/eli/dl/05334/vorlage/{}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def waited(url: str, process: subprocess.Popen, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            httpx.get(url, timeout=2)
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    pytest.fail(f"{url} did not come up within {seconds} seconds")


@pytest.fixture(scope="module")
def oxigraph(tmp_path_factory) -> Iterator[str]:
    """The address of a real Oxigraph server, with updates open to all, as it always is."""
    command = Path(sys.executable).with_name("oxigraph")
    if not command.exists():
        pytest.skip("the Oxigraph server is absent: pip install oxigraph")
    port = free_port()
    server = subprocess.Popen(
        [command, "serve", "-l", tmp_path_factory.mktemp("oxigraph"), "-b", f"127.0.0.1:{port}"], stderr=subprocess.DEVNULL
    )
    waited(f"http://127.0.0.1:{port}/query?query=ASK%20%7B%7D", server, 20)
    yield f"sparql+http://127.0.0.1:{port}/query#update=/update"
    server.terminate()
    server.wait()


VIRTUOSO = """
[Database]
DatabaseFile = {folder}/v.db
ErrorLogFile = {folder}/v.log
LockFile = {folder}/v.lck
TransactionFile = {folder}/v.trx
xa_persistent_file = {folder}/v.pxa
[TempDatabase]
DatabaseFile = {folder}/v-temp.db
TransactionFile = {folder}/v-temp.trx
[Parameters]
ServerPort = 127.0.0.1:{sql}
DirsAllowed = {folder}
NumberOfBuffers = 4000
MaxDirtyBuffers = 3000
[HTTPServer]
ServerPort = 127.0.0.1:{http}
ServerRoot = {folder}
[SPARQL]
ResultSetMaxRows = 100000
"""


@pytest.fixture(scope="module")
def virtuoso(tmp_path_factory) -> Iterator[str]:
    """The address of a real Virtuoso 7 whose updates want the password of `dba` (digest)."""
    if not shutil.which("virtuoso-t") or not shutil.which("isql-vt"):
        pytest.skip("virtuoso-t is absent: apt-get install virtuoso-opensource-7-bin")
    folder, sql, http = tmp_path_factory.mktemp("virtuoso"), free_port(), free_port()
    (folder / "virtuoso.ini").write_text(VIRTUOSO.format(folder=folder, sql=sql, http=http), "utf-8")
    server = subprocess.Popen(
        ["virtuoso-t", "-f", "-c", str(folder / "virtuoso.ini")], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    waited(f"http://127.0.0.1:{http}/sparql?query=SELECT%20%2A%20%7B%20%3Fs%20%3Fp%20%3Fo%20%7D%20LIMIT%201", server, 90)
    rights = "DB.DBA.RDF_DEFAULT_USER_PERMS_SET ('nobody', 1);"
    subprocess.run(["isql-vt", f"127.0.0.1:{sql}", "dba", "dba", f"exec={rights}"], capture_output=True, check=False, timeout=60)
    yield f"sparql+http://dba:dba@127.0.0.1:{http}/sparql#update=/sparql-auth&auth=digest"
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@pytest.fixture(params=["oxigraph", "oxigraph+gsp", "virtuoso", "virtuoso+gsp"])
def url(request, tmp_path) -> str:
    engine, _, gsp = request.param.partition("+")
    store = {"oxigraph": "/store", "virtuoso": "/sparql-graph-crud-auth"}[engine]
    return request.getfixturevalue(engine) + (f"&store={store}" if gsp else "") + f"&work={tmp_path}/work"


def nquads(key: int, name: str) -> bytes:
    iri = PAPER.format(key)
    return (
        f'<{iri}> <{NAME}> "{name}"@de <{iri}> .\n'
        f'<{iri}> <urn:text> "Zeile 1\\nZeile \\"2\\" – Straße €"  <{iri}> .\n'
        f'<{iri}> <urn:date> "2024-03-01"^^<http://www.w3.org/2001/XMLSchema#date> <{iri}> .\n'
        f"<{iri}> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <urn:Work> <{iri}/eli> .\n"
    ).encode()


def names(store) -> list[str]:
    return [row["n"] for row in rows(store.query(f"SELECT ?n {{ ?s <{NAME}> ?n }} ORDER BY ?n"))]


def generations(store: Remote) -> int:
    graphs = {row["g"] for row in store.engine.rows("SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } }")}
    return sum(graph.startswith(GENERATION) and graph.endswith(":records") for graph in graphs)


def test_what_is_released_is_what_is_answered(url, tmp_path):
    store = opened(url, writable=True)
    store.load(nquads(key, f"Vorlage {key:04}") for key in range(1500))
    store.release(tmp_path / "1")
    store.replace([(PAPER.format(7), nquads(7, "Vorlage neu"))])
    store.remove([PAPER.format(8)])

    before = names(store)
    store.release(tmp_path / "2")

    assert before == [f"Vorlage {key:04}" for key in range(1500)]
    assert names(store) == [f"Vorlage {key:04}" for key in range(1500) if key not in (7, 8)] + ["Vorlage neu"]
    assert b"neu" in store.describe(PAPER.format(7))
    assert len(store.describe(PAPER.format(7)).splitlines()) == 4
    for number in range(3, 6):
        store.release(tmp_path / str(number))
    assert generations(store) == 3
    store.close()


def test_the_endpoint_answers_from_the_engine_a_release_is_on(url, tmp_path):
    store = opened(url, writable=True)
    store.load([nquads(1, "eins"), nquads(2, "zwei")])
    store.release(tmp_path / "one" / "store")
    store.replace([(PAPER.format(2), nquads(2, "drei"))])
    store.release(tmp_path / "two" / "store")
    query = f"SELECT ?n {{ ?s <{NAME}> ?n }} ORDER BY ?n"

    answers = {}
    for release in ("one", "two"):
        client = dataset_app(tmp_path / release, "https://ris.example.org", Limits(seconds=20)).test_client()
        answers[release] = client.get("/sparql", query_string={"query": query, "format": "csv"}).text.split()[1:]
        assert client.get("/sparql", query_string={"query": "ASK { ?s <urn:date> ?o }"}).json["boolean"] is True
        assert client.get("/sparql", query_string={"query": "ASK { ?s <urn:nothing> ?o }"}).json["boolean"] is False
        graph = client.get(
            "/sparql", query_string={"query": "CONSTRUCT WHERE { ?s <urn:text> ?o }"}, headers={"Accept": "application/n-triples"}
        )
        assert graph.text.count("Straße €") == 2
        layers = client.get("/sparql", query_string={"query": "SELECT DISTINCT ?g { GRAPH ?g { ?s ?p ?o } } ORDER BY ?g", "format": "csv"})
        assert [name.rpartition(":")[2] for name in layers.text.split()[1:]] == ["eli", "records"]
        derived = f"SELECT ?s {{ GRAPH <{layers.text.split()[1]}> {{ ?s ?p ?o }} }}"
        assert len(client.get("/sparql", query_string={"query": derived, "format": "csv"}).text.split()) == 3
        assert client.get("/sparql", query_string={"query": "SELECT * {"}).status_code == 400

    assert answers == {"one": ["eins", "zwei"], "two": ["drei", "eins"]}
    assert (tmp_path / "one" / "store" / "engine.json").stat().st_mode & 0o077 == 0
    store.close()


def test_a_generation_left_by_a_killed_release_is_dropped_and_never_shown(oxigraph, tmp_path):
    store = opened(f"{oxigraph}&work={tmp_path}/work", writable=True)
    store.load([nquads(1, "eins")])
    store.release(tmp_path / "1")
    number = max(store._numbers("urn:publisher:shows"))
    half = f"{GENERATION}{number + 1}"
    store.engine.update(f"INSERT DATA {{ GRAPH <urn:publisher:current> {{ <urn:publisher:current> <urn:publisher:holds> <{half}> }} }}")
    store.engine.update(f'INSERT DATA {{ GRAPH <{half}:records> {{ <urn:half> <{NAME}> "halb" }} }}')
    assert names(store) == ["eins"]

    store.release(tmp_path / "2")

    assert names(store) == ["eins"]
    assert b"halb" not in store.query("SELECT ?o { GRAPH ?g { ?s ?p ?o } }", "text/csv")
    store.close()


def test_what_an_engines_dialect_is_stands_in_its_findings(oxigraph, tmp_path):
    store = opened(f"{oxigraph}&work={tmp_path}/work", writable=True)

    assert store.findings["anonymous-update"] == "yes"
    assert store.findings["update-by-get"] == "no"
    assert (store.findings["ask"], store.findings["union-default-graph"]) == ("boolean", "no")
    assert "integer" in store.findings["literals"]
    store.close()


def test_virtuosos_dialect_is_found_and_its_updates_are_closed(virtuoso, tmp_path):
    store = opened(f"{virtuoso}&work={tmp_path}/work", writable=True)

    assert store.findings["anonymous-update"] == "no"
    assert (store.findings["ask"], store.findings["union-default-graph"]) == ("as SELECT", "yes")
    assert "wktLiteral" in store.findings["literals"]
    store.close()


def test_an_engine_open_to_everybody_is_refused_unless_it_is_on_loopback(oxigraph, tmp_path):
    """Given the same server by a name of this machine that is no loopback address in the URL."""
    store = opened(f"{oxigraph}&work={tmp_path}/work", writable=True)
    store.where = store.where._replace(query="https://sparql.example.org/query")

    with pytest.raises(Refused, match="takes updates from anybody"):
        store._refuse_the_open()
    store.close()


def answering(status: int, headers: dict[str, str], body: bytes) -> tuple[ThreadingHTTPServer, str]:
    """Start a server that gives one answer to every request, as an engine of another make would; return it and its address."""

    class Fixed(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Fixed)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_address[1]}/sparql"


HEAD = b'{"head":{"vars":["x"]},"results":{"bindings":['
ROW = b'{"x":{"type":"literal","value":"1"}}'


@pytest.mark.parametrize(
    ("status", "headers", "body", "error"),
    [
        (200, {}, HEAD + ROW + b",The SPARQL operation has been cancelled", Unreachable),
        (200, {}, HEAD + ROW + b"]}}\nerror: out of time", Unreachable),
        (200, {}, HEAD + ROW, Unreachable),
        (200, {"Content-Length": "9999"}, HEAD + ROW + b"]}}", Unreachable),
        (200, {"X-SPARQL-MaxRows": "10000"}, HEAD + ROW + b"]}}", LimitMet),
        (206, {}, HEAD + ROW + b"]}}", Unreachable),
        (503, {}, b"busy", LimitMet),
        (400, {}, b"no such prefix", QueryRefused),
        (401, {}, b"", Unreachable),
        (500, {}, b"SQL error", Unreachable),
    ],
)
def test_an_answer_that_is_not_whole_is_an_error_whatever_its_status(status, headers, body, error):
    server, url = answering(status, headers, body)

    with pytest.raises(error):
        list(Engine(address(url)).rows("SELECT ?x {}"))

    server.shutdown()


@pytest.mark.parametrize(
    ("body", "truth"),
    [
        (b'{"head":{},"boolean":true}', "true"),
        (b'{"head":{"vars":["__ASK_RETVAL"]},"results":{"bindings":[{"__ASK_RETVAL":{"type":"typed-literal","value":"1"}}]}}', "true"),
        (b'{"head":{"vars":["__ASK_RETVAL"]},"results":{"bindings":[{"__ASK_RETVAL":{"type":"typed-literal","value":"0"}}]}}', "false"),
    ],
)
def test_ask_is_a_boolean_in_every_dialect(body, truth, tmp_path):
    server, url = answering(200, {}, body)
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "engine.json").write_bytes(
        b'{"where": {"query": "%s", "update": "%s"}, "graphs": ["urn:a"]}' % (url.encode(), url.encode())
    )

    answer = dataset_app(tmp_path, "https://ris.example.org").test_client().get("/sparql?query=ASK%20%7B%7D&format=csv")

    assert answer.text == truth
    server.shutdown()


def test_an_engine_that_is_down_is_no_empty_answer(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "engine.json").write_text(
        '{"where": {"query": "http://127.0.0.1:9/q", "update": "http://127.0.0.1:9/u"}, "graphs": []}'
    )

    answer = dataset_app(tmp_path, "https://ris.example.org").test_client().get("/sparql?query=ASK%20%7B%7D")

    assert (answer.status_code, answer.content_type) == (503, "application/problem+json")
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_credentials_go_with_updates(auth):
    seen = []

    class Keeper(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            seen.append(self.headers.get("Authorization"))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keeper)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    Engine(address(f"http://anna:geheim@127.0.0.1:{server.server_address[1]}/q#update=/u&auth={auth}")).update("CLEAR ALL")

    assert seen == [{"basic": "Basic " + base64.b64encode(b"anna:geheim").decode(), "bearer": "Bearer geheim"}[auth]]
    server.shutdown()


def test_an_address_says_where_and_how():
    where = address("https://anna:geheim@sparql.example.org:8443/repo?x=1#update=statements&store=/rdf-graphs&auth=digest&work=var/w")

    assert where.query == "https://sparql.example.org:8443/repo?x=1"
    assert where.update == "https://sparql.example.org:8443/statements"
    assert where.store == "https://sparql.example.org:8443/rdf-graphs"
    assert (where.auth, where.user, where.secret, where.work, where.loopback) == ("digest", "anna", "geheim", "var/w", False)
    assert address("http://[::1]:80/q").loopback
    assert address("http://localhost/q").loopback


@pytest.mark.parametrize(
    "url", ["sparql+http://h/q#colour=red", "sparql+https:", "sparql+http://h/q#auth=magic", "sparql+http://127.0.0.1:9/q#update=/u"]
)
def test_an_address_that_is_wrong_says_what_is_expected(url):
    with pytest.raises(Misconfigured, match="expected"):
        opened(url, writable=True)


def test_a_folder_without_a_publication_is_an_embedded_store(tmp_path):
    assert publication(tmp_path) is None


def test_credentials_are_not_in_an_error(tmp_path):
    with pytest.raises(Unreachable) as caught:
        opened(f"sparql+http://anna:geheim@127.0.0.1:9/q#work={tmp_path}/w", writable=True)
    assert "geheim" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_instance_publishes_to_another_engine_by_one_url(tmp_path, oxigraph):
    home = town.published(tmp_path / "home", town.objects(3))

    built = build(Settings(home, town.BASE), "2026-11-22T12:00:00+00:00", progress=lambda *_: None, engine=oxigraph)

    assert built.new
    assert (current(home).path / "store" / "engine.json").is_file()
    client = create_app(home).test_client()
    query = "SELECT (COUNT(DISTINCT ?p) AS ?n) { ?p a <https://schema.oparl.org/1.1/Paper> }"
    assert client.get("/sparql", query_string={"query": query}, headers={"Accept": "text/csv"}).text.split() == ["n", "3"]
    told = CliRunner().invoke(main, ["status", "--home", str(home)])
    assert "engine: ask boolean" in told.output and "engine: anonymous-update yes" in told.output, told.output
