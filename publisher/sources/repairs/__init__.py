"""Vendors' mistakes, each mended or named by one small pure function with the vendor's name, a date and a test.

A repair takes one object and gives it back, mended if its fault is there; what changed becomes a Note with the function's name.
A dialect's repairs are tried on that dialect's objects only; those under "" mend faults that cannot be mistaken, whoever made them.
"""

from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any, NamedTuple

import orjson

from publisher.record import Note
from publisher.sources.repairs import damage, dates, files, places, shapes, texts
from publisher.sources.repairs.dialects import dialect_of

__all__ = ["DAMAGE", "REPAIRS", "Repair", "dialect_of", "repaired"]

Object = dict[str, Any]


class Repair(NamedTuple):
    """A rule and what must be there for it: its classes, one of its keys, one of its traces (bytes in the JSON of the whole record).

    None of a sort named: no condition. Keys and traces only save time: the rule looks for itself.
    """

    rule: Callable[[Object], Object]
    classes: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    traces: tuple[bytes, ...] = ()


class Finding(NamedTuple):
    """A fault that is named, not mended: the rule gives the keys under which it is found; the rest as in Repair."""

    rule: Callable[[Object], tuple[str, ...]]
    classes: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    traces: tuple[bytes, ...] = ()


DATED = ("created", "modified", "start", "end", "licenseValidSince", "oparlSince")
DAYS = ("date", "startDate", "endDate")
ESCAPES = (b"\\u00", b"\\b", b"\\f", b"\x7f", b"\xc2")
BREAKS = (b"\\n", b"\\r", b"\\t")
EDGES = (b'" ', b' "', b"\xa0", b'\\n"', b'"\\n', b'\\r"', b'"\\r', b'\\t"', b'"\\t')

REPAIRS: dict[str, tuple[Repair, ...]] = {
    "": (
        Repair(texts.without_control_characters, traces=ESCAPES),
        Repair(texts.names_on_one_line, traces=BREAKS),
        Repair(texts.trimmed, traces=EDGES),
        Repair(dates.date_of_zeros, traces=(b'"0000-00',)),
        Repair(dates.date_time_in_full, keys=DATED),
        Repair(dates.offset_of_berlin, keys=DATED),
        Repair(dates.date_without_time, keys=DAYS),
        Repair(dates.german_date, keys=DAYS),
        Repair(shapes.object_in_its_array, keys=tuple(sorted(shapes.MANY))),
        Repair(shapes.object_out_of_its_array, keys=tuple(sorted(shapes.ONE))),
        Repair(places.ags_of_eight_digits, ("Body",), ("ags",)),
        Repair(places.rgs_of_twelve_digits, ("Body",), ("rgs",)),
        Repair(places.postal_code_without_blanks, ("Location",), ("postalCode",)),
        Repair(places.coordinates_as_numbers, ("Location",), ("geojson",)),
        Repair(places.coordinates_lon_lat, ("Location",), ("geojson",)),
        Repair(files.media_type_of_extension, ("File",), ("mimeType",)),
        Repair(files.size_unknown, ("File",), ("size",)),
    ),
    "sternberg": (
        Repair(shapes.location_object_of_person, ("Person",), ("location",)),
        Repair(files.octet_stream_by_name, ("File",), ("mimeType",)),
        Repair(files.extension_once, ("File",), ("fileName",)),
        Repair(files.file_path_with_one_slash, ("File",), traces=(b"/files//rim",)),
    ),
    "allris4": (
        Repair(dates.stamp_of_2000, traces=(b'"2000-01-01T00:00:00',)),
        Repair(dates.end_of_day_unknown, ("Meeting", "AgendaItem"), ("end",)),
        Repair(shapes.order_from_zero, ("Meeting",), ("agendaItem",)),
        Repair(shapes.minutes_are_results, ("Meeting",), ("verbatimProtocol",)),
    ),
    "allris3": (Repair(texts.not_available, traces=(b'"N/A', b'N/A"', b'" ')),),
    "sessionnet": (
        Repair(dates.end_of_day_unknown, ("Meeting", "AgendaItem"), ("end",)),
        Repair(shapes.agenda_is_no_protocol, ("Meeting",), ("verbatimProtocol",)),
    ),
    "rubin": (Repair(dates.stamp_of_the_answer, keys=("created", "modified")),),
    "muenchen": (),
    "kleineanfragen": (Repair(shapes.keys_in_camel_case, traces=(b"_",)),),
}

DAMAGE: tuple[Finding, ...] = (
    Finding(damage.ags_of_wrong_length, ("Body",), ("ags",)),
    Finding(damage.end_before_start, ("Meeting", "AgendaItem"), ("end",)),
    Finding(damage.several_for_one, keys=tuple(sorted(shapes.ONE))),
    Finding(damage.text_in_wrong_charset, traces=tuple(text.encode() for text in ("\ufffd", "Ã", "Â", "â€"))),
    Finding(damage.text_with_markup, traces=(b"&", b"<")),
)


class Rules(NamedTuple):
    """What may concern an object: each repair with its place in the dialect's order, each finding, and the parts that it embeds."""

    repairs: tuple[tuple[int, Callable[[Object], Object]], ...]
    findings: tuple[Callable[[Object], tuple[str, ...]], ...]
    parts: tuple[tuple[str, str], ...]


@cache
def _rows(dialect: str) -> tuple[tuple[Repair, ...], tuple[tuple[bytes, ...], ...]]:
    """Return the repairs of a dialect, its own first, and the traces that any of its rules looks for."""
    rows = (REPAIRS.get(dialect, ()) if dialect else ()) + REPAIRS[""]
    traces = [row.traces for row in rows] + [row.traces for row in DAMAGE]
    return rows, tuple(dict.fromkeys(filter(None, traces)))


@lru_cache(maxsize=8192)
def _rules(dialect: str, traced: int, kind: str, keys: tuple[str, ...]) -> Rules:
    """Return the rules for objects of a class that have these keys, given which of the traces (a bit each) the record's JSON holds."""
    rows, traces = _rows(dialect)

    def concerns(row: Repair | Finding) -> bool:
        here = (not row.classes or kind in row.classes) and (not row.keys or not set(row.keys).isdisjoint(keys))
        return here and (not row.traces or bool(traced >> traces.index(row.traces) & 1))

    return Rules(
        tuple((at, row.rule) for at, row in enumerate(rows) if concerns(row)),
        tuple(row.rule for row in DAMAGE if concerns(row)),
        tuple((key, shapes.EMBEDS[key]) for key in keys if key in shapes.EMBEDS),
    )


def _traced(raw: bytes, dialect: str) -> int:
    """Return which of the dialect's traces stand in the JSON, a bit each. Plain loops: this runs for every record."""
    found, escapes = 0, b"\\" in raw
    for at, traces in enumerate(_rows(dialect)[1]):
        for trace in traces:
            if (escapes or b"\\" not in trace) and trace in raw:
                found |= 1 << at
                break
    return found


def repaired(kind: str, obj: Object, dialect: str = "") -> tuple[Object, list[Note]]:
    """Return the object of class `kind` with its faults mended, embedded objects too, and a note for each mend and each damage found.

    The object handed in stays as it is. A note's path leads from the record to the changed key.
    """
    notes: list[Note] = []
    return _mended(kind, obj, (dialect, _traced(orjson.dumps(obj), dialect)), "", notes), notes


def _mended(kind: str, obj: Object, known: tuple[str, int], path: str, notes: list[Note], start: int = 0) -> Object:
    repairs, findings, parts = _rules(*known, kind, tuple(obj))
    for at, rule in repairs:
        mended = rule(obj) if at >= start else obj
        if mended is not obj:
            notes += _changes(obj, mended, rule.__name__, path)
            if mended.keys() != obj.keys():  # other keys, other rules
                return _mended(kind, mended, known, path, notes, at + 1)
            obj = mended
    for finding in findings:
        notes += [Note("damage", finding.__name__, path + key) for key in finding(obj)]
    return _with_parts(obj, parts, known, path, notes) if parts else obj


def _with_parts(obj: Object, parts: Iterable[tuple[str, str]], known: tuple[str, int], path: str, notes: list[Note]) -> Object:
    changed: Object = {}
    for key, part in parts:
        value = obj[key]
        if isinstance(value, dict):
            mended = _mended(part, value, known, f"{path}{key}.", notes)
            if mended is not value:
                changed[key] = mended
        elif isinstance(value, list) and value and not isinstance(value[0], str):
            items = [
                _mended(part, item, known, f"{path}{key}.{at}.", notes) if isinstance(item, dict) else item for at, item in enumerate(value)
            ]
            if any(new is not old for new, old in zip(items, value, strict=True)):
                changed[key] = items
    return obj | changed if changed else obj


def _changes(before: Object, after: Object, rule: str, path: str) -> list[Note]:
    keys = [key for key in before if key not in after or after[key] is not before[key]] + [key for key in after if key not in before]
    return [Note("normalised", rule, path + key, _leaves(before.get(key, after.get(key)))) for key in keys if _moved(key, before, after)]


def _moved(key: str, before: Object, after: Object) -> bool:
    return key not in before or key not in after or before[key] != after[key]


def _leaves(value: Any) -> int:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 1 if children is None else sum(_leaves(child) for child in children)


# Faults that show only when several objects are looked at together (`publisher.sources.seen`).
ACROSS = {
    "id_of_other_content": "One id stands for different contents.",
    "listed_otherwise_than_embedded": "An object stands in its own list otherwise than where it is embedded; both are kept.",
}


def explained(rule: str) -> str:
    """Return what a repair or finding is about, its first sentence; "" for a rule of another room."""
    if rule in ACROSS:
        return ACROSS[rule]
    rows: list[Repair | Finding] = [*DAMAGE, *(row for rows in REPAIRS.values() for row in rows)]
    doc = next((row.rule.__doc__ for row in rows if row.rule.__name__ == rule), None) or ""
    return " ".join(doc.split("\n\n")[0].split())
