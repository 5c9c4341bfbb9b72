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
SNAKE = re.compile(r"_([a-z])")


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
