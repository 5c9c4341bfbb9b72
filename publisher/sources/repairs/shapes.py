"""Repairs of shape: an object where an array is due, an array where an object is due, embedded where a link is due."""

import re
from typing import Any

# What each key embeds, in every class that has it (OParl 1.1).
EMBEDS = {
    "legislativeTerm": "LegislativeTerm",
    "location": "Location",
    "locationObject": "Location",
    "membership": "Membership",
    "invitation": "File",
    "resultsProtocol": "File",
    "verbatimProtocol": "File",
    "auxiliaryFile": "File",
    "mainFile": "File",
    "resolutionFile": "File",
    "image": "File",
    "agendaItem": "AgendaItem",
    "consultation": "Consultation",
}
MANY = frozenset(("legislativeTerm", "membership", "auxiliaryFile", "agendaItem", "consultation"))
ONE = frozenset(("invitation", "resultsProtocol", "verbatimProtocol", "mainFile", "resolutionFile", "image", "locationObject"))
AGENDA = re.compile(r"tagesordnung|einladung|bekanntmachung", re.I)
MINUTES = re.compile(r"niederschrift|protokoll", re.I)
RESULTS = re.compile(r"niederschrift|ergebnis", re.I)
VERBATIM = re.compile(r"wort(?:laut|protokoll)|wörtlich", re.I)
SNAKE = re.compile(r"_([a-z])")


def no_object(value: Any) -> bool:
    """Tell whether a value is anything but an object."""
    return not isinstance(value, dict)


def no_array(value: Any) -> bool:
    """Tell whether a value is anything but an array."""
    return not isinstance(value, list)


def object_in_its_array(obj: dict[str, Any]) -> dict[str, Any]:
    """Put a lone object into the array it belongs in (ALLRIS 4, Bonn 2021: Meeting.auxiliaryFile)."""
    changed = {key: [value] for key in MANY if isinstance(value := obj.get(key), dict)}
    return obj | changed if changed else obj


def object_out_of_its_array(obj: dict[str, Any]) -> dict[str, Any]:
    """Take an only object out of an array that should not be (invitation, protocols, mainFile); several are reported, not chosen from."""
    changed = {key: value[0] for key in ONE if isinstance(value := obj.get(key), list) and len(value) == 1 and isinstance(value[0], dict)}
    return obj | changed if changed else obj


def location_object_of_person(obj: dict[str, Any]) -> dict[str, Any]:
    """Move a Location embedded in Person.location to locationObject, and leave its link there (SD.NET; OParl 1.1 has a key for each)."""
    place = obj["location"]
    if not isinstance(place, dict):
        return obj
    rest = {key: value for key, value in obj.items() if key != "location"}
    link = {"location": place["id"]} if isinstance(place.get("id"), str) else {}
    return rest | link | {"locationObject": obj.get("locationObject", place)}


def order_from_zero(obj: dict[str, Any]) -> dict[str, Any]:
    """Count AgendaItem.order from 0 where ALLRIS 4 begins at 100001 (Bonn 2021); the sequence stays as its numbers had it."""
    items = obj["agendaItem"]
    if not isinstance(items, list) or not all(isinstance(item, dict) and type(item.get("order")) is int for item in items):
        return obj
    if not any(item["order"] > 100_000 for item in items):
        return obj
    ranks = {at: rank for rank, at in enumerate(sorted(range(len(items)), key=lambda at: (items[at]["order"], at)))}
    return obj | {"agendaItem": [item | {"order": ranks[at]} for at, item in enumerate(items)]}


def keys_in_camel_case(obj: dict[str, Any]) -> dict[str, Any]:
    """Write keys as OParl does: "start_date" -> "startDate" (kleineAnfragen, 2018)."""
    if not any(SNAKE.search(key) for key in obj):
        return obj
    renamed = {SNAKE.sub(lambda match: match[1].upper(), key): value for key, value in obj.items() if ":" not in key}
    return renamed | {key: value for key, value in obj.items() if ":" in key}


def _says(file: Any, words: re.Pattern[str]) -> bool:
    return isinstance(file, dict) and bool(words.search(f"{file.get('name', '')} {file.get('fileName', '')}"))


def agenda_is_no_protocol(obj: dict[str, Any]) -> dict[str, Any]:
    """Take an agenda out of Meeting.verbatimProtocol, where SessionNet puts it (Karlsruhe 2026): it is the invitation, else an auxiliary
    file."""
    file = obj["verbatimProtocol"]
    if not _says(file, AGENDA) or _says(file, MINUTES):
        return obj
    left = {key: value for key, value in obj.items() if key != "verbatimProtocol"}
    others = left.get("auxiliaryFile") or []
    beside = {"auxiliaryFile": [*(others if isinstance(others, list) else [others]), file]}
    return left | (beside if left.get("invitation") else {"invitation": file})


def minutes_are_results(obj: dict[str, Any]) -> dict[str, Any]:
    """Call a "Niederschrift" in Meeting.verbatimProtocol what it is, the minutes of results (ALLRIS 4), if there are none yet."""
    if not _says(obj["verbatimProtocol"], RESULTS) or _says(obj["verbatimProtocol"], VERBATIM) or obj.get("resultsProtocol"):
        return obj
    return {("resultsProtocol" if key == "verbatimProtocol" else key): value for key, value in obj.items() if key != "resultsProtocol"}
