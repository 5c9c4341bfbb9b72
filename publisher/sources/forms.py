"""What a value looks like in OParl 1.1: its right form at a glance, and the right form of what is written otherwise."""

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from publisher.ontology import XSD, Use

Sound = Callable[[Any], Any]
BERLIN = ZoneInfo("Europe/Berlin")
SOUND_URL = re.compile(r"(?:https?://[A-Za-z0-9%:?#\[\]@!$&'()*+,;=\-._~]|urn:[a-z0-9])[A-Za-z0-9%/:?#\[\]@!$&'()*+,;=\-._~]*")
BOOLEANS = {"true": True, "1": True, "ja": True, "false": False, "0": False, "nein": False}


@lru_cache(maxsize=65_536)
def day(text: Any) -> str | None:
    """Return the day that a text names, "2031-05-02"; None if it names none."""
    found = re.match(r"(\d{4}-\d\d-\d\d)(?:[T ]\d\d:\d\d.*)?$", text) if isinstance(text, str) else None
    german = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text.strip()) if isinstance(text, str) and not found else None
    try:
        if german:
            return date(int(german[3]), int(german[2]), int(german[1])).isoformat()
        return date.fromisoformat(found[1]).isoformat() if found else None
    except ValueError:
        return None


@lru_cache(maxsize=65_536)
def moment_of(text: Any) -> str | None:
    """Return the moment that a text names, with seconds and offset (RFC 3339); None if it names none."""
    if not isinstance(text, str) or not re.match(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d", text.strip()):
        return None
    try:
        moment = datetime.fromisoformat(text.strip().upper().replace(" ", "T"))
    except ValueError:
        return None
    if moment.tzinfo is not None and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([+-]\d\d:\d\d|Z)", text):
        return text
    return (moment if moment.tzinfo else moment.replace(tzinfo=BERLIN)).isoformat(timespec="seconds")


def _boolean(item: Any) -> bool | None:
    return item if isinstance(item, bool) else BOOLEANS.get(str(item).strip().lower())


def _integer(item: Any) -> int | None:
    if isinstance(item, bool):
        return None
    if isinstance(item, float):
        return int(item) if item.is_integer() else None
    return int(item) if re.fullmatch(r"[+-]?\d{1,18}", str(item).strip()) else None


def _decimal(item: Any) -> str | None:
    """Keep decimals as text: JSON-LD writes a bare 50000.5 as a double's form, which no xsd:decimal may have."""
    text = orjson.dumps(item).decode() if isinstance(item, int | float) and not isinstance(item, bool) else str(item).strip()
    return text if re.fullmatch(r"[+-]?\d+(\.\d+)?", text) else None


TYPED: dict[str, Callable[[Any], Any]] = {
    XSD + "date": day,
    XSD + "dateTime": moment_of,
    XSD + "boolean": _boolean,
    XSD + "integer": _integer,
    XSD + "decimal": _decimal,
}
RULES = {
    XSD + "date": "date_form",
    XSD + "dateTime": "date_time_form",
    XSD + "boolean": "boolean_from_text",
    XSD + "integer": "integer_from_text",
    XSD + "decimal": "decimal_as_text",
}
EXPECTED = {"id": "URL", "lang": "text", "plain": "text", "json": "JSON object"}


def never(_value: Any) -> bool:
    """Say that a value must be looked at closely."""
    return False


def sound_url(value: Any) -> bool:
    """Tell whether a value is, as it stands, an address that an IRI may be."""
    return type(value) is str and SOUND_URL.fullmatch(value) is not None


def _sound_text(value: Any) -> bool:
    return type(value) is str and value.isprintable() and value.strip() != ""


def _sound_day(value: Any) -> bool:
    return type(value) is str and day(value) == value


def _sound_moment(value: Any) -> bool:
    return type(value) is str and moment_of(value) == value


def _sound_integer(value: Any) -> bool:
    return type(value) is int and abs(value) < 10**18


SOUND: dict[str, Sound] = {
    "id": sound_url,
    "lang": _sound_text,
    "plain": _sound_text,
    XSD + "date": _sound_day,
    XSD + "dateTime": _sound_moment,
    XSD + "boolean": lambda value: type(value) is bool,
    XSD + "integer": _sound_integer,
}


def sound(use: Use) -> Sound:
    """Return what tells whether a value of this key needs no mending, by a look that costs less than mending; False says nothing."""
    one = SOUND.get(use.datatype or use.kind, never)
    if not use.many:
        return one
    return lambda value: type(value) is list and value != [] and all(map(one, value)) and len(set(value)) == len(value)
