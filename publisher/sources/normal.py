"""The door: raises any object to OParl 1.1 as the one table knows it, and says of every value what became of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson

from publisher.config import Source
from publisher.iris import is_url, valid_iri
from publisher.ontology import OPARLX, XSD, Use, ontology
from publisher.record import CLASSES, SCHEMA, Note, Record, content
from publisher.sources.forms import EXPECTED, RULES, TYPED, Sound, day, never, sound, sound_url

PARENT_KEY = {"AgendaItem": "meeting", "Consultation": "paper", "Membership": "person"}
LED = ("Meeting", "Consultation")  # OParl 1.1: the first organization is in charge; RDF keeps no order
SPELLED_1_0 = {
    ("Location", "organization"): "organizations",
    ("Location", "meeting"): "meetings",
    ("Location", "paper"): "papers",
}
TOMBSTONE = ("id", "type", "created", "modified", "deleted", "owl:sameAs")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
SURROGATES = re.compile(r"[\ud800-\udfff]")
GONE: Any = object()
EMPTY: tuple[Any, ...] = (None, "", [], {})


def normalised(record: Record, source: Source) -> list[Record]:
    """Return the record raised to OParl 1.1, and further records for objects that stood where OParl wants a URL.

    Every change is a Note: normalised (by a named rule), ignored, withheld, or unmapped. What has no place in OParl or
    our terms moves to `oparlx:extension`, so that nothing is lost and nothing becomes a bogus triple.
    """
    door = _Door(source, _left_out(source.withheld, source.ignored))
    obj = door.tombstone(record) if record.deleted else door.object(record.object, record.type, "", None)
    notes = (*record.notes, *door.notes)
    raised = Record(record.type, record.id, record.url, obj, record.deleted, notes, record.raw, record.body)  # replace() takes its time
    return [raised, *door.strays(record)] if door.strayed else [raised]


def leaves(value: Any) -> int:
    """Return how many JSON leaves a value holds; an empty list or object counts as one."""
    if value and isinstance(value, (dict, list)):
        return sum(leaves(item) for item in (value.values() if isinstance(value, dict) else value))
    return 1


@lru_cache(maxsize=1024)
def _class_name(text: str) -> str:
    bare = text.rsplit("/", 1)[-1]
    if bare in CLASSES:
        return bare
    own = OPARLX + text.removeprefix("oparlx:").removeprefix(OPARLX)
    return own if own in ontology().uses else ""


def class_name(type_iri: Any) -> str:
    """Return the bare class of an OParl type of any version, or our own class's IRI: ".../1.0/Paper" -> "Paper"; "" if unknown."""
    return _class_name(type_iri) if isinstance(type_iri, str) else ""


@dataclass
class _Door:
    source: Source
    left_out: frozenset[str]
    notes: list[Note] = field(default_factory=list)
    strayed: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def note(self, kind: str, rule: str, path: str, about: Any = None) -> None:
        self.notes.append(Note(kind, rule, path, 1 if about is None else leaves(about)))

    def strays(self, record: Record) -> Iterator[Record]:
        for name, obj in self.strayed:
            yield from normalised(Record(name, obj["id"], record.url, obj, body=record.body), self.source)

    def tombstone(self, record: Record) -> dict[str, Any]:
        """Keep of a deleted object what OParl lets stand (2-08): the rest was depublished and is not ours to keep."""
        for key, value in record.object.items():
            if key not in TOMBSTONE:
                self.note("withheld", "depublished", key, value)
        kept = {key: value for key, value in record.object.items() if key in TOMBSTONE}
        return self.object(kept | {"id": record.id, "deleted": True}, record.type, "", None)

    def object(self, obj: dict[str, Any], name: str, path: str, parent: tuple[str, str, Use] | None) -> dict[str, Any]:
        cls = name if name.startswith("http") else SCHEMA + name
        given = obj.get("id")
        made: dict[str, Any] = {"type": cls, "id": given if sound_url(given) else self.own_id(obj, path, parent)}
        extension: dict[str, Any] = {}
        if obj.get("type") != cls:
            rule = "missing_type" if not obj.get("type") else "class_iri" if cls.startswith(OPARLX) else "schema_version"
            self.note("normalised", rule, f"{path}type")
        if given != made["id"] and isinstance(given, str) and given.strip() and valid_iri(given.strip()) != made["id"]:
            extension["id"] = given  # no address, so a new one was made; the fact stays
        for key, right, use in _checks(cls, name, tuple(obj), self.left_out):
            value = obj[key]
            if right(value):
                made[key] = value
            elif use:
                self.used(made, extension, (name, use), value, path)
            else:
                self.member(made, extension, (name, key), value, path)
        if extension:
            made["oparlx:extension"] = _beside(made.pop("oparlx:extension", {}), extension)
        self.family(made, name, path, parent)
        return made

    def own_id(self, obj: dict[str, Any], path: str, parent: tuple[str, str, Use] | None) -> str:
        given = obj.get("id")
        if isinstance(given, str) and given.strip() and (parent is None or is_url(given.strip())):
            clean = valid_iri(given.strip())
            if clean != given:
                self.note("normalised", "iri_encoded", f"{path}id")
            return clean
        self.note("normalised", "id_from_owner", f"{path}id", "" if given is None else given)
        owner, key = (parent[0], parent[2].key) if parent else ("", "")
        word = (parent[2].value_class if parent else "").rsplit("#", 1)[-1].lower()
        return f"{owner}/{word}/{key}-{sha256(content(obj)).hexdigest()[:12]}"

    def member(self, made: dict[str, Any], extension: dict[str, Any], at: tuple[str, str], value: Any, path: str) -> None:
        name, key = at
        here, full = path + key, f"{name}.{key}"
        if full in self.source.withheld:
            return self.note("withheld", "privacy", here, value)
        if full in self.source.ignored:
            return self.note("ignored", "listed", here, value)
        if at in SPELLED_1_0:
            key = SPELLED_1_0[at]
            self.note("normalised", "spelled_1_0", here, value)
        use = ontology().uses[made["type"]].get(key)
        if use is None:
            vendor = ":" in key
            self.note("normalised" if vendor else "unmapped", "vendor_key" if vendor else f"unknown key {full}", here, value)
            extension[key] = value
            return None
        return self.used(made, extension, (name, use), value, path)

    def used(self, made: dict[str, Any], extension: dict[str, Any], at: tuple[str, Use], value: Any, path: str) -> None:
        """Take the value of a key that the class has."""
        name, use = at
        here = path + use.key
        left: list[Any] = []
        found = self.value(use, value, here, (made["id"], name, use), left)
        if left:
            self.leave(made, extension, use.key, left, here)
        if found is not GONE:
            made[use.key] = found

    def leave(self, made: dict[str, Any], extension: dict[str, Any], key: str, left: list[Any], here: str) -> None:
        """Find another place for values that are not what their key promises."""
        if key == "license" and all(isinstance(item, str) for item in left):
            made["oparlx:licenseText"] = "; ".join(left)
            self.note("normalised", "licence_words", here, left)
        elif key == "start" and re.fullmatch(r"\d{4}-\d\d-\d\d", str(left[0])) and day(left[0]) and made["type"] == SCHEMA + "Meeting":
            made["oparlx:day"] = left[0]
            self.note("normalised", "day_only", here, left)
        else:
            extension[key] = left if len(left) > 1 else left[0]
            use = ontology().uses[made["type"]][key]
            self.note(
                "unmapped", f"{made['type'].rsplit('/', 1)[-1]}.{key}: no {EXPECTED.get(use.kind) or use.datatype[len(XSD) :]}", here, left
            )

    def value(self, use: Use, value: Any, path: str, parent: tuple[str, str, Use], left: list[Any]) -> Any:
        if value in EMPTY or (isinstance(value, str) and not value.strip()):
            self.note("normalised", "empty", path, value)
            return GONE
        if use.kind == "json":
            return self.json(value, path, left)
        items = value if isinstance(value, list) else [value]
        made: list[Any] = []
        for at, item in enumerate(items):
            here = f"{path}.{at}" if isinstance(value, list) else path
            if item and use.embedded and type(item) is dict:  # most values that are not sound at a glance
                found = self.inner(use, item, here, parent)
                if found is GONE:
                    left.append(item)
            else:
                found = self.item(use, item, here, parent, left)
            if found is not GONE and found in made:
                self.note("normalised", "duplicate", here, item)
            elif found is not GONE:
                made.append(found)
        if not made:
            return GONE
        if use.many != isinstance(value, list) and len(made) == 1:
            self.note("normalised", "list_from_single" if use.many else "single_from_list", path, value)
        return made if use.many or len(made) > 1 else made[0]

    def item(self, use: Use, item: Any, path: str, parent: tuple[str, str, Use], left: list[Any]) -> Any:
        if item in EMPTY:
            self.note("normalised", "empty", path, item)
            return GONE
        if use.kind == "id":
            found = self.reference(use, item, path, parent)
        elif use.kind == "typed":
            found = self.typed(use, item, path)
        else:
            found = self.text(item, path)
        if found is GONE:
            left.append(item)
        return found

    def reference(self, use: Use, item: Any, path: str, parent: tuple[str, str, Use]) -> Any:
        if isinstance(item, dict):
            return self.inner(use, item, path, parent)
        if not isinstance(item, str) or not is_url(item.strip()):
            return GONE
        clean = valid_iri(item.strip())
        if clean != item:
            self.note("normalised", "iri_encoded", path)
        return clean

    def inner(self, use: Use, item: dict[str, Any], path: str, parent: tuple[str, str, Use]) -> Any:
        name = class_name(item.get("type")) or use.value_class
        if not name or use.external:
            return GONE
        if use.embedded:
            return self.object(item, name, path + ".", parent)
        if not isinstance(item.get("id"), str) or not is_url(item["id"].strip()) or name not in CLASSES:
            return GONE
        self.strayed.append((name, item))
        self.note("normalised", "object_where_url", path, item)
        return valid_iri(item["id"].strip())

    def text(self, item: Any, path: str) -> Any:
        if isinstance(item, bool | int | float):
            self.note("normalised", "text_from_number", path)
            return orjson.dumps(item).decode()
        if not isinstance(item, str):
            return GONE
        if SURROGATES.search(item):
            self.note("damage", "broken_character", path)
            item = SURROGATES.sub("\ufffd", item)
        if CONTROLS.search(item):
            self.note("normalised", "control_character", path)
            item = CONTROLS.sub("", item)
        return item or GONE

    def typed(self, use: Use, item: Any, path: str) -> Any:
        if type(item) in (dict, list):
            return GONE
        made = TYPED[use.datatype](item)
        if made is None:
            return GONE
        if made != item or type(made) is not type(item):
            self.note("normalised", RULES[use.datatype], path)
        return made

    def json(self, value: Any, path: str, left: list[Any]) -> Any:
        found = value
        if isinstance(value, str):
            try:
                found = orjson.loads(value)
            except ValueError:
                found = None
        if not isinstance(found, dict):
            left.append(value)
            return GONE
        if found is not value:
            self.note("normalised", "json_from_text", path)
        return found

    def family(self, made: dict[str, Any], name: str, path: str, parent: tuple[str, str, Use] | None) -> None:
        """Add the link back to the owner that embedding leaves out, and drop one that only repeats the embedding's triple."""
        if name == "Person" and isinstance(made.get("locationObject"), dict) and "location" not in made:
            made["location"] = made["locationObject"]["id"]
            self.note("normalised", "location_from_object", f"{path}location", [])
        leads = made.get("organization")
        if name in LED and isinstance(leads, list) and len(leads) > 1 and "oparlx:leadOrganization" not in made:
            made["oparlx:leadOrganization"] = leads[0]
            self.notes.append(Note("normalised", "lead_from_first", f"{path}organization", 0))
        if name == "Meeting":
            self.order(made.get("agendaItem", ()), path)
        if parent is None:
            return
        owner, owner_class, use = parent
        key = PARENT_KEY.get(name)
        if key == owner_class.lower() and key not in made:
            made[key] = owner
        for other in _back_links(made["type"], use.predicate):
            given = made.get(other.key, ())
            kept = [item for item in (given if isinstance(given, list) else [given]) if item != owner]
            if given and len(kept) != (len(given) if isinstance(given, list) else 1):
                self.note("normalised", "back_link_repeats_embedding", f"{path}{other.key}", given)
                made[other.key] = kept if other.many else GONE
                if not kept:
                    del made[other.key]

    def order(self, items: Any, path: str) -> None:
        """Number agenda items by their place in the Meeting's own list where the source numbers none (OParl 1.1 requires it)."""
        inside = [item for item in items if isinstance(item, dict)]
        if inside and not any("order" in item for item in inside):
            for at, item in enumerate(inside):
                item["order"] = at
            self.notes.append(Note("normalised", "order_from_position", f"{path}agendaItem", 0))


def _beside(given: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Return both; where a re-published object already has such a key in its extension, the new value stands under `key_`."""
    made = dict(given)
    for key, value in found.items():
        while key in made:
            key += "_"
        made[key] = value
    return made


@lru_cache(maxsize=64)
def _left_out(withheld: tuple[str, ...], ignored: tuple[str, ...]) -> frozenset[str]:
    return frozenset(withheld + ignored)


@lru_cache(maxsize=4096)
def _checks(cls: str, name: str, keys: tuple[str, ...], left_out: frozenset[str]) -> tuple[tuple[str, Sound, Use | None], ...]:
    """Return each key of an object with what tells whether its value is already as OParl 1.1 wants it, and its use; objects of one list
    share keys."""
    uses = ontology().uses[cls]
    special = {key for key in keys if f"{name}.{key}" in left_out or (name, key) in SPELLED_1_0 or key not in uses}
    return tuple(
        (key, never, None) if key in special else (key, sound(uses[key]), uses[key])
        for key in keys
        if key not in ("type", "id", "@context")
    )


@lru_cache(maxsize=4096)
def _back_links(cls: str, predicate: str) -> tuple[Use, ...]:
    return tuple(use for use in ontology().uses[cls].values() if use.reverse and use.predicate == predicate)
