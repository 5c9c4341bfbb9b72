"""The meetings of a month, as a calendar."""

from calendar import Calendar
from datetime import date
from typing import Any

import orjson
from flask import Response, request

from publisher.feeds.calendar import calendar as ical
from publisher.views import words
from publisher.views.answers import problem
from publisher.views.pages.frame import Things, at, blueprint, language, name_of, reader, shown, today
from publisher.views.pages.meetings import listed


@blueprint.get("/calendar")
def calendar() -> Response:
    """Answer with a month of meetings, of one body or one committee if asked."""
    lang, things = language(), Things(reader())
    first = month(request.args.get("month", ""), today())
    body, committee = request.args.get("body", ""), request.args.get("organization", "")
    following = after(first, 1)
    found = (orjson.loads(one.json) for one in things.reader.between("Meeting", first.isoformat(), following.isoformat(), body))
    meetings = [listed(one, things) for one in found if not committee or committee in one.get("organization", ())]
    days: dict[str, list[dict[str, Any]]] = {}
    for one in sorted(meetings, key=lambda one: one["when"]):
        days.setdefault(one["when"][0], []).append(one)
    return shown(
        "calendar.html",
        title=words.month_name(first, lang),
        first=first,
        weeks=[[(one, days.get(one.isoformat(), [])) for one in week] for week in Calendar().monthdatescalendar(first.year, first.month)],
        weekdays=words.WEEKDAYS[lang],
        total=len(meetings),
        before=at("/calendar", month=f"{after(first, -1):%Y-%m}", body=body, organization=committee),
        after=at("/calendar", month=f"{following:%Y-%m}", body=body, organization=committee),
        newest=_newest(things, body),
        committee=things(committee),
        body=body,
        organization=committee,
        now=today(),
        bodies=sorted(((one.iri, name_of(orjson.loads(one.json))) for one in things.reader.bodies()), key=lambda pair: pair[1]),
    )


@blueprint.get("/meeting.ics")
def event() -> Response:
    """Answer with one meeting as iCalendar, for the calendar that people already have."""
    things = Things(reader())
    meeting = things(request.args.get("meeting", ""))
    if meeting is None or not meeting["type"].endswith("/Meeting"):
        return problem(404, "Nicht gefunden / not found", "meeting=: Adresse einer Sitzung erwartet / address of a meeting expected")
    places = things.of(meeting.get("location"))
    body = ical(name_of(meeting), [meeting | ({"location": places[0]} if places else {})], home=meeting["id"])
    return Response(body, mimetype="text/calendar", headers={"Content-Disposition": 'inline; filename="sitzung.ics"'})


def _newest(things: Things, body: str) -> str:
    """Return the address of the newest month that has meetings, "" if there are none at all."""
    found = things.reader.latest("Meeting", 1, body)
    day = listed(orjson.loads(found[0].json), things)["when"][0] if found else ""
    return at("/calendar", month=day[:7], body=body) if day else ""


def month(text: str, default: date) -> date:
    """Return the first day of the month that `text` ("2021-06") names, of `default`'s month where it names none."""
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        return default.replace(day=1)
    return found if 1900 <= found.year < 2200 else default.replace(day=1)


def after(first: date, months: int) -> date:
    """Return the first day of a month some months later or earlier."""
    count = first.year * 12 + first.month - 1 + months
    return date(count // 12, count % 12 + 1, 1)
