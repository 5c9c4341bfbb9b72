"""Processes beside the build that read what it has written so far and work on parts of it; they write nothing, and end when it ends."""

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path
from typing import IO, Any, Self, TypeVar

import orjson

from publisher.concepts import Concepts, concepts
from publisher.errors import PublisherError, Unreachable
from publisher.journal.reader import Reader, readable
from publisher.journal.serving import Written
from publisher.record import parts

FEW = 12  # tasks that are done before processes would have started
AHEAD = 2  # tasks that wait at each process, so that none ever waits for us
START = "from publisher.pipeline.hands import serve; serve()"
Task = TypeVar("Task")
Answer = TypeVar("Answer")


class Desk:
    """What one process has before it: the records as the build has written them, and, when that is finished, the release's reader."""

    def __init__(self, home: Path, number: int) -> None:
        self.home, self.number = home, number
        self._read = lru_cache(2000)(self._owner)

    @cached_property
    def written(self) -> Written:
        return Written(self.home)

    @cached_property
    def reader(self) -> Reader:
        return readable(self.home, self.number)

    @cached_property
    def known(self) -> Concepts:
        return concepts(self.reader.base)

    def _owner(self, seq: int) -> dict[str, dict[str, Any]]:
        obj = orjson.loads(self.written.json(seq))
        return {obj["id"]: obj, **{part["id"]: part for _, part in parts(obj)}}

    def __call__(self, iri: str) -> dict[str, Any] | None:
        """Return a record or part; None for the unknown."""
        found = self.written.holder(iri)
        return self._read(found[1]).get(iri) if found else None

    def held_elsewhere(self, owner: str) -> list[str]:
        """Return the parts of a record that an earlier record describes as well."""
        return self.written.held_elsewhere(owner)

    def close(self) -> None:
        for name in ("written", "reader"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()


class Hands:
    """A desk of our own and, once there is enough to do, one for each processor in a process of its own. Use as a context manager."""

    def __init__(self, home: Path, number: int, count: int = 0) -> None:
        self.desk, self.count = Desk(home, number), count or os.cpu_count() or 1
        self._beside: list[_Beside] = []
        self._next = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.desk.close()
        for one in self._beside:
            one.end()

    def map(self, work: Callable[[Desk, Task], Answer], tasks: Iterable[Task]) -> Iterator[Answer]:
        """Yield work(desk, task) of each task in order. Task and answer are pickled, `work` is a function of a module."""
        waiting = iter(tasks)
        first = list(islice(waiting, FEW))
        if self.count < 2 or (len(first) < FEW and not self._beside):
            yield from (work(self.desk, task) for several in (first, waiting) for task in several)
            return
        asked: deque[Callable[[], Answer]] = deque()
        for several in (first, waiting):
            for task in several:
                asked.append(self.ask(work, task))
                if len(asked) > AHEAD * self.count:
                    yield asked.popleft()()
        while asked:
            yield asked.popleft()()

    def ask(self, work: Callable[[Desk, Task], Answer], task: Task) -> Callable[[], Answer]:
        """Let a process begin with one task and return what gives the answer."""
        if not self._beside:
            self._beside = [_Beside(self.desk.home, self.desk.number) for _ in range(self.count)]
        self._next += 1
        one = self._beside[self._next % self.count]
        ticket = one.ask(work, task)
        return lambda: one.answer(ticket)

    def soon(self, work: Callable[[Desk, Task], Answer], task: Task) -> Callable[[], Answer]:
        """Like `ask` where processes have been started; else it is done when the answer is wanted."""
        return self.ask(work, task) if self._beside else lambda: work(self.desk, task)


class _Beside:
    """One process. Answers come in the order of the questions; those that nobody fetched yet are kept."""

    def __init__(self, home: Path, number: int) -> None:
        environ = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        # In a group of its own: a Ctrl-C at the terminal is for the build, whose end is the end of this one's input.
        self.process = subprocess.Popen(
            [sys.executable, "-c", START], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, process_group=0
        )
        self.asked = self.given = 0
        self.kept: dict[int, Any] = {}
        self._send((home, number))

    def _send(self, what: Any) -> None:
        assert self.process.stdin is not None
        pickle.dump(what, self.process.stdin, pickle.HIGHEST_PROTOCOL)
        self.process.stdin.flush()

    def ask(self, work: Callable[[Desk, Any], Any], task: Any) -> int:
        self._send((work, task))
        self.asked += 1
        return self.asked

    def answer(self, ticket: int) -> Any:
        while self.given < ticket:
            self.given += 1
            self.kept[self.given] = _received(self.process.stdout)
        found = self.kept.pop(ticket)
        if isinstance(found, PublisherError):
            raise found
        return found

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                with suppress(BrokenPipeError):
                    pipe.close()


def _received(pipe: IO[bytes] | None) -> Any:
    assert pipe is not None
    try:
        return pickle.load(pipe)  # noqa: S301 - from a process of ours
    except EOFError as error:
        raise Unreachable("build", "a process beside it", "it ended; publisher build goes on where this one was") from error


def serve() -> None:
    """Answer the tasks that stand in the standard input until it ends."""
    asked, told = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not print among the answers
    desk = Desk(*pickle.load(asked))  # noqa: S301 - from the build
    with suppress(EOFError, BrokenPipeError):
        while True:
            work, task = pickle.load(asked)  # noqa: S301
            try:
                answer = work(desk, task)
            except PublisherError as error:
                answer = PublisherError(str(error))
            pickle.dump(answer, told, pickle.HIGHEST_PROTOCOL)
            told.flush()
    desk.close()
