"""Documents, lists, stream pages and 304 answers against an empty Flask view, one server, one run.

    python bench/lists.py [PAPERS] [--home FOLDER] [--rdflib-endpoint PATH] [--nginx PATH]

The town is harvested and given what documents, lists and streams are served from; no store, dumps or text index, which these do not need
and which at 100,000 papers take long. --home keeps it for another run. The lists are also walked far inside and by time, and the documents
asked one after the other all over the town. With --rdflib-endpoint (a program of its own environment) the same records are asked of it by
DESCRIBE in the same format, one process on each side; with --nginx the stream's pages are asked of nginx as docs/deploy/nginx.conf sends
them, beside a plain file of the same bytes.
"""

import argparse
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import quote

import orjson
from flask import Flask, Response

sys.path.insert(0, str(Path(__file__).parent.parent))

from publisher import release  # noqa: E402
from publisher.feeds import stream  # noqa: E402
from publisher.graph.mapper import quads  # noqa: E402
from publisher.journal import Journal  # noqa: E402
from publisher.journal.reader import Reader, readable  # noqa: E402
from publisher.journal.rows import stored  # noqa: E402
from publisher.journal.serving import Serving  # noqa: E402
from publisher.views import create_app  # noqa: E402
from tests.town import KEY, harvested, objects, paper  # noqa: E402

SECONDS, ROUNDS = 0.25, 9  # short slices in turn with the empty view, so that other work on the machine meets both alike
AT = "2026-11-01T10:00:00+00:00"
TURTLE = "text/turtle"


def served() -> Flask:
    """Return our app with one more view that does nothing: what the server worker calls."""
    app = create_app(Path(os.environ["PUBLISHER_HOME"]))
    app.add_url_rule("/empty", view_func=lambda: Response("ok"))
    return app


def shelved(home: Path, papers: int) -> Path:
    """Return a home of which documents, lists and the stream can be served: what a build makes of a harvest, but for store and dumps."""
    if not (home / "journal.sqlite").exists():
        harvested(home, list(town(papers)), AT, "http://127.0.0.1:8000")
        with Journal(home / "journal.sqlite") as journal, Serving(home / "serving.sqlite") as serving:
            serving.begin()
            for version in journal.heads():
                serving.put(1, version, stored(version))
            serving.finish(1, journal.last_seq(), AT)
    if release.current(home) is None:
        path = release.staged(home, 1)
        with closing(readable(home, 1)) as reader:
            stream.write(path / "stream", stream.Stream(reader.base, "c"), lambda after: _events(reader, after), quads)
        release.finished(home, 1, {"base": "http://127.0.0.1:8000"})
        release.switch(home, 1)
    return home


def town(papers: int) -> Iterator[dict[str, Any]]:
    """Yield a town with so many papers, each made and changed at a minute of its own; one committee is asked about all of them."""
    yield from objects(0)
    for number in range(1, papers + 1):
        yield _at(paper(number), _stamp(number))


def _stamp(number: int) -> str:
    return (datetime(2015, 1, 1, tzinfo=UTC) + timedelta(minutes=47 * number)).isoformat()


def _at(obj: dict[str, Any], stamp: str) -> dict[str, Any]:
    inner = {key: [_at(one, stamp) for one in value if isinstance(one, dict)] for key, value in obj.items() if key == "consultation"}
    return {**obj, **inner, "created": stamp, "modified": stamp, **({"mainFile": _at(obj["mainFile"], stamp)} if "mainFile" in obj else {})}


def _events(reader: Reader, after: int) -> Iterator[stream.Change]:
    while events := reader.events(after, 1000):
        yield from events
        after = events[-1].seq


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def rate(port: int, paths: Iterator[str], accept: str = "*/*", head: str = "") -> tuple[float, int, int]:
    """Return requests a second over one kept connection, the status, and the bytes of a body."""
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        status, size = _answer(line, _ask(port, next(paths), accept, head))
        done, start = 0, time.perf_counter()
        while time.perf_counter() - start < SECONDS:
            _answer(line, _ask(port, next(paths), accept, head))
            done += 1
        return done / (time.perf_counter() - start), status, size


def _ask(port: int, path: str, accept: str, head: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: {accept}\r\n{head}\r\n".encode()


def _answer(line: socket.socket, ask: bytes) -> tuple[int, int]:
    line.sendall(ask)
    held = b""
    while b"\r\n\r\n" not in held:
        if not (piece := line.recv(1 << 16)):
            raise SystemExit("the server closed the connection")
        held += piece
    head, _, body = held.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    if length is None and held[9:12] != b"304":
        raise SystemExit(f"an answer without a length, which this bench does not measure: {head!r}")
    wanted, got = int(length[1]) if length else 0, len(body)
    while got < wanted:
        got += len(line.recv(1 << 18))
    return int(head[9:12]), wanted


def tag(port: int, path: str) -> str:
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nConnection: close\r\n\r\n".encode())
        held = b""
        while piece := line.recv(1 << 16):
            held += piece
    found = re.search(rb"(?i)etag: *(\S+)", held)
    return found[1].decode() if found else ""


@contextmanager
def running(port: int, *command: str, **environ: str) -> Iterator[None]:
    """A server while it is measured."""
    root = Path(__file__).parent.parent
    server = subprocess.Popen(
        command, cwd=root, env={**os.environ, "PYTHONPATH": ".", **environ}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield
    finally:
        server.terminate()
        server.wait()


def main(papers: int, home: Path, peer: str, nginx: str) -> None:
    """Make the town, serve it by one worker, and measure."""
    start = time.perf_counter()
    shelved(home, papers)
    print(f"{papers} papers harvested and laid out in {time.perf_counter() - start:.0f} s")
    port = free_port()
    options = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--blocking-threads", "1"]
    command = [sys.executable, "-m", "granian", *options, "--factory", "--no-access-log", "--log-level", "error", "bench.lists:served"]
    with running(port, *command, PUBLISHER_HOME=str(home)):
        _measure(port, papers)
        if peer:
            _against(port, peer, home, papers)
    if nginx:
        _files(nginx, home)


def all_over(papers: int) -> Iterator[str]:
    """Addresses of documents all over the town, none soon again."""
    keys = list(range(1, papers + 1))
    Random(7).shuffle(keys)
    return cycle([f"/eli/dl/{KEY}/vorlage/{key}" for key in keys])


def _measure(port: int, papers: int) -> None:
    document, listed = f"/eli/dl/{KEY}/vorlage/7", f"/id/{KEY}/paper"
    inside, committee = quote(_stamp(papers // 2), safe=""), f"/id/{KEY}/organization/soz/consultation"
    cases = {
        "empty Flask view": (cycle(["/empty"]), ""),
        "record document": (cycle([document]), ""),
        "documents all over": (all_over(papers), ""),
        "document, 304": (cycle([document]), f"If-None-Match: {tag(port, document)}\r\n"),
        "list page of 100 papers": (cycle([listed]), ""),
        "list page, modified_since": (cycle([f"{listed}?modified_since={inside}"]), ""),
        "committee's consultations": (cycle([committee]), ""),
        "list page, 304": (cycle([listed]), f"If-None-Match: {tag(port, listed)}\r\n"),
        "stream page (file)": (cycle(["/stream/1/1"]), ""),
        "HTML page, none twice": (all_over(papers), "", "text/html"),
        "HTML page, remembered": (cycle([document]), "", "text/html"),
    }
    for name, (paths, head, *accept) in cases.items():
        pairs = [(rate(port, cycle(["/empty"]))[0], rate(port, paths, *accept, head=head)) for _ in range(ROUNDS)]
        share = sorted(one[0] / empty for empty, one in pairs)[ROUNDS // 2]
        found = sorted(one[0] for _, one in pairs)[ROUNDS // 2]
        print(f"{name:<26}{pairs[0][1][1]:>5}{pairs[0][1][2]:>10} bytes{found:>10.0f} req/s{share:>8.1%} of the empty view beside it")


def _against(port: int, peer: str, home: Path, papers: int) -> None:
    """The same records, all over the town, by DESCRIBE from rdflib-endpoint, which holds the same triples in its memory."""
    dump, other = home / "dump.nq", free_port()
    if not dump.exists():
        with closing(readable(home, 1)) as reader, dump.open("w") as out:
            out.writelines(quads(orjson.loads(one.json)) for one in reader.owners())
    with running(other, peer, "serve", str(dump), "--host", "127.0.0.1", "--port", str(other)):
        for media in (TURTLE, "application/ld+json", "application/rdf+xml"):
            mine, theirs = (
                all_over(papers),
                ("/?query=" + quote(f"DESCRIBE <http://127.0.0.1:8000{path}>", safe="") for path in all_over(papers)),
            )
            pairs = [(rate(port, mine, media)[0], rate(other, theirs, media)) for _ in range(ROUNDS)]
            times = sorted(ours / one[0] for ours, one in pairs)[ROUNDS // 2]
            found = sorted(one[0] for _, one in pairs)[ROUNDS // 2]
            told = f"{f'rdflib-endpoint, DESCRIBE as {media}':<46}{pairs[0][1][1]:>5}{pairs[0][1][2]:>10} bytes{found:>10.0f} req/s"
            print(f"{told}: our document is {times:.1f} times faster")


def _files(nginx: str, home: Path) -> None:
    """The stream's full pages from nginx by the location of docs/deploy/nginx.conf, beside a plain file of the same bytes."""
    port, told = free_port(), (Path(__file__).parent.parent / "docs" / "deploy" / "nginx.conf").read_text("utf-8")
    pages = re.findall(r"(?ms)^map \$http_accept .*?^}|^    location ~ \^/stream/.*?^    }", told)
    place = (home / "releases").resolve()
    page = next(place.rglob("stream/1/1.jsonld"))
    (place / "plain.bin").write_bytes(page.read_bytes())
    user = "user root; " if os.geteuid() == 0 else ""  # else its workers may not enter a temporary folder
    config = f"daemon off; {user}pid {place}/nginx.pid; error_log {place}/nginx.log; events {{}}\nhttp {{ access_log off; sendfile on;\n"
    config += f"keepalive_requests 1000000;\n{pages[0]}\n"
    config += "".join(f"{kind}_temp_path {place};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    config += f"server {{ listen 127.0.0.1:{port};\n{pages[1].replace('/var/lib/publisher', str(home.resolve()))}\n"
    config += f"    location @publisher {{ return 404; }}\n    location = /plain.bin {{ root {place}; }}\n}} }}\n"
    (place / "nginx.conf").write_text(config, "utf-8")
    with running(port, nginx, "-c", str(place / "nginx.conf")):
        pairs = [(rate(port, cycle(["/plain.bin"])), rate(port, cycle(["/stream/1/1"]))) for _ in range(ROUNDS)]
    assert {one[1] for pair in pairs for one in pair} == {200}, f"nginx answered {pairs}; see {place}/nginx.log"
    share = sorted(one[0] / plain[0] for plain, one in pairs)[ROUNDS // 2]
    found = sorted(one[0] for _, one in pairs)[ROUNDS // 2]
    told = f"{'stream page from nginx':<26}{pairs[0][1][1]:>5}{pairs[0][1][2]:>10} bytes{found:>10.0f} req/s"
    print(f"{told}{share:>8.0%} of a plain file from it")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("papers", type=int, nargs="?", default=1000)
    options.add_argument("--home", type=Path)
    options.add_argument("--rdflib-endpoint", default="")
    options.add_argument("--nginx", default="")
    told = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        main(told.papers, told.home or Path(folder) / "home", told.rdflib_endpoint, told.nginx)
