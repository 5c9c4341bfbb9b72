"""A small instance to break: its town, its commands in forked processes, and what must be true of it whatever happened."""

import os
import pickle
import shutil
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pyoxigraph as ox
import tantivy

from publisher import release
from publisher.cli import main, work
from publisher.journal import Journal
from publisher.journal.reader import Reader
from publisher.pipeline.dump import dump
from tests.town import BASE, KEY, objects, paper, thing

DAYS = ("2026-11-01T10:00:00+00:00", "2026-11-02T10:00:00+00:00", "2026-11-03T10:00:00+00:00", "2026-11-04T10:00:00+00:00")
FORGOTTEN = f"{BASE}/eli/dl/{KEY}/vorlage/3"
MOVED = "https://neu.musterstadt.example"


class Ran(NamedTuple):
    """How a forked process ended. code: exit code, negative for a signal; told: what its function returned."""

    code: int
    said: str
    told: Any = None


def forked(act: Callable[[], Any], traced: tuple[str, ...] = ()) -> Ran:
    """Run `act` in a process of its own, cheaply: everything is imported already, and this process holds no thread and no store.

    traced: strace's expressions (-e) under which it runs, and "output=PATH" for a log of what it called.
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    if not (pid := os.fork()):
        os.close(reading)
        if traced:
            os.kill(os.getpid(), signal.SIGSTOP)
        _child(act, writing)
    os.close(writing)
    tracer = _traced(pid, traced) if traced else None
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    status = os.waitpid(pid, 0)[1]
    if tracer:
        tracer.wait()
    said, found = pickle.loads(told) if told else ("", None)
    return Ran(os.waitstatus_to_exitcode(status), said, found)


def _traced(pid: int, options: tuple[str, ...]) -> subprocess.Popen[str]:
    """Let strace take hold of a process that has stopped itself, and let it go on."""
    os.waitpid(pid, os.WUNTRACED)
    log = next((option.removeprefix("output=") for option in options if option.startswith("output=")), os.devnull)
    asked = [word for option in options if not option.startswith("output=") for word in ("-e", option)]
    tracer = subprocess.Popen(
        ["strace", "-f", "-y", "-xx", "-s", "70000", "-o", log, *asked, "-p", str(pid)], stderr=subprocess.PIPE, text=True
    )
    assert tracer.stderr is not None
    line = tracer.stderr.readline()
    assert "attached" in line, line
    os.kill(pid, signal.SIGCONT)
    return tracer


def _child(act: Callable[[], Any], writing: int) -> None:
    code, found, text = 0, None, ""
    log = os.memfd_create("said")
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        found = act()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever it was, the parent is told
        code = 70
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    text = os.pread(log, 1 << 20, 0).decode("utf-8", "replace")
    with os.fdopen(writing, "wb") as pipe:
        pickle.dump((text, found), pipe)
    os._exit(code)


def command(home: Path, *arguments: str, at: str = DAYS[0], first: Callable[[], Any] = lambda: None, traced: tuple[str, ...] = ()) -> Ran:
    """Run a command of the publisher on `home` at a given time; `first` is called in its process before it begins."""

    def act() -> None:
        _clock(at)
        first()
        main([*arguments, "--home", str(home)])

    return forked(act, traced)


def _clock(at: str) -> None:
    class Then(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # noqa: ARG003
            return datetime.fromisoformat(at)

    work.datetime = Then  # type: ignore[misc, attr-defined]


def harvest(folder: Path) -> tuple[str, ...]:
    """Return the arguments of a harvest of `folder`."""
    return ("harvest", "--kind", "oparl-files", "--url", str(folder), "--jurisdiction", KEY, "--name", "town", "--base", BASE, "--force")


def written(folder: Path, things: list[dict[str, object]]) -> Path:
    """Write a source's answers, a file an object."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, one in enumerate(things):
        folder.joinpath(f"{number:06}.json").write_bytes(orjson.dumps(one))
    return folder


def first_day(papers: int = 8) -> list[dict[str, object]]:
    return objects(papers)


def second_day(papers: int = 8, more: int = 4) -> list[dict[str, object]]:
    """Return the town a day later: a paper withdrawn, two changed (one refers to another person's committee), some new."""
    found = [one for one in objects(papers) if not str(one["id"]).endswith("/paper/2")]
    changed = {
        paper(4)["id"]: paper(4, name="Neu gefasst", underDirectionOf=[f"{thing('Organization', 'bau')['id']}"]),
        paper(5)["id"]: paper(5, reference="2021/0004"),
    }
    return [changed.get(one["id"], one) for one in found] + [paper(at) for at in range(papers + 1, papers + more + 1)]


class State(NamedTuple):
    """What an instance holds. journal, dump, store: hashes of (iri, type, hash, deleted, json), of the dump, of the store's quads."""

    release: int
    journal: str
    dump: str
    store: str
    versions: int


def state(home: Path, *, erasing: bool = False) -> State:
    """Return what an instance holds; the store's quads are those of records. Raises whatever a broken instance makes it raise.

    erasing: a forget may have been cut off, so that the release in service still holds what the journal no longer does.
    """
    with Journal(home / "journal.sqlite") as journal:
        rows = journal.db.execute("select iri, type, hash, deleted, json from version order by seq").fetchall()
    served = release.current(home)
    if served is None:
        return State(0, _hash(map(repr, rows)), "", "", len(rows))
    reader = Reader(home, served.number)
    lines = list(dump(reader, "nquads"))
    graphs = {iri.decode() for found in reader.owners(deleted=True) for iri in (found.iri.encode(), found.iri.encode() + b"/eli")}
    store = ox.Store.read_only(str(served.path / "store"))
    held = sorted(str(quad) for quad in store if quad.graph_name.value in graphs or "/eli/dl/" in quad.graph_name.value)
    assert len(held) == len(lines) or (erasing and len(held) > len(lines)), (
        f"the store holds {len(held)} quads of records, the journal says {len(lines)}"
    )
    return State(served.number, _hash(map(repr, rows)), _hash(map(repr, lines)), _hash(held), len(rows))


def whole(home: Path) -> list[str]:
    """Return what is wrong with the release in service; [] for a whole one: every file as hashed, index, reader and store open."""
    served = release.current(home)
    if served is None:
        return []
    wrong = [
        f"{name}: not as the manifest says"
        for name, told in served.manifest["files"].items()
        if not (served.path / name).is_file() or release.digest(served.path / name) != told
    ]
    tantivy.Index.open(str(served.path / "search")).searcher()
    found = Reader(home, served.number)
    if sum(1 for _ in found.owners()) != served.manifest["records"]:
        wrong.append("not as many records as the manifest says")
    ox.Store.read_only(str(served.path / "store")).query("SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }")
    return wrong


def _hash(lines: Iterator[str]) -> str:
    made = sha256()
    for line in lines:
        made.update(line.encode() + b"\n")
    return made.hexdigest()


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Give an empty folder that is gone afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def copied(home: Path, to: Path) -> Path:
    """Return a copy of an instance at rest, hard links kept as such."""
    shutil.rmtree(to, ignore_errors=True)
    linked: dict[int, str] = {}

    def copy(source: str, target: str) -> None:
        inode = Path(source).stat().st_ino
        if inode in linked:
            os.link(linked[inode], target)
        else:
            shutil.copyfile(source, target)
            linked[inode] = target

    shutil.copytree(home, to, symlinks=True, copy_function=copy)
    return to


KILLED = -signal.SIGKILL
