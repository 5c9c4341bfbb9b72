"""Text search against the bare library and SQLite's scan, on the same papers in one run: `python bench/search.py [PAPERS]`.

The plain query has the same words in the folded form in which they are indexed, on the same index, and reads the 20 documents; it knows
no longer words, compounds and references and makes no snippets, so it finds less. Both run in turn, in the process's own time, so
that a busy machine counts less. Ours keeps the patterns of words asked before, as in a running server.
"""

import random
import re
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from publisher.search import Index, build, folded

SYLLABLES = re.findall(
    r"\w+", "ab fall ge bühr ver kehr straße bau plan schul haus halt grün fläche spiel platz feuer wehr rat sitz ung kind tages stätte"
)
QUERIES = (
    "Gebühr",
    "Abfallgebühr",
    "Haushalt Schule",
    "Straße",
    "2021/00268",
    "Spielplatz Planung",
    "Feuerwehr",
    "Kind",
    "Satzung",
    "Verkehr",
)


def word(chance: random.Random) -> str:
    return "".join(chance.choices(SYLLABLES, k=chance.randint(1, 4))).capitalize()


def papers(count: int) -> list[tuple[str, str, str, dict[str, object]]]:
    chance = random.Random(5334)
    common = [word(chance) for _ in range(20_000)]
    return [
        (
            f"https://x.example/eli/dl/05334/vorlage/{at}",
            "Paper",
            "https://x.example/id/05334",
            {
                "name": " ".join(chance.choices(common, k=6)),
                "reference": f"{2000 + at % 25}/{at:05}",
                "mainFile": {"id": "f", "text": " ".join(chance.choices(common, k=120))},
            },
        )
        for at in range(count)
    ]


def times(runs: dict[str, Callable[[str], object]], rounds: int = 20) -> dict[str, tuple[float, float]]:
    """Return median and 95th percentile in ms over all queries, for several ways to answer them in turn."""
    spent: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for query in QUERIES:
            for name, run in runs.items():
                start = time.process_time()
                run(query)
                spent[name].append((time.process_time() - start) * 1000)
    return {name: (sorted(each)[len(each) // 2], sorted(each)[int(len(each) * 0.95)]) for name, each in spent.items()}


def main(count: int) -> None:
    entries = papers(count)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        start = time.process_time()
        build(path, entries)
        size = sum(file.stat().st_size for file in path.iterdir()) / 1e6
        print(f"build: {count} papers in {time.process_time() - start:.1f} s of processor, {size:.0f} MB")
        ours = Index(path)
        bare, searcher = ours._index, ours._searcher

        def plain(query: str) -> object:
            parsed, _ = bare.parse_query_lenient(folded(query), ["name", "text"], conjunction_by_default=True)
            return [searcher.doc(address) for _, address in searcher.search(parsed, 20).hits]

        found = times({"ours (compounds, prefixes, snippets)": ours.search, "bare tantivy (same fields, no prefixes, no snippets)": plain})
        for name, (median, p95) in found.items():
            print(f"{name}: median {median:.2f} ms, p95 {p95:.2f} ms")
        (median, p95), (plain_median, plain_p95) = found.values()
        print(f"ratio to the plain query: median {median / plain_median:.1f} times, p95 {p95 / plain_p95:.1f} times")
        table = sqlite3.connect(":memory:")
        table.execute("create table paper(iri, name, text)")
        table.executemany("insert into paper values (?,?,?)", ((e[0], e[3]["name"], e[3]["mainFile"]["text"]) for e in entries))  # type: ignore[index]
        scan = "select iri from paper where name like ?1 or text like ?1 limit 20"
        [(median, p95)] = times({"scan": lambda query: table.execute(scan, (f"%{query}%",)).fetchall()}, 1).values()
        print(f"CONTAINS-like scan (SQLite, first 20): median {median:.2f} ms, p95 {p95:.2f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
