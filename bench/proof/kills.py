"""Kills at commit points: the process kills itself before and after the Nth of them, or strace kills it at the Nth system call."""

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from bench.proof import Row
from bench.proof.instance import (
    DAYS,
    FORGOTTEN,
    KILLED,
    MOVED,
    Ran,
    State,
    command,
    copied,
    first_day,
    forked,
    harvest,
    second_day,
    state,
    whole,
    written,
)

# What gives files their names or their safety: between two of these a kill finds the same disk.
CALLS = ("replace", "rename", "link", "symlink", "unlink", "rmdir", "mkdir", "fsync")
# System call -> every how manieth: of what names and saves each, of what only fills or clears some.
SYSTEM_CALLS = {"fsync": 1, "fdatasync": 1, "rename": 1, "link": 1, "symlink": 1, "unlink": 2, "unlinkat": 5, "ftruncate": 3, "pwrite64": 7}
SHORT = {"harvest": 3, "build, incremental": 2, "rollback": 2, "forget": 1}
WRITES = ("insert", "update", "delete", "commit", "vacuum", "pragma wal_checkpoint", "create")


class Act(NamedTuple):
    """One command that is killed: the instance of `prepared` on which it begins, and the day on which it runs."""

    name: str
    start: str
    arguments: tuple[str, ...]
    day: int


def at_points(act: Callable[[int], None]) -> Callable[[], None]:
    """Return what is to be called first in a process: from then on `act` is told of each commit point, by its number."""

    def install() -> None:
        numbers = count(1)

        def point() -> None:
            act(next(numbers))

        for name in CALLS:
            setattr(os, name, _around(getattr(os, name), point))
        sqlite3.connect = _connect(point)  # type: ignore[assignment]

    return install


def count_down(at: int) -> Callable[[], None]:
    """Return what is to be called first in a process that is to kill itself at its Nth commit point."""
    return at_points(lambda number: os.kill(os.getpid(), signal.SIGKILL) if number == at else None)


def _around(call: Callable[..., Any], point: Callable[[], None]) -> Callable[..., Any]:
    @wraps(call)
    def called(*arguments: Any, **named: Any) -> Any:
        point()
        made = call(*arguments, **named)
        point()
        return made

    return called


def _connect(point: Callable[[], None]) -> Callable[..., sqlite3.Connection]:
    class Counting(sqlite3.Connection):
        def execute(self, sql: str, *more: Any) -> sqlite3.Cursor:
            commits = sql.lstrip().startswith(WRITES) and (sql == "commit" or not self.in_transaction)
            if commits:
                point()
            made = super().execute(sql, *more)
            if commits:
                point()
            return made

    connect = sqlite3.connect

    def connected(*arguments: Any, **named: Any) -> sqlite3.Connection:
        return connect(*arguments, **named, factory=Counting)

    return connected


def prepared(folder: Path) -> dict[str, Path]:
    """Make the instances on which acts begin: empty, harvested, built, harvested again, built again; sources day1 and day2."""
    made = {"day1": written(folder / "day1", first_day()), "day2": folder / "day2", "source": folder / "source"}
    written(made["day2"], second_day())
    now = folder / "home"
    now.mkdir()
    steps: tuple[tuple[str, tuple[str, ...], int], ...] = (
        ("empty", (), 0),
        ("harvested", harvest(made["source"]), 0),
        ("built", ("build",), 0),
        ("changed", harvest(made["source"]), 1),
        ("two", ("build",), 1),
    )
    for name, arguments, day in steps:
        shutil.rmtree(made["source"], ignore_errors=True)
        shutil.copytree(made["day2" if day else "day1"], made["source"])
        if arguments:
            ran = command(now, *arguments, at=DAYS[day])
            assert ran.code == 0, ran.said
        made[name] = copied(now, folder / name)
    return made


ACTS = (
    Act("harvest", "built", ("harvest",), 1),
    Act("build, first", "harvested", ("build",), 0),
    Act("build, incremental", "changed", ("build",), 1),
    Act("build, full", "two", ("build", "--full"), 2),
    Act("rollback", "two", ("rollback",), 2),
    Act("forget", "two", ("forget", FORGOTTEN), 2),
    Act("rebase", "two", ("build", "--rebase", MOVED), 2),
    Act("dump", "two", ("dump", "nquads"), 2),
)


class Trial:
    """One command on one instance: run undisturbed once, then killed in copies, each checked and gone on with."""

    def __init__(self, folder: Path, made: dict[str, Path], act: Act) -> None:
        self.name, self.start, self.day = act.name, made[act.start], act.day
        self.folder, self.home, self.ended_well = folder, folder / "trial", False
        self.arguments = harvest(made["source"]) if act.name == "harvest" else act.arguments
        if act.name == "dump":
            self.arguments += ("--output", str(folder / "dump.nq"))
        self.before: State = forked(lambda: state(self.start)).told
        seen = folder / "points"
        ran = self.run(first=at_points(lambda number: seen.write_text(str(number)) and None))
        assert ran.code == 0, ran.said
        self.points = int(seen.read_text())  # how many commit points the command has
        self.after: State = forked(lambda: state(self.home)).told
        self.output = (folder / "dump.nq").read_bytes() if act.name == "dump" else b""

    def clean(self) -> None:
        copied(self.start, self.home)
        (self.folder / "dump.nq").unlink(missing_ok=True)

    def judged(self) -> list[str]:
        """Return what was wrong after a kill, and after the same command was run again."""
        seen = forked(lambda: (whole(self.home), state(self.home, erasing=self.name == "forget")))
        if seen.told is None:
            return [f"after the kill: {seen.said.strip().splitlines()[-1]}"]
        wrong, now = seen.told
        if now.dump not in ("", self.before.dump, self.after.dump) and self.name != "forget":  # what is erased is gone at once
            wrong.append("serves what was in no whole release")
        if self.name == "dump" and (self.folder / "dump.nq").exists() and (self.folder / "dump.nq").read_bytes() != self.output:
            wrong.append("a dump that is not whole has its name")
        if self.name == "rollback" and now.release != self.before.release:
            return wrong  # done; once more would go back further
        again = command(self.home, *self.arguments, at=DAYS[self.day])
        if again.code:
            return [*wrong, f"again: exit code {again.code}: {again.said.strip().splitlines()[-1]}"]
        seen = forked(lambda: (whole(self.home), state(self.home)))
        if seen.told is None:
            return [*wrong, f"after the same command: {seen.said.strip().splitlines()[-1]}"]
        wrong += [f"after the same command: {one}" for one in seen.told[0]]
        for key in ("journal", "dump", "store"):
            if getattr(seen.told[1], key) != getattr(self.after, key):
                wrong.append(f"after the same command: {key} differs from the undisturbed one's")
        left = [*self.home.glob(".current*"), *self.home.glob("releases/*.*"), *self.folder.glob("*.part")]
        return wrong + [f"left behind: {path.name}" for path in left]

    def run(self, *, first: Callable[[], Any] = lambda: None, traced: tuple[str, ...] = ()) -> Ran:
        """Run the command on a fresh copy."""
        self.clean()
        return command(self.home, *self.arguments, at=DAYS[self.day], first=first, traced=traced)


def killed(trial: Trial, chosen: Iterable[int], options: Callable[[int], dict[str, Any]]) -> tuple[int, dict[int, list[str]]]:
    """Kill a command at each of these points until it outlives one; return how often it was killed, and what was wrong where."""
    times, wrong = 0, {}
    for at in chosen:
        if trial.run(**options(at)).code != KILLED:
            break
        times += 1
        if found := trial.judged():
            wrong[at] = found
    return times, wrong


def told(wrong: Mapping[Any, list[str]], otherwise: str) -> str:
    """Return the first faults in words."""
    return "; ".join(f"at {at}: {', '.join(found)}" for at, found in list(wrong.items())[:3]) or otherwise


def rows(folder: Path, made: dict[str, Path], short: bool, only: str = "") -> Iterator[Row]:
    """Yield a row a command: killed at each of its commit points, or at a few of them; and one for strace's kills at system calls."""
    random = Random(20211117)
    for act in (one for one in ACTS if only in one.name and (one.name in SHORT or not short)):
        trial = Trial(folder, made, act)
        all_ = trial.points
        chosen = sorted(random.sample(range(1, all_ + 1), SHORT[act.name])) if short else range(1, all_ + 1)
        times, wrong = killed(trial, chosen, lambda at: {"first": count_down(at)})
        assert times == len(chosen), f"{act.name}: ended before point {chosen[times]}"
        yield Row(f"kill -9 at commit points, {act.name}", times, len(wrong), told(wrong, f"{times} of {all_} points: same result"))
        if shutil.which("strace") and not short:
            times, wrong = 0, {}
            for call, step in SYSTEM_CALLS.items():
                more, found = killed(
                    trial, range(1, 10_000, step), lambda at, call=call: {"traced": (f"inject={call}:signal=KILL:when={at}",)}
                )
                times, wrong = times + more, wrong | {f"{call} {at}": one for at, one in found.items()}
            yield Row(f"kill -9 at system calls, {act.name}", times, len(wrong), told(wrong, "each until it ended: same result"))
