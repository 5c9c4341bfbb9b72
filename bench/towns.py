"""A country of OParl towns of very different size in several dialects, kept as finished pages; and a server of these pages.

usage: python -m bench.towns FOLDER PORT DAY      serves what `prepared` put into FOLDER, as it is on day 1 or 2

Objects come from bench/generate.py; a dialect only tells them its own way. Day 2 differs from
day 1 by up to `CHANGED` papers (a tenth of all where there are few), spread over all towns.
"""

import mmap
import sys
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from bench.generate import PLACES, SCHEMA, generate
from bench.harvest import handler
from publisher.record import parts

Object = dict[str, Any]
BASE = "https://town.example.org"
CHANGED = 2_000
LICENCE = "https://www.govdata.de/dl-de/by-2-0"
STAMP = "2026-11-23T08:00:00+01:00"
LISTS = {"Organization": "organization", "Person": "person", "Meeting": "meeting", "Paper": "paper"}


class Dialect(NamedTuple):
    """How a product tells its objects. stamped: its `modified` can be trusted, so that it can be asked for changes only."""

    name: str
    page: int = 100
    gaps: bool = False
    stamped: bool = True
    type_of: str = SCHEMA


DIALECTS = (
    Dialect("sternberg", gaps=True, type_of="https://schema.oparl.org/1.0/"),
    Dialect("sessionnet"),
    Dialect("", page=250),
    Dialect("sternberg", gaps=True, type_of="https://schema.oparl.org/1.0/"),
    Dialect("allris4", page=10, stamped=False),
)


class Place(NamedTuple):
    """One town: its Gemeindeschlüssel, its papers, its product."""

    key: str
    papers: int
    dialect: Dialect


def places(objects: int) -> list[Place]:
    """Return the towns that make up so many objects: 150 for a million; the largest has a twelfth of all, most have little.

    A paper brings 7.7 objects, a town some 180 of its own. ALLRIS 4, which must be walked whole each time, has small towns only.
    """
    count = max(5, min(150, objects // 2_000))
    weights = [1 / (at + 3) ** 0.9 for at in range(count)]
    share = max(0, objects - 180 * count) / sum(weights) / 7.7
    dialects = [DIALECTS[at % 5] if DIALECTS[at % 5].stamped or at > count // 3 else DIALECTS[2] for at in range(count)]
    return [
        Place(f"05{at:06d}", max(10, round(weight * share)), dialect)
        for at, (weight, dialect) in enumerate(zip(weights, dialects, strict=True))
    ]


def prepared(objects: int, folder: Path, port: int) -> dict[str, int]:
    """Write all pages of all towns and a TOML for each; return how many objects, papers and towns there are."""
    folder.mkdir(parents=True, exist_ok=True)
    home = folder / "home" / "sources"
    home.mkdir(parents=True, exist_ok=True)
    index: dict[str, dict[str, tuple[int, int]]] = {"1": {}, "2": {}}
    chosen, count = places(objects), 0
    every = max(10, sum(place.papers for place in chosen) // CHANGED)
    with (folder / "pages.bin").open("wb") as file:
        for place in chosen:
            root = f"http://127.0.0.1:{port}/{place.key}"
            for day, path, body, found in _pages(place, root, every):
                index[day][path] = file.tell(), len(body)
                file.write(body)
                count += found
            (home / f"{place.key}.toml").write_text(_toml(place, root), "utf-8")
    (folder / "pages.json").write_bytes(orjson.dumps(index))
    return {"objects": count, "papers": sum(place.papers for place in chosen), "towns": len(chosen)}


def _toml(place: Place, root: str) -> str:
    named = f'\n[options]\ndialect = "{place.dialect.name}"\n' if place.dialect.name else ""
    told = {"title": f"Stadt {place.key}", "publisher": f"Stadt {place.key}", "contact": "ris@town.example.org", "license": LICENCE}
    title = "".join(f'{key} = "{value}"\n' for key, value in told.items())
    return f'kind = "oparl"\nurl = "{root}/system"\njurisdiction = "{place.key}"\npause = 0\n{title}{named}'


def _pages(place: Place, root: str, every: int) -> Iterator[tuple[str, str, bytes, int]]:
    """Yield (day, path, page, objects on it); day 2 has but the pages that differ, and the answers to `modified_since`."""
    stream = generate(place.papers, base=BASE, jurisdiction=place.key, gaps=place.dialect.gaps)
    system, body = (_told(obj, place, root) for obj in islice(stream, 2))
    yield "1", f"/{place.key}/system", orjson.dumps(system | {"body": f"{root}/body"}), 1
    lists = {key: f"{root}/{key}" for key in LISTS.values()}
    kept = {key: value for key, value in body.items() if not (isinstance(value, str) and value.startswith(BASE))}
    yield "1", f"/{place.key}/body", orjson.dumps({"data": [kept | lists]}), 1 + len(body.get("legislativeTerm", ()))
    by_list: dict[str, list[Object]] = {key: [] for key in lists}
    for obj in stream:
        by_list[LISTS[obj["type"].rpartition("/")[2]]].append(_told(obj, place, root))
    for key, objects in by_list.items():
        yield from _list(f"/{place.key}/{key}", objects, place, root, every if key == "paper" else 0)


def _list(path: str, objects: list[Object], place: Place, root: str, every: int) -> Iterator[tuple[str, str, bytes, int]]:
    size, url = place.dialect.page, root.removesuffix(f"/{place.key}") + path
    stamp = {"modified": STAMP} if place.dialect.stamped else {}
    after = {at: {**objects[at], "name": f"{objects[at]['name']} (neu)", **stamp} for at in range(0, len(objects), every)} if every else {}
    for start in range(0, max(1, len(objects)), size):
        links = {"next": f"{url}?page={start // size + 2}"} if start + size < len(objects) else {}
        here = f"{path}?page={start // size + 1}" if start else path
        some = objects[start : start + size]
        yield "1", here, orjson.dumps({"data": some, "links": links}), sum(1 + sum(1 for _ in parts(obj)) for obj in some)
        changed = [after.get(at, objects[at]) for at in range(start, min(start + size, len(objects)))]
        if not place.dialect.stamped and changed != some:
            yield "2", here, orjson.dumps({"data": changed, "links": links}), 0
    yield "2", f"{path}?modified_since", orjson.dumps({"data": list(after.values()), "links": {}}), 0


def _told(obj: Object, place: Place, root: str) -> Object:
    """Return a generated object as the town's server tells it: under its own ids, with its product's habits."""
    text = orjson.dumps(_with_habits(obj, place.dialect)).replace(f'"{BASE}/id/{place.key}"'.encode(), f'"{root}/body/1"'.encode())
    for cls, where in PLACES.items():
        text = text.replace(f"{BASE}/{where.format(place.key)}/".encode(), f"{root}/{cls.lower()}/".encode())
    told: Object = orjson.loads(text.replace(SCHEMA.encode(), place.dialect.type_of.encode()))
    return told


def _with_habits(obj: Object, dialect: Dialect) -> Object:
    made: Object = {}
    for key, value in obj.items():
        if key == "owl:sameAs":
            continue
        if isinstance(value, list) and value and isinstance(value[0], dict):
            value = [_with_habits(item, dialect) for item in value]
        elif isinstance(value, dict) and "id" in value:
            value = _with_habits(value, dialect)
        made[key] = value
    return HABITS.get(dialect.name, dict)(made)


def _sternberg(obj: Object) -> Object:
    """No licence, an AGS without its zero, breaks in long names, fields of the vendor's own."""
    name = obj.get("name", "")
    broken = {"name": name.replace(" ", "\r\n", 1)} if len(name) > 45 else {}
    ags = {"ags": obj["ags"].lstrip("0")} if "ags" in obj else {}
    return {key: value for key, value in obj.items() if key != "license"} | broken | ags | ({"STERNBERG:sortierung": 1} if ags else {})


def _sessionnet(obj: Object) -> Object:
    """No main file, roles that nobody knows, items counted from one, empty texts."""
    made = dict(obj)
    if "mainFile" in made:
        made["auxiliaryFile"] = [made.pop("mainFile"), *made.get("auxiliaryFile", ())]
    if made["type"] == SCHEMA + "Consultation" and made.get("role") == "Vorberatung":
        made["role"] = "unbekannt"
    if "order" in made:
        made["order"] += 1
    return made | ({"resolutionText": ""} if made["type"] == SCHEMA + "AgendaItem" and "resolutionText" not in made else {})


def _allris4(obj: Object) -> Object:
    """Stamps of the year 2000, media types by extension, days with a time, items counted from 100001."""
    made = {**obj, "created": "2000-01-01T00:00:00+01:00", "modified": "2000-01-01T00:00:00+01:00", "deleted": False}
    if "mimeType" in made:
        made |= {"mimeType": "pdf", "date": f"{made['date']}T00:00:00+01:00", "downloadUrl": ""}
    return made | ({"order": made["order"] + 100_001} if "order" in made else {})


HABITS = {"sternberg": _sternberg, "sessionnet": _sessionnet, "allris4": _allris4}


def main(folder: str, port: str, day: str) -> None:
    """Serve until ended; say so once it listens."""
    index = orjson.loads(Path(folder, "pages.json").read_bytes())
    known = index["1"] | index["2"] if day == "2" else index["1"]
    with Path(folder, "pages.bin").open("rb") as file:
        pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

        def answer(path: str, _base: str) -> bytes | None:
            place = known.get(f"{path.partition('?')[0]}?modified_since" if "modified_since=" in path else path)
            return pages[place[0] : place[0] + place[1]] if place else None

        server = ThreadingHTTPServer(("127.0.0.1", int(port)), handler(answer))
        print("listening", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
