"""Repairs of days, times and stamps."""

import re
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

BERLIN = ZoneInfo("Europe/Berlin")
TIMES = ("created", "modified", "start", "end", "licenseValidSince", "oparlSince")
DAYS = ("date", "startDate", "endDate")
FULL = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")
LOOSE = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ]+(\d\d:\d\d)(:\d\d)?(?:[.,]\d+)?\s*(?:([Zz])|([+-]\d\d):?(\d\d)?)?")
NAIVE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
GERMAN = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")


def _texts(obj: dict[str, Any], keys: tuple[str, ...]) -> dict[str, str]:
    return {key: value for key in keys if isinstance(value := obj.get(key), str) and value}


def _without(obj: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    return {key: value for key, value in obj.items() if key not in keys} if keys else obj


def time_in_form(value: Any) -> bool:
    """Tell whether a time has the length and the "T" of a right one: a cheap look that spares nearly every object the rest."""
    return not isinstance(value, str) or not value or (len(value) == 25 and value[10] == "T")


def day_in_form(value: Any) -> bool:
    """Tell whether a day has the length and the dash of a right one."""
    return not isinstance(value, str) or not value or (len(value) == 10 and value[4] == "-")


def _odd_times(obj: dict[str, Any]) -> dict[str, str]:
    return {key: obj[key] for key in TIMES if key in obj and not time_in_form(obj[key])}


def _odd_days(obj: dict[str, Any]) -> dict[str, str]:
    return {key: obj[key] for key in DAYS if key in obj and not day_in_form(obj[key])}


def date_of_zeros(obj: dict[str, Any]) -> dict[str, Any]:
    """Drop "0000-00-00", which stands for no date (München Transparent, 2018: legislative terms)."""
    return _without(obj, [key for key, value in _texts(obj, TIMES + DAYS).items() if value.startswith("0000-00")])


def date_time_in_full(obj: dict[str, Any]) -> dict[str, Any]:
    """Write a time as OParl 1.1 asks: seconds, no fractions, an offset in place of "Z" ("...T09:41Z" -> "...T09:41:00+00:00")."""
    changed = {}
    for key, value in _odd_times(obj).items():
        match = LOOSE.fullmatch(value.strip())
        if match:
            day, minutes, seconds, zulu, hours, rest = match.groups()
            offset = "+00:00" if zulu else f"{hours}:{rest or '00'}" if hours else ""
            changed[key] = f"{day}T{minutes}{seconds or ':00'}{offset}"
    changed = {key: value for key, value in changed.items() if value != obj[key]}
    return obj | changed if changed else obj


def offset_of_berlin(obj: dict[str, Any]) -> dict[str, Any]:
    """Add the offset that German law gave a local time which names none; in the doubled hour of October summer time is taken."""
    changed = {}
    for key, value in _odd_times(obj).items():
        if NAIVE.fullmatch(value) and (moment := _moment(value)):
            changed[key] = moment.replace(tzinfo=BERLIN).isoformat(timespec="seconds")[:25]
    return obj | changed if changed else obj


def date_without_time(obj: dict[str, Any]) -> dict[str, Any]:
    """Keep the day, as seen in Germany, of a date that carries a time (ALLRIS 4, Bonn 2021: File.date)."""
    changed = {}
    for key, value in _odd_days(obj).items():
        if len(value) > 10 and (moment := _moment(value)):
            changed[key] = (moment.astimezone(BERLIN) if moment.tzinfo else moment).date().isoformat()
    return obj | changed if changed else obj


def german_date(obj: dict[str, Any]) -> dict[str, Any]:
    """Write a German date the OParl way: "14.3.2024" -> "2024-03-14"; a day that no calendar has stays as it is."""
    changed = {}
    for key, value in _odd_days(obj).items():
        if match := GERMAN.fullmatch(value.strip()):
            try:
                changed[key] = date(int(match[3]), int(match[2]), int(match[1])).isoformat()
            except ValueError:
                continue
    return obj | changed if changed else obj


def stamp_of_2000(obj: dict[str, Any]) -> dict[str, Any]:
    """Drop created and modified of 2000-01-01T00:00:00, which ALLRIS 4 gives every object (Braunschweig 2026)."""
    return _without(obj, [key for key, value in _texts(obj, ("created", "modified")).items() if value.startswith("2000-01-01T00:00:00")])


def stamp_of_the_answer(obj: dict[str, Any]) -> dict[str, Any]:
    """Drop created and modified, which more! rubin sets to the day of the answer (Freiburg, Darmstadt): they would change daily."""
    return _without(obj, list(_texts(obj, ("created", "modified"))))


def end_of_day_unknown(obj: dict[str, Any]) -> dict[str, Any]:
    """Drop an end that is only a placeholder: midnight before the start (SessionNet, Karlsruhe 2026: 1,207 of 2,609 meetings) or the
    midnight after it (ALLRIS 4, Bonn 2021). An end before the start at any other hour is reported, not touched."""
    times = _texts(obj, ("start", "end"))
    start, end = _moment(times.get("start", "")), _moment(times.get("end", ""))
    if not start or not end or (start.tzinfo is None) != (end.tzinfo is None) or end.time().isoformat() != "00:00:00":
        return obj
    return _without(obj, ["end"]) if end <= start or end.date() == start.date() + timedelta(days=1) else obj


def _moment(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        return None
