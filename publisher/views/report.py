"""The quality report at /report: of each retained release, of each source, of each record, as a page, as data, as a mail to the vendor."""

from hashlib import sha256
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, current_app, redirect, request, send_file
from werkzeug.wrappers import Response as Answer

from publisher.errors import Malformed
from publisher.release import Release, retained
from publisher.views import report_pages as pages
from publisher.views import report_record as records
from publisher.views.answers import negotiated, problem, validated
from publisher.views.pages.frame import at, label, language, name_of, place_of, reader, shown
from publisher.views.report_words import SEVERITIES
from publisher.views.shelf import release, sent

blueprint = Blueprint("report", __name__)

SUFFIXES = {"json": "application/json", "ttl": "text/turtle", "csv": "text/csv", "html": "text/html"}
OF_RECORD = {"jsonld": "application/ld+json", "json": "application/json", "ttl": "text/turtle", "html": "text/html"}
TABLE = "text/csv; charset=utf-8; header=present"


@blueprint.get("/report")
@blueprint.get("/report.<any(json, ttl, csv, html):suffix>")
def report(suffix: str = "") -> Response:
    """Answer with the report of the release in service."""
    return _answer(release(), "", suffix, "/report")


@blueprint.get("/report/results.csv")
def results() -> Response:
    """Answer with the single cases as a table, at most 1,000 a rule, class and source."""
    return _file(release(), "results.csv", TABLE)


@blueprint.get("/report/<name>")
def part(name: str) -> Response:
    """Answer with the report of one source, or of a retained release by its number; a source also as .txt, the mail to its vendor."""
    stem, suffix = _parted(name)
    if stem.isdecimal() and stem.isascii() and len(stem) < 12 and suffix != "txt":
        return _of_release(int(stem), suffix)
    if not _has(release(), stem):
        return problem(
            404, "Kein solcher Bericht / no such report", f"{stem}: keine Quelle und kein Stand / neither a source nor a release"
        )
    if suffix == "txt":
        return _mail(stem)
    return _answer(release(), stem, suffix, f"/report/{quote(stem, safe='')}")


@blueprint.get("/report/<name>/results.csv")
def results_of_source(name: str) -> Response:
    """Answer with the single cases of one source as a table."""
    return _file(release(), f"report/{quote(name, safe='')}.results.csv", TABLE)


@blueprint.get("/report/record")
@blueprint.get("/report/record.<any(jsonld, json, ttl, html):suffix>")
def record(suffix: str = "") -> Response:
    """Answer with what was found in one record, or in one object embedded in it: /report/record?iri=..."""
    iri = request.args.get("iri", "")
    if not iri:
        return problem(400, "iri fehlt / iri is missing", f"Beispiel / example: /report/record?iri={_base()}/id/05334002/person/1")
    if reader().get(iri) is None:
        return problem(404, "Nicht gefunden / not found", f"{iri}: hier nicht veröffentlicht / not published here")
    return _told(iri, _faults(iri), suffix, _address(iri))


@blueprint.get("/report/result/<rule>/<path:place>")
def result(rule: str, place: str) -> Response:
    """Answer with one result at its lasting address, for as long as the fault is there."""
    stem, _, ordinal = place.partition(";")
    found = [one for one in _faults(f"{_base()}/{stem}") if one.rule["rule"] == rule and one.focus == f"{_base()}/{stem}"]
    number = int(ordinal) if ordinal.isdecimal() and ordinal.isascii() and len(ordinal) < 6 else 1
    if not 0 < number <= len(found):
        return problem(
            404, "Nicht mehr zu finden / found no more", f"{rule}: {_base()}/{stem}: nicht (mehr) verletzt / not broken (any more)"
        )
    return _told(found[number - 1].focus, [found[number - 1]], "", _address(found[number - 1].focus))


@blueprint.get("/report/source/<name>")
def source(name: str) -> Answer:
    """Lead from a source, on which the measurements are made, to its report."""
    return redirect(f"{_base()}/report/{quote(name, safe='')}", 303)


@blueprint.get("/report/<int:number>/<any(broken, 'broken-share'):metric>/<path:place>")
def measurement(number: int, metric: str, place: str) -> Answer:
    """Lead from one measurement to the report in which it stands."""
    del metric, place
    return redirect(f"{_base()}/report/{number}.ttl", 303)


def _base() -> str:
    base: str = current_app.config["BASE"]
    return base


def _address(iri: str) -> str:
    """Return where the report on a record stands, as documents link to it."""
    return f"{_base()}/report/record?iri={quote(iri, safe='')}"


def _parted(name: str) -> tuple[str, str]:
    stem, dot, suffix = name.rpartition(".")
    return (stem, suffix) if dot and suffix in (*SUFFIXES, "txt") else (name, "")


def _has(one: Release, source: str) -> bool:
    return (one.path / "report" / f"{quote(source, safe='')}.json").is_file()


def _of_release(number: int, suffix: str) -> Response:
    found = next((one for one in retained(current_app.config["HOME"]) if one.number == number), None)
    if found is None and 0 < number < release().number:
        return problem(410, "Entfernt / gone", f"Stand {number} wird nicht mehr aufbewahrt / release {number} is no longer retained")
    if found is None:
        return problem(404, "Kein solcher Bericht / no such report", f"{number}: kein Stand / no release; {_base()}/report")
    return _answer(found, "", suffix, f"/report/{number}")


def _answer(one: Release, source: str, suffix: str, place: str) -> Response:
    """Return a report in the form that the suffix or the client asks for."""
    media = SUFFIXES.get(suffix) or negotiated(request.headers.get("Accept"), list(SUFFIXES.values()))
    if media is None:
        return _not_acceptable(SUFFIXES)
    ending = suffix or next(end for end, name in SUFFIXES.items() if name == media)
    if media == "text/html":
        response = _cases(one, source, place) if request.args.get("rule") else _page(one, source, place)
    else:
        stem = f"report/{quote(source, safe='')}" if source else "report"
        response = _file(one, f"{stem}.{ending}", TABLE if ending == "csv" else media)
    if not suffix:
        response.headers["Vary"] = "Accept, Accept-Encoding, Accept-Language" if media == "text/html" else "Accept, Accept-Encoding"
        response.headers["Content-Location"] = f"{_base()}{place}.{ending}"
    links = [f'<{_base()}{place}.{end}>; rel="alternate"; type="{name}"' for end, name in SUFFIXES.items() if end != ending]
    response.headers["Link"] = ", ".join(links)
    return response


def _file(one: Release, name: str, media: str) -> Response:
    if one.number == release().number:
        return sent(one.path / name, media)
    if not (one.path / name).is_file():
        return problem(404, "Nicht gefunden / not found", f"{request.path}: gibt es in diesem Stand nicht / not in this release")
    return send_file(one.path / name, mimetype=media, conditional=True, etag=f"{one.number}-{name.replace('/', '-')}", max_age=300)


def _not_acceptable(offered: dict[str, str]) -> Response:
    listed = ", ".join(f"{media} (.{suffix})" for suffix, media in offered.items())
    return problem(406, "Kein passendes Format / not acceptable", f"Angeboten / offered: {listed}")


def _page(one: Release, source: str, place: str) -> Response:
    """Return the page of a report: totals, rules with their course, plots, repairs, what was kept out."""
    lang, told = language(), pages.told(one, source)
    before = pages.earlier(one, retained(current_app.config["HOME"]), source)
    past = [told_then for _, told_then in before]
    titles = {row["name"]: row.get("title") or row["name"] for row in reader().sources()}
    head, table, picture = pages.over_time(one, source, lang)
    bars, plot = pages.compared(told, titles, lang)
    return shown(
        "report.html",
        **_tools(lang),
        release=one.number,
        told=told,
        source=source,
        heading=titles.get(source, source),
        place=place,
        total=sum(row["objects"] for row in told["checked"]),
        rows=pages.rows(told, past, lang, place),
        numbers=[number for number, _ in before],
        vanished=pages.vanished(told, past, lang),
        repairs=pages.repairs(told, lang),
        refused=told["refused"][: pages.KEPT],
        history=(head, table, picture),
        compared=(bars, plot),
        titles=titles,
    )


def _cases(one: Release, source: str, place: str) -> Response:
    """Return the page of the single cases of one rule."""
    lang, rule, start = language(), request.args["rule"], request.args.get("from", "0")
    first = int(start) if start.isdecimal() and start.isascii() and len(start) < 9 else 0
    lines = [line for line in pages.told(one, source)["rules"] if line["rule"] == rule]
    if not lines:
        return problem(404, "Nicht gefunden / not found", f"{rule[:200]}: in diesem Bericht nicht verletzt / not broken in this report")
    path = one.path / ("results.csv" if not source else f"report/{quote(source, safe='')}.results.csv")
    found, count = list(pages.cases(path, rule, first, lang)), sum(line["count"] for line in lines)
    return shown(
        "report_cases.html",
        **_tools(lang),
        line=lines[0],
        place=place,
        cases=found,
        first=first,
        count=count,
        lines=sorted((line["source"], line["class"], line["count"]) for line in lines),
        source=source,
        previous=at(place, rule=rule, **{"from": first - pages.A_PAGE}) if first >= pages.A_PAGE else "",
        following=at(place, rule=rule, **{"from": first + pages.A_PAGE}) if len(found) == pages.A_PAGE else "",
    )


def _tools(lang: str) -> dict[str, Any]:
    return {
        "class_name": lambda cls: pages.class_name(cls, lang),
        "field_name": lambda path: pages.field_name(path, lang),
        "severities": SEVERITIES,
        "suffixes": [end for end in SUFFIXES if end != "html"],
        "quoted": lambda name: quote(name, safe=""),
    }


def _faults(iri: str) -> list[records.Fault]:
    """Return what was found in a record; of an embedded object, what was found in itself."""
    found = reader().get(iri)
    owner = found.owner if found else iri
    every = records.faults(release().path / "records.tsv", _base(), owner, pages.rules(release()))
    return every if owner == iri else [one for one in every if one.focus == iri]


def _told(iri: str, found: list[records.Fault], suffix: str, me: str) -> Response:
    """Return results about `iri` in the form asked for; `me` is the address of this report."""
    media = OF_RECORD.get(suffix) or negotiated(request.headers.get("Accept"), list(OF_RECORD.values()))
    if media is None:
        return _not_acceptable(OF_RECORD)
    lang = language()
    if media == "text/html":
        thing = reader().get(iri)
        name = name_of(pages.object_of(thing)) if thing else iri
        kind = label(pages.object_of(thing)["type"], lang) if thing else ""
        response = shown(
            "report_record.html",
            **_tools(lang),
            name=name,
            kind=kind,
            iri=iri,
            found=pages.faults_as_cases(found, lang),
            link=place_of(iri),
        )
    else:
        body = records.turtle(found, iri, me) if media == "text/turtle" else records.json_ld(found, iri, me)
        response = Response(body, mimetype=media)
        response.headers["Vary"] = "Accept, Accept-Encoding"
    response.headers["Link"] = f'<{iri}>; rel="describes"'
    tag = sha256(f"{request.full_path} {media} {lang}".encode()).hexdigest()[:16]
    return validated(response, f"report-{release().number}-{tag}")


def _mail(name: str) -> Response:
    source = next((one for one in reader().sources() if one["name"] == name), None)
    if source is None:
        raise Malformed(name, "expected a registered source")
    response = Response(pages.letter(release(), source, _base()), mimetype="text/plain")
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''befunde-{quote(name, safe='')}.txt"
    return validated(response, f"mail-{release().number}")
