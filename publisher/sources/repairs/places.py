"""Repairs of places: official keys, postal codes, coordinates."""

from collections.abc import Iterator
from typing import Any

LONGITUDES, LATITUDES = (5.5, 15.5), (47.0, 55.3)


def ags_of_eight_digits(obj: dict[str, Any]) -> dict[str, Any]:
    """Give back the AGS's leading zero that SD.NET drops: "5358016" -> "05358016" (18 of 29 real Bodies, 2018/19)."""
    return _padded(obj, "ags", 8)


def rgs_of_twelve_digits(obj: dict[str, Any]) -> dict[str, Any]:
    """Give back the leading zero of a Regionalschlüssel of eleven digits, lost the way the AGS loses its own (SD.NET)."""
    return _padded(obj, "rgs", 12)


def _padded(obj: dict[str, Any], key: str, length: int) -> dict[str, Any]:
    told = obj[key]
    digits = str(told).strip() if isinstance(told, str | int) and not isinstance(told, bool) else ""
    if not (digits.isascii() and digits.isdigit() and len(digits) in (length - 1, length)):
        return obj
    digits = digits.zfill(length)
    return obj | {key: digits} if digits != told else obj


def postal_code_without_blanks(obj: dict[str, Any]) -> dict[str, Any]:
    """Cut the U+00A0 that SD.NET hangs on postal codes: a pattern for five digits would refuse them (17 of 29 Bodies, 2018/19)."""
    told = obj["postalCode"]
    digits = told.strip() if isinstance(told, str) else told
    return obj | {"postalCode": digits} if digits != told else obj


def coordinates_as_numbers(obj: dict[str, Any]) -> dict[str, Any]:
    """Write coordinates as numbers where they came as texts (SessionNet, Karlsruhe 2026: all six)."""
    return _with_positions(obj, _numbers)


def coordinates_lon_lat(obj: dict[str, Any]) -> dict[str, Any]:
    """Swap latitude and longitude if the place lies outside Germany as written and inside once swapped (SD.NET, Hürtgenwald 2021)."""
    places = list(_positions(obj["geojson"]))
    if not places or not all(_numeric(place) for place in places):
        return obj
    if any(_inside(place) for place in places) or not all(_inside([place[1], place[0]]) for place in places):
        return obj
    return _with_positions(obj, lambda place: [place[1], place[0], *place[2:]])


def _numeric(place: list[Any]) -> bool:
    return all(isinstance(number, int | float) and not isinstance(number, bool) for number in place)


def _inside(place: list[Any]) -> bool:
    return bool(LONGITUDES[0] <= place[0] <= LONGITUDES[1] and LATITUDES[0] <= place[1] <= LATITUDES[1])


def _numbers(place: list[Any]) -> list[Any]:
    try:
        return [float(number.strip().replace(",", ".")) if isinstance(number, str) else number for number in place]
    except ValueError:
        return place


def _positions(value: Any) -> Iterator[list[Any]]:
    """Yield each position of a Feature, a geometry or nested coordinates."""
    if isinstance(value, dict):
        for key in ("geometry", "coordinates", "geometries"):
            yield from _positions(value.get(key))
    elif isinstance(value, list):
        if _is_position(value):
            yield value
        else:
            for item in value:
                yield from _positions(item)


def _is_position(value: list[Any]) -> bool:
    return 2 <= len(value) <= 3 and all(isinstance(item, int | float | str) for item in value)


def _with_positions(obj: dict[str, Any], change: Any) -> dict[str, Any]:
    def rebuilt(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: rebuilt(item) if key in ("geometry", "coordinates", "geometries") else item for key, item in value.items()}
        if isinstance(value, list):
            return change(value) if _is_position(value) else [rebuilt(item) for item in value]
        return value

    mended = rebuilt(obj["geojson"])
    return obj | {"geojson": mended} if mended != obj["geojson"] else obj
