"""All long rounds one after the other, and one table: `python -m bench.proof [--short] [--only NAME] [--json]`.

Each round is a module with `rows(short)`, which yields a Row as soon as it is known. --short takes the few that CI has time for. Exit
code 1 if any promise was broken.
"""

import argparse
import json
import sys
import time
from importlib import import_module

from bench.proof import Row

ROUNDS = {
    "faults": "bench.proof.faults",
    "attacks": "bench.proof.attacks",
    "queries": "bench.proof.queries",
    "soak": "bench.proof.soak",
}


def shown(name: str, row: Row) -> str:
    """Return a line of the Markdown table."""
    return f"| {name} | {row.what} | {row.rounds:,} | {row.wrong:,} | {row.outcome} |"


def run(name: str, short: bool, as_json: bool) -> list[Row]:
    """Run one round, show its rows as they come, and return them."""
    found = []
    for row in import_module(ROUNDS[name]).rows(short):
        found.append(row)
        if not as_json:
            print(shown(name, row), flush=True)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="the few rounds that CI has time for")
    parser.add_argument("--only", choices=ROUNDS, action="append", help="this round alone; may be given several times")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    asked = parser.parse_args()
    if not asked.json:
        print("| round | what | times | wrong | outcome |\n|---|---|---:|---:|---|")
    found, began = {}, time.monotonic()
    for name in asked.only or ROUNDS:
        found[name] = run(name, asked.short, asked.json)
    if asked.json:
        print(json.dumps([{"round": name, **row._asdict()} for name, rows in found.items() for row in rows], indent=1))
    wrong = sum(row.wrong for rows in found.values() for row in rows)
    times = sum(row.rounds for rows in found.values() for row in rows)
    print(f"\n{times:,} times in {time.monotonic() - began:.0f} s, {wrong:,} wrong", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
