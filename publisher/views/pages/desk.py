"""The clerk's desk: what was harvested when, what was repaired, refused or found wrong, as a page, as JSON and as a mail to the vendor."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
from flask import Response, abort, current_app

from publisher.views import words
from publisher.views.pages.frame import at, blueprint, language, place_of, reader, remembered, shown, today

KINDS = ("normalised", "damage", "unmapped", "ignored", "withheld")
EXAMPLES = 5
FRESH, STALE = timedelta(days=2), timedelta(days=14)


class Fault(NamedTuple):
    """One kind of finding: what rule, how often, how grave, in words, and some records that show it."""

    severity: str
    rule: str
    message: str
    times: int
    examples: tuple[str, ...]


@blueprint.get("/status")
def status() -> Response:
    """Answer with every source's state and what the release's quality report says."""
    lang = language()
    found = report()
    return shown(
        "status.html",
        sources=[_source(one) for one in reader().sources()],
        faults=remembered(("faults", lang), lambda: faults(found.get("rules", []), lang)),
        rejected=found.get("refused", [])[:200],
        rejected_total=len(found.get("refused", [])),
        counts=[(name, live, dead) for name, (live, dead) in remembered(("counts",), lambda: reader().counts()).items()],
        release=reader().release,
    )


@blueprint.get("/status/report.json")
def report_json() -> Response:
    """Answer with the release's report as it was written."""
    return Response(orjson.dumps(report(), option=orjson.OPT_INDENT_2), mimetype="application/json")


@blueprint.get("/status/<name>/mail.txt")
def mail(name: str) -> Response:
    """Answer with a text for the vendor of a source: what was refused, damaged, repaired, with examples, in German."""
    source = next((one for one in reader().sources() if one["name"] == name), None)
    if source is None:
        abort(404, f"no source {name!r}")
    text = letter(_source(source), faults(_of_source(source, report().get("rules", [])), "de"))
    return Response(text, mimetype="text/plain", headers={"Content-Disposition": f'inline; filename="{name}-befunde.txt"'})


def report() -> dict[str, Any]:
    """Return report.json of the release in service; empty where a release has none."""
    path = current_app.config["RELEASE"]().path / "report.json"
    found: dict[str, Any] = remembered(("report",), lambda: orjson.loads(path.read_bytes()) if path.is_file() else {})
    return found


def faults(rules: Iterable[dict[str, Any]], lang: str) -> list[Fault]:
    """Return the report's lines, a rule and class each, in the report's order: the gravest and most frequent first."""
    return [
        Fault(
            str(line["severity"]),
            str(line["rule"]),
            str(line["message"].get(lang) or line["message"].get("de") or ""),
            int(line["count"]),
            tuple(str(one["focus"]) for one in line.get("examples", ())[:EXAMPLES]),
        )
        for line in rules
    ]


def _of_source(source: dict[str, Any], rules: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in rules if line["source"] == source["name"]]


def _source(source: dict[str, Any]) -> dict[str, Any]:
    run = source.get("run") or {}
    notes = run.get("notes") or {}
    return source | {
        "run": run,
        "age": age(str(run.get("finished") or "")),
        "notes": [(kind, sorted(((rule, *row) for rule, row in notes.get(kind, {}).items()), key=lambda row: -row[1])) for kind in KINDS],
        "refusals": run.get("refusals") or [],
        "link": place_of(str(source.get("url", ""))),
        "mail": at(f"/status/{source['name']}/mail.txt"),
    }


def age(finished: str) -> str:
    """Return fresh | old | stale | never: how long ago a harvest ended."""
    day = finished[:10]
    try:
        passed = today() - datetime.fromisoformat(day).date()
    except ValueError:
        return "never"
    return "fresh" if passed <= FRESH else "old" if passed <= STALE else "stale"


def letter(source: dict[str, Any], found: Iterable[Fault]) -> str:
    """Return a mail to a source's vendor: plain text, German, each finding with its count and examples."""
    title = source.get("title") or source["name"]
    lines = [f"Betreff: Befunde aus der Schnittstelle: {title}", "", "Guten Tag,", ""]
    lines += [
        f"beim Lesen von {source.get('url', '')} am {words.long_day(str(source['run'].get('finished') or ''), 'de')} fiel Folgendes auf.",
        "",
    ]
    for kind, rules in source["notes"]:
        lines += [f"{words.text('kind_' + kind, 'de')}: {rule} ({times} Mal)" for rule, times, *_ in rules]
    lines += [f"{one.severity}: {one.message} ({one.times} Mal), zum Beispiel {', '.join(one.examples[:2])}" for one in found]
    lines += [f"Nicht übernommen: {one.get('url', '')}: {one.get('reason', '')}" for one in source["refusals"][:100]]
    return "\n".join([*lines, "", "Mit freundlichen Grüßen", ""])
