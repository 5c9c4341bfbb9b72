"""Vendors' mistakes, each mended or named by one small pure function with the vendor's name, a date and a test.

A repair takes one object and gives it back, mended if its fault is there; what changed becomes a Note with the function's name.
A dialect's repairs are tried on that dialect's objects only; those under "" mend faults that cannot be mistaken, whoever made them.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from typing import Any, NamedTuple

import orjson

from publisher.record import Note
from publisher.sources.repairs import damage, dates, files, places, shapes, texts
from publisher.sources.repairs.dialects import dialect_of

__all__ = ["DAMAGE", "REPAIRS", "Repair", "dialect_of", "repaired"]

Object = dict[str, Any]
Trace = bytes | re.Pattern[bytes]
Fine = Callable[[Any], bool]


class Repair(NamedTuple):
    """A rule and what must be there for it: its classes, one of its keys, one of its traces (in the JSON of the whole record).

    None of a sort named: no condition. fine: tells of a value under one of the keys that it is no reason for the rule; where all are
    fine, the rule does nothing. Keys, traces and `fine` only save time: the rule looks for itself.
    """

    rule: Callable[[Object], Object]
    classes: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = ()
    fine: Fine | None = None


class Finding(NamedTuple):
    """A fault that is named, not mended: the rule gives the keys under which it is found; the rest as in Repair."""

    rule: Callable[[Object], tuple[str, ...]]
    classes: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    traces: tuple[Trace, ...] = ()
    fine: Fine | None = None


DATED = ("created", "modified", "start", "end", "licenseValidSince", "oparlSince")
DAYS = ("date", "startDate", "endDate")
MANY, ONE = tuple(sorted(shapes.MANY)), tuple(sorted(shapes.ONE))
ESCAPES = (b"\\u00", b"\\b", b"\\f", b"\x7f", re.compile(rb"\xc2[\x80-\x9f]"))
BREAKS = (b"\\n", b"\\r", b"\\t")
EDGES = (b'" ', b' "', b"\xa0", b'\\n"', b'"\\n', b'\\r"', b'"\\r', b'\\t"', b'"\\t')

REPAIRS: dict[str, tuple[Repair, ...]] = {
    "": (
        Repair(texts.without_control_characters, traces=ESCAPES),
        Repair(texts.names_on_one_line, keys=tuple(sorted(texts.ONE_LINE)), traces=BREAKS, fine=texts.on_one_line),
        Repair(texts.trimmed, traces=EDGES),
        Repair(dates.date_of_zeros, traces=(b'"0000-00',)),
        Repair(dates.date_time_in_full, keys=DATED, fine=dates.time_in_form),
        Repair(dates.offset_of_berlin, keys=DATED, fine=dates.time_in_form),
        Repair(dates.date_without_time, keys=DAYS, fine=dates.day_in_form),
        Repair(dates.german_date, keys=DAYS, fine=dates.day_in_form),
        Repair(shapes.object_in_its_array, keys=MANY, fine=shapes.no_object),
        Repair(shapes.object_out_of_its_array, keys=ONE, fine=shapes.no_array),
        Repair(places.ags_of_eight_digits, ("Body",), ("ags",)),
        Repair(places.rgs_of_twelve_digits, ("Body",), ("rgs",)),
        Repair(places.postal_code_without_blanks, ("Location",), ("postalCode",)),
        Repair(places.coordinates_as_numbers, ("Location",), ("geojson",)),
        Repair(places.coordinates_lon_lat, ("Location",), ("geojson",)),
        Repair(files.media_type_of_extension, ("File",), ("mimeType",), fine=files.media_type_in_full),
        Repair(files.size_unknown, ("File",), ("size",), fine=files.size_known),
    ),
    "sternberg": (
        Repair(shapes.location_object_of_person, ("Person",), ("location",), fine=shapes.no_object),
        Repair(files.octet_stream_by_name, ("File",), ("mimeType",), fine=files.media_type_in_full),
        Repair(files.extension_once, ("File",), ("fileName",), fine=files.one_ending),
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
    Finding(damage.several_for_one, keys=ONE, fine=shapes.no_array),
    Finding(damage.text_in_wrong_charset, traces=tuple(text.encode() for text in ("\ufffd", "Ã", "Â", "â€"))),
    Finding(damage.text_with_markup, traces=(b"&", b"<")),
)


class Rules(NamedTuple):
    """What may concern an object: each repair with its place in the dialect's order, each finding, and the parts that it embeds.

    looks: keys whose values tell that none of the rules with a `fine` has anything to do; free, open: repairs and findings without one.
    """

    repairs: tuple[tuple[int, Callable[[Object], Object]], ...]
    findings: tuple[Callable[[Object], tuple[str, ...]], ...]
    looks: tuple[tuple[str, Fine], ...]
    free: tuple[Callable[[Object], Object], ...]
    open: tuple[Callable[[Object], tuple[str, ...]], ...]
    parts: tuple[tuple[str, str], ...]


@cache
def _rows(dialect: str) -> tuple[tuple[Repair, ...], tuple[tuple[Trace, ...], ...]]:
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

    repairs = [(at, row) for at, row in enumerate(rows) if concerns(row)]
    findings = [row for row in DAMAGE if concerns(row)]
    looking: list[Repair | Finding] = [*(row for _, row in repairs), *findings]
    return Rules(
        tuple((at, row.rule) for at, row in repairs),
        tuple(row.rule for row in findings),
        tuple(dict.fromkeys((key, row.fine) for row in looking if row.fine for key in row.keys if key in keys)),
        tuple(row.rule for _, row in repairs if not row.fine),
        tuple(row.rule for row in findings if not row.fine),
        tuple((key, shapes.EMBEDS[key]) for key in keys if key in shapes.EMBEDS),
    )


Search = tuple[int, Trace, bytes]


@cache
def _searches(dialect: str) -> tuple[list[Search], list[Search]]:
    """Return (bit, trace, a byte of it that German text hardly has, if any) for each trace that is no escape, then for those that are."""
    plain: list[Search] = []
    escaped: list[Search] = []
    for at, traces in enumerate(_rows(dialect)[1]):
        for trace in traces:
            rare = min((byte for byte in trace if byte >= 0x80), default=0) if isinstance(trace, bytes) else 0
            (escaped if isinstance(trace, bytes) and b"\\" in trace else plain).append((1 << at, trace, bytes([rare] if rare else [])))
    return plain, escaped


def _traced(raw: bytes, dialect: str) -> int:
    """Return which of the dialect's traces stand in the JSON, a bit each. Plain loops: this runs for every record."""
    found = 0
    plain, escaped = _searches(dialect)
    for bit, trace, rare in plain:
        if found & bit or rare not in raw:
            continue
        if trace in raw if isinstance(trace, bytes) else trace.search(raw):
            found |= bit
    if b"\\" in raw:
        around = _around_escapes(raw)
        for bit, trace, _ in escaped:
            if not found & bit and isinstance(trace, bytes) and trace in around:
                found |= bit
    return found


def _around_escapes(raw: bytes) -> bytes:
    """Return what stands around each backslash: most texts have few, and a search in that is a short one."""
    pieces, at = [], raw.find(b"\\")
    while at >= 0:
        pieces.append(raw[at - 1 : at + 4])
        at = raw.find(b"\\", at + 1)
    return b"\0".join(pieces)


def repaired(kind: str, obj: Object, dialect: str = "") -> tuple[Object, list[Note]]:
    """Return the object of class `kind` with its faults mended, embedded objects too, and a note for each mend and each damage found.

    The object handed in stays as it is. A note's path leads from the record to the changed key.
    """
    notes: list[Note] = []
    return _mended(kind, obj, (dialect, _traced(orjson.dumps(obj), dialect)), "", notes), notes


def _mended(kind: str, obj: Object, known: tuple[str, int], path: str, notes: list[Note], start: int = 0) -> Object:
    rules = _rules(*known, kind, tuple(obj))
    if _sound(obj, rules):
        for finding in rules.open:
            notes += [Note("damage", finding.__name__, path + key) for key in finding(obj)]
        return _with_parts(obj, rules.parts, known, path, notes) if rules.parts else obj
    for at, rule in rules.repairs:
        mended = rule(obj) if at >= start else obj
        if mended is not obj:
            notes += _changes(obj, mended, rule.__name__, path)
            if mended.keys() != obj.keys():  # other keys, other rules
                return _mended(kind, mended, known, path, notes, at + 1)
            obj = mended
    for finding in rules.findings:
        notes += [Note("damage", finding.__name__, path + key) for key in finding(obj)]
    return _with_parts(obj, rules.parts, known, path, notes) if rules.parts else obj


def _sound(obj: Object, rules: Rules) -> bool:
    """Tell by a glance at its values that no repair would change an object, nor any finding with a `fine` find something."""
    for key, fine in rules.looks:  # a plain loop: this runs for every object
        if not fine(obj[key]):
            return False
    return all(rule(obj) is obj for rule in rules.free) if rules.free else True


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
