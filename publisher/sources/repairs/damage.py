"""Faults that are named and not mended, for nobody but the council can know what is right: each gives the keys it is found under."""

import re
from datetime import datetime
from typing import Any

from publisher.sources.repairs.shapes import ONE

MOJIBAKE = re.compile("\ufffd|Ã[\u0080-\u00bf]|Â[\u0080-\u00bf]|â€")
SINGLE = tuple(sorted(ONE))
MARKUP = re.compile(r"&(?:amp|lt|gt|quot|nbsp|[aouAOU]uml|szlig|#\d+);|</?(?:p|br|b|div|span|strong)\b[^<>]*>", re.I)


def ags_of_wrong_length(obj: dict[str, Any]) -> tuple[str, ...]:
    """Report an AGS that has not eight digits (SD.NET, Krefeld 2018: nine), or not five for a Kreis."""
    told = obj.get("ags")
    if told in (None, "") or (isinstance(told, str) and re.fullmatch(r"\d{8}|\d{5}", told)):
        return ()
    return ("ags",)


def end_before_start(obj: dict[str, Any]) -> tuple[str, ...]:
    """Report an end before its start."""
    start, end = obj.get("start"), obj.get("end")
    if not isinstance(start, str) or not isinstance(end, str):
        return ()
    try:
        return ("end",) if datetime.fromisoformat(end) < datetime.fromisoformat(start) else ()
    except (ValueError, TypeError):
        return ()


def several_for_one(obj: dict[str, Any]) -> tuple[str, ...]:
    """Report several objects under a key that holds one."""
    return tuple(key for key in SINGLE if isinstance(value := obj.get(key), list) and len(value) > 1)


def text_in_wrong_charset(obj: dict[str, Any]) -> tuple[str, ...]:
    """Report text read in a wrong charset: "OrÃ©al" (SessionNet, Karlsruhe 2026), U+FFFD (ALLRIS, Berlin 2012)."""
    return _found(obj, MOJIBAKE)


def text_with_markup(obj: dict[str, Any]) -> tuple[str, ...]:
    """Report HTML inside a text, which OParl wants plain (1.4: strings are not escaped for HTML)."""
    return _found(obj, MARKUP)


def _found(obj: dict[str, Any], pattern: re.Pattern[str]) -> tuple[str, ...]:
    return tuple(key for key, value in obj.items() if isinstance(value, str) and pattern.search(value))
