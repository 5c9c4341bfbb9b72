"""Documents, lists, stream pages and 304 answers against an empty Flask view, one server, one run.

    python bench/lists.py [PAPERS] [PATH OF rdflib-endpoint]

With the second argument (its own virtual environment) the same record is also asked of rdflib-endpoint by DESCRIBE.
"""

import gzip
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

from flask import Flask, Response

sys.path.insert(0, str(Path(__file__).parent.parent))

from publisher.views import create_app  # noqa: E402
from tests.town import KEY, objects, published  # noqa: E402

SECONDS, ROUNDS = 0.25, 9  # short slices in turn with the empty view, so that other work on the machine meets both alike


def served() -> Flask:
    """Return our app with one more view that does nothing: what the server worker calls."""
    app = create_app(Path(os.environ["PUBLISHER_HOME"]))
    app.add_url_rule("/empty", view_func=lambda: Response("ok"))
    return app


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def rate(port: int, path: str, head: str = "") -> tuple[float, int, int]:
    """Return requests a second over one kept connection, the status, and the bytes of a body."""
    ask = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n{head}\r\n".encode()
    with socket.create_connection(("127.0.0.1", port)) as line:
        status, size = _answer(line, ask)
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < SECONDS:
            _answer(line, ask)
            count += 1
        return count / (time.perf_counter() - start), status, size


def _answer(line: socket.socket, ask: bytes) -> tuple[int, int]:
    line.sendall(ask)
    held = b""
    while b"\r\n\r\n" not in held:
        held += line.recv(1 << 16)
    head, _, body = held.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    wanted = int(length[1]) if length else 0
    got = len(body)
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


def main(papers: int, peer: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        base = f"http://127.0.0.1:{port}"
        start = time.perf_counter()
        home = published(Path(folder) / "home", objects(papers), base=base)
        print(f"{papers} papers harvested and built in {time.perf_counter() - start:.0f} s")
        command = [
            "granian",
            "--interface",
            "wsgi",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--workers",
            "1",
            "--blocking-threads",
            "1",
        ]
        server = subprocess.Popen(
            [sys.executable, "-m", *command, "--factory", "--no-access-log", "--log-level", "error", "bench.lists:served"],
            cwd=Path(__file__).parent.parent,
            env={**os.environ, "PUBLISHER_HOME": str(home), "PYTHONPATH": "."},
        )
        try:
            _measure(port)
            if peer:
                _against(port, peer, home, Path(folder) / "dump.nq", base)
        finally:
            server.terminate()
            server.wait()


def _awaited(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.1)


def _against(port: int, peer: str, home: Path, dump: Path, base: str) -> None:
    """The same record by DESCRIBE from rdflib-endpoint, which holds the same triples in its memory."""
    dump.write_bytes(gzip.decompress((home / "current" / "dumps" / KEY / f"{KEY}.nq.gz").read_bytes()))
    other = free_port()
    server = subprocess.Popen(
        [peer, "serve", str(dump), "--host", "127.0.0.1", "--port", str(other)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        _awaited(other)
        path = f"/eli/dl/{KEY}/vorlage/7"
        asked = "/?query=" + quote(f"DESCRIBE <{base}{path}>", safe="")
        pairs = [(rate(port, path)[0], rate(other, asked)) for _ in range(ROUNDS)]
        times = sorted(mine / theirs[0] for mine, theirs in pairs)[ROUNDS // 2]
        theirs = sorted(one[0] for _, one in pairs)[ROUNDS // 2]
        told = f"{'rdflib-endpoint, DESCRIBE':<26}{pairs[0][1][1]:>5}{pairs[0][1][2]:>10} bytes{theirs:>10.0f} req/s"
        print(f"{told}: our document is {times:.0f} times faster")
    finally:
        server.terminate()
        server.wait()


def _measure(port: int) -> None:
    _awaited(port)
    document, listed = f"/eli/dl/{KEY}/vorlage/7", f"/id/{KEY}/paper"
    cases = {
        "empty Flask view": ("/empty", ""),
        "record document": (document, ""),
        "document, 304": (document, f"If-None-Match: {tag(port, document)}\r\n"),
        "list page of 100 papers": (listed, ""),
        "list page, 304": (listed, f"If-None-Match: {tag(port, listed)}\r\n"),
        "stream page (file)": ("/stream/1/1", ""),
        "catalogue (file)": ("/catalog", ""),
    }
    for name, (path, head) in cases.items():
        pairs = [(rate(port, "/empty")[0], rate(port, path, head)) for _ in range(ROUNDS)]
        share = sorted(one[0] / empty for empty, one in pairs)[ROUNDS // 2]
        found = sorted(one[0] for _, one in pairs)[ROUNDS // 2]
        print(f"{name:<26}{pairs[0][1][1]:>5}{pairs[0][1][2]:>10} bytes{found:>10.0f} req/s{share:>8.0%} of the empty view beside it")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, sys.argv[2] if len(sys.argv) > 2 else "")
