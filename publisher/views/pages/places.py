"""Places: as a list, as an outline drawn here, and, after consent, as points for a map."""

import math
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from markupsafe import Markup

from publisher.views import words
from publisher.views.pages.frame import Things, name_of, site

KEYS = frozenset(("description", "streetAddress", "room", "postalCode", "subLocality", "locality", "geojson", "name"))
WIDE, HIGH, EDGE = 640, 360, 24  # user units of the drawn outline
MOST_POINTS = 5000  # drawn of one geometry; more makes a page heavy and no outline clearer


class Place(NamedTuple):
    """A place: what it is called, its address line, its lines and points in degrees as (longitude, latitude)."""

    iri: str
    name: str
    address: str
    lines: tuple[tuple[tuple[float, float], ...], ...]


def places_of(value: Any, things: Things) -> list[Place]:
    """Return the places that a record embeds or points at."""
    return [place(one) for one in things.of(value)]


def place(obj: dict[str, Any]) -> Place:
    """Return a Location as a place; one without a usable geometry has no lines."""
    town = " ".join(str(obj[key]) for key in ("postalCode", "locality") if obj.get(key))
    address = ", ".join(str(part) for part in (obj.get("room"), obj.get("streetAddress"), obj.get("subLocality"), town) if part)
    lines = tuple(line[:MOST_POINTS] for line in _lines(obj.get("geojson")))
    return Place(obj["id"], str(obj.get("description") or address or name_of(obj)), address, lines)


def _lines(geojson: Any, depth: int = 0) -> Iterator[tuple[tuple[float, float], ...]]:
    """Yield the rings, lines and single points of a GeoJSON object (RFC 7946); whatever is none is left out."""
    if not isinstance(geojson, dict) or depth > 4:
        return
    for key in ("features", "geometries"):
        for item in geojson.get(key) or () if isinstance(geojson.get(key), list) else ():
            yield from _lines(item, depth + 1)
    if isinstance(geojson.get("geometry"), dict):
        yield from _lines(geojson["geometry"], depth + 1)
    yield from _rings(geojson.get("coordinates"), 0)


def _rings(value: Any, depth: int) -> Iterator[tuple[tuple[float, float], ...]]:
    if not isinstance(value, list) or not value or depth > 4:
        return
    if _pair(value):
        yield ((float(value[0]), float(value[1])),)
    elif all(_pair(item) for item in value):
        yield tuple((float(item[0]), float(item[1])) for item in value)
    else:
        for item in value:
            yield from _rings(item, depth + 1)


def _pair(value: Any) -> bool:
    if not (isinstance(value, list) and len(value) >= 2 and all(isinstance(n, int | float) and not isinstance(n, bool) for n in value[:2])):
        return False
    return all(math.isfinite(n) for n in value[:2]) and abs(value[0]) <= 180 and abs(value[1]) <= 85


def geometry(geojson: Any) -> str:
    """Return what a GeoJSON object is in words: latitude and longitude of a point, "Polygon (6)" with the number of points, "" for none."""
    lines = tuple(_lines(geojson))
    if not lines:
        return ""
    if len(lines) == len(lines[0]) == 1:
        return f"{lines[0][0][1]:.5f}, {lines[0][0][0]:.5f}"
    inner = geojson.get("geometry") if isinstance(geojson.get("geometry"), dict) else geojson
    return f"{inner.get('type', 'Geometry')} ({sum(len(line) for line in lines)})"


def outline(places: Iterable[Place], lang: str) -> Markup:
    """Return an SVG of the places, north up, drawn to scale; "" where there are fewer than two points. It needs nobody else's map."""
    drawn = [one for one in places if one.lines]
    points = [point for one in drawn for line in one.lines for point in line]
    if len(set(points)) < 2:  # a single point has no shape, and would be a dot in an empty field
        return Markup("")
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(_mercator(y) for _, y in points), max(_mercator(y) for _, y in points)
    scale = min((WIDE - 2 * EDGE) / max(east - west, 1e-4), (HIGH - 2 * EDGE) / max(north - south, 1e-4))
    middle = ((west + east) / 2, (south + north) / 2)

    def at(point: tuple[float, float]) -> tuple[float, float]:
        return round(WIDE / 2 + (point[0] - middle[0]) * scale, 1), round(HIGH / 2 - (_mercator(point[1]) - middle[1]) * scale, 1)

    shapes = Markup("").join(
        _shape(number, one, [[at(point) for point in line] for line in one.lines]) for number, one in enumerate(drawn, 1)
    )
    title = words.text("outline_title", lang, places=", ".join(one.name for one in drawn[:5]))
    head = Markup('<svg class="outline" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDE, HIGH, title)
    return head + shapes + Markup("</svg>")


def _mercator(latitude: float) -> float:
    return math.degrees(math.asinh(math.tan(math.radians(latitude))))


def _shape(number: int, place: Place, lines: list[list[tuple[float, float]]]) -> Markup:
    made = Markup("")
    for line in lines:
        if len(line) == 1:
            made += Markup('<circle cx="{}" cy="{}" r="9"/>').format(*line[0])
        else:
            closed = line[0] == line[-1] and len(line) > 3
            made += Markup('<{} points="{}"/>').format("polygon" if closed else "polyline", " ".join(f"{x},{y}" for x, y in line))
    corners = [(min(axis), max(axis)) for axis in zip(*lines[0], strict=True)]
    x, y = (round(sum(pair) / 2, 1) for pair in corners)  # the middle, where no corner of the shape hides the number
    return Markup("<g><title>{}</title>{}<text x='{}' y='{}'>{}</text></g>").format(place.name, made, x, y + 4, number)


def location(obj: dict[str, Any], things: Things, lang: str) -> dict[str, Any]:
    """Return what location.html needs beside the record: its outline, and what lies or happens there."""
    here = place(obj)
    return {
        "place": here,
        "outline": outline([here], lang),
        "geometry": geometry(obj.get("geojson")),
        "places": [here],
        "tiles": site().tiles,
        "papers": [one for ref in things.reader.referring(obj["id"], type="Paper", limit=100) if (one := things(ref.iri))],
        "meetings": [one for ref in things.reader.referring(obj["id"], type="Meeting", limit=100) if (one := things(ref.iri))],
    }
