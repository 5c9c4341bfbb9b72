"""A pool of killable query processes on a release: each query ends in time, whole, or with the name of the limit it met."""

import io
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

import orjson

from publisher.errors import LimitMet, Misconfigured, QueryRefused
from publisher.store.engine import Address, Engine
from publisher.store.gate import Query
from publisher.store.limits import Limits, met
from publisher.store.plan import MOST, planned
from publisher.store.remote import Publication, answered, publication
from publisher.store.worker import BROKEN, DONE, FAILED, FILED, HEAD, LOWEST, MALFORMED, MET, READ, SIZE, stand_back

WORKER = Path(__file__).with_name("worker.py")
TICK_MS = 100  # a query of half a minute is looked after 300 times, each in a turn of a web process
STARTING_SECONDS = 30.0
DYING_SECONDS = 1.0  # that who asked waits for the death of a process; it gives a gigabyte back, at the lowest priority
LONG = 0.25  # seconds of processor after which a query goes behind all others
PAGE_SIZE = os.sysconf("SC_PAGE_SIZE")
ONE_FILE = socket.CMSG_LEN(4)
# glibc reserves address space for each thread that allocates; the limit of memory is one of address space. An engine that plans and
# runs a query allocates ten thousand small pieces and frees them again: those stay at hand, and so do 16 MB of what it gave back.
MALLOC = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": str(16 << 20),
    "MALLOC_MMAP_THRESHOLD_": str(4 << 20),
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=127:glibc.malloc.mxfast=0",
}
REFUSED = {
    MALFORMED: "Die Abfrage ist kein gültiges SPARQL 1.1 / Not a well-formed SPARQL 1.1 query",
    FAILED: "Die Abfrage lässt sich nicht auswerten / The query cannot be evaluated",
}


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


class Worker:
    """A query process on one release. Whoever asks waits for the whole answer; whatever goes wrong ends the process."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path, self.limits, self.sealed = path, limits, False
        self._channel, theirs = socket.socketpair()
        command = [sys.executable, "-P", str(WORKER), str(path), str(theirs.fileno()), str(limits.memory)]
        environ, nowhere = os.environ | MALLOC, subprocess.DEVNULL
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=nowhere, stderr=nowhere, env=environ)
        theirs.close()
        self._started = False
        self._poll = select.poll()
        self._poll.register(self._channel, select.POLLIN)

    def start(self) -> None:
        """Wait until the release is open. Raises Misconfigured if it cannot be opened."""
        if not self._started:
            try:
                self.sealed = self._read(time.monotonic() + STARTING_SECONDS)[1].size > 0
            except LimitMet as error:
                raise Misconfigured(f"{self.path}: expected a release's store that a query process can open") from error
            self._started = True

    def ask(self, job: Job) -> Answer:
        """Return the answer as the job's media type. Raises LimitMet, or QueryRefused (400) for what the engine cannot parse."""
        self.start()
        limits = self.limits
        asked = {"query": job.query.text, "dataset": job.query.dataset, "type": job.media_type, "base": job.base}
        asked |= {"default": job.default_graphs, "named": job.named_graphs, "rows": limits.rows, "bytes": limits.bytes}
        # The counts are of all graphs together, and the engine's own planner serves a dataset of some.
        if not (job.query.dataset or job.default_graphs or job.named_graphs) and (plan := planned(job.query.text)):
            asked["plan"] = plan._asdict() | {"most": MOST}
        text = orjson.dumps(asked)
        try:
            self._channel.sendall(SIZE.pack(len(text)) + text)
        except OSError as error:
            raise self._ended() from error
        kind, answer = self._read(time.monotonic() + limits.seconds)
        if kind in (DONE, FILED):
            return answer
        sentence = answer.body.read().decode()
        if kind == MET:
            raise met(sentence, limits)
        if kind == BROKEN:
            self.close()
            raise Misconfigured(f"{self.path}: expected a store that can be read: {sentence}")
        raise QueryRefused(f"{REFUSED[kind]}: {sentence}")

    def _read(self, deadline: float) -> tuple[int, Answer]:
        """Return the kind of the one message that answers a job, and what it holds."""
        data, ancillary = self._part(deadline)
        kind, milliseconds, size = HEAD.unpack_from(data)
        if kind == FILED:
            [(_, _, descriptor)] = ancillary
            spooled = os.fdopen(int.from_bytes(descriptor[:4], sys.byteorder), "rb")
            spooled.seek(0)  # it stands where the worker stopped writing
            return kind, Answer(spooled, size, milliseconds)
        parts, missing = [data[HEAD.size :]], size + HEAD.size - len(data)
        while missing:
            parts.append(self._part(deadline)[0])
            missing -= len(parts[-1])
        return kind, Answer(io.BytesIO(b"".join(parts)), size, milliseconds)

    def _part(self, deadline: float) -> tuple[bytes, list[tuple[int, int, bytes]]]:
        self._wait(deadline)
        try:
            # The worker writes a message's head at once, so the first part holds it whole; a descriptor comes with it.
            data, ancillary, _, _ = self._channel.recvmsg(READ, ONE_FILE)
        except OSError as error:
            raise self._ended() from error
        if not data:
            raise self._ended()
        return data, ancillary

    def _wait(self, deadline: float) -> None:
        begin, last = 0.0, False
        while not self._poll.poll(TICK_MS):
            used = _used(self._process.pid)
            begin = begin or used
            if self._started and not last and used - begin > LONG:
                last = True
                _last_of_all(self._process.pid)
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
        """Whether the process still runs: it holds its end of the channel as long as it does."""
        return not self.ended and not any(events & select.POLLHUP for _, events in self._poll.poll(0))

    @property
    def ended(self) -> bool:
        """Whether it was closed."""
        return self._channel.fileno() < 0

    def close(self) -> None:
        """Kill the process and reap it; one that a busy machine lets die slowly Python reaps when the next is started."""
        self._channel.close()
        self._process.kill()  # nothing happens if it has ended
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(DYING_SECONDS)


def _last_of_all(pid: int) -> None:
    """Let what a process works on take what others leave: documents and short queries first.

    Its first thread is spared: it works on nothing, and starts the one for the next query.
    """
    if sys.platform == "linux":
        for task in Path(f"/proc/{pid}/task").glob("[0-9]*"):
            if task.name != str(pid):
                with suppress(OSError):  # it has just ended
                    stand_back(int(task.name), LOWEST)


def _used(pid: int) -> float:
    """Return the seconds of processor that a process of ours, not reaped yet, has used."""
    return time.clock_gettime(~pid << 3 | 2) if sys.platform == "linux" else time.monotonic()  # clock_getcpuclockid(3)


def resident(pid: int) -> int:
    """Return the bytes of memory a process holds; 0 where the system does not tell."""
    try:
        with open(f"/proc/{pid}/statm", "rb", buffering=0) as told:  # noqa: PTH123 - a Path takes longer than the reading
            return int(told.read().split()[1]) * PAGE_SIZE
    except OSError:
        return 0


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
        if elsewhere := _publication(path):
            return self._remote(elsewhere, job)
        worker = self._worker(path)
        try:
            return worker.ask(job)
        finally:
            if worker.ended:
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
        chosen = job.default_graphs or job.named_graphs
        graphs, named = (job.default_graphs, job.named_graphs) if chosen else (elsewhere.graphs, elsewhere.graphs)
        out = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=1 << 20))  # noqa: SIM115
        try:
            within = {"named": named, "seconds": limits.seconds, "size": limits.bytes}
            answered(engine, job.query, job.media_type, out, graphs=graphs, **within)
        except LimitMet as limit:
            raise met(limit.limit, limits) from limit
        size = out.tell()
        out.seek(0)
        return Answer(out, size, round((time.monotonic() - begin) * 1000, 2))

    def warm(self, path: Path) -> None:
        """Start the workers for a release, so that no query waits for one."""
        if not _publication(path):
            fresh = [Worker(path, self.limits) for _ in range(self.limits.workers)]
            with self._lock:
                self._idle += fresh

    def _worker(self, path: Path) -> Worker:
        """Return an idle worker on a release; all that stand on another are changed for new ones at the first query after a switch."""
        with self._lock:
            stale = [worker for worker in self._idle if worker.path is not path and worker.path != path or not worker.alive]
            if stale:
                self._idle = [worker for worker in self._idle if worker not in stale] + [Worker(path, self.limits) for _ in stale]
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


@lru_cache(16)
def _publication(path: Path) -> Publication | None:
    return publication(path)
