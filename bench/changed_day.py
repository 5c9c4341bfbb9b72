"""Builds a town for the first time and again after changed papers: what each costs, and where the time goes.

usage: python -m bench.changed_day [--papers 1000,10000] [--changed 100] [--bodies 1]

cpu is the processor time of all processes; MB the largest of the build's own and of any process beside it. The stages are seconds by
the clock: those after loading overlap with the index and the stream, which are made beside them.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson

from bench.generate import generate
from publisher.config import Settings
from publisher.journal import Journal, Version
from publisher.pipeline import build
from publisher.record import content_hash

AT = ("2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00")
BASE = "https://ris.example.org"
STAGES = {"_apply": "judged", "_mapped": "loaded", "written": "report", "_finish": "all of it"}


def version(obj: dict[str, Any], at: str) -> Version:
    kind = obj["type"].rsplit("/", 1)[-1]
    body = obj.get("body", "") if kind != "Body" else obj["id"]
    return Version(0, obj["id"], kind, "town", "bench", body, obj.get("modified", ""), at, False, content_hash(obj), orjson.dumps(obj))


def cpu() -> float:
    """Return the processor time of this process and of those it has waited for, in seconds."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def timed(name: str, spent: dict[str, float]) -> Any:
    """Return the build's function of this name, which adds the seconds it takes to `spent`."""
    act = getattr(build, name)

    def called(*arguments: Any, **named: Any) -> Any:
        begun = time.perf_counter()
        found = act(*arguments, **named)
        spent[STAGES[name]] = spent.get(STAGES[name], 0.0) + time.perf_counter() - begun
        return found

    return called


def built(home: Path) -> dict[str, float]:
    """Build once and return seconds, processor seconds, and the seconds of each stage."""
    spent: dict[str, float] = {}
    acts = {name: getattr(build, name) for name in STAGES}
    for name in STAGES:
        setattr(build, name, timed(name, spent))
    begun, used = time.perf_counter(), cpu()
    try:
        build.build(Settings(home, BASE), AT[0], progress=lambda *_: None)
    finally:
        for name, act in acts.items():
            setattr(build, name, act)
    spent["furnished"] = spent.pop("all of it") - spent["loaded"] - spent["report"]
    return {"seconds": time.perf_counter() - begun, "cpu": cpu() - used} | spent


def harvested(home: Path, papers: int, bodies: int, changed: int) -> list[dict[str, Any]]:
    """Fill a journal with towns and return papers, spread over all of them, that are to change."""
    chosen: list[dict[str, Any]] = []
    with Journal(home / "journal.sqlite") as journal:
        journal.set("base", BASE)
        for at in range(bodies):
            mine = 0
            for obj in generate(papers // bodies, base=BASE, jurisdiction=f"{5358000 + at:08}"):
                journal.append(version(obj, AT[0]))
                if obj["type"].endswith("/Paper") and mine < -(-changed // bodies) and len(chosen) < changed:
                    chosen.append(obj)
                    mine += 1
        journal.commit()
    return chosen


def main() -> None:
    """Print, for each size, what the first build and one after changed papers cost."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--papers", default="1000,10000")
    options.add_argument("--changed", type=int, default=100)
    options.add_argument("--bodies", type=int, default=1)
    told = options.parse_args()
    columns = ("seconds", "cpu", "judged", "loaded", "report", "furnished")
    print(f"{'papers':>8} {'build':<14}" + "".join(f"{name:>10}" for name in (*columns, "MB")))
    for papers in map(int, told.papers.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            changed = harvested(home, papers, told.bodies, told.changed)
            show(f"{papers:>8} {'first':<14}", built(home), columns)
            with Journal(home / "journal.sqlite") as journal:
                for obj in changed:
                    journal.append(version({**obj, "name": obj["name"] + " (neu)"}, AT[1]))
                journal.commit()
            show(f"{papers:>8} {f'{told.changed} changed':<14}", built(home), columns)


def show(head: str, row: dict[str, float], columns: tuple[str, ...]) -> None:
    most = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) // 1024
    print(head + "".join(f"{row.get(name, 0.0):>10.2f}" for name in columns) + f"{most:>10}", flush=True)


if __name__ == "__main__":
    main()
