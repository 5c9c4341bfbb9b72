"""An OParl town on loopback, and the ways in which real servers misbehave; run as a program it prints what became of each."""

import gzip
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit
from zlib import crc32

from publisher.config import Settings, Source
from publisher.fetch import Clock, Fetch
from publisher.journal import Journal
from publisher.pipeline.harvest import Outcome, harvest

SCHEMA = "https://schema.oparl.org/1.1/"
PAGE_SIZE = 10


class Ask(NamedTuple):
    """One request: path with query as it came over the wire, the how-manieth for it, and the handler to answer with."""

    path: str
    count: int
    handler: BaseHTTPRequestHandler

    def send(self, body: bytes, status: int = 200, **headers: str) -> None:
        self.handler.send_response(status)
        told = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        for name, value in (told | {key.replace("_", "-"): value for key, value in headers.items()}).items():
            self.handler.send_header(name, value)
        self.handler.end_headers()
        self.handler.wfile.write(body)

    def hang_up(self) -> None:
        self.handler.connection.shutdown(socket.SHUT_RDWR)


Answer = Callable[[Ask], None]
Trouble = Callable[[Ask, Answer], None]


@contextmanager
def serving(answer: Answer) -> Iterator[tuple[str, list[str]]]:
    """Serve on a free port of 127.0.0.1; give the address and the list of paths asked so far (with their headers behind a blank)."""
    asked: list[str] = []
    counts: dict[str, int] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked.append(self.path)
            counts[self.path] = counts.get(self.path, 0) + 1
            try:
                answer(Ask(self.path, counts[self.path], self))
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


class Town:
    """A small OParl server: one System, one Body, its lists in pages of ten, as the specification asks."""

    def __init__(self, papers: int = 35, meetings: int = 12) -> None:
        self.sizes = {"organization": 3, "person": 5, "meeting": meetings, "paper": papers}
        self.size = 2 + sum(self.sizes.values())

    def __call__(self, ask: Ask) -> None:
        told = self.told(ask.path, f"http://{ask.handler.headers['Host']}")
        if told is None:
            ask.send(b'{"type": "https://schema.oparl.org/1.1/Error", "message": "nicht gefunden"}', 404)
        else:
            ask.send(json.dumps(told, ensure_ascii=False).encode())

    def told(self, path: str, base: str) -> dict[str, Any] | None:
        """Return the JSON of a path, None for 404."""
        parts = urlsplit(path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path == "/system":
            return {"id": f"{base}/system", "type": SCHEMA + "System", "oparlVersion": SCHEMA, "body": f"{base}/body", "name": "RIS"}
        if parts.path == "/body":
            return {"data": [self.body(base)], "pagination": {}, "links": {}}
        kind = parts.path.removeprefix("/body/1/")
        return self.page(kind, query, base) if kind in self.sizes else None

    def body(self, base: str) -> dict[str, Any]:
        lists = {kind: f"{base}/body/1/{kind}" for kind in self.sizes}
        return {"id": f"{base}/body/1", "type": SCHEMA + "Body", "name": "Musterstadt", "ags": "05999016", "legislativeTerm": [], **lists}

    def page(self, kind: str, query: dict[str, str], base: str) -> dict[str, Any]:
        since = query.get("modified_since", "")
        keys = [key for key in range(1, self.sizes[kind] + 1) if self.modified(key) >= since[:10]]
        number, pages = int(query.get("page", 1)), max(1, -(-len(keys) // PAGE_SIZE))
        kept = f"modified_since={since.replace('+', '%2B')}&" if since else ""
        urls = {name: f"{base}/body/1/{kind}?{kept}page={at}" for name, at in (("self", number), ("next", number + 1), ("last", pages))}
        if number >= pages:
            del urls["next"]
        data = [self.object(kind, key, base) for key in keys[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]]
        pagination = {"totalElements": len(keys), "elementsPerPage": PAGE_SIZE, "currentPage": number, "totalPages": pages}
        return {"data": data, "pagination": pagination, "links": urls}

    def modified(self, key: int) -> str:
        return f"2031-01-{key % 28 + 1:02d}"

    def object(self, kind: str, key: int, base: str) -> dict[str, Any]:
        stamp = f"{self.modified(key)}T08:00:00+01:00"
        name = {"organization": "Ausschuß für Straßen", "person": "Erika Musterfrau", "meeting": "Sitzung", "paper": "Überplanung"}[kind]
        return {"id": f"{base}/body/1/{kind}/{key}", "type": SCHEMA + kind.title(), "name": f"{name} {key}", "modified": stamp}


def on(path: str, times: int = 1_000_000) -> Callable[[Trouble], Trouble]:
    """Return a decorator that lets a trouble happen on `path` only, and only the first `times`."""

    def only(trouble: Trouble) -> Trouble:
        @wraps(trouble)
        def troubled(ask: Ask, town: Answer) -> None:
            if ask.path.startswith(path) and ask.count <= times:
                trouble(ask, town)
            else:
                town(ask)

        return troubled

    return only


def _body(ask: Ask, town: Answer) -> bytes:
    assert isinstance(town, Town)
    return json.dumps(town.told(ask.path, f"http://{ask.handler.headers['Host']}"), ensure_ascii=False).encode()


@on("/body/1/paper?page=2", 1)
def slow_once(ask: Ask, town: Answer) -> None:
    body = _body(ask, town)
    ask.handler.send_response(200)
    ask.handler.send_header("Content-Length", str(len(body)))
    ask.handler.end_headers()
    for at in range(20):
        ask.handler.wfile.write(body[at : at + 1])
        ask.handler.wfile.flush()
        time.sleep(0.2)


@on("/body/1/paper?page=2")
def drips_for_ever(ask: Ask, _town: Answer) -> None:
    ask.handler.send_response(200)
    ask.handler.send_header("Content-Length", "1000000")
    ask.handler.end_headers()
    for _ in range(200):
        ask.handler.wfile.write(b" ")
        ask.handler.wfile.flush()
        time.sleep(0.05)


@on("/body/1/paper?page=2", 2)
def truncated_json_twice(ask: Ask, town: Answer) -> None:
    ask.send(_body(ask, town)[:200])


@on("/body/1/paper?page=2")
def truncated_json_always(ask: Ask, town: Answer) -> None:
    ask.send(_body(ask, town)[:200])


@on("/body/1/paper?page=2", 1)
def connection_cut_in_mid_page(ask: Ask, town: Answer) -> None:
    body = _body(ask, town)
    ask.handler.send_response(200)
    ask.handler.send_header("Content-Length", str(len(body)))
    ask.handler.end_headers()
    ask.handler.wfile.write(body[: len(body) // 2])
    ask.hang_up()


@on("/body/1/paper")
def raw_control_characters(ask: Ask, town: Answer) -> None:
    ask.send(_body(ask, town).replace(b"planung", b"plan\x0b\x01ung\r\n"))


@on("/body/1/paper")
def wrong_charset(ask: Ask, town: Answer) -> None:
    ask.send(_body(ask, town).decode().encode("windows-1252"))


def random_500(ask: Ask, town: Answer) -> None:
    if ask.count < 4 and crc32(f"{ask.path} {ask.count}".encode()) % 10 < 4:
        ask.send(b"Internal Server Error", 500, Content_Type="text/html")
    else:
        town(ask)


@on("/body/1/paper?page=2")
def a_page_500_for_ever(ask: Ask, _town: Answer) -> None:
    ask.send(b"", 500)


@on("/")
def everything_500_for_ever(ask: Ask, _town: Answer) -> None:
    ask.send(b"", 500)


@on("/body/1/paper?page=2", 1)
def too_many_requests(ask: Ask, _town: Answer) -> None:
    ask.send(b"", 429, Retry_After="7")


@on("/body/1/meeting")
def html_with_200(ask: Ask, _town: Answer) -> None:
    ask.send(b"<!DOCTYPE html><html><body>Zu viele Zugriffe</body></html>", Content_Type="text/html")


@on("/body/1/meeting")
def redirect_loop(ask: Ask, _town: Answer) -> None:
    ask.send(b"", 302, Location=ask.path.replace("?x", "") if "?x" in ask.path else ask.path + "?x")


@on("/body/1/meeting")
def ever_new_redirects(ask: Ask, _town: Answer) -> None:
    ask.send(b"", 302, Location=ask.path + "x")


@on("/body/1/meeting")
def gigabytes(ask: Ask, _town: Answer) -> None:
    ask.handler.send_response(200)
    ask.handler.send_header("Content-Length", str(1 << 30))
    ask.handler.end_headers()
    for _ in range(1 << 10):
        ask.handler.wfile.write(b" " * (1 << 20))


BOMB = gzip.compress(b" " * (64 << 20), 9)


@on("/body/1/meeting")
def gzip_bomb(ask: Ask, _town: Answer) -> None:
    ask.send(BOMB, Content_Encoding="gzip")


@on("/body/1/paper?page=2")
def next_points_at_itself(ask: Ask, town: Answer) -> None:
    told = json.loads(_body(ask, town))
    ask.send(json.dumps(told | {"links": {"self": told["links"]["self"], "next": told["links"]["self"]}}).encode())


@on("/body/1/paper")
def next_is_missing(ask: Ask, town: Answer) -> None:
    ask.send(json.dumps(json.loads(_body(ask, town)) | {"links": {}}).encode())


@on("/body?")
def endless_repetition(ask: Ask, town: Answer) -> None:
    base = f"http://{ask.handler.headers['Host']}"
    assert isinstance(town, Town)
    number = int(ask.path.rpartition("=")[2])
    ask.send(json.dumps({"data": [town.body(base)], "links": {"next": f"{base}/body?page={number + 1}"}}).encode())


def endless_bodies(ask: Ask, town: Answer) -> None:
    """OWL-IT: the list of bodies has a next page for ever, always the same."""
    if ask.path == "/body":
        ask = ask._replace(path="/body?page=1")
    endless_repetition(ask, town)


@on("/body/1/")
def newest_on_the_last_page(ask: Ask, town: Answer) -> None:
    told = json.loads(_body(ask, town))
    ask.send(json.dumps(told | {"data": told["data"][::-1]}).encode())


@on("/body")
def bare_arrays(ask: Ask, town: Answer) -> None:
    """SD.NET (Essen): an array where a list object is due."""
    told = json.loads(_body(ask, town))
    if "page=" in ask.path or told["links"].get("next"):
        ask.send(json.dumps(told).encode())
    else:
        ask.send(json.dumps(told["data"]).encode())


@on("/body/1/person")
def list_not_there(ask: Ask, _town: Answer) -> None:
    ask.send(b'{"type": "https://schema.oparl.org/1.1/Error", "message": "nicht gefunden"}', 404)


class Case(NamedTuple):
    """A trouble, how many of the town's objects still come, how many refusals, and words of the message."""

    trouble: Trouble
    lost: int = 0
    refusals: int = 0
    words: str = ""
    options: dict[str, Any] = {}  # noqa: RUF012


CASES = (
    Case(slow_once, options={"max_seconds": 0.5}),
    Case(drips_for_ever, options={"max_seconds": 0.5}, lost=10, refusals=1, words="not there within 0.5 seconds"),
    Case(truncated_json_twice),
    Case(truncated_json_always, lost=10, refusals=1, words="expected JSON, got a cut or broken text"),
    Case(connection_cut_in_mid_page),
    Case(raw_control_characters),
    Case(wrong_charset),
    Case(random_500),
    Case(a_page_500_for_ever, lost=10, refusals=1, words="got 500 (asked 5 times)"),
    Case(everything_500_for_ever, lost=-1, words="got 500 (asked 5 times)"),
    Case(too_many_requests),
    Case(html_with_200, lost=12, refusals=1, words="got an HTML or XML page"),
    Case(redirect_loop, lost=12, refusals=1, words="they come back"),
    Case(ever_new_redirects, lost=12, refusals=1, words="at most 5 redirects"),
    Case(gigabytes, options={"max_bytes": 4 << 20}, lost=12, refusals=1, words="at most 4,194,304 bytes"),
    Case(gzip_bomb, options={"max_bytes": 4 << 20}, lost=12, refusals=1, words="at most 4,194,304 bytes"),
    Case(next_points_at_itself),
    Case(next_is_missing),
    Case(endless_bodies),
    Case(newest_on_the_last_page),
    Case(bare_arrays),
    Case(list_not_there, lost=5, refusals=1, words="got 404"),
)


class Told(NamedTuple):
    """What became of a town that was harvested whole, then behind a trouble, then whole again.

    came: objects that came through the trouble; kept: records still living after it; again: records living after the recovery.
    """

    came: int
    refused: int
    requests: int
    withdrawn: int
    kept: int
    again: int
    message: str


def tried(case: Case, home: Path) -> Told:
    """Harvest a town into `home` before, during and after a trouble, as the command does, with a clock that does not wait."""
    slept: list[float] = []
    clock = Clock(lambda: time.time() + sum(slept), slept.append)
    answers: list[Answer] = [Town()]
    wanted = Settings(home, "https://daten.example")
    with serving(lambda ask: answers[0](ask)) as (base, asked), Journal(home / "journal.sqlite") as journal:
        source = Source("town", "oparl", f"{base}/system", "05999016", pause=0, options=case.options, ids="body/1/{class}/{key}")

        def walk(answer: Answer) -> tuple[Outcome, int]:
            answers[0] = answer
            with Fetch(source, home, clock=clock) as fetch:
                outcome = harvest(journal, source, fetch, "2031-05-02T03:00:00+00:00", settings=wanted, progress=lambda *_: None)
            return outcome, sum(1 for _ in journal.live("town"))

        town = Town()
        walk(town)
        before = len(asked)
        journal.db.execute("delete from run")  # so that every walk is a whole one
        outcome, kept = walk(lambda ask: case.trouble(ask, town))
        requests = len(asked) - before
        journal.db.execute("delete from run")
        _, again = walk(town)
    withdrawn = sum(counter["withdrawn"] for counter in outcome.counts.values())
    words = [refusal.reason for refusal in outcome.refusals] + ([outcome.failure] if outcome.failure else [])
    seen = sum(counter["seen"] for counter in outcome.counts.values())
    return Told(seen, len(outcome.refusals), requests, withdrawn, kept, again, "; ".join(words).replace(base, ""))


def without_disk(home: Path, blocks: int) -> tuple[int, str, int, int]:
    """Harvest a town by the real command with files of at most `blocks` KiB, then without that bound.

    Returns exit code and message of the first, the exit code of the second, and how many records live after it.
    """
    with serving(Town(papers=300)) as (base, _):
        arguments = [
            sys.executable, "-m", "publisher", "harvest", "--home", str(home), "--kind", "oparl", "--url", f"{base}/system",
            "--jurisdiction", "05999016", "--name", "town", "--pause", "0",
        ]  # fmt: skip
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}

        def bound() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails as on a full disk, in place of the process
            resource.setrlimit(resource.RLIMIT_FSIZE, (blocks << 10, resource.RLIM_INFINITY))

        full = subprocess.run(arguments, capture_output=True, text=True, env=environ, preexec_fn=bound, check=False, timeout=120)
        after = subprocess.run(arguments, capture_output=True, text=True, env=environ, check=False, timeout=120)
    with Journal(home / "journal.sqlite") as journal:
        living = sum(1 for _ in journal.live("town"))
    return full.returncode, full.stderr.strip(), after.returncode, living


def main() -> None:
    """Print what becomes of a town behind each trouble, as a table."""
    print("| the trouble | came | refused | requests | withdrawn | living after | recovered | message |\n|---|---|---|---|---|---|---|---|")
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            told = tried(case, Path(folder))
        print(f"| {case.trouble.__name__.replace('_', ' ')} | {' | '.join(map(str, told))} |")
    for blocks in DISKS:
        with tempfile.TemporaryDirectory() as folder:
            code, words, after, living = without_disk(Path(folder), blocks)
        print(f"| disk full at {blocks} KiB a file | exit {code} | | | 0 | | exit {after}, {living} | {' '.join(words.split())} |")


DISKS = (1, 200)


if __name__ == "__main__":
    main()
