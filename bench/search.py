"""Text search against the bare library and SQLite's scan, on the same papers in one run: `python bench/search.py [PAPERS]`."""

import random
import re
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

from publisher.search import Index, build

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


def times(run: object, rounds: int = 20) -> str:
    """Median and 95th percentile in ms over all queries."""
    spent = []
    for _ in range(rounds):
        for query in QUERIES:
            start = time.perf_counter()
            run(query)  # type: ignore[operator]
            spent.append((time.perf_counter() - start) * 1000)
    spent.sort()
    return f"median {spent[len(spent) // 2]:.2f} ms, p95 {spent[int(len(spent) * 0.95)]:.2f} ms"


def main(count: int) -> None:
    entries = papers(count)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        start = time.perf_counter()
        build(path, entries)
        size = sum(file.stat().st_size for file in path.iterdir()) / 1e6
        print(f"build: {count} papers in {time.perf_counter() - start:.1f} s, {size:.0f} MB")
        ours = Index(path)
        print("ours (compounds, prefixes, snippets):", times(ours.search))
        bare, searcher = ours._index, ours._searcher

        def plain(query: str) -> object:
            parsed, _ = bare.parse_query_lenient(query, ["name", "text"], conjunction_by_default=True)
            return [searcher.doc(address) for _, address in searcher.search(parsed, 20).hits]

        print("bare tantivy (same fields, no prefixes, no snippets):", times(plain))
        table = sqlite3.connect(":memory:")
        table.execute("create table paper(iri, name, text)")
        table.executemany("insert into paper values (?,?,?)", ((e[0], e[3]["name"], e[3]["mainFile"]["text"]) for e in entries))  # type: ignore[index]
        scan = "select iri from paper where name like ?1 or text like ?1 limit 20"
        print("CONTAINS-like scan (SQLite, first 20):", times(lambda query: table.execute(scan, (f"%{query}%",)).fetchall(), 1))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
