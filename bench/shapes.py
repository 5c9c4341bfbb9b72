"""Judging made-up towns: ours against pySHACL, growth to 100,000 papers, and 100 changed records in a small and a large town.

`python bench/shapes.py [--gaps] [--pyshacl N,N] [--ours N,N]` writes a table; each row is measured in a process of its own.
--gaps leaves out what SD.NET leaves out, which gives some 17 results a paper in place of none.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from itertools import chain, islice

from generate import generate

from publisher.graph.mapper import quads
from publisher.shapes import judged, shapes

BATCH = 1_000


def mapped(papers: int, gaps: bool) -> Iterator[tuple[str, bytes]]:
    for obj in generate(papers, gaps=gaps):
        yield obj["id"], quads(obj).encode()


def ours(papers: int, gaps: bool) -> dict[str, float]:
    """Judge a whole town in batches of records; what it takes to make the town up and to map it is not counted."""
    known = shapes()
    records, wall, cpu, triples, results = mapped(papers, gaps), 0.0, 0.0, 0, 0
    while batch := list(islice(records, BATCH)):
        triples += sum(data.count(b"\n") for _, data in batch)
        begun, busy = time.perf_counter(), time.process_time()
        results += sum(1 for _ in judged(batch, known))
        wall, cpu = wall + time.perf_counter() - begun, cpu + time.process_time() - busy
    return {"triples": triples, "results": results, "seconds": wall, "cpu": cpu}


def pyshacl(papers: int, gaps: bool) -> dict[str, float]:
    """Judge a whole town by pySHACL in one call, as it is meant to be used: it reads N-Quads and validates the union."""
    from publisher.shapes import oracle

    warnings.simplefilter("ignore")
    known, data = shapes(), b"".join(data for _, data in mapped(papers, gaps))
    begun, busy = time.perf_counter(), time.process_time()
    results = len(oracle.findings(known, data))
    return {
        "triples": data.count(b"\n"),
        "results": results,
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() - busy,
    }


def changed(papers: int, gaps: bool) -> dict[str, float]:
    """Judge 100 records out of a town, five times; the median."""
    known = shapes()
    some = [(obj["id"], quads(obj).encode()) for obj in islice(generate(papers, gaps=gaps), 0, papers, papers // 100)][:100]
    list(judged(some[:1], known))
    times = []
    for _ in range(5):
        begun, busy = time.perf_counter(), time.process_time()
        results = sum(1 for _ in judged(some, known))
        times.append((time.perf_counter() - begun, time.process_time() - busy))
    wall, cpu = sorted(times)[2]
    return {"triples": sum(data.count(b"\n") for _, data in some), "results": results, "seconds": wall, "cpu": cpu}


WORK: dict[str, Callable[[int, bool], dict[str, float]]] = {"ours": ours, "pyshacl": pyshacl, "100 changed": changed}


def measured(work: str, papers: int, gaps: bool) -> dict[str, float]:
    """Return what a process of its own measured, with its peak memory in MB."""
    run = [sys.executable, __file__, "--one", json.dumps([work, papers, gaps])]
    said = subprocess.run(run, check=True, capture_output=True, text=True).stdout
    return dict(json.loads(said.splitlines()[-1]))


def sizes(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--one")
    arguments.add_argument("--gaps", action="store_true")
    arguments.add_argument("--ours", type=sizes, default=[1_000, 10_000])
    arguments.add_argument("--pyshacl", type=sizes, default=[1_000])
    arguments.add_argument("--changed", type=sizes, default=[1_000, 10_000])
    told = arguments.parse_args()
    if told.one:
        work, papers, gaps = json.loads(told.one)
        row = WORK[work](papers, gaps)
        print(json.dumps({**row, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))
        return
    print(f"{'work':<12} {'papers':>7} {'triples':>9} {'results':>8} {'seconds':>8} {'cpu':>8} {'MB':>6} {'times faster':>12}")
    took: dict[int, float] = {}
    rows = chain(*([(work, size) for size in getattr(told, name)] for work, name in (("ours", "ours"), ("pyshacl", "pyshacl"))))
    for work, papers in chain(rows, (("100 changed", size) for size in told.changed)):
        row = measured(work, papers, told.gaps)
        if work == "ours":
            took[papers] = row["cpu"]
        ratio = f"{row['cpu'] / took[papers]:.0f}" if work == "pyshacl" and papers in took else ""
        counts = f"{row['triples']:>9} {row['results']:>8} {row['seconds']:>8.2f} {row['cpu']:>8.2f} {row['mb']:>6}"
        print(f"{work:<12} {papers:>7} {counts} {ratio:>12}", flush=True)


if __name__ == "__main__":
    main()
