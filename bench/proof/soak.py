"""Bounded load for an hour while a harvest and ten release switches happen: errors, waiting by kind, memory; `python -m bench.proof.soak`.

Requests arrive at random moments, whether earlier ones were answered or not (open loop), so that waiting is counted. Their rate is a
share (80 %) of what the same server answers in a closed loop while an update runs beside it.
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import orjson

from bench.proof import Row
from bench.proof.instance import harvest, written
from bench.proof.service import ROOT, asked, serving
from tests import town

PAPERS, CHANGED, SWITCHES, WORKERS, SHARE = 800, 40, 10, 2, 0.8
CLIENTS, AT_ONCE, PATIENCE, KEPT = 500, 12, 60.0, 5.0
GROWTH = 64.0  # MB an hour: what counts as flat
QUERIES = (
    "PREFIX o: <https://schema.oparl.org/1.1/> SELECT ?p ?n {{ ?p a o:Paper ; o:name ?n }} LIMIT {0}",
    "PREFIX o: <https://schema.oparl.org/1.1/> SELECT ?c (COUNT(*) AS ?n) {{ ?c o:role ?r }} GROUP BY ?c ORDER BY ?c LIMIT {0}",
    "PREFIX o: <https://schema.oparl.org/1.1/> ASK {{ <{1}> o:reference ?r }}",
    "CONSTRUCT {{ <{1}> ?p ?o }} WHERE {{ <{1}> ?p ?o }}",
    'PREFIX x: <https://w3id.org/oparl-ld/ns#> SELECT ?p {{ ?p x:matches "Gebührensatzung {0}" }} LIMIT 5',
)


class Wanted(NamedTuple):
    """One kind of request: its share of all, and what makes an address and an Accept header from a random number generator."""

    kind: str
    share: float
    made: Callable[[random.Random], tuple[str, str]]


class Answer(NamedTuple):
    """One request: when it was due and how long until its answer was whole (seconds), and what was wrong with it."""

    kind: str
    due: float
    waited: float
    fault: str


def mix(number: int) -> tuple[Wanted, ...]:
    """Return the requests of harvesters, readers and programs to a town of so many papers."""
    paper = f"/eli/dl/{town.KEY}/vorlage"

    def document(chance: random.Random) -> tuple[str, str]:
        return f"{paper}/{chance.randint(1, number)}", chance.choice(("application/ld+json", "application/ld+json", "text/turtle"))

    def listed(chance: random.Random) -> tuple[str, str]:
        filters = chance.choice(
            ("", "?limit=25", "?modified_since=2021-06-01T00:00:00%2B02:00", "?created_until=2021-06-01T00:00:00%2B02:00")
        )
        return f"/id/{town.KEY}/{chance.choice(('paper', 'paper', 'meeting', 'organization', 'person'))}{filters}", "application/json"

    def fed(chance: random.Random) -> tuple[str, str]:
        files = ("/sitemap.xml", "/stream", "/dumps/manifest.json", f"/dumps/{town.KEY}/{town.KEY}.nq.gz")
        return chance.choice(("/feed.atom", f"/feed.atom?body={town.BODY}", "/calendar.ics", *files)), "*/*"

    def queried(chance: random.Random) -> tuple[str, str]:
        text = chance.choice(QUERIES).format(chance.randint(1, number), f"{town.BASE}{paper}/{chance.randint(1, number)}")
        return f"/sparql?query={quote(text)}", "*/*"

    def page(chance: random.Random) -> tuple[str, str]:
        word = quote(chance.choice(("Gebührensatzung", "Rat", "Weiß", "2021/0042")))
        pages = (
            f"{paper}/{chance.randint(1, number)}",
            f"{paper}/{chance.randint(1, number)}",
            f"/eli/dl/{town.KEY}/sitzung/1",
            "/",
            f"/search?q={word}",
            f"/id/{town.KEY}",
        )
        return chance.choice(pages), "text/html"

    return (
        Wanted("documents", 0.60, document),
        Wanted("lists", 0.12, listed),
        Wanted("feeds", 0.08, fed),
        Wanted("SPARQL", 0.05, queried),
        Wanted("pages", 0.15, page),
    )


class Wire:
    """Connections to one server, kept open and used again: an HTTP/1.1 client cheap enough to leave the machine to the server."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter, float]] = []

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        pair = self._kept() or await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield pair
        except BaseException:
            pair[1].close()
            raise
        self._idle.append((*pair, time.monotonic()))

    def _kept(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """Return a connection that is still good; as every client does, one that the server has ended or that is old is let go."""
        while self._idle:
            reader, writer, since = self._idle.pop()
            if not reader.at_eof() and time.monotonic() - since < KEPT:
                return reader, writer
            writer.close()
        return None

    async def get(self, path: str, accept: str, client: str) -> tuple[int, int]:
        """Return status and length of the body, once it is whole. Raises OSError, EOFError (asyncio.IncompleteReadError), ValueError."""
        async with self._open() as (reader, writer):
            writer.write(f"GET {path} HTTP/1.1\r\nHost: h\r\nAccept: {accept}\r\nX-Forwarded-For: {client}\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
            if b"content-length" in lines:
                size = len(await reader.readexactly(int(lines[b"content-length"])))
            else:
                size = await self._chunks(reader)
            return int(head[9:12]), size

    async def _chunks(self, reader: asyncio.StreamReader) -> int:
        total = 0
        while size := int(await reader.readline(), 16):
            total += len(await reader.readexactly(size + 2)) - 2
        await reader.readline()
        return total

    def close(self) -> None:
        for _, writer, _ in self._idle:
            writer.close()


async def one(wire: Wire, wanted: tuple[Wanted, ...], chance: random.Random, due: float) -> Answer:
    """Send one request of the mix and return how it went; whoever waits longer than PATIENCE has gone."""
    [chosen] = chance.choices(wanted, [part.share for part in wanted])
    path, accept = chosen.made(chance)
    client = f"10.0.{chance.randrange(CLIENTS) // 250}.{chance.randrange(250)}"
    try:
        status, size = await asyncio.wait_for(wire.get(path, accept, client), PATIENCE)
        fault = "" if status == 200 and size else f"{path.partition('?')[0]}: status {status}"
    except (OSError, EOFError, ValueError, TimeoutError) as error:
        fault = f"{path.partition('?')[0]}: {type(error).__name__}"
    return Answer(chosen.kind, due, time.monotonic() - due, fault)


async def closed(port: int, wanted: tuple[Wanted, ...], busy: Callable[[], bool]) -> float:
    """Return the requests a second that AT_ONCE clients get, each asking again once it is answered, as long as `busy`."""
    wire, count, begin = Wire(port), 0, time.monotonic()

    async def client(seed: int) -> None:
        nonlocal count
        chance = random.Random(seed)
        while busy():
            count += not (await one(wire, wanted, chance, time.monotonic())).fault

    await asyncio.gather(*(client(seed) for seed in range(AT_ONCE)))
    wire.close()
    return count / (time.monotonic() - begin)


async def opened(port: int, wanted: tuple[Wanted, ...], rate: float, seconds: float) -> list[Answer]:
    """Return the answers to requests that arrive at random, `rate` a second, for so many seconds."""
    wire, chance, tasks = Wire(port), random.Random(4711), set[asyncio.Task[Answer]]()
    found: list[Answer] = []
    begin = due = time.monotonic()
    while due < begin + seconds:
        due += chance.expovariate(rate)
        if (wait := due - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(one(wire, wanted, chance, due))
        tasks.add(task)
        task.add_done_callback(lambda done: (tasks.discard(done), found.append(done.result())))  # type: ignore[func-returns-value]
    await asyncio.gather(*tasks)
    wire.close()
    return found


def family(pid: int) -> list[int]:
    """Return a process and all that come from it."""
    parents = defaultdict(list)
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            parents[int(path.read_text().rpartition(")")[2].split()[1])].append(int(path.parent.name))
    found = [pid]
    for one_ in found:
        found += parents[one_]
    return found


def memory(pid: int) -> float:
    """Return the MB that a process and its descendants hold themselves: what they share is counted once, mapped files are not."""
    total = 0
    for process in family(pid):
        with suppress(OSError):
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon:"))
    return total / 1024


def changed(folder: Path, day: int, papers: int) -> None:
    """Change some papers of the source and add a new one."""
    new = {
        str(paper["id"]): paper
        for paper in (
            town.paper(at, name=f"Gebührensatzung Nummer {at}, {day}. Fassung") for at in range(day, papers, max(1, papers // CHANGED))
        )
    }
    for path in folder.glob("*.json"):
        if (paper := new.get(orjson.loads(path.read_bytes())["id"])) is not None:
            path.write_bytes(orjson.dumps(paper))
    folder.joinpath(f"9{day:05}.json").write_bytes(orjson.dumps(town.paper(papers + day)))


def updating(home: Path, log: Path) -> "subprocess.Popen[bytes]":
    """Start `publisher update` as the systemd unit does: behind everything else."""
    with log.open("ab") as said:
        call = ["nice", "-n", "10", sys.executable, "-m", "publisher", "update", "--home", str(home)]
        return subprocess.Popen(call, cwd=ROOT, stdout=said, stderr=said)


class Run(NamedTuple):
    """What a soak found. rate: requests a second offered; capacity: answered in a closed loop, alone and beside an update;
    held: (seconds, MB); switches: seconds at which a new release was in service."""

    rate: float
    capacity: tuple[float, float]
    seconds: float
    answers: list[Answer]
    held: list[tuple[float, float]]
    switches: list[float]
    failed: list[str]

    @property
    def slope(self) -> float:
        """MB an hour by which memory grows, by a line through the second half of the samples."""
        late = self.held[len(self.held) // 2 :]
        return statistics.linear_regression(*zip(*late, strict=True)).slope * 3600 if len(late) > 2 else 0.0


async def soaked(folder: Path, minutes: float, papers: int = PAPERS, wished: int = SWITCHES) -> Run:
    """Load a server of a small town for so many minutes while its source changes and ten releases are made."""
    home, source, log = folder / "home", written(folder / "oparl", town.objects(papers)), folder / "log"
    for call in (harvest(source), ("build",)):
        subprocess.run([sys.executable, "-m", "publisher", *call, "--home", str(home)], cwd=ROOT, check=True, capture_output=True)
    wanted, failed, switches, held = mix(papers), [], [], []
    with serving(home, "--workers", WORKERS, "--proxies", 1, log=log) as (port, pid):
        alone_until = time.monotonic() + min(10.0, minutes * 6)
        alone = await closed(port, wanted, lambda: time.monotonic() < alone_until)
        changed(source, 1, papers)
        update = updating(home, log)
        beside = await closed(port, wanted, lambda: update.poll() is None)
        rate, begin, seconds = SHARE * beside, time.monotonic(), minutes * 60

        async def watching() -> None:
            while time.monotonic() < begin + seconds:
                held.append((time.monotonic() - begin, memory(pid)))
                await asyncio.sleep(max(1.0, seconds / 600))

        async def switching() -> None:
            for number in range(1, wished + 1):
                await asyncio.sleep(max(0.0, begin + seconds * (number - 0.5) / (wished + 0.5) - time.monotonic()))
                changed(source, number + 1, papers)
                process = updating(home, log)
                while process.poll() is None:
                    await asyncio.sleep(0.1)
                if process.returncode:
                    failed.append(f"update {number}: exit code {process.returncode}")
                switches.append(time.monotonic() - begin)

        answers, _, _ = await asyncio.gather(opened(port, wanted, rate, seconds), watching(), switching())
        served = orjson.loads(asked(port, "/health").body)["release"]
    if served != wished + 2:
        failed.append(f"release {served} in service, expected {wished + 2}: {log.read_text('utf-8', 'replace')[-400:]}")
    return Run(rate, (alone, beside), seconds, [answer._replace(due=answer.due - begin) for answer in answers], held, switches, failed)


def rows_of(run: Run) -> Iterator[Row]:
    """Yield a row for each kind of request, one for the switches and one for memory."""
    for kind in [wanted.kind for wanted in mix(1)]:
        mine = [answer for answer in run.answers if answer.kind == kind]
        waits = sorted(answer.waited * 1000 for answer in mine) or [0.0]
        faults = Counter(answer.fault for answer in mine if answer.fault)
        told = f"p50 {waits[len(waits) // 2]:.1f} ms, p99 {waits[int(len(waits) * 0.99)]:.0f} ms, longest {waits[-1]:.0f} ms"
        yield Row(
            f"{kind} under load", len(mine), faults.total(), told + "".join(f"; {count} x {word}" for word, count in faults.most_common(3))
        )
    offered = f"{run.rate:.0f} requests/s for {run.seconds / 60:g} min; capacity {run.capacity[0]:.0f}/s alone, "
    offered += f"{run.capacity[1]:.0f}/s beside an update"
    yield Row("harvests and switches under load", len(run.switches), len(run.failed), "; ".join(run.failed) or offered)
    levels = [level for _, level in run.held] or [0.0]
    long = run.seconds >= 1800  # what a few minutes show is warming up
    told = f"{levels[0]:.0f} MB at first, at most {max(levels):.0f} MB, {levels[-1]:.0f} MB at last; "
    told += f"{run.slope:+.0f} MB an hour in the second half"
    yield Row("memory of all server processes, samples", len(levels), int(long and run.slope > GROWTH), told)


def plot(run: Run) -> str:
    """Return an SVG: memory above, the slowest request of each moment below, a line for each switch."""
    wide, high = 900, 150
    slots = defaultdict(float)
    for answer in run.answers:
        slots[int(answer.due / run.seconds * 300)] = max(slots[int(answer.due / run.seconds * 300)], answer.waited * 1000)
    curves = (
        ("memory, MB", [(at, level) for at, level in run.held]),
        ("slowest answer, ms", [(slot * run.seconds / 300, value) for slot, value in sorted(slots.items())]),
    )
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide + 80} {2 * high + 90}" font-family="sans-serif" font-size="12">']
    for row, (name, points) in enumerate(curves):
        top, most = 20 + row * (high + 35), max((value for _, value in points), default=0) or 1
        line = " ".join(f"{60 + at / run.seconds * wide:.1f},{top + high - value / most * high:.1f}" for at, value in points)
        marks = "".join(f'<path d="M{60 + at / run.seconds * wide:.1f} {top}v{high}" stroke="#bbb"/>' for at in run.switches)
        parts.append(f'<text x="60" y="{top - 5}">{name} (at most {most:.0f}); grey: a release was switched</text>{marks}')
        parts.append(f'<path d="M60 {top}v{high}h{wide}" fill="none" stroke="#333"/><polyline points="{line}" fill="none" stroke="#06c"/>')
    parts.append(f'<text x="60" y="{2 * high + 75}">0</text><text x="{wide}" y="{2 * high + 75}">{run.seconds / 60:g} min</text></svg>')
    return "".join(parts)


def rows(short: bool, minutes: float = 60.0, svg: Path | None = None) -> Iterator[Row]:
    """Yield the rows of a soak of an hour; a short one takes a minute."""
    place = Path(tempfile.mkdtemp(prefix="soak-"))
    try:
        run = asyncio.run(soaked(place, 1.0 if short else minutes))
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if svg:
        svg.write_text(plot(run), "utf-8")
    yield from rows_of(run)


if __name__ == "__main__":
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--minutes", type=float, default=60.0)
    told.add_argument("--svg", type=Path, help="draw memory and waiting into this file")
    options = told.parse_args()
    print(f"load before {os.getloadavg()[0]:.1f}", file=sys.stderr)
    found = list(rows(False, options.minutes, options.svg))
    print("\n".join(f"| {row.what} | {row.rounds:,} | {row.wrong:,} | {row.outcome} |" for row in found))
    print(json.dumps({"wrong": sum(row.wrong for row in found)}), file=sys.stderr)
    sys.exit(1 if any(row.wrong for row in found) else 0)
