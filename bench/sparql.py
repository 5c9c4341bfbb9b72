"""Six query shapes against our endpoint, the bare Oxigraph server and rdflib-endpoint: same data, same queries, side by side.

    python bench/sparql.py [--papers 10000] [--seconds 2] [--clients 1 8] [--rdflib-endpoint PATH] [--folder DIR] [--stream]

rdflib-endpoint wants a virtual environment of its own: python -m venv e && e/bin/pip install rdflib-endpoint[cli] uvicorn,
then --rdflib-endpoint e/bin/rdflib-endpoint. Prints a Markdown table: requests a second, median and 99th percentile in ms, and
the ratio to the bare server. No two queries are alike (another paper, committee, year, word, and a number as comment), so nobody answers
from memory; only the rows "ours, asked again" ask one query again and again, which ours remembers for as long as a release lasts. The
whole mix is what a client gets who asks all six shapes in turn. Text search: ours by the index, the others by CONTAINS, for they
have none.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from urllib.parse import urlencode

sys.path.insert(0, str(Path(__file__).parent.parent))

from publisher.search import build  # noqa: E402
from publisher.store import opened  # noqa: E402

BASE = "https://ris.example.org"
O = "https://schema.oparl.org/1.1/"  # noqa: E741
TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
XSD = "http://www.w3.org/2001/XMLSchema#"
PREFIX = f"PREFIX o: <{O}> PREFIX x: <https://w3id.org/oparl-ld/ns#> PREFIX xsd: <{XSD}> "
WORDS = (
    "Radweg",
    "Haushalt",
    "Schule",
    "Bebauungsplan",
    "Straße",
    "Kita",
    "Feuerwehr",
    "Friedhof",
    "Sportplatz",
    "Klima",
    "Bericht",
    "Satzung",
    "Antrag",
    "Neubau",
    "Sanierung",
)
OURS, BARE, MIX = "ours", "Oxigraph server", "whole mix"
PATIENCE = 20.0  # seconds; a server that needs longer for one answer is out of this race


class Measure(NamedTuple):
    """Requests answered a second, median and 99th percentile in ms, rows of the answer, requests refused because all places were taken."""

    rate: float
    median: float
    p99: float
    rows: int
    refused: int = 0


OUT = Measure(0.0, PATIENCE * 1000, PATIENCE * 1000, 0)


def paper(key: int, draw: Random) -> tuple[str, str, bytes]:
    """Return (IRI, name, N-Quads) of an invented paper with two consultations: 24 triples and 4 derived ones."""
    iri, year = f"{BASE}/eli/dl/05334/vorlage/{key}", 2004 + key % 20
    name = f"{draw.choice(WORDS)} {draw.choice(WORDS)} {draw.randrange(1000)}"
    date = f'"{year}-{draw.randrange(1, 13):02}-{draw.randrange(1, 28):02}"^^<{XSD}date>'
    lines = [
        f"<{iri}> {TYPE} <{O}Paper>",
        f'<{iri}> <{O}name> "{name}"@de',
        f'<{iri}> <{O}reference> "{year}/{key}"',
        f"<{iri}> <{O}date> {date}",
    ]
    lines += [
        f"<{iri}> <{O}body> <{BASE}/id/05334>",
        f"<{iri}> <{O}originatorOrganization> <{BASE}/id/05334/organization/{draw.randrange(40)}>",
    ]
    for turn in range(2):
        part = f"{BASE}/eli/dl/05334/beratung/{key}-{turn}"
        meeting = f"{BASE}/eli/dl/05334/sitzung/{key // 10 + turn}"
        lines += [f"<{iri}> <{O}consultation> <{part}>", f"<{part}> {TYPE} <{O}Consultation>", f"<{part}> <{O}paper> <{iri}>"]
        lines += [f"<{part}> <{O}meeting> <{meeting}>", f"<{part}> <{O}organization> <{BASE}/id/05334/organization/{draw.randrange(40)}>"]
        lines += [
            f'<{part}> <{O}role> "{("Vorberatung", "Entscheidung")[turn]}"',
            f'<{part}> <{O}authoritative> "{"true" if turn else "false"}"^^<{XSD}boolean>',
        ]
        lines += (
            [f'<{meeting}> <{O}start> "{year}-06-{key // 10 % 28 + 1:02}T18:00:00+02:00"^^<{XSD}dateTime>']
            if turn == 0 and key % 10 == 0
            else []
        )
    eli = "http://data.europa.eu/eli/ontology#"
    derived = [f"<{iri}> {TYPE} <{eli}Work>", f"<{iri}> <{eli}is_realized_by> <{iri}/deu>", f"<{iri}/deu> {TYPE} <{eli}Expression>"]
    derived += [f'<{iri}/deu> <{eli}title> "{name}"@de']
    text = "".join(f"{line} <{iri}> .\n" for line in lines) + "".join(f"{line} <{iri}/eli> .\n" for line in derived)
    return iri, name, text.encode()


def queries(papers: int, draw: Random) -> dict[str, tuple[str, str]]:
    """Return the shapes with parameters drawn anew: name -> (our query, the peers' query)."""
    key, committee, year, word = draw.randrange(papers - 100), draw.randrange(40), draw.randrange(2005, 2022), draw.choice(WORDS)
    one = f"<{BASE}/eli/dl/05334/vorlage/{key}>"
    hundred = " ".join(f"<{BASE}/eli/dl/05334/vorlage/{key + turn}>" for turn in range(100))
    day = f"2004-{draw.randrange(1, 13):02}-{draw.randrange(1, 28):02}"
    shapes = {
        "record with route": f"SELECT * {{ {one} o:name ?n ; o:consultation ?c . ?c o:role ?r ; o:organization ?g ; o:meeting ?m }}",
        "committee, dates, ordered": f"SELECT ?p ?n ?d {{ ?c o:organization <{BASE}/id/05334/organization/{committee}> ; o:paper ?p . "
        f'?p o:name ?n ; o:date ?d FILTER(?d >= "{year}-01-01"^^xsd:date && ?d < "{year + 2}-01-01"^^xsd:date) }} '
        "ORDER BY DESC(?d) ?p LIMIT 100",
        "counts by organisation, year": "SELECT ?g ?y (COUNT(*) AS ?k) { ?p o:originatorOrganization ?g ; o:date ?d "
        f'FILTER(?d > "{day}"^^xsd:date) }} GROUP BY ?g (YEAR(?d) AS ?y)',
        "property path": f"SELECT DISTINCT ?g {{ {one} o:consultation/o:meeting/^o:meeting/o:organization ?g }}",
        "harvest 100 papers": f"CONSTRUCT {{ ?p ?q ?v }} {{ VALUES ?p {{ {hundred} }} ?p ?q ?v }}",
    }
    both = {name: (PREFIX + text, PREFIX + text) for name, text in shapes.items()}
    other, most = draw.choice(WORDS), draw.randrange(30, 50)
    ours = f'SELECT ?p ?n {{ ?p x:matches ("{word} {other}" ?s {most}) ; o:name ?n }} ORDER BY DESC(?s)'
    found = " && ".join(f'CONTAINS(LCASE(?n), "{one.lower()}")' for one in (word, other))
    theirs = f"SELECT ?p ?n {{ ?p a o:Paper ; o:name ?n FILTER({found}) }} LIMIT {most}"
    return both | {"text search": (PREFIX + ours, PREFIX + theirs)}


class Ask(NamedTuple):
    """Whom to ask what: port, path, the shape's name, whether in our own way, whether the same again and again."""

    port: int
    path: str
    shape: str
    papers: int
    own: bool
    again: bool

    def targets(self, seed: int) -> Iterator[str]:
        """Yield the request targets of one client, without end."""
        draw = Random(4 if self.again else seed)
        while True:
            text = queries(self.papers, draw)[self.shape][not self.own]
            target = f"{self.path}?{urlencode({'query': f'{text} # {draw.random()}'})}"
            yield target
            while self.again:
                yield target


def client(ask: Ask, seed: int, seconds: float, sent: Any) -> None:
    """Ask on one connection; send the times in seconds, the rows of the first, and the seconds lost to refusals.

    There are no times after a time-out. Whoever is refused asks again at once, and what he waited is part of his time.
    """
    harvest = ask.shape.startswith("harvest")
    accept = "application/n-triples" if harvest else "application/sparql-results+json"
    targets, times, rows, lost = ask.targets(seed), [], 0, []
    connection = http.client.HTTPConnection("127.0.0.1", ask.port, timeout=PATIENCE)
    while sum(times) + sum(lost) < seconds or not times + lost:
        target = next(targets)
        begin = time.perf_counter()
        try:
            connection.request("GET", target, headers={"Accept": accept})
            response = connection.getresponse()
            body = response.read()
        except OSError:  # too slow, or it broke down
            sent.put(([], 0, []))
            return
        (lost if response.status == 503 else times).append(time.perf_counter() - begin)
        if response.status not in (200, 503):
            raise SystemExit(f"{response.status} {body[:300]!r}")
        if times and not rows:
            rows = len(body.splitlines()) if harvest else len(json.loads(body)["results"]["bindings"])
    sent.put((times, rows, lost))


def measured(ask: Ask, seconds: float, clients: int) -> Measure:
    """Return what `clients` at once get; no requests a second if any of them waited longer than PATIENCE."""
    sent: Any = multiprocessing.Queue()
    crowd = [multiprocessing.Process(target=client, args=(ask, seed, seconds, sent)) for seed in range(clients)]
    for one in crowd:
        one.start()
    results = [sent.get(timeout=seconds + PATIENCE + 10) for _ in crowd]
    for one in crowd:
        one.join()
    if not all(times or lost for times, _, lost in results) or not any(times for times, *_ in results):
        return OUT
    times = sorted(time for found, *_ in results for time in found)
    rate = sum(len(found) / (sum(found) + sum(lost)) for found, _, lost in results)
    refused = sum(len(lost) for *_, lost in results)
    return Measure(rate, times[len(times) // 2] * 1000, times[int(len(times) * 0.99)] * 1000, max(rows for _, rows, _ in results), refused)


@contextmanager
def running(command: list[str], port: int, **environ: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; the block begins once its port answers."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, env=os.environ | environ, start_new_session=True, **quiet)
    try:
        for _ in range(9000):  # rdflib takes minutes to read 100,000 papers
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)  # and those it started
        server.wait()


def prepared(folder: Path, papers: int) -> None:
    """Write the dataset as N-Quads and N-Triples, our release with its search index, and the bare server's store."""
    draw = Random(20260101)
    found = []
    with (folder / "data.nq").open("wb") as quads, (folder / "data.nt").open("wb") as triples:
        for key in range(papers):
            iri, name, text = paper(key, draw)
            quads.write(text)
            triples.writelines(line.rsplit(b" <", 1)[0] + b" .\n" for line in text.splitlines())
            found.append((iri, "Paper", BASE, {"id": iri, "type": "Paper", "name": name}))
    build(folder / "search", iter(found))
    store = opened(f"oxigraph:{folder}/working", writable=True)
    store.load(folder / "data.nq")
    store.release(folder / "store")
    store.close()
    shutil.copytree(folder / "store", folder / "bare")


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def servers(folder: Path, rdflib_endpoint: str) -> Iterator[tuple[str, list[str], int, str]]:
    """Yield (name, command, port, path) of each server; all stand on the same data."""
    port = free_port()
    ours = [sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "publisher.views.sparql:served_dataset", "--no-log"]
    yield (
        OURS,
        [*ours, "--host", "127.0.0.1", "--port", str(port), "--workers", "2", "--blocking-threads", "16", "--backpressure", "64"],
        port,
        "/sparql",
    )
    port = free_port()
    bare = str(Path(sys.executable).with_name("oxigraph"))
    yield (
        BARE,
        [bare, "serve-read-only", "-l", str(folder / "bare"), "-b", f"127.0.0.1:{port}", "--union-default-graph"],
        port,
        "/query",
    )
    if rdflib_endpoint:
        port = free_port()
        yield "rdflib-endpoint", [rdflib_endpoint, "serve", "--host", "127.0.0.1", "--port", str(port), str(folder / "data.nt")], port, "/"


def streamed(folder: Path) -> None:
    """Print time, first byte and peak memory of many rows as CSV, ten times as many the second time, from ours and the bare server."""
    values = " ".join(map(str, range(200)))
    print("\n| rows as CSV | server | seconds | first byte | bytes | peak memory of all its processes |\n|---|---|---|---|---|---|")
    for rows in (100_000, 1_000_000):
        query = f"{PREFIX}SELECT ?s ?p ?o ?k {{ VALUES ?k {{ {values} }} ?s ?p ?o }} LIMIT {rows}"
        for name, command, port, path in servers(folder, ""):
            with running(command, port, PUBLISHER_DATASET=str(folder), PUBLISHER_BASE=BASE) as server:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
                begin = time.perf_counter()
                connection.request("GET", f"{path}?{urlencode({'query': query})}", headers={"Accept": "text/csv"})
                response, size, peak, first = connection.getresponse(), 0, 0, 0.0
                while chunk := response.read(1 << 20):
                    first = first or time.perf_counter() - begin
                    size += len(chunk)
                    peak = max(peak, memory(server.pid))
                took = time.perf_counter() - begin
                print(f"| {rows:,} | {name} ({response.status}) | {took:.1f} | {first:.2f} | {size} | {peak >> 20} MB |", flush=True)


def memory(pid: int) -> int:
    """Return the resident bytes of a process and of all that descend from it."""
    try:
        children = [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 + sum(memory(child) for child in children)
    except FileNotFoundError:  # it has just ended
        return 0


def raced(options: argparse.Namespace) -> dict[tuple[str, int, str], Measure]:
    """Return the measures by shape, clients and server."""
    results: dict[tuple[str, int, str], Measure] = {}
    with ExitStack() as stack:
        # All stand at once and are asked in turn, shape by shape, so that a busy minute of the machine hits them alike.
        standing = list(servers(options.folder, options.rdflib_endpoint))
        processes = {
            port: stack.enter_context(running(command, port, PUBLISHER_DATASET=str(options.folder), PUBLISHER_BASE=BASE))
            for _, command, port, _ in standing
        }
        ways = [(name, port, path, name == OURS, False) for name, _, port, path in standing]
        ways.insert(1, (f"{OURS}, asked again", *ways[0][1:4], True))
        for shape in queries(options.papers, Random(0)):
            for clients in options.clients:
                for name, port, path, own, again in ways:
                    ask = Ask(port, path, shape, options.papers, own, again)
                    if processes[port].poll() is not None:
                        results[shape, clients, name] = OUT
                        continue
                    alone = measured(ask, 0.3, 1)
                    if not alone.rate:
                        processes[port].kill()  # it would go on with what nobody waits for, at the cost of the others
                        processes[port].wait()
                    # Several clients on what one waited seconds for would only time out.
                    slow = not alone.rate or alone.median * clients > PATIENCE * 500
                    results[shape, clients, name] = alone if slow else measured(ask, options.seconds, clients)
    for clients in options.clients:
        for name, *_ in ways:
            rates = [found.rate for (_, many, server), found in results.items() if (many, server) == (clients, name)]
            mixed = len(rates) / sum(1 / rate if rate else PATIENCE for rate in rates)
            results[MIX, clients, name] = Measure(mixed, 0.0, 0.0, 0)
    return results


def main() -> None:
    """Run and print the comparison."""
    options = argparse.ArgumentParser()
    options.add_argument("--papers", type=int, default=10_000)
    options.add_argument("--seconds", type=float, default=2)
    options.add_argument("--clients", type=int, nargs="+", default=[1, 8])
    options.add_argument("--rdflib-endpoint", default="")
    options.add_argument("--folder", type=Path, default=Path("var/bench-sparql"))
    options.add_argument("--stream", action="store_true")
    chosen = options.parse_args()
    shutil.rmtree(chosen.folder, ignore_errors=True)
    chosen.folder.mkdir(parents=True)
    prepared(chosen.folder, chosen.papers)
    print(f"{chosen.papers} papers, {sum(1 for _ in (chosen.folder / 'data.nq').open('rb'))} quads\n")
    print("| query | clients | server | requests/s | median ms | p99 ms | rows | refused | ratio to bare |")
    print("|---" * 9 + "|")
    results = raced(chosen)
    for (shape, clients, name), (rate, median, p99, rows, refused) in sorted(
        results.items(), key=lambda item: (item[0][0] == MIX, item[0][:2])
    ):
        ratio = rate / results[shape, clients, BARE][0]
        print(f"| {shape} | {clients} | {name} | {rate:.1f} | {median:.2f} | {p99:.1f} | {rows} | {refused} | {ratio:.2f} |")
    if chosen.stream:
        streamed(chosen.folder)


if __name__ == "__main__":
    main()
