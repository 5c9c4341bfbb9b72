"""The report cut to size: a folder by source, a look-up by record, and how quality went from release to release."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from heapq import merge
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from publisher.release import current
from publisher.shapes import BASE, Report, Result, turtle

RELEASES = 500
RECORDS, HISTORY = "records.tsv", "history.json"


def by_source(folder: Path, report: Report) -> None:
    """Write each source's part of a report into `folder` as {source}.json, .ttl, .csv and .results.csv."""
    folder.mkdir()
    whole, rows = f"<{report.base}/report/{report.release}>", {*(line.source for line in report.lines), *(key[0] for key in report.checked)}
    for source in sorted({*rows, *(key[0] for key in report.notes), *(kept.source for kept in report.refused)} - {""}):
        part, stem = of_source(report, source), quote(source, safe="")
        # One source may conform where the whole does not, so that its report is another node than the whole report.
        told = turtle(part).replace(whole, f"<{report.base}/report/{stem}>")
        files = {"json": part.json().decode(), "ttl": told, "csv": part.csv(), "results.csv": part.results_csv()}
        for suffix, text in files.items():
            (folder / f"{stem}.{suffix}").write_text(text, "utf-8")


def of_source(report: Report, source: str) -> Report:
    """Return what a report says of one source."""
    return replace(
        report,
        lines=tuple(line for line in report.lines if line.source == source),
        by_line={key: results for key, results in report.by_line.items() if key[0] == source},
        notes={key: count for key, count in report.notes.items() if key[0] == source},
        checked={key: count for key, count in report.checked.items() if key[0] == source},
        refused=tuple(kept for kept in report.refused if kept.source == source),
    )


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
