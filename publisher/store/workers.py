"""A pool of killable query processes on a release: each query ends in time, whole, or with the name of the limit it met."""

import io
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import orjson

from publisher.errors import LimitMet, Misconfigured, QueryRefused
from publisher.store.engine import Address, Engine
from publisher.store.gate import Query
from publisher.store.remote import Publication, answered, publication

WORKER = Path(__file__).with_name("worker.py")
HEAD = struct.Struct("!II")
TICK_MS = 50
STARTING_SECONDS = 30.0
TIRED_AFTER = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """What one query may take, and how many may run: seconds of wall clock, rows, bytes of answer, bytes of memory.

    query_bytes: longest query text. workers: queries that run at once in this process. waiting: requests that may wait for a
    worker, each at most `patience` seconds. streams: answers larger than `whole` bytes on their way at once; each holds a thread
    of the web server for as long as its reader takes, so workers + waiting + streams must stay below the server's threads.
    client_seconds: seconds of work a client may have in stock, refilled at
    `client_share` seconds a second; 0 switches it off.
    """

    seconds: float = 30.0
    rows: int = 1_000_000
    bytes: int = 512 << 20
    memory: int = 1 << 30
    query_bytes: int = 100_000
    workers: int = 2
    waiting: int = 8
    streams: int = 4
    whole: int = 4 << 20
    patience: float = 5.0
    client_seconds: float = 60.0
    client_share: float = 1.0


class Job(NamedTuple):
    """A checked query, the media type its answer shall have, and the dataset and base IRI the request names."""

    query: Query
    media_type: str
    base: str | None = None
    default_graphs: Sequence[str] = ()
    named_graphs: Sequence[str] = ()


class Held(io.RawIOBase):
    """A file that gives something back once it is closed or forgotten."""

    def __init__(self, file: BinaryIO, give_back: Callable[[], None]) -> None:
        self._file, self._give_back = file, give_back

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes."""
        return self._file.read(size)

    def close(self) -> None:
        """Close the file, give back once."""
        if not self.closed:
            self._file.close()
            self._give_back()
        super().close()


class Answer(NamedTuple):
    """A whole answer: its stream at the start, its length in bytes, and the milliseconds the query took."""

    body: BinaryIO | Held
    size: int
    milliseconds: float


TIME = (
    "Die Abfrage lief länger als {0:g} Sekunden und wurde beendet; es wurde nichts ausgeliefert. Engen Sie sie ein (FILTER auf Datum, "
    "weniger unverbundene Muster, LIMIT) oder nutzen Sie einen Datenabzug. / The query ran longer than {0:g} seconds and was stopped; "
    "nothing of it was sent. Narrow it (dates, fewer unconnected patterns, LIMIT) or use a dump."
)
ROWS = (
    "Die Antwort hätte mehr als {0} Zeilen; es wurde nichts ausgeliefert. Blättern Sie mit ORDER BY, LIMIT und OFFSET oder nutzen Sie "
    "einen Datenabzug. / The answer would have more than {0} rows; nothing of it was sent. "
    "Page with ORDER BY, LIMIT and OFFSET, or use a dump."
)
BYTES = (
    "Die Antwort wäre größer als {0} Bytes; es wurde nichts ausgeliefert. Fragen Sie nach weniger Spalten oder nach CSV, blättern Sie, "
    "oder nutzen Sie einen Datenabzug. / The answer would be larger than {0} bytes; nothing of it was sent. "
    "Ask for fewer columns or for CSV, page, or use a dump."
)
MEMORY = (
    "Die Abfrage brauchte mehr als {0} Bytes Arbeitsspeicher oder ist zu tief geschachtelt und wurde beendet. Gruppieren und sortieren "
    "Sie weniger auf einmal. / The query took more than {0} bytes of memory, or is nested too deeply, and was stopped. "
    "Group and sort less at once."
)
WORKERS = (
    "Alle {0} Abfrageplätze sind belegt. Bitte versuchen Sie es in einigen Sekunden noch einmal. / "
    "All {0} query workers are busy. Please try again in a few seconds."
)
STREAMS = (
    "{0} große Antworten sind schon unterwegs. Bitte versuchen Sie es später, fragen Sie nach weniger, oder nutzen Sie einen Datenabzug. / "
    "{0} large answers are already on their way. Please try later, ask for less, or use a dump."
)
TEXTS = {"streams": STREAMS, "time": TIME, "rows": ROWS, "bytes": BYTES, "memory": MEMORY, "workers": WORKERS}
STATUS = {"streams": 503, "time": 503, "rows": 422, "bytes": 422, "memory": 422, "workers": 503}


def met(limit: str, limits: Limits) -> LimitMet:
    """Return the error that names a limit, its value and what to do, in German and English."""
    value = {"time": limits.seconds}.get(limit) or getattr(limits, limit)
    return LimitMet(limit, TEXTS[limit].format(value), STATUS[limit])


class Worker:
    """A query process on one release. Whoever asks waits for the whole answer; whatever goes wrong ends the process.

    tired: a query took long, so the process was put behind all others on this machine, documents first; it cannot come back
    (raising a priority takes rights), so the pool replaces it.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path, self.limits, self.sealed = path, limits, False
        self._channel, theirs = socket.socketpair()
        command = [sys.executable, "-P", str(WORKER), str(path), str(theirs.fileno()), str(limits.memory)]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        theirs.close()
        self._started = self.tired = False
        self._poll = select.poll()
        self._poll.register(self._channel, select.POLLIN)

    def start(self) -> None:
        """Wait until the release is open. Raises Misconfigured if it cannot be opened."""
        if not self._started:
            try:
                self.sealed = self._read(time.monotonic() + STARTING_SECONDS)[0]["sealed"]
            except LimitMet as error:
                raise Misconfigured(f"{self.path}: expected a release's store that a query process can open") from error
            self._started = True

    def ask(self, job: Job) -> Answer:
        """Return the answer as the job's media type. Raises LimitMet, or QueryRefused (400) for what the engine cannot parse."""
        self.start()
        limits = self.limits
        asked = {"query": job.query.text, "dataset": job.query.dataset, "type": job.media_type, "base": job.base}
        asked |= {"default": job.default_graphs, "named": job.named_graphs, "rows": limits.rows, "bytes": limits.bytes}
        text = orjson.dumps(asked)
        try:
            self._channel.sendall(struct.pack("!I", len(text)) + text)
        except OSError as error:
            raise self._ended() from error
        head, body = self._read(time.monotonic() + limits.seconds)
        if head["status"] == "done":
            return Answer(body, head["size"], head["ms"])
        if head["status"] == "met":
            raise met(head["text"], limits)
        if head["status"] == "broken":
            self.close()
            raise Misconfigured(f"{self.path}: expected a store that can be read: {head['text']}")
        sentence = "Die Abfrage ist kein gültiges SPARQL 1.1 / Not a well-formed SPARQL 1.1 query"
        if head["status"] == "failed":
            sentence = "Die Abfrage lässt sich nicht auswerten / The query cannot be evaluated"
        raise QueryRefused(f"{sentence}: {head['text']}")

    def _read(self, deadline: float) -> tuple[dict[str, Any], BinaryIO]:
        """Return the one message that answers a job: its head, and the answer itself, in the message or in a file sent with it."""
        data, files, need, sizes = bytearray(), [], HEAD.size, (0, 0)
        while len(data) < need:
            self._wait(deadline)
            try:
                part, received, _, _ = socket.recv_fds(self._channel, 1 << 18, 1)
            except OSError as error:
                raise self._ended() from error
            if not part:
                raise self._ended()
            data += part
            files += received
            if len(data) >= HEAD.size:
                sizes = HEAD.unpack_from(data)
                need = HEAD.size + sum(sizes)
        head: dict[str, Any] = orjson.loads(memoryview(data)[HEAD.size : HEAD.size + sizes[0]])
        if not files:
            return head, io.BytesIO(data[HEAD.size + sizes[0] :])
        spooled = os.fdopen(files[0], "rb")
        spooled.seek(0)  # it stands where the worker stopped writing
        return head, spooled

    def _wait(self, deadline: float) -> None:
        begin = time.monotonic()
        while not self._poll.poll(TICK_MS):
            if self._started and not self.tired and time.monotonic() - begin > TIRED_AFTER:
                self.tired = True
                os.setpriority(os.PRIO_PROCESS, self._process.pid, 5)
            if time.monotonic() > deadline:
                self.close()
                raise met("time", self.limits)
            if resident(self._process.pid) > self.limits.memory:
                self.close()
                raise met("memory", self.limits)

    def _ended(self) -> LimitMet:
        # Rust aborts when memory is refused and runs off its stack on deep nesting; both are the query's doing.
        self.close()
        return met("memory", self.limits)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """Kill the process and reap it."""
        self._channel.close()
        if self.alive:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()


def resident(pid: int) -> int:
    """Return the bytes of memory a process holds; 0 where the system does not tell."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * 4096 if sys.platform != "linux" else int(pages) * os.sysconf("SC_PAGE_SIZE")


@dataclass
class Pool:
    """At most `limits.workers` query processes, started when first needed, moved to a new release when one is asked for."""

    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        self._idle: list[Worker] = []
        self._engines: dict[Address, Engine] = {}
        self._free = threading.Semaphore(self.limits.workers)
        self._queue = threading.Semaphore(self.limits.workers + self.limits.waiting)
        self._streams = threading.Semaphore(self.limits.streams)
        self._lock = threading.Lock()

    def ask(self, path: Path, job: Job) -> Answer:
        """Return the answer of the release store in `path`.

        Raises LimitMet (`workers` when all are busy for too long), QueryRefused, Misconfigured (no store there), Unreachable (a
        remote engine that is down or did not answer to the end).
        """
        if not self._queue.acquire(blocking=False):
            raise met("workers", self.limits)
        try:
            if not self._free.acquire(timeout=self.limits.patience):
                raise met("workers", self.limits)
            try:
                answer = self._asked(path, job)
            finally:
                self._free.release()
            return self._streamed(answer) if answer.size > self.limits.whole else answer
        finally:
            self._queue.release()

    def _asked(self, path: Path, job: Job) -> Answer:
        if elsewhere := publication(path):
            return self._remote(elsewhere, job)
        worker = self._worker(path)
        try:
            return worker.ask(job)
        finally:
            if worker.tired or not worker.alive:
                worker.close()
                worker = Worker(path, self.limits)  # the next query finds it started
            with self._lock:
                self._idle.append(worker)

    def _streamed(self, answer: Answer) -> Answer:
        if not self._streams.acquire(timeout=self.limits.patience):
            answer.body.close()
            raise met("streams", self.limits)
        return answer._replace(body=Held(cast(BinaryIO, answer.body), self._streams.release))

    def _remote(self, elsewhere: Publication, job: Job) -> Answer:
        """Ask the engine that holds the release, within our limits of time and bytes, whatever its own are."""
        with self._lock:
            engine = self._engines.setdefault(elsewhere.where, Engine(elsewhere.where))
        begin, limits = time.monotonic(), self.limits
        graphs = job.default_graphs if job.default_graphs or job.named_graphs else elsewhere.graphs
        out = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=1 << 20))  # noqa: SIM115
        try:
            within = {"named": job.named_graphs, "seconds": limits.seconds, "size": limits.bytes}
            answered(engine, job.query, job.media_type, out, graphs=graphs, **within)
        except LimitMet as limit:
            raise met(limit.limit, limits) from limit
        size = out.tell()
        out.seek(0)
        return Answer(out, size, round((time.monotonic() - begin) * 1000, 2))

    def _worker(self, path: Path) -> Worker:
        with self._lock:
            usable = [worker for worker in self._idle if worker.path == path and worker.alive]
            stale = [worker for worker in self._idle if worker not in usable]
            self._idle = usable
            found = self._idle.pop() if self._idle else None
        for worker in stale:
            worker.close()
        return found or Worker(path, self.limits)

    def close(self) -> None:
        """Kill the idle processes; those at work end with this process."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.close()


class Purse:
    """Seconds of query work each client may still spend: `stock` at most, refilled at `share` seconds a second."""

    def __init__(self, stock: float, share: float, clients: int = 10_000) -> None:
        self.stock, self.share, self.clients = stock, share, clients
        self._spent: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def debt(self, client: str, now: float) -> float:
        """Return the seconds until the client may ask again; 0 when it may."""
        spent = self._left(client, now) - self.stock
        return max(0.0, spent / self.share) if self.stock else 0.0

    def spend(self, client: str, seconds: float, now: float) -> None:
        """Note that the client's query took `seconds`. The longest silent client is forgotten when there are too many."""
        with self._lock:
            spent = self._left(client, now) + seconds
            self._spent.pop(client, None)
            self._spent[client] = (spent, now)
            if len(self._spent) > self.clients:
                del self._spent[next(iter(self._spent))]

    def _left(self, client: str, now: float) -> float:
        spent, since = self._spent.get(client, (0.0, now))
        return max(0.0, spent - (now - since) * self.share)
