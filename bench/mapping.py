"""Maps the same documents to quads by our mapper, pyoxigraph, PyLD and rdflib, and loads the result: ratios of one run.

usage: python -m bench.mapping [--papers 10000] [--crawl FOLDER] [--rounds 3] [--json]
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pyoxigraph as ox
import rdflib
from pyld import jsonld

from bench.generate import generate
from publisher.concepts import concepts
from publisher.config import source_of_table
from publisher.graph.eli import derived
from publisher.graph.mapper import implied, quads
from publisher.iris import Iris
from publisher.ontology import ontology
from publisher.pipeline.localise import localised, space_of
from publisher.record import Record, parts
from publisher.sources import oparl_files
from publisher.sources.normal import normalised

PAGE = 100
SLOW = 1_000  # papers' worth of objects that PyLD and rdflib are given; they are linear, and would take minutes on all


def crawled(folder: Path) -> list[dict[str, Any]]:
    """Return the objects of a crawl as the journal keeps them."""
    source = source_of_table({"name": "crawl", "kind": "oparl-files", "url": str(folder), "jurisdiction": "05358016"}, "bench")
    found = [record for record in oparl_files.records(source, None) if isinstance(record, Record)]
    iris = Iris("https://ris.example.org", [space_of(source, found)])
    made = (localised(record.object, iris) for origin in found for record in normalised(origin, source))
    return [obj for obj in made if obj]


def by_us(objects: list[dict[str, Any]]) -> int:
    return sum(quads(obj).count("\n") for obj in objects)


def by_us_with_layers(objects: list[dict[str, Any]]) -> int:
    known = concepts("https://ris.example.org")
    table = {part["id"]: part for obj in objects for _, part in parts(obj)} | {obj["id"]: obj for obj in objects}
    return sum("".join((quads(obj), implied(obj), *derived(obj, table.get, known))).count("\n") for obj in objects)


def pages(objects: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    stream = iter(objects)
    while page := list(islice(stream, PAGE)):
        yield {"@context": ontology().context, "@graph": page}


def by_pyoxigraph(objects: list[dict[str, Any]]) -> int:
    """JSON-LD text in, N-Quads text out: its parser and its writer, both native."""
    total = 0
    for page in pages(objects):
        text = ox.serialize(ox.parse(orjson.dumps(page), format=ox.RdfFormat.JSON_LD), format=ox.RdfFormat.N_QUADS)
        total += (text or b"").count(b"\n")
    return total


def by_pyld(objects: list[dict[str, Any]]) -> int:
    return sum(jsonld.to_rdf(page, {"format": "application/n-quads"}).count("\n") for page in pages(objects))


def by_rdflib(objects: list[dict[str, Any]]) -> int:
    total = 0
    for page in pages(objects):
        graph = rdflib.Graph()
        graph.parse(data=orjson.dumps(page), format="json-ld")
        total += len(graph)
    return total


def loaded(objects: list[dict[str, Any]]) -> int:
    """Bulk load of our quads into the embedded store, as a build does it; the mapping is not counted."""
    text = "".join(map(quads, objects)).encode()
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        store = ox.Store(folder)
        store.bulk_load(text, format=ox.RdfFormat.N_QUADS)
        loaded.seconds = time.perf_counter() - begun  # type: ignore[attr-defined]
        count = len(store)
        del store
    return count


WAYS: dict[str, Callable[[list[dict[str, Any]]], int]] = {
    "ours": by_us,
    "ours with derived layer": by_us_with_layers,
    "pyoxigraph": by_pyoxigraph,
    "bulk load of ours": loaded,
    "PyLD": by_pyld,
    "rdflib": by_rdflib,
}


def measured(name: str, objects: list[dict[str, Any]], rounds: int) -> dict[str, Any]:
    """Return median seconds and quads a second of one way; the slow ones are given a part of the objects."""
    given = objects if name not in ("PyLD", "rdflib") else objects[:SLOW]
    seconds, count = [], 0
    for _ in range(rounds if given is objects else 1):
        begun = time.perf_counter()
        count = WAYS[name](given)
        seconds.append(getattr(loaded, "seconds", 0.0) if name == "bulk load of ours" else time.perf_counter() - begun)
    middle = statistics.median(seconds)
    return {
        "way": name,
        "objects": len(given),
        "quads": count,
        "seconds": middle,
        "rate": count / middle,
        "spread": max(seconds) - min(seconds),
    }


def table(title: str, objects: list[dict[str, Any]], rounds: int) -> dict[str, Any]:
    rows = [measured(name, objects, rounds) for name in WAYS]
    ours = rows[0]["seconds"] / rows[0]["objects"]
    for row in rows:
        row["times ours"] = row["seconds"] / row["objects"] / ours
    return {"data": title, "rows": rows}


def main() -> None:
    """Print one table for the crawl, if given, and one for the invented town."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--papers", type=int, default=10_000)
    options.add_argument("--crawl", type=Path)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--json", action="store_true")
    asked = options.parse_args()
    tables = [table(f"crawl {asked.crawl.name}", crawled(asked.crawl), asked.rounds)] if asked.crawl else []
    if asked.papers:
        tables.append(table(f"invented town of {asked.papers} papers", list(generate(asked.papers)), asked.rounds))
    if asked.json:
        json.dump(tables, sys.stdout, indent=1)
        return
    for one in tables:
        print(f"\n{one['data']}\n{'way':<26}{'objects':>9}{'quads':>10}{'seconds':>9}{'quads/s':>10}{'x our time an object':>22}")
        for row in one["rows"]:
            print(
                f"{row['way']:<26}{row['objects']:>9}{row['quads']:>10}{row['seconds']:>9.2f}{row['rate']:>10.0f}{row['times ours']:>22.2f}"
            )


if __name__ == "__main__":
    main()
