"""The report cut to size: a folder by source, a look-up by record, and how quality went from release to release."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from heapq import merge
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import quote

import orjson

from publisher.release import current
from publisher.shapes import BASE, Report, Result, pieces

RELEASES = 500
RECORDS, HISTORY = "records.tsv", "history.json"
NOWHERE, COPIED = ".nowhere", 1 << 20


class Part(NamedTuple):
    """What one source says in the whole report: the places, from and to, of its links and blocks in Turtle, and of its rows."""

    turtle: Path
    links: tuple[int, int]
    blocks: tuple[int, int]
    table: Path
    rows: tuple[int, int]


def detailed(path: Path, report: Report) -> None:
    """Write report.ttl and results.csv, and the folder report/ with each source's {source}.json, .ttl, .csv and .results.csv.

    A result is written for its source and copied from there: those of a country are hundreds of MB.
    """
    folder, bare = path / "report", replace(report, by_line={})
    folder.mkdir()
    made = [_part(folder, part, quote(source, safe="") or NOWHERE) for source, part in sorted(_parted(report).items())]
    told = pieces(bare)
    with (path / "report.ttl").open("wb") as file:
        file.write(told.opening.encode())
        for one in made:
            _copy(one.turtle, one.links, file)
        file.write(told.middle.encode())
        for one in made:
            _copy(one.turtle, one.blocks, file)
    with (path / "results.csv").open("wb") as file:
        file.write(bare.results_csv().encode())
        for one in made:
            _copy(one.table, one.rows, file)
    for left in folder.glob(f"{NOWHERE}.*"):
        left.unlink()  # what is of no source stands in the whole report only


def _part(folder: Path, part: Report, stem: str) -> Part:
    # One source may conform where the whole does not, so that its report is another node than the whole report.
    told = pieces(part, node=f"{part.base}/report/{stem}")
    turtle, table = folder / f"{stem}.ttl", folder / f"{stem}.results.csv"
    with turtle.open("wb") as file:
        places = [file.write(told.opening.encode()) and file.tell()]
        for several in (told.links, (told.middle,), told.blocks):
            file.writelines(text.encode() for text in several)
            places.append(file.tell())
    table.write_text(part.results_csv(), "utf-8")
    (folder / f"{stem}.csv").write_text(part.csv(), "utf-8")
    (folder / f"{stem}.json").write_bytes(part.json())
    head = len(replace(part, by_line={}).results_csv().encode())
    return Part(turtle, (places[0], places[1]), (places[2], places[3]), table, (head, table.stat().st_size))


def _copy(path: Path, place: tuple[int, int], to: BinaryIO) -> None:
    with path.open("rb") as file:
        file.seek(place[0])
        left = place[1] - place[0]
        while piece := file.read(min(left, COPIED)):
            to.write(piece)
            left -= len(piece)


def _parted(report: Report) -> dict[str, Report]:
    """Return what a report says of each source."""
    found: dict[str, tuple[list[Any], ...]] = {}
    rows = (
        ((line.source, line) for line in report.lines),
        *(((key[0], (key, value)) for key, value in told.items()) for told in (report.by_line, report.notes, report.checked)),
        ((kept.source, kept) for kept in report.refused),
    )
    for at, several in enumerate(rows):
        for source, row in several:
            found.setdefault(source, ([], [], [], [], []))[at].append(row)
    return {
        source: replace(report, lines=tuple(one), by_line=dict(two), notes=dict(three), checked=dict(four), refused=tuple(five))
        for source, (one, two, three, four, five) in found.items()
    }


def by_record(path: Path, judged: Iterable[tuple[str, list[Result]]], related: Iterable[tuple[str, Result]]) -> None:
    """Write all results, a line a record: its IRI, a tab, a JSON list; sorted, so that a record is found by bisection.

    judged: (record, its results) by IRI, each record once. related: (record, result) of the rules across records, in any order.
    """
    others: dict[str, list[Result]] = {}
    for record, result in related:
        others.setdefault(record, []).append(result)
    with path.open("wb") as file:
        for record, results in _together(merge(judged, sorted(others.items()), key=lambda row: row[0])):
            file.write(record.encode() + b"\t" + orjson.dumps([_told(result) for result in results]) + b"\n")


def _together(rows: Iterable[tuple[str, list[Result]]]) -> Iterator[tuple[str, list[Result]]]:
    held: tuple[str, list[Result]] = ("", [])
    for record, results in rows:
        if record != held[0]:
            if held[1]:
                yield held
            held = record, []
        held[1].extend(results)
    if held[1]:
        yield held


def _told(result: Result) -> dict[str, str]:
    """Return a result as JSON; severity, path and messages are those of its rule, which the report holds once."""
    return {"rule": result.shape.removeprefix(BASE), "focus": result.focus, "value": result.value, "component": result.component}


def history(path: Path, report: Report) -> None:
    """Write what each release up to this one counted by source and severity, longer than the releases themselves are kept."""
    served = current(path.parents[1])
    before = served and served.path / HISTORY
    rows: list[dict[str, Any]] = orjson.loads(before.read_bytes()) if before and before.is_file() else []
    counts: dict[str, dict[str, int]] = {}
    for (source, _), objects in report.checked.items():
        counts.setdefault(source, {"objects": 0, "Violation": 0, "Warning": 0, "Info": 0})["objects"] += objects
    for line in report.lines:
        one = counts.setdefault(line.source, {"objects": 0, "Violation": 0, "Warning": 0, "Info": 0})
        one[line.rule.severity] += line.times
    mine = {"release": report.release, "made": report.made, "sources": dict(sorted(counts.items()))}
    kept = [row for row in rows if row["release"] < report.release][1 - RELEASES :]
    (path / HISTORY).write_bytes(orjson.dumps([*kept, mine]))
