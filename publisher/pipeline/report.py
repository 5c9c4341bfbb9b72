"""What a release says about its own quality: the shapes' results, what was kept out, what the repairs changed."""

import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson

from publisher.errors import Malformed
from publisher.graph.mapper import quads
from publisher.journal import Journal, Run
from publisher.journal.reader import Reader
from publisher.journal.serving import Foci, Serving
from publisher.pipeline import findings
from publisher.shapes import PUBLISHED, Report, Result, Rule, Tally, judge, relation_queries, results_of, shapes
from publisher.store import Store, rows

FORMS = {"json": "report.json", "ttl": "report.ttl", "csv": "report.csv", "text": "report.de.txt"}
BATCH = 1000


def written(path: Path, serving: Serving, journal: Journal, store: Store, base: str, number: int, at: str, *, foci: Foci | None) -> Report:
    """Write the report's files into a staged release and return it.

    Records were judged when they changed. The rules across records are asked about `foci` only, what changed and whatever
    that can touch; None: about everything.
    """
    tally = Tally()
    for source, cls, objects in serving.checked():
        tally.judged(source, cls, objects)
    serving.relate(foci, ((result.focus, result._asdict()) for result in _across(store, foci)))
    related = []
    for source, owner, found in serving.relations():
        result = _result(found)
        tally.found(source, [result])
        related.append((owner, result))
    findings.by_record(path / findings.RECORDS, _judged(tally, serving), related)
    for seq, reason in serving.rejected(number):
        version = journal.at(seq)
        if reason != "superseded" and (head := journal.head(version.iri)) and head.seq == seq:
            tally.refuse(version.source, version.iri, reason)
    _told(tally, [run for name in journal.sources() for run in journal.runs(name)])
    report = tally.report(number, base, at)
    for name, text in _files(report):
        (path / name).write_text(text, "utf-8")
    findings.detailed(path, report)
    findings.history(path, report)
    return report


def _judged(tally: Tally, serving: Serving) -> Iterator[tuple[str, list[Result]]]:
    """Count what the shapes found when the records changed, and yield it as (record, results) by IRI."""
    for source, found in serving.judgements():
        results = [_result(one) for one in found]
        tally.found(source, results)
        if results:
            yield results[0].record, results


def _result(found: dict[str, Any]) -> Result:
    """Return a result as it was kept, in the words of its rule, which are in memory once; in its own where the rule is no more."""
    rule = shapes(PUBLISHED).rules.get(found["shape"])
    if rule is None:
        return Result(**found)
    focus, value, component = found["focus"], found["value"], found["component"]
    return Result(focus, rule.path, value, rule.iri, rule.severity, component, rule.messages, found["record"])


def checked_anew(reader: Reader, store: Store, at: str) -> Report:
    """Judge every record of a release again, whatever was judged before, and return the report."""
    tally, known = Tally(), shapes()
    for source, cls, objects in reader.checked():
        tally.judged(source, cls, objects)
    for source, text in _batches(reader):
        tally.found(source, judge(text, known))
    for result in sorted(_across(store), key=lambda result: (result.focus, result.shape)):
        found = reader.get(result.focus)
        tally.found(found.source if found else "", [result])
    _told(tally, [Run(**one["run"]) for one in reader.sources() if one["run"]])
    return tally.report(reader.release, reader.base, at)


def kept(path: Path, form: str, lang: str = "de") -> tuple[str, int]:
    """Return a release's report in a form of FORMS, and its exit code: 0, 1 (warnings) or 2 (violations, or records kept out)."""
    name = f"report.{lang}.txt" if form == "text" else FORMS[form]
    try:
        told = orjson.loads((path / "report.json").read_bytes())
        text = (path / name).read_text("utf-8")
    except (OSError, ValueError) as error:
        raise Malformed(str(path), f"expected a report: {error}; publisher build --full makes it anew") from error
    totals = told["totals"]
    return text, 2 if totals["Violation"] or told["refused"] else 1 if totals["Warning"] else 0


def _files(report: Report) -> Iterator[tuple[str, str]]:
    yield "report.json", report.json().decode()
    yield "report.csv", report.csv()
    for lang in ("de", "en"):
        yield f"report.{lang}.txt", report.text(lang)


def _across(store: Store, foci: Foci | None = None) -> Iterator[Result]:
    """Yield what the rules across records find, about some foci by class or about all; each in a thread, for the engine waits for none."""
    rules = relation_queries() if foci is None else _about(foci)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for found in threads.map(lambda rule: results_of(rule, rows(store.query(rule.select))), rules):
            yield from found


def _about(foci: Foci) -> Iterator[Rule]:
    """Yield each rule with the foci of its class, all of them for a rule of several classes, BATCH at a time."""
    every = sorted({iri for iris in foci.values() for iri in iris})
    for target in sorted({rule.target for rule in relation_queries()}):
        iris = foci.get(re.split("[/#]", target)[-1], []) if target else every
        for at in range(0, len(iris), BATCH):
            yield from (rule for rule in relation_queries(focus=iris[at : at + BATCH]) if rule.target == target)


def _told(tally: Tally, runs: Iterable[Run]) -> None:
    """Add what the newest harvest of each source noted and refused."""
    for run in runs:
        for kind, rules in run.notes.items():
            for rule, (times, *_) in rules.items():
                tally.noted(run.source, kind, rule, times)
        for refusal in run.refusals:
            tally.refuse(run.source, refusal["id"] or refusal["url"], refusal["reason"])


def _batches(reader: Reader) -> Iterator[tuple[str, str]]:
    texts: dict[str, list[str]] = {}
    for found in reader.owners(deleted=True):
        batch = texts.setdefault(found.source, [])
        obj: dict[str, Any] = orjson.loads(found.json)
        batch.append(quads(obj))
        if len(batch) >= BATCH:
            yield found.source, "".join(batch)
            batch.clear()
    for source, batch in texts.items():
        yield source, "".join(batch)
