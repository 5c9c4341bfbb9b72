"""A country on one machine: harvest, build and, while serving, a changed day; with memory, disk and cost per object at several sizes.

usage: python -m bench.germany [--objects 10000,100000,1000000] [--folder var/germany] [--port 18743] [--json] [--again]

Towns and their pages are made first (bench/towns.py) and served by a process of their own as finished bytes; neither is in the figures.
What is done for a size stays in FOLDER and is not done again, so that an interrupted run goes on; --again begins anew.
The changed day asks each town's server for what changed, as a timer would, while a client asks the web server without pause.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx

from bench.towns import BASE, prepared
from publisher.cli.work import harvested
from publisher.config import settings, source
from publisher.pipeline import build

PARTS = {
    "judging": "_apply", "mapping, loading, dumps": "_mapped", "search index, stream": "furnished", "rules across records": "written",
    "catalogue": "described",
}  # fmt: skip
ASKED = ("/", "/id/05000000", "/id/05000000/paper?limit=10", "/eli/dl/05000000/vorlage/0", "/catalog", "/oparl/body", "/sitemap.xml")
QUERY = "PREFIX oparl: <https://schema.oparl.org/1.1/> SELECT ?paper ?name WHERE { ?paper a oparl:Paper ; oparl:name ?name } LIMIT 10"
Result = dict[str, Any]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def work(part: str, home: Path) -> Result:
    """Do one part in this process, as the command does it; return its stages' seconds."""
    wanted, seconds, clock = settings(str(home), BASE), dict.fromkeys(("harvest", *PARTS), 0.0), time.perf_counter
    refused = seen = 0
    if part != "build":
        begun = clock()
        chosen = [source(path.stem, home) for path in sorted((home / "sources").glob("*.toml"))]
        for outcome in harvested(wanted, chosen):
            seen += sum(counter["seen"] for counter in outcome.counts.values())
            refused += len(outcome.refusals) + bool(outcome.failure)
        seconds["harvest"] = clock() - begun
    if part != "harvest":
        for name, function in PARTS.items():
            setattr(build, function, _timed(getattr(build, function), seconds, name))
        begun = clock()
        made = build.build(wanted, now(), progress=lambda *_: None)
        seconds["rest of the build"] = clock() - begun - sum(seconds[name] for name in PARTS)
        refused += len(made.rejected)
    return {"stages": {name: spent for name, spent in seconds.items() if spent}, "seen": seen, "refused": refused}


def _timed(function: Callable[..., Any], seconds: dict[str, float], name: str) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            seconds[name] += time.perf_counter() - begun

    return timed


def memory(root: int) -> float:
    """Return the MB that a process and its descendants hold themselves: mapped files, which the system may take back, are not counted."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(path.parent.name))
        except OSError:
            continue
    todo, total = [root], 0
    while todo:
        pid = todo.pop()
        todo += children.get(pid, ())
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += int(rollup.partition("\nPss_Anon:")[2].split()[0])
        except (OSError, IndexError):
            continue
    return total / 1024


def measured(part: str, home: Path, also: tuple[int, ...] = ()) -> Result:
    """Do one part in a process of its own; return what it says, and its seconds, seconds of processor and peak memory (with `also`)."""
    begun = time.perf_counter()
    command = [sys.executable, "-m", "bench.germany", "--work", part, str(home)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    peak, ended = [0.0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.5):
            peak[0] = max(peak[0], sum(map(memory, (child.pid, *also))))

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert child.stdout
    said = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    ended.set()
    watcher.join()
    if status:
        raise SystemExit(f"{part} in {home} failed")
    seconds = time.perf_counter() - begun
    return {**json.loads(said.splitlines()[-1]), "seconds": seconds, "processor": used.ru_utime + used.ru_stime, "MB": peak[0]}


@contextmanager
def pages(folder: Path, port: int, day: int) -> Iterator[None]:
    """Serve the towns' pages as they are on a day."""
    server = subprocess.Popen([sys.executable, "-m", "bench.towns", str(folder), str(port), str(day)], stdout=subprocess.PIPE)
    try:
        assert server.stdout and server.stdout.readline()
        yield
    finally:
        server.terminate()
        server.wait()


@contextmanager
def serving(home: Path, port: int) -> Iterator[int]:
    """Run `publisher serve`; give its process once it answers."""
    command = [sys.executable, "-m", "publisher", "serve", "--port", str(port), "--workers", "1", "--home", str(home)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(240):
            time.sleep(0.5)
            try:
                httpx.get(f"http://127.0.0.1:{port}/health", timeout=5)
                break
            except httpx.TransportError:
                continue
        yield server.pid
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)


@contextmanager
def asking(port: int) -> Iterator[Callable[[], Result]]:
    """Ask the web server without pause, one request after the other; give what tells how it went so far."""
    took: list[float] = []
    failed: list[str] = []
    ended = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, follow_redirects=True) as client:
            for path in cycle((*ASKED, "")):
                if ended.is_set():
                    return
                begun = time.perf_counter()
                try:
                    answer = client.get(path) if path else client.post("/sparql", data={"query": QUERY}, headers={"Accept": "text/csv"})
                    failed.extend([f"{path or '/sparql'} {answer.status_code}"] if answer.status_code >= 400 else [])
                except httpx.TransportError as error:
                    failed.append(f"{path or '/sparql'} {type(error).__name__}")
                took.append(time.perf_counter() - begun)
                ended.wait(0.02)

    client = threading.Thread(target=ask)
    client.start()
    try:
        yield lambda: {"requests": len(took), "failed": len(failed), "failures": sorted(set(failed))[:5], **_quantiles(took)}
    finally:
        ended.set()
        client.join()


def _quantiles(took: list[float]) -> dict[str, float]:
    if len(took) < 2:
        return {}
    cuts = statistics.quantiles(took, n=100)
    return {"median ms": cuts[49] * 1000, "p99 ms": cuts[98] * 1000}


def disk(home: Path) -> dict[str, int]:
    """Return the bytes of an instance's parts; a file with several links counts once, where it is met first."""
    found: dict[str, int] = {}
    met: set[int] = set()
    for path in sorted(home.rglob("*")):
        about = path.lstat()
        if path.is_file() and not path.is_symlink() and about.st_ino not in met:
            met.add(about.st_ino)
            top = path.relative_to(home).parts[0].removesuffix("-wal").removesuffix("-shm")
            found[top] = found.get(top, 0) + about.st_blocks * 512
    return found


def country(objects: int, folder: Path, port: int) -> Result:
    """Do what is not done yet for one size; return all its figures."""
    folder.mkdir(parents=True, exist_ok=True)
    kept, home = folder / "figures.json", folder / "home"
    figures: Result = json.loads(kept.read_text()) if kept.is_file() else {}

    def once(name: str, do: Callable[[], Any]) -> None:
        if name not in figures:
            print(f"{objects:,} objects: {name} ...", file=sys.stderr, flush=True)
            figures[name] = do()
            kept.write_text(json.dumps(figures, indent=1))

    def day_two() -> Result:
        with pages(folder, port, 2), serving(home, port + 1) as server, asking(port + 1) as asked:
            return {**measured("update", home, (server,)), "serving": asked()}

    def day_one() -> Result:
        with pages(folder, port, 1):
            return measured("harvest", home)

    once("made", lambda: prepared(objects, folder, port))
    once("harvest", day_one)
    once("build", lambda: measured("build", home))
    once("disk", lambda: disk(home))
    once("changed day", day_two)
    return figures


def table(figures: Result) -> str:
    """Return one size's figures as Markdown."""
    made, whole = figures["made"], figures["harvest"]["seconds"] + figures["build"]["seconds"]
    lines = [f"{made['objects']:,} objects ({made['papers']:,} papers, {made['towns']} towns)", ""]
    lines += ["| stage | seconds | share | objects/s |", "|---|---|---|---|"]
    stages = figures["harvest"]["stages"] | figures["build"]["stages"]
    for name, spent in (*stages.items(), ("all", whole)):
        lines.append(f"| {name} | {spent:,.1f} | {spent / whole:.0%} | {made['objects'] / spent:,.0f} |")
    lines += ["", "| part | seconds | of processor | peak MB | refused or kept out |", "|---|---|---|---|---|"]
    for part in ("harvest", "build", "changed day"):
        one = figures[part]
        lines.append(f"| {part} | {one['seconds']:,.1f} | {one['processor']:,.1f} | {one['MB']:,.0f} | {one['refused']:,} |")
    served = figures["changed day"]["serving"]
    parts = ", ".join(f"{name} {spent:,.1f} s" for name, spent in figures["changed day"]["stages"].items())
    lines += ["", f"Changed day: {figures['changed day']['seen']:,} records read again; {parts}. Served meanwhile: {served['requests']:,}"]
    lines[-1] += f" requests, {served['failed']} failed, median {served.get('median ms', 0):.0f} ms, p99 {served.get('p99 ms', 0):.0f} ms."
    sizes = ", ".join(f"{name} {size / made['objects']:,.0f}" for name, size in sorted(figures["disk"].items(), key=lambda one: -one[1]))
    total = sum(figures["disk"].values())
    lines += [f"Disk after the first day: {total / 1e6:,.0f} MB, {total / made['objects']:,.0f} bytes an object ({sizes})."]
    return "\n".join(lines)


def plot(found: list[Result]) -> str:
    """Return an SVG of the processor's microseconds an object at each size, both cores together: flat lines are what is wanted."""
    sizes = [one["made"]["objects"] for one in found]
    rows = {
        "harvest": [one["harvest"]["processor"] / size * 1e6 for one, size in zip(found, sizes, strict=True)],
        "build": [one["build"]["processor"] / size * 1e6 for one, size in zip(found, sizes, strict=True)],
    }
    rows["both"] = [sum(pair) for pair in zip(rows["harvest"], rows["build"], strict=True)]
    top = max(rows["both"]) * 1.15

    def at(index: int, cost: float) -> tuple[float, float]:
        return 90 + 470 * (index + 0.5) / len(sizes), 270 - 240 * cost / top

    shapes = [f'<text x="{at(index, 0)[0]:.0f}" y="292" text-anchor="middle">{size:,}</text>' for index, size in enumerate(sizes)]
    for step in range(5):
        cost = top * step / 4
        y = at(0, cost)[1]
        shapes.append(f'<path d="M90 {y:.0f}H560" stroke="#ccc"/><text x="84" y="{y + 4:.0f}" text-anchor="end">{cost:,.0f}</text>')
    for (name, costs), colour in zip(rows.items(), ("#0072b2", "#d55e00", "#333"), strict=True):
        points = [at(index, cost) for index, cost in enumerate(costs)]
        shapes.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(f"{x:.0f},{y:.0f}" for x, y in points)}"/>'
        )
        shapes += [f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3.5" fill="{colour}"/>' for x, y in points]
        shapes.append(f'<text x="{points[-1][0] + 8:.0f}" y="{points[-1][1] - 6:.0f}" fill="{colour}">{name}</text>')
    heading = '<text x="90" y="20">microseconds of processor an object, by number of objects</text>'
    style = 'font-family="sans-serif" font-size="12" viewBox="0 0 640 300" width="640" height="300"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {style}><rect width="640" height="300" fill="#fff"/>{heading}{"".join(shapes)}</svg>\n'


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--objects", default="10000,100000", help="sizes, with commas between")
    options.add_argument("--folder", type=Path, default=Path("var/germany"))
    options.add_argument(
        "--port", type=int, default=18743, help="of the towns' server; it stands in the pages. The web server has the next"
    )
    options.add_argument("--json", action="store_true")
    options.add_argument("--again", action="store_true")
    options.add_argument("--work", nargs=2, metavar=("PART", "HOME"), help=argparse.SUPPRESS)
    told = options.parse_args()
    if told.work:
        print(json.dumps(work(told.work[0], Path(told.work[1]))))
        return
    if told.again:
        shutil.rmtree(told.folder, ignore_errors=True)
    found = [country(size, told.folder / str(size), told.port) for size in map(int, told.objects.split(","))]
    (told.folder / "cost.svg").write_text(plot(found), "utf-8")
    print(json.dumps(found, indent=1) if told.json else "\n\n".join(map(table, found)))
    print(f"plot: {told.folder / 'cost.svg'}; load {' '.join(f'{load:.1f}' for load in os.getloadavg())}", file=sys.stderr)


if __name__ == "__main__":
    main()
