"""One query process: opens a finished release, gives up the network for good, and answers queries until it is told or made to stop.

Run as a file, not as a module: it knows nothing but pyoxigraph, so that a killed one is replaced within a tenth of a second.
"""

import ctypes
import errno
import gc
import json
import os
import platform
import resource
import socket
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, NoReturn, cast

import pyoxigraph as ox

LONG_TURN, SHORT_TURN = 30_000_000, 100_000  # nanoseconds; the least and, but for a third, the most that Linux grants
LOWEST = 19
LOOKUP = 3.0  # a seek in the index costs some five times as much as reading a triple and hashing it: five for sure would be too sure
SIZES: dict[str, int] = {}  # what a release holds does not change
INLINE = 512 * 1024
# What leads each message to the parent: its kind, the milliseconds the query took, and the length of the answer or sentence.
# A FILED answer is not in the message but in the file whose descriptor comes with it.
HEAD = struct.Struct("!BdQ")
READY, DONE, FILED, MET, MALFORMED, FAILED, BROKEN = range(7)
SIZE = struct.Struct("!I")
READ = 1 << 16

# seccomp: (audit architecture, socket(2), io_uring_setup(2)); a filter for any other machine is not known to us.
MACHINES = {"x86_64": (0xC000003E, 41, 425), "aarch64": (0xC00000B7, 198, 425)}
ALLOW, DENY, KILL = 0x7FFF0000, 0x00050000 | 1, 0x80000000  # allow, fail with EPERM, kill the process
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06


def no_network() -> bool:
    """Deny this process every socket but UNIX ones, for ever; False where the system has no seccomp filter we can write."""
    if sys.platform != "linux" or platform.machine() not in MACHINES:
        return False
    arch, socket_call, uring_call = MACHINES[platform.machine()]
    program = (
        (LOAD, 0, 0, 4),  # architecture: a foreign one has other numbers
        (EQUAL, 1, 0, arch),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, 0),  # number of the call
        (AT_LEAST, 5, 0, 0x40000000),  # x32 calls
        (EQUAL, 4, 0, uring_call),  # a ring opens sockets without socket(2)
        (EQUAL, 0, 2, socket_call),
        (LOAD, 0, 0, 16),  # first argument: address family
        (EQUAL, 0, 1, socket.AF_UNIX),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, DENY),
    )
    code = b"".join(struct.pack("HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code)
    head = ctypes.create_string_buffer(struct.pack("HP", len(program), ctypes.addressof(buffer)))
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, set_seccomp, filter_mode = 38, 22, 2
    return not (libc.prctl(no_new_privileges, 1, 0, 0, 0) or libc.prctl(set_seccomp, filter_mode, head, 0, 0))


def take_turns(nanoseconds: int) -> None:
    """Let this thread, and those that it starts, run in turns so long: who wakes with a short one may interrupt who runs in a longer.

    Nobody's share of the processor changes, but documents, short as they are, go before queries. Linux 6.12 and later; an older
    one goes on as it was.
    """
    call = {"x86_64": 314, "aarch64": 274}.get(platform.machine())  # sched_setattr(2)
    if sys.platform == "linux" and call:
        attributes = struct.pack("IIQiIQQQ", 48, os.SCHED_OTHER, 0, os.getpriority(os.PRIO_PROCESS, 0), 0, nanoseconds, 0, 0)
        ctypes.CDLL(None).syscall(call, 0, attributes, 0)


def stand_back(task: int, nice: int) -> None:
    """Give a task (0: the calling thread) a low priority, and leave one processor, the first of those it may use, to others.

    Low priority is not enough: Linux lets who wakes up wait for the end of a clock tick (4 ms) if it has just run, however low the
    other is; SCHED_IDLE is worse, for a processor that runs such a task counts as free and is chosen. Raises OSError.
    """
    os.setpriority(os.PRIO_PROCESS, task, nice)
    if sys.platform == "linux":
        processors = os.sched_getaffinity(task)
        if len(processors) > 1:
            os.sched_setaffinity(task, processors - {min(processors)})


class Met(Exception):
    """A limit was met; the text is its name."""


class Spool:
    """Where an answer is written: memory first, an unnamed file beyond INLINE bytes, nothing beyond the limits."""

    def __init__(self, max_bytes: int, max_rows: int, rows_in: Callable[[bytes], int]) -> None:
        self.size, self.rows = 0, 0
        self.max_bytes, self.max_rows, self.rows_in = max_bytes, max_rows, rows_in
        self.parts: list[bytes] = []
        self.file: IO[bytes] | None = None

    def write(self, data: bytes) -> int:
        """Take the next bytes. Raises Met("bytes") or Met("rows")."""
        self.size += len(data)
        self.rows += self.rows_in(data)
        if self.size > self.max_bytes:
            raise Met("bytes")
        if self.rows > self.max_rows:
            raise Met("rows")
        if self.file is None and self.size > INLINE:
            self.file = tempfile.TemporaryFile(buffering=INLINE)  # noqa: SIM115
            self.file.writelines(self.parts)
            self.parts.clear()
        if self.file is None:
            self.parts.append(bytes(data))
        else:
            self.file.write(data)
        return len(data)

    def flush(self) -> None:
        """Nothing to do: who reads waits for the end."""


def lines_outside_quotes() -> Callable[[bytes], int]:
    """Return a counter of CSV rows: line ends outside quotes, however the text is cut."""
    inside = False

    def count(data: bytes) -> int:
        nonlocal inside
        pieces = bytes(data).split(b'"')
        found = sum(piece.count(b"\n") for piece in pieces[int(inside) :: 2])
        inside ^= len(pieces) % 2 == 0
        return found

    return count


def occurrences(mark: bytes) -> Callable[[bytes], int]:
    """Return a counter of `mark` in a text cut anywhere."""
    tail = b""

    def count(data: bytes) -> int:
        nonlocal tail
        text = tail + bytes(data)
        tail = text[-(len(mark) - 1) :] if len(mark) > 1 else b""
        return text.count(mark)

    return count


# What stands once for each row and can never stand inside a value, because values are escaped; and where the count begins:
# a table has a header line, and in JSON the mark stands between rows.
ROWS: dict[str, tuple[int, Callable[[], Callable[[bytes], int]]]] = {
    "application/sparql-results+json": (1, lambda: occurrences(b'}},{"')),
    "application/sparql-results+xml": (0, lambda: occurrences(b"<result>")),
    "text/csv": (-1, lines_outside_quotes),
    "text/tab-separated-values": (-1, lambda: occurrences(b"\n")),
    "application/n-triples": (0, lambda: occurrences(b"\n")),
    "application/n-quads": (0, lambda: occurrences(b"\n")),
}


def answer(store: ox.Store, job: dict[str, Any]) -> tuple[int, str | Spool]:
    """Return what became of a query: DONE and its answer, or another kind and the name of the limit or the engine's sentence."""
    first, count = ROWS.get(job["type"], (0, lambda: lambda _: 0))
    spool = Spool(job["bytes"], job["rows"] - first, count())
    try:
        # One thread creates, reads and drops the results: pyoxigraph aborts the process otherwise.
        found = asked(store, job)
        formats = ox.RdfFormat if isinstance(found, ox.QueryTriples) else ox.QueryResultsFormat
        found.serialize(cast(IO[bytes], spool), formats.from_media_type(job["type"]))
        del found
    except SyntaxError as error:
        return MALFORMED, str(error)
    except Met as error:
        return MET, str(error)
    except MemoryError:
        return MET, "memory"
    except OSError as error:
        # No room for the spool means that the answer was too large for us.
        return (MET, "bytes") if error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT) else (BROKEN, str(error))
    except (RuntimeError, ValueError) as error:
        return FAILED, str(error)
    return DONE, spool


def asked(store: ox.Store, job: dict[str, Any]) -> Any:
    """Return the engine's results of a query, by its plan where that pays."""
    plan = job.get("plan")
    if plan and worth(store, job, plan):
        with suppress(SyntaxError):  # the sentence that says so shall quote the query as it was asked
            return store.query(plan["text"], base_iri=job["base"], use_default_graph_as_union=True)
    return store.query(job["query"], base_iri=job["base"], **dataset(job))


def worth(store: ox.Store, job: dict[str, Any], plan: dict[str, Any]) -> bool:
    """Tell whether reading all that the patterns match is less work than looking up each match of the smallest in the others."""
    sizes = []
    for text in plan["counts"]:
        if text not in SIZES:
            if len(SIZES) > 1000:
                SIZES.clear()
            [row] = cast(ox.QuerySolutions, store.query(text, base_iri=job["base"], use_default_graph_as_union=True))
            SIZES[text] = int(cast(ox.Literal, row["n"]).value)
        sizes.append(SIZES[text])
        if sizes[-1] >= plan["most"]:
            return False
    return min(sizes) * LOOKUP * (len(sizes) - 1) > sum(sizes) - min(sizes)


def dataset(job: dict[str, Any]) -> dict[str, Any]:
    """Return pyoxigraph's arguments for the dataset: what the request names, else what the query names, else the union."""
    if job["default"] or job["named"]:
        return {
            "default_graph": [ox.NamedNode(iri) for iri in job["default"]],
            "named_graphs": [ox.NamedNode(iri) for iri in job["named"]],
        }
    return {"use_default_graph_as_union": not job["dataset"]}


def send(channel: socket.socket, kind: int, found: str | Spool, milliseconds: float) -> None:
    """Send one message: the kind and the sentence or the answer, or the descriptor of the file that holds it."""
    if isinstance(found, str):
        text = found.encode()
        channel.sendall(HEAD.pack(kind, milliseconds, len(text)) + text)
    elif found.file:
        found.file.flush()
        socket.send_fds(channel, [HEAD.pack(FILED, milliseconds, found.size)], [found.file.fileno()])
        found.file.close()
    else:
        channel.sendall(b"".join((HEAD.pack(kind, milliseconds, found.size), *found.parts)))


def received(channel: socket.socket) -> dict[str, Any]:
    """Return the next job; the process ends when the other side has gone."""
    data = b""
    while len(data) < SIZE.size or len(data) < SIZE.size + SIZE.unpack_from(data)[0]:
        part = channel.recv(READ)
        if not part:
            os._exit(0)
        data += part
    job: dict[str, Any] = json.loads(data[SIZE.size :])
    return job


def watch(parent: int) -> NoReturn:
    """End this process, whatever query it runs, once its parent has gone."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


def serve(store: ox.Store, channel: socket.socket) -> None:
    """Answer jobs, until this thread was put behind all others for what one of them took: it has no right to come back, a new one has."""
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    while os.getpriority(os.PRIO_PROCESS, 0) == usual:
        job = received(channel)
        begin = time.perf_counter()
        kind, found = answer(store, job)
        send(channel, kind, found, (time.perf_counter() - begin) * 1000)
        del found  # a large answer's memory, before the next job comes


def main() -> None:
    """Serve queries on the release `argv[1]` over the socket `argv[2]`, within `argv[3]` bytes of memory."""
    path, descriptor, memory = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    channel = socket.socket(fileno=descriptor)
    sealed = no_network()  # first of all: threads inherit it
    take_turns(LONG_TURN)
    threading.Thread(target=watch, args=(os.getppid(),), daemon=True).start()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    store = ox.Store.read_only(path)
    if sys.platform == "linux":
        # Address space, not use: what stacks and arenas have reserved by now comes on top.
        own = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (own + memory + (256 << 20),) * 2)
    gc.disable()  # nothing here makes cycles, and a collection would only make a query wait
    threading.excepthook = lambda _: os._exit(1)
    send(channel, READY, "sealed" if sealed else "", 0.0)
    while True:
        turn = threading.Thread(target=serve, args=(store, channel))
        turn.start()
        turn.join()


if __name__ == "__main__":
    main()
