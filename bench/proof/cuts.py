"""Power cuts: a real harvest's writes, as strace saw them, are played back up to a moment; of what was not yet synced some is lost.

What a disk promises is kept: whatever was written to a file before its fsync is there. Of later writes any may be there, whole, in
half or not at all, in any order. Every state is then opened by the product.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from bench.proof import Row
from bench.proof.instance import DAYS, command, copied, forked, harvest, second_day, written
from bench.proof.kills import told
from publisher.journal import Journal, salvage

SECTOR = 512
CALL = re.compile(r"(pwrite64|fdatasync|fsync|ftruncate|unlink|close)\((?:(\d+)<([^>]*)>|\"([^\"]+)\")(?:, (.*))?\)\s+= (\d+)")


class Step(NamedTuple):
    """One call: write (data at offset), sync, cut (to offset) or unlink of a file of the journal; commit of the product's."""

    kind: str
    name: str
    at: int = 0
    data: bytes = b""


def steps(log: Path) -> Iterator[Step]:
    """Yield what a process did to the journal's files, as strace wrote it down (-y -xx -s 70000)."""
    for line in log.read_text("latin-1").splitlines():
        found = CALL.search(line)
        if not found:
            continue
        call, _, path, named, rest, _ = found.groups()
        name = Path(_plain(path or named)).name
        if not name.startswith("journal.sqlite") or name.endswith("-shm"):
            continue
        if call == "pwrite64":
            quoted, _, offset = rest.rsplit(", ", 2)
            yield Step("write", name, int(offset), bytes.fromhex(quoted.strip('"').replace("\\x", "")))
        elif call in ("fsync", "fdatasync"):
            yield Step("sync", name)
        elif call == "ftruncate":
            yield Step("cut", name, int(rest))
        elif call == "unlink":
            yield Step("unlink", name)


def _plain(text: str) -> str:
    return bytes.fromhex(text.replace("\\x", "")).decode() if text.startswith("\\x") else text


class Disk:
    """The journal's files: what is safely on them, and what waits."""

    def __init__(self, start: Path) -> None:
        self.safe = {path.name: bytearray(path.read_bytes()) for path in start.glob("journal.sqlite*") if not path.name.endswith("-shm")}
        self.waiting: list[Step] = []

    def take(self, step: Step) -> None:
        if step.kind == "sync":
            for one in (held for held in self.waiting if held.name == step.name):
                _apply(self.safe, one)
            self.waiting = [held for held in self.waiting if held.name != step.name]
        else:
            self.waiting.append(step)

    def after_cut(self, random: Random) -> dict[str, bytearray]:
        """Return the files after a power cut now: of what waits, some is there, in sectors, in any order."""
        files = {name: bytearray(data) for name, data in self.safe.items()}
        for step in random.sample(self.waiting, len(self.waiting)):
            fate = random.random()
            if fate < 0.4:
                continue
            if step.kind == "write" and fate < 0.7:
                for at in range(0, len(step.data), SECTOR):
                    if random.random() < 0.5:
                        _apply(files, Step("write", step.name, step.at + at, step.data[at : at + SECTOR]))
            else:
                _apply(files, step)
        return files


def _apply(files: dict[str, bytearray], step: Step) -> None:
    if step.kind == "unlink":
        files.pop(step.name, None)
        return
    held = files.setdefault(step.name, bytearray())
    if step.kind == "cut":
        del held[step.at :]
        held += bytes(step.at - len(held))
        return
    held += bytes(max(0, step.at - len(held)))
    held[step.at : step.at + len(step.data)] = step.data


def recorded(home: Path, source: Path, log: Path) -> list[Step]:
    """Harvest under strace and return what was done to the journal's files."""
    calls = "trace=pwrite64,fsync,fdatasync,ftruncate,unlink"
    ran = command(home, *harvest(source), at=DAYS[1], traced=(calls, f"output={log}"))
    assert ran.code == 0, ran.said
    return list(steps(log))


def contents(home: Path) -> list[tuple[object, ...]]:
    """Return every version in a journal, opened as the product does; raises if anything of it is damaged."""
    with Journal(home / "journal.sqlite") as journal:
        rows = journal.db.execute("select seq, iri, type, hash, deleted, json from version order by seq").fetchall()
    assert salvage.damage(home / "journal.sqlite") == []
    assert salvage.broken(home / "journal.sqlite") == []
    return rows


def rows(folder: Path, made: dict[str, Path], short: bool) -> Iterator[Row]:
    """Yield the row of power cuts at every sync and at seeded moments between, each with several fates of what waited."""
    if not shutil.which("strace"):
        yield Row("power cut, journal", 0, 0, "not done: no strace here")
        return
    start, home = made["built"], folder / "cut"
    begun = forked(lambda: contents(start)).told
    written(folder / "more", second_day(more=4 if short else 1100))  # the product commits every 500
    trial = copied(start, folder / "trial")
    done = recorded(trial, folder / "more", folder / "strace.log")
    final = forked(lambda: contents(trial)).told
    disk, random, wrong, times = Disk(start), Random(4), {}, 0
    safe = len(begun)  # how many versions a commit has promised
    for number, step in enumerate(done):
        disk.take(step)
        for _ in range(1 if short else 2):
            shutil.rmtree(home, ignore_errors=True)
            home.mkdir()
            for name, data in disk.after_cut(random).items():
                (home / name).write_bytes(data)
            seen = forked(lambda: contents(home))
            times += 1
            if seen.told is None:
                wrong[number] = [seen.said.strip().splitlines()[-1]]
            elif seen.told != final[: len(seen.told)] or len(seen.told) < safe:
                wrong[number] = ["a record is lost, or is not as it was written"]
            elif step.kind == "sync":
                safe = max(safe, len(seen.told)) if not disk.waiting else safe
    said = f"{len(done)} calls of a harvest: each time a whole prefix of what it wrote, never fewer than what was committed"
    yield Row("power cut, journal", times, len(wrong), told(wrong, said))
