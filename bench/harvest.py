"""How long a harvest takes beside fetching and JSON-parsing the same pages alone, in one run, and how much memory it needs.

usage: PYTHONPATH=. python bench/harvest.py [--papers N] [--rounds N] [--replay]

Hürtgenwald from ../shared, or an invented town of N papers. The server of this file keeps finished bytes and answers in
two milliseconds a page; with --replay the replay server of ../shared answers, which puts each page together as a council's does.
"""

import argparse
import json
import multiprocessing
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
import orjson

from publisher import sources
from publisher.config import Settings, Source
from publisher.fetch import Fetch
from publisher.journal import Journal
from publisher.pipeline.harvest import harvest
from publisher.record import Refusal

CRAWL = Path(os.environ.get("PUBLISHER_SHARED", Path(__file__).parent.parent.parent / "shared")) / "realdata" / "huertgenwald-sdnet"
UPSTREAM = "https://sdnetrim.kdvz-frechen.de/rim4220/webservice/oparl/v1.0"
SCHEMA = "https://schema.oparl.org/1.1/"
PAGE_SIZE = 100
Answer = Callable[[str, str], bytes | None]
SCRATCH = tempfile.TemporaryDirectory(prefix="publisher-bench-")


def crawled() -> Answer:
    """Return what answers a path with the bytes of the real crawl."""
    pages = {f"/{path.relative_to(CRAWL)}".removesuffix(".json"): path.read_bytes() for path in CRAWL.rglob("*.json")}

    def answer(path: str, base: str) -> bytes | None:
        body = pages.get(path)
        if body is None and path.endswith("?page=1"):
            body = pages.get(path.removesuffix("?page=1"))
        return body.replace(UPSTREAM.encode(), base.encode()) if body else None

    return answer


def invented(papers: int) -> Answer:
    """Return what answers with a town of so many papers, each with two consultations and three files; pages are made when asked for."""

    def paper(key: int, base: str) -> dict[str, Any]:
        files = [
            {"id": f"{base}/file/{key}-{at}", "type": SCHEMA + "File", "name": f"Anlage {at}", "accessUrl": f"{base}/f/{key}"}
            for at in range(3)
        ]
        stations = [{"id": f"{base}/consultation/{key}-{at}", "type": SCHEMA + "Consultation", "role": "Vorberatung"} for at in range(2)]
        name = f"Bebauungsplan Nr. {key}: Aufstellungsbeschluss und Beteiligung der Öffentlichkeit"
        stamp = f"2031-{key % 12 + 1:02d}-{key % 28 + 1:02d}T08:00:00+01:00"
        parts = {"mainFile": files[0], "auxiliaryFile": files[1:], "consultation": stations}
        return {"id": f"{base}/paper/{key}", "type": SCHEMA + "Paper", "name": name, "reference": f"{key}/2031", "modified": stamp, **parts}

    def answer(path: str, base: str) -> bytes | None:
        if path == "/system":
            return json.dumps({"id": f"{base}/system", "type": SCHEMA + "System", "body": f"{base}/body"}).encode()
        if path == "/body":
            lists = {"paper": f"{base}/list?page=1"}
            return json.dumps({"data": [{"id": f"{base}/body/1", "type": SCHEMA + "Body", "name": "Musterstadt", **lists}]}).encode()
        if not path.startswith("/list?page="):
            return None
        number, pages = int(path.rpartition("=")[2]), -(-papers // PAGE_SIZE)
        keys = range((number - 1) * PAGE_SIZE + 1, min(number * PAGE_SIZE, papers) + 1)
        links = {"next": f"{base}/list?page={number + 1}"} if number < pages else {}
        return orjson.dumps({"data": [paper(key, base) for key in keys], "links": links})

    return answer


def handler(answer: Answer) -> type[BaseHTTPRequestHandler]:
    """Return what serves finished bytes: `answer` gives them for a path and the server's own address, None for what is not there."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_GET(self) -> None:
            body = answer(self.path, f"http://{self.headers['Host']}")
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: Any) -> None: ...

    return Handler


def serve(papers: int, pipe: Connection) -> None:
    """Serve on a free port of 127.0.0.1, tell it through the pipe, and go on until the process is ended."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(invented(papers) if papers else crawled()))
    pipe.send(server.server_port)
    server.serve_forever()


def alone(base: str) -> int:
    """Fetch and parse every page along the lists, and do nothing else; return how many objects the pages list."""
    objects = 0
    with httpx.Client() as client:

        def told(url: str) -> Any:
            return orjson.loads(client.get(url).content)

        system = told(f"{base}/system")
        for body in told(system["body"])["data"]:
            for key in ("organization", "person", "meeting", "paper"):
                url = body.get(key)
                while url:
                    page = told(url)
                    objects += len(page["data"])
                    url = page["links"].get("next")
    return objects


def walked(base: str) -> int:
    """Walk with repairs, without journal."""
    source = Source("bench", "oparl", f"{base}/system", "05358016", pause=0)
    with Fetch(source) as fetch:
        return sum(not isinstance(item, Refusal) for item in sources.records(source, fetch))


def harvested(base: str) -> int:
    """Harvest into a new journal, with the page cache, as `publisher harvest` does."""
    source = Source("bench", "oparl", f"{base}/system", "05358016", pause=0)
    home = Path(tempfile.mkdtemp(dir=SCRATCH.name))  # removed at the end: that is no part of a harvest
    with Journal(home / "journal.sqlite") as journal, Fetch(source, home) as fetch:
        settings = Settings(home, "http://127.0.0.1:8000")
        outcome = harvest(journal, source, fetch, "2031-01-01T00:00:00Z", settings=settings, progress=lambda *_: None)
    return sum(counter["seen"] for counter in outcome.counts.values())


def timed(work: Callable[[str], int], base: str) -> tuple[float, int]:
    start = time.perf_counter()
    count = work(base)
    return time.perf_counter() - start, count


def rounds(base: str, times: int) -> Iterator[str]:
    """Yield a table of seconds and ratios; the ways take turns, so that a busy machine slows all of them."""
    ways = {"fetch and parse alone": alone, "walk with repairs": walked, "harvest into the journal": harvested}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    counts: dict[str, int] = {}
    for _ in range(times):
        for name, work in ways.items():
            spent, counts[name] = timed(work, base)
            seconds[name].append(spent)
    yield "| | objects | seconds (median) | objects/s | times fetching alone |\n|---|---|---|---|---|"
    base_line = statistics.median(seconds["fetch and parse alone"])
    for name, spent in seconds.items():
        middle = statistics.median(spent)
        yield f"| {name} | {counts[name]:,} | {middle:.2f} | {counts[name] / middle:,.0f} | {middle / base_line:.2f} |"
    yield f"peak memory of the harvesting process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--replay", action="store_true")
    told = parser.parse_args()
    if not told.papers and not CRAWL.is_dir():
        told.papers = 2_000
    with replaying() if told.replay else serving(told.papers) as base:
        print("\n".join(rounds(base, told.rounds)))


@contextmanager
def serving(papers: int) -> Iterator[str]:
    """Serve in a process of its own; give the address."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(papers, there), daemon=True)
    server.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        server.terminate()


@contextmanager
def replaying() -> Iterator[str]:
    """Run the replay server of ../shared on a free port; give the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(CRAWL.parent.parent / "tools" / "replay_oparl.py"), str(CRAWL), UPSTREAM, str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert server.stdout
        server.stdout.readline()
        time.sleep(1)  # it speaks before it listens
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
