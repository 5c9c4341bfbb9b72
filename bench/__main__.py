"""All benches one after the other, and one table: `python -m bench [--rounds N] [--large] [--only NAME] [--json] [--peers]`.

Each bench is a program of its own and prints what it found; here its lines are read. With several rounds the benches run in
turn, and the table holds the median and the range, so that a busy minute of the machine shows as spread and not as a result.
--large takes the sizes that bench/README.md quotes (an hour); without it a round takes some three minutes and tells ratios roughly.
--peers installs the peers that want an environment of their own (rdflib-endpoint) in var/bench-peers and measures them, too.
"""

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parent.parent
PEERS = ROOT / "var" / "bench-peers"
ENDPOINT = PEERS / "bin" / "rdflib-endpoint"
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
SECONDS = 3600
VIEW = "% of the empty view"


class Line(NamedTuple):
    """How a bench's line is read. pattern: named group "what" and one unnamed group a unit; an empty group gives no row."""

    pattern: str
    units: tuple[str, ...]
    what: str = "{what}"


class Bench(NamedTuple):
    """One bench: its file without ending, what it is asked for in short and at large, and its lines."""

    name: str
    short: tuple[str, ...]
    large: tuple[str, ...]
    lines: tuple[Line, ...]


class Row(NamedTuple):
    """One number of one run."""

    bench: str
    what: str
    unit: str
    value: float


BENCHES = (
    Bench("harvest", ("--papers", "500", "--rounds", "1"), ("--papers", "5000"), (
        Line(r"\| (?P<what>[^|]+) \| [\d,]+ \| [\d.]+ \| ([\d,]+) \| ([\d.]+) \|", ("objects/s", "times fetching and parsing alone")),
        Line(r"(?P<what>peak memory) of the harvesting process: (\d+) MB", ("MB",)),
    )),
    Bench("allris", ("--rounds", "5"), (), (
        Line(r"(?P<what>ALLRIS \w+): .* ([\d,]+) pages/s: ([\d.]+) times", ("pages/s", "times the HTML parser alone")),
    )),
    Bench("mapping", ("--papers", "1000"), ("--papers", "10000"), (
        Line(r"(?P<what>(?:ours|pyoxigraph|bulk|PyLD|rdflib).*?) +\d+ +\d+ +[\d.]+ +(\d+) +([\d.]+)$",
             ("quads/s", "times our time an object")),
    )),
    Bench("shapes", ("--ours", "100,1000", "--pyshacl", "100", "--changed", "1000"), ("--pyshacl", "1000,10000"), (
        Line(r"(?P<what>ours|pyshacl|100 changed) +(?P<size>\d+) +\d+ +\d+ +[\d.]+ +([\d.]+) +(\d+) *(\d*)$",
             ("s of processor", "MB", "times our processor time"), "{what}, {size} papers"),
    )),
    Bench("search", ("2000",), ("100000",), (
        Line(r"(?P<what>ours|bare tantivy|CONTAINS-like scan).*: median ([\d.]+) ms, p95 ([\d.]+) ms", ("ms median", "ms p95")),
        Line(r"(?P<what>ratio to the plain query): median ([\d.]+) times, p95 ([\d.]+) times", ("times the median", "times the p95")),
    )),
    Bench("lists", ("300",), ("100000",), (
        Line(rf"(?P<what>.+?) +\d{{3}} +\d+ bytes +(\d+) req/s +([\d.]+){VIEW}", ("req/s", VIEW)),
        Line(r"(?P<what>rdflib-endpoint, DESCRIBE as \S+) .* (\d+) req/s: our document is ([\d.]+) times faster",
             ("req/s", "times slower than our document")),
        Line(r"(?P<what>stream page from nginx) .* (\d+) req/s +(\d+)% of a plain file", ("req/s", "% of a plain file from nginx")),
    )),
    Bench("pages", ("500",), ("20000",), (
        Line(rf" *(?P<what>paper page|remembered) +(\d+)/s +([\d.]+){VIEW}, p95 ([\d.]+) ms", ("pages/s of processor", VIEW, "ms p95")),
        Line(r"search p95 +(?P<what>bare index) ([\d.]+) ms", ("ms p95",), "search, {what}"),
        Line(r" *(?P<what>JSON) ([\d.]+) ms, ([\d.]+) times;", ("ms p95", "times the bare index"), "search, {what}"),
        Line(r"first (?P<what>\S+) +(\d+) ms", ("ms of processor",), "first {what} of a release"),
    )),
    Bench("sparql", ("--papers", "500", "--seconds", "0.3", "--clients", "1"), ("--papers", "10000"), (
        Line(r"\| (?P<what>[^|]+) \| (?P<clients>\d+) \| (?P<server>[^|]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| \d+ \| ([\d.]+) \|",
             ("req/s", "ms median", "ms p99", "of the bare server's rate"), "{what}, {clients} at once, {server}"),
    )),
    Bench("w3c_shacl", (), (), (
        Line(r"(?P<what>core|sparql): (\d+) tests; passed: shacl (\d+), pyshacl (\d+)",
             ("tests", "passed by ours (shacl)", "passed by pySHACL"), "W3C suite, {what}"),
    )),
)  # fmt: skip


def rows_of(bench: Bench, said: str) -> Iterator[Row]:
    """Yield the numbers in what a bench printed."""
    for text in said.splitlines():
        for line in bench.lines:
            if found := re.match(line.pattern, text):
                named = found.re.groupindex
                values = [value for at, value in enumerate(found.groups(), 1) if at not in named.values()]
                what = line.what.format(**found.groupdict()).strip()
                for unit, value in zip(line.units, values, strict=True):
                    if value:
                        yield Row(bench.name, what, unit, float(value.replace(",", "")))
                break


def run(bench: Bench, large: bool) -> tuple[list[Row], str]:
    """Run a bench once; return its rows and, if it failed, the last thing it said."""
    asked = [*(bench.large if large else bench.short)]
    if ENDPOINT.is_file() and bench.name in ("sparql", "lists"):
        asked += ["--rdflib-endpoint", str(ENDPOINT)]
    if NGINX and bench.name == "lists":
        asked += ["--nginx", NGINX]
    command = [sys.executable, str(ROOT / "bench" / f"{bench.name}.py"), *asked]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    try:
        ran = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return [], f"not done after {SECONDS} s"
    rows = list(rows_of(bench, f"{ran.stdout}\n{ran.stderr}"))
    last = (ran.stderr.strip() or ran.stdout.strip() or "said nothing").splitlines()[-1]
    return rows, "" if rows and not ran.returncode else f"exit code {ran.returncode}: {last}"


def machine() -> dict[str, Any]:
    """Return what the numbers depend on: processor, cores, load, Python, commit."""
    about = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.+)", about.read_text() if about.is_file() else "")
    said = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False)
    load = " ".join(f"{part:.1f}" for part in os.getloadavg())
    return {
        "processor": model[1] if model else platform.processor(),
        "cores": os.cpu_count(),
        "load before (1, 5, 15 min)": load,
        "python": platform.python_version(),
        "commit": said.stdout.strip() or "unknown",
    }


def summed(rows: list[Row]) -> list[dict[str, Any]]:
    """Return median and range of each number, in the order in which they first came."""
    values: dict[tuple[str, str, str], list[float]] = {}
    for row in rows:
        values.setdefault(row[:3], []).append(row.value)
    return [
        {"bench": bench, "what": what, "unit": unit, "median": statistics.median(all_), "lowest": min(all_), "highest": max(all_)}
        for (bench, what, unit), all_ in values.items()
    ]


def table(found: list[dict[str, Any]]) -> str:
    """Return the numbers as a Markdown table, what belongs together in one row."""
    cells: dict[tuple[str, str], list[str]] = {}
    for row in found:
        spread = "" if row["lowest"] == row["highest"] else f" ({_number(row['lowest'])} to {_number(row['highest'])})"
        gap = "" if row["unit"].startswith("%") else " "
        cells.setdefault((row["bench"], row["what"]), []).append(f"{_number(row['median'])}{gap}{row['unit']}{spread}")
    lines = [f"| {bench} | {what} | {'; '.join(values)} |" for (bench, what), values in cells.items()]
    return "\n".join(["| bench | what | median (range of the rounds) |", "|---|---|---|", *lines])


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def install_peers() -> None:
    """Put the peers that cannot share our environment into one of their own."""
    if not ENDPOINT.is_file():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        subprocess.run([str(PEERS / "bin" / "pip"), "install", "--quiet", "rdflib-endpoint[cli]", "uvicorn"], check=True)


def main() -> int:
    """Run and print; exit code 1 if a bench failed."""
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=1, help="how often each bench runs")
    options.add_argument("--large", action="store_true", help="the sizes of bench/README.md")
    options.add_argument("--only", choices=[bench.name for bench in BENCHES], action="append", help="this bench alone; may be repeated")
    options.add_argument("--json", action="store_true", help="print JSON instead of the table")
    options.add_argument("--peers", action="store_true", help="install peers into var/bench-peers")
    told = options.parse_args()
    if told.peers:
        install_peers()
    about, rows, failed = machine(), [], {}
    for _ in range(told.rounds):
        for bench in BENCHES:
            if not told.only or bench.name in told.only:
                print(f"{bench.name} ...", file=sys.stderr, flush=True)
                found, failure = run(bench, told.large)
                rows += found
                failed |= {bench.name: failure} if failure else {}
    if told.json:
        print(json.dumps({"machine": about, "rounds": told.rounds, "rows": summed(rows), "failed": failed}, indent=1, ensure_ascii=False))
    else:
        print("; ".join(f"{key} {value}" for key, value in about.items()) + f"; rounds {told.rounds}\n\n{table(summed(rows))}")
        print("".join(f"\n{name}: not measured: {why}" for name, why in failed.items()), end="\n" if failed else "")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
