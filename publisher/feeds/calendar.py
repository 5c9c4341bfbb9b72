"""Meetings as iCalendar (RFC 5545), for the calendars people already have."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

ZONE_FREE = "%Y%m%dT%H%M%SZ"


def calendar(title: str, meetings: Iterable[dict[str, Any]], *, home: str = "") -> bytes:
    """Return a calendar of Meeting objects (OParl 1.1); one without any date is left out, one with only a day is an all-day event.

    Times are written in UTC, so that no time zone table is needed. A cancelled meeting stays, as CANCELLED. Same
    meetings, same bytes: the stamp of an event is the meeting's own `modified`.
    """
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//council-records-publisher//OParl//DE", "CALSCALE:GREGORIAN", "METHOD:PUBLISH"]
    lines += [f"X-WR-CALNAME:{text(title)}", f"NAME:{text(title)}", "REFRESH-INTERVAL;VALUE=DURATION:PT6H"]
    lines += [f"URL:{home}"] if home else []
    for meeting in meetings:
        lines += event(meeting)
    lines.append("END:VCALENDAR")
    return "".join(folded(line) for line in lines).encode()


def event(meeting: dict[str, Any]) -> list[str]:
    """Return the lines of one VEVENT, [] for a meeting without a date."""
    times = _times(meeting)
    if not times:
        return []
    place = meeting.get("location")
    place = place if isinstance(place, dict) else {}
    where = ", ".join(str(place[key]) for key in ("description", "room", "streetAddress", "locality") if place.get(key))
    agenda = "\n".join(
        f"{item.get('number', '')} {item.get('name', '')}".strip() for item in meeting.get("agendaItem", ()) if isinstance(item, dict)
    )
    stamp = _utc(meeting.get("modified") or meeting.get("created") or "") or "19700101T000000Z"
    lines = ["BEGIN:VEVENT", f"UID:{meeting['id']}", f"DTSTAMP:{stamp}", *times]
    lines += [f"SUMMARY:{text(str(meeting.get('name') or 'Sitzung'))}", f"URL:{meeting['id']}"]
    lines += [f"LOCATION:{text(where)}"] if where else []
    lines += [f"DESCRIPTION:{text(agenda)}"] if agenda else []
    lines += [f"LAST-MODIFIED:{stamp}"] if meeting.get("modified") else []
    lines += ["STATUS:CANCELLED"] if meeting.get("cancelled") else ["STATUS:CONFIRMED"]
    return [*lines, "END:VEVENT"]


def _times(meeting: dict[str, Any]) -> list[str]:
    start, end = _utc(meeting.get("start", "")), _utc(meeting.get("end", ""))
    if start:
        # Vendors write midnight as a placeholder end; an end before the start would make calendars refuse the event.
        return [f"DTSTART:{start}", *([f"DTEND:{end}"] if end > start else [])]
    day = re.fullmatch(r"\d{4}-\d\d-\d\d", str(meeting.get("oparlx:day") or ""))
    if not day:
        return []
    try:
        first = date.fromisoformat(day[0])
        return [f"DTSTART;VALUE=DATE:{first:%Y%m%d}", f"DTEND;VALUE=DATE:{first + timedelta(days=1):%Y%m%d}"]
    except (ValueError, OverflowError):
        return []


def _utc(stamp: str) -> str:
    try:
        moment = datetime.fromisoformat(stamp)
        return moment.astimezone(UTC).strftime(ZONE_FREE) if moment.tzinfo else ""
    except (ValueError, OverflowError):
        return ""


def text(value: str) -> str:
    """Return a TEXT value with what RFC 5545, 3.3.11 wants escaped, and without control characters."""
    plain = re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "", value.replace("\r\n", "\n"))
    return plain.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def folded(line: str) -> str:
    """Return a content line in pieces of at most 75 octets, none cut inside a character (RFC 5545, 3.1)."""
    pieces, piece, size = [], "", 0
    for char in line:
        width = len(char.encode("utf-8", "replace"))
        if size + width > 74:
            pieces.append(piece)
            piece, size = "", 0
        piece, size = piece + char, size + width
    return "\r\n ".join([*pieces, piece]).encode("utf-8", "replace").decode() + "\r\n"
