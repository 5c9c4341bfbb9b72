"""A running server to load and to attack: started as an operator would, asked over raw sockets where a client would tidy the request."""

import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
ENOUGH = 4 << 20


class Said(NamedTuple):
    """What came back over a socket: the first answer's status (0 if none came), its head, its body and what came after it."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        """Return a header's value, "" if it is not there."""
        wanted = name.lower().encode() + b":"
        lines = (line for line in self.head.split(b"\r\n")[1:] if line.lower().startswith(wanted))
        return next(lines, b":").partition(b":")[2].strip().decode("latin-1")


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def awaited(port: int, seconds: float = 30.0) -> None:
    """Wait until somebody listens on a port. Raises TimeoutError."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {port} after {seconds:g} seconds")


@contextmanager
def running(*command: object, log: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Give a process that ends with the block; what it says goes to `log`."""
    with (log or Path(os.devnull)).open("ab") as said:
        process = subprocess.Popen([str(part) for part in command], cwd=ROOT, stdout=said, stderr=said)
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            process.kill()
            process.wait()


@contextmanager
def serving(home: Path, *options: object, port: int = 0, log: Path | None = None) -> Iterator[tuple[int, int]]:
    """Serve a home with `publisher serve`; give its port and the process's id."""
    port = port or free_port()
    call = (sys.executable, "-m", "publisher", "serve", "--home", home, "--port", port, *options)
    with running(*call, log=log) as process:
        awaited(port)
        asked(port, "/health")  # the port is bound a moment before the first worker reads from it
        yield port, process.pid


def raw(port: int, request: bytes, *, tls: bool = False, source: str = "127.0.0.1", seconds: float = 20.0) -> Said:
    """Send bytes and return what comes back until the other side closes or `seconds` have passed."""
    told = b""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds, source_address=(source, 0)) as plain:
        sock = ssl._create_unverified_context().wrap_socket(plain) if tls else plain
        with suppress(OSError):
            sock.sendall(request)
        with suppress(OSError):
            while len(told) < ENOUGH and (part := sock.recv(1 << 16)):
                told += part
        if tls:
            sock.close()
    head, _, body = told.partition(b"\r\n\r\n")
    words = head.split(b" ", 2)
    return Said(int(words[1]) if len(words) > 1 and words[1].isdigit() else 0, head, body)


def asked(port: int, path: str, *lines: str, host: str = "127.0.0.1", method: str = "GET", body: bytes = b"", **more: object) -> Said:
    """Return the answer to one request whose address and header lines go out exactly as they are given."""
    head = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *lines]
    head += [f"Content-Length: {len(body)}"] if body or method == "POST" else []
    return raw(port, "\r\n".join(head).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body, **more)  # type: ignore[arg-type]
