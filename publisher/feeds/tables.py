"""One CSV table a class, for those who do not want RDF, and its CSV on the Web metadata; the columns are the ontology's."""

import csv
import io
from functools import cache
from typing import Any, NamedTuple

import orjson

from publisher.ontology import XSD, Use, ontology
from publisher.record import CLASSES, SCHEMA, parts

SEPARATOR = "|"
OWNER = "owner"
SKIPPED = {"oparlx:extension", "oparlx:section", "oparlx:proposal"}


class Column(NamedTuple):
    """key: the OParl key and the column's name. many: several values, separated by "|"."""

    key: str
    datatype: str
    many: bool
    property: str


@cache
def columns(cls: str) -> list[Column]:
    """Return the columns of a class ("Paper"): id, owner (of embedded objects), then its keys in the order of the context."""
    uses = ontology().uses.get(SCHEMA + cls, {})
    kept = [use for key, use in uses.items() if key not in SKIPPED and not use.external]
    return [Column("id", "anyURI", False, ""), Column(OWNER, "anyURI", False, ""), *(_column(use) for use in kept)]


def _column(use: Use) -> Column:
    datatype = use.datatype.removeprefix(XSD) if use.datatype.startswith(XSD) else "anyURI" if use.kind == "id" else "string"
    return Column(use.key, datatype, use.many, use.predicate)


class Rows:
    """Collects the rows of all classes at once. counts: class -> rows."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self._open: dict[str, tuple[io.StringIO, Any, list[str]]] = {}

    def add(self, obj: dict[str, Any]) -> None:
        """Write a record and the objects embedded in it, each into the table of its class."""
        self._row(obj, "")
        for _, part in parts(obj):
            self._row(part, obj["id"])

    def _row(self, obj: dict[str, Any], owner: str) -> None:
        cls = str(obj["type"]).removeprefix(SCHEMA)
        if cls not in CLASSES:
            return
        if cls not in self._open:
            out = io.StringIO(newline="")
            self._open[cls] = out, csv.writer(out, lineterminator="\r\n"), [column.key for column in columns(cls)[2:]]
            self.counts[cls] = 0
        _, writer, keys = self._open[cls]
        writer.writerow([obj["id"], owner, *[cell(obj[key]) if key in obj else "" for key in keys]])
        self.counts[cls] += 1

    def text(self) -> dict[str, bytes]:
        """Return class -> its rows as CSV, without the header."""
        return {cls: out.getvalue().encode() for cls, (out, *_) in self._open.items()}


def header(cls: str) -> bytes:
    """Return the first line of a class's table."""
    return (",".join(column.key for column in columns(cls)) + "\r\n").encode()


def cell(value: Any) -> str:
    """Return a value as one cell: objects by their id, lists separated by "|" (a "|" inside a text becomes "¦")."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return str(value["id"]) if "id" in value else orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    if isinstance(value, list):
        return SEPARATOR.join(cell(item).replace(SEPARATOR, "¦") for item in value)
    return str(value)


def metadata(cls: str, url: str, license: str = "") -> bytes:
    """Return the metadata of one table as CSV on the Web reads it (at {url}-metadata.json), labels German and English."""
    names = ontology()
    described = [
        {
            "name": column.key.replace(":", "_"),
            "titles": {"und": column.key, "de": names.label(column.property), "en": names.label(column.property, "en")}
            if column.property
            else {"und": column.key},
            "datatype": column.datatype,
            **({"separator": SEPARATOR} if column.many else {}),
            **({"propertyUrl": column.property} if column.property else {}),
        }
        for column in columns(cls)
    ]
    whole = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "de"}],
        "url": url,
        "dc:title": {"@value": f"{names.label(SCHEMA + cls)} ({cls})", "@language": "de"},
        **({"dc:license": {"@id": license}} if license else {}),
        "dialect": {"header": True, "encoding": "utf-8"},
        "tableSchema": {"aboutUrl": "{+id}", "primaryKey": "id", "columns": described},
    }
    return orjson.dumps(whole, option=orjson.OPT_INDENT_2) + b"\n"
