"""Judges and asks again after 100 changed papers, in towns of two sizes: what a changed day costs the report.

usage: python -m bench.changed_day [--papers 1000,10000]
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson

from bench.generate import generate
from publisher.config import Settings
from publisher.journal import Journal, Version
from publisher.pipeline import build, report
from publisher.record import content_hash

CHANGED = 100
AT = ("2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00")


def version(obj: dict[str, Any], at: str) -> Version:
    kind = obj["type"].rsplit("/", 1)[-1]
    return Version(
        0, obj["id"], kind, "town", "bench", obj.get("body", ""), obj.get("modified", ""), at, False, content_hash(obj), orjson.dumps(obj)
    )


def built(home: Path) -> dict[str, float]:
    """Build once and return the seconds of the whole and of asking the rules across records."""
    asked = [0.0]
    across = report._across

    def timed(*arguments: Any) -> Any:
        begun = time.perf_counter()
        found = list(across(*arguments))
        asked[0] += time.perf_counter() - begun
        return found

    report._across = timed  # type: ignore[assignment]
    begun = time.perf_counter()
    build.build(Settings(home, "https://ris.example.org"), AT[0], progress=lambda *_: None)
    report._across = across
    return {"build": time.perf_counter() - begun, "rules across records": asked[0]}


def main() -> None:
    """Print, for each size, what the first build and one after 100 changed papers cost."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--papers", default="1000,10000")
    print(f"{'papers':>8} {'build':<14}{'seconds':>9}{'rules across records':>22}")
    for papers in map(int, options.parse_args().papers.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            home, changed = Path(folder), []
            with Journal(home / "journal.sqlite") as journal:
                journal.set("base", "https://ris.example.org")
                for obj in generate(papers):
                    journal.append(version(obj, AT[0]))
                    if obj["type"].endswith("/Paper") and len(changed) < CHANGED:
                        changed.append(obj)
                journal.commit()
            rows = [("first", built(home))]
            with Journal(home / "journal.sqlite") as journal:
                for obj in changed:
                    journal.append(version({**obj, "name": obj["name"] + " (neu)"}, AT[1]))
                journal.commit()
            rows.append((f"{CHANGED} changed", built(home)))
            for name, row in rows:
                print(f"{papers:>8} {name:<14}{row['build']:>9.2f}{row['rules across records']:>22.2f}", flush=True)


if __name__ == "__main__":
    main()
