"""Repairs of texts: characters no text should hold, breaks in names, words that mean nothing."""

import re
from typing import Any

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
ONE_LINE = frozenset(
    ("name", "shortName", "reference", "paperType", "number", "role", "fileName", "familyName", "givenName", "classification")
)


def without_control_characters(obj: dict[str, Any]) -> dict[str, Any]:
    """Drop control characters, which neither XML nor a reader can show (ALLRIS 3, Braunschweig 2018: word processor codes in names)."""
    changed = {key: CONTROL.sub("", value) for key, value in obj.items() if isinstance(value, str) and not value.isprintable()}
    changed = {key: value for key, value in changed.items() if value != obj[key]}
    return obj | changed if changed else obj


def on_one_line(value: Any) -> bool:
    """Tell whether a value has no line break."""
    return not isinstance(value, str) or ("\n" not in value and "\r" not in value)


def names_on_one_line(obj: dict[str, Any]) -> dict[str, Any]:
    """Turn a line break inside a name into one space (SD.NET, Hürtgenwald 2021: 4,893 names of papers, items and files)."""
    changed = {
        key: " ".join(line for part in value.replace("\r", "\n").split("\n") if (line := part.strip(" \t"))).strip()
        for key in ONE_LINE & obj.keys()
        if isinstance(value := obj[key], str) and ("\n" in value or "\r" in value) and value.strip()
    }
    return obj | changed if changed else obj


def trimmed(obj: dict[str, Any]) -> dict[str, Any]:
    """Cut blanks, breaks and U+00A0 around a value (SD.NET, Wesseling 2018: "Stadt Wesseling "; Hürtgenwald: results, names)."""
    changed = {
        key: bare
        for key, value in obj.items()
        if isinstance(value, str) and (bare := value.strip()) is not value and bare and key != "postalCode" and bare != value
    }
    return obj | changed if changed else obj


def not_available(obj: dict[str, Any]) -> dict[str, Any]:
    """Drop "N/A" and a lone blank, which ALLRIS 3 writes where it has nothing (Leipzig 2018: System.name, website)."""
    empty = [key for key, value in obj.items() if isinstance(value, str) and value and value.strip() in ("", "N/A")]
    return {key: value for key, value in obj.items() if key not in empty} if empty else obj
