"""The clerk's desk: what was harvested when, what was repaired, refused or found wrong, as a page and as JSON."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
from flask import Response, current_app, redirect
from werkzeug.wrappers import Response as Answer

from publisher.journal.history import history
from publisher.views.pages.frame import at, blueprint, dead_links, language, place_of, reader, remembered, shown, today
from publisher.views.report_pages import class_name

KINDS = ("normalised", "damage", "unmapped", "ignored", "withheld")
EXAMPLES, MOST, RELEASES = 5, 10, 5  # of a finding; findings on the desk, the report has them all; the newest releases
FRESH, STALE = timedelta(days=2), timedelta(days=14)


class Fault(NamedTuple):
    """One kind of finding: what rule, how often, how grave, in words, and some records that show it."""

    severity: str
    cls: str
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
        most=MOST,
        faults=remembered(("faults", lang), lambda: faults(found.get("rules", []), lang)),
        rejected=found.get("refused", [])[:200],
        rejected_total=len(found.get("refused", [])),
        counts=[(name, live, dead) for name, (live, dead) in remembered(("counts",), lambda: reader().counts()).items()],
        release=reader().release,
        releases=list(history(current_app.config["HOME"], RELEASES)),
        dead=[(place_of(url), owner) for url, owner in sorted(dead_links().items())],
    )


@blueprint.get("/status/report.json")
def report_json() -> Response:
    """Answer with the release's report as it was written."""
    return Response(orjson.dumps(report(), option=orjson.OPT_INDENT_2), mimetype="application/json")


@blueprint.get("/status/<name>/mail.txt")
def mail(name: str) -> Answer:
    """Lead to the mail to the vendor of a source, which the quality report writes."""
    return redirect(at(f"/report/{quote(name, safe='')}.txt"), 308)


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
            class_name(str(line.get("class", "")), lang),
            str(line["rule"]),
            str(line["message"].get(lang) or line["message"].get("de") or ""),
            int(line["count"]),
            tuple(str(one["focus"]) for one in line.get("examples", ())[:EXAMPLES]),
        )
        for line in rules
    ]


def _source(source: dict[str, Any]) -> dict[str, Any]:
    run = source.get("run") or {}
    notes = run.get("notes") or {}
    return source | {
        "run": run,
        "age": age(str(run.get("finished") or "")),
        "notes": [(kind, sorted(((rule, *row) for rule, row in notes.get(kind, {}).items()), key=lambda row: -row[1])) for kind in KINDS],
        "refusals": run.get("refusals") or [],
        "url": _told(str(source.get("url", ""))),
        "link": place_of(str(source.get("url", ""))),
        "mail": at(f"/report/{quote(source['name'], safe='')}.txt"),
    }


def _told(url: str) -> str:
    """Return a source's address; of a folder or file of the operator's machine its name alone, for where it lies is nobody's business."""
    return url if "://" in url else url.rstrip("/").rpartition("/")[2]


def age(finished: str) -> str:
    """Return fresh | old | stale | never: how long ago a harvest ended."""
    day = finished[:10]
    try:
        passed = today() - datetime.fromisoformat(day).date()
    except ValueError:
        return "never"
    return "fresh" if passed <= FRESH else "old" if passed <= STALE else "stale"
