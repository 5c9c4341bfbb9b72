"""Several sources side by side: hosts in parallel, each asked by one request at a time, all writing to one journal in turns."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Self
from urllib.parse import urlsplit

from publisher.config import Settings, Source
from publisher.fetch import SYSTEM_CLOCK, Clock, Fetch, Pace
from publisher.journal import Journal
from publisher.pipeline.harvest import Outcome, Progress, harvest

MOST = 8  # hosts asked at the same time; each walk remembers the ids it met, so this bounds memory
TICK = 200


class _Turns:
    """Who may use the journal and the processor: one walk at a time, never one that waits for its server."""

    def __init__(self) -> None:
        self.lock, self.stop = threading.Lock(), threading.Event()
        self.wrong: list[BaseException] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        """Keep what ended a walk for the thread that waits for all of them, and let the others stop."""
        if error:
            self.wrong.append(error)
            self.stop.set()
        return True

    @contextmanager
    def idle(self) -> Iterator[None]:
        """Let the others go on while the block runs. Raises KeyboardInterrupt if all are to stop."""
        self.lock.release()
        try:
            yield
        finally:
            self.lock.acquire()
        if self.stop.is_set():
            raise KeyboardInterrupt

    def sleep(self, seconds: float) -> None:
        if self.stop.wait(seconds):
            raise KeyboardInterrupt


class Errand:
    """What is asked of every harvest of one command. prune: days, in place of the sources' own; `at` gives the time, RFC 3339."""

    def __init__(
        self, settings: Settings, at: Callable[[], str], *, replay: bool = False, force: bool = False, prune: float | None = None
    ) -> None:
        self.settings, self.at, self.replay, self.force, self.prune = settings, at, replay, force, prune

    def one(self, journal: Journal, source: Source, fetch: Fetch, progress: Progress) -> Outcome:
        """Harvest one source, then drop the pages that no walk has read for long."""
        outcome = harvest(journal, source, fetch, self.at(), settings=self.settings, progress=progress, force=self.force)
        if outcome.whole and not self.replay:
            fetch.prune(max(source.pages_kept_days, source.full_every_days) if self.prune is None else self.prune)
        return outcome


def harvests(journal: Journal, chosen: Sequence[Source], errand: Errand, progress: Progress) -> list[Outcome]:
    """Harvest the sources and return what happened, in their order; those of one host come one after the other.

    Whatever ends one walk in an unexpected way (^C, a full disk) ends them all and is raised; the same command goes on from there.
    """
    hosts = list(_by_host(chosen).values())
    if len(hosts) == 1 or errand.replay:
        pace = Pace()
        outcomes = []
        for source in chosen:
            with Fetch(source, errand.settings.home, replay=errand.replay, pace=pace) as fetch:
                outcomes.append(errand.one(journal, source, fetch, progress))
        return outcomes
    done = _together(journal, hosts, errand, progress)
    return [done[at] for at in range(len(chosen))]


def _by_host(chosen: Sequence[Source]) -> dict[str, list[tuple[int, Source]]]:
    found: dict[str, list[tuple[int, Source]]] = {}
    for at, source in enumerate(chosen):
        found.setdefault(urlsplit(source.url).netloc, []).append((at, source))
    return found


def _together(journal: Journal, hosts: list[list[tuple[int, Source]]], errand: Errand, progress: Progress) -> dict[int, Outcome]:
    turns, todo = _Turns(), deque(hosts)
    done: dict[int, Outcome] = {}
    clock = Clock(SYSTEM_CLOCK.now, turns.sleep)
    pace = Pace(clock)

    def step(name: str, count: int) -> None:
        progress(name, count)
        if count % TICK == 0:
            with turns.idle():
                pass

    def work() -> None:
        with turns.lock, turns:
            while todo and not turns.stop.is_set():
                for at, source in todo.popleft():
                    with Fetch(source, errand.settings.home, clock=clock, pace=pace, idle=turns.idle) as fetch:
                        done[at] = errand.one(journal, source, fetch, step)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(MOST, len(hosts)))]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)
    except KeyboardInterrupt:
        turns.stop.set()
        turns.lock.acquire()  # from here on nobody writes; a thread that waits for its server ends with the process
        raise
    for error in sorted(turns.wrong, key=lambda error: isinstance(error, KeyboardInterrupt)):
        raise error
    return done
