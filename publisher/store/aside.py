"""Reads long queries in a process of low priority: the gate and the text searches take up to tenths of a second, documents come first."""

import os
import socket
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from typing import Any, NamedTuple

import orjson

from publisher.errors import QueryRefused
from publisher.store.gate import Query, checked
from publisher.store.limits import Limits, met
from publisher.store.textsearch import Search, searches
from publisher.store.worker import LONG_TURN, stand_back, take_turns

START = "from publisher.store.aside import serve; serve()"
SIZE = struct.Struct("!I")
LOWER = 10  # than any web process
READ = 1 << 16


class Line(NamedTuple):
    """A process that reads texts, and the line to it."""

    process: subprocess.Popen[bytes]
    channel: socket.socket


class Aside:
    """Reads one text at a time, in a process that starts with the first; `limits.reading` texts may be with it or wait for it.

    Its methods raise LimitMet (`workers`) if too many wait.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._queue, self._turn = threading.Semaphore(limits.reading), threading.Lock()
        self._line: Line | None = None

    def checked(self, text: str) -> Query:
        """Return what `gate.checked` returns, or raise as it does."""
        return Query(text, **self._asked("query", text))

    def searches(self, text: str) -> list[Search]:
        """Return what `textsearch.searches` returns, or raise as it does."""
        return [Search(*one) for one in self._asked("searches", text)] if "matches" in text else []

    def _asked(self, what: str, text: str) -> Any:
        if not self._queue.acquire(blocking=False):
            raise met("workers", self.limits)
        try:
            with self._turn:
                told = self._told(orjson.dumps((what, text)))
        finally:
            self._queue.release()
        if "refused" in told:
            raise QueryRefused(told["refused"], told["status"])
        return told[what]

    def _told(self, question: bytes) -> dict[str, Any]:
        line = self._line = self._line or _started(self.limits.seconds)
        try:
            line.channel.sendall(SIZE.pack(len(question)) + question)
            told = b""
            while not told.endswith(b"\n"):
                part = line.channel.recv(READ)
                if not part:
                    raise ConnectionResetError
                told += part
        except OSError as error:  # it was killed, or starved
            self.close()
            raise met("workers", self.limits) from error
        found: dict[str, Any] = orjson.loads(told)
        return found

    def close(self) -> None:
        """Kill the process, if there is one; the next text starts another."""
        line, self._line = self._line, None
        if line:
            line.channel.close()
            line.process.kill()
            line.process.wait()


def _started(seconds: float) -> Line:
    ours, theirs = socket.socketpair()
    ours.settimeout(seconds)
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with theirs:
        end = theirs.fileno()
        return Line(subprocess.Popen([sys.executable, "-P", "-c", START], stdin=end, stdout=end, env=environ), ours)


def serve() -> None:
    """Answer each question that comes in with a line of JSON, until there are no more because the asker has ended."""
    with suppress(OSError):  # it is lower already
        stand_back(0, LOWER)
    take_turns(LONG_TURN)
    asked, told = sys.stdin.buffer, sys.stdout.buffer
    while len(head := asked.read(SIZE.size)) == SIZE.size:
        told.write(orjson.dumps(answer(*orjson.loads(asked.read(SIZE.unpack(head)[0])))) + b"\n")
        told.flush()


def answer(what: str, text: str) -> dict[str, object]:
    """Return what a text is as a `query`, or the `searches` in it; or the sentence and the status that refuse it."""
    try:
        if what == "searches":
            return {what: [list(search) for search in searches(text)]}
        query = checked(text)
    except QueryRefused as refused:
        return {"refused": str(refused), "status": refused.status}
    return {what: {"form": query.form, "dataset": query.dataset, "stable": query.stable}}
