"""The index written: what can be found in each record, and an index made from the one before."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

import orjson
import tantivy

from publisher.search.words import analyzer, compounds, folded, reference_key, words_of

Entry = tuple[str, str, str, dict[str, Any]]

FILTERS = ("type", "body", "organization", "year", "result")
STORED_TEXT = 20_000  # characters kept for snippets; the index itself covers all of the text
NOTED, COMPOUNDS = "noted.json", "compounds.json"
REWRITTEN = ("meta.json", ".managed.json")  # what the library replaces; all else it writes once
REPLACED = 0.1  # records replaced by things in the index


@dataclass(frozen=True, slots=True)
class Fields:
    """What the index knows of one thing: title, text, references and the values it can be filtered by."""

    iri: str
    type: str
    title: str
    text: str
    reference: str
    values: Mapping[str, tuple[str, ...]]


def schema() -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_bytes_field("shown", stored=True)
    for name in ("name", "text"):
        builder.add_text_field(name, tokenizer_name="council", index_option="position")
    for name in ("whole", "reference", "owner", *FILTERS):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    return builder.build()


def build(path: Path, documents: Iterable[Entry]) -> int:
    """Write the index of `documents` into the new directory `path`; return how many things can be found in it.

    documents: top-level OParl objects with our IRIs, as (iri, type, body, object); embedded agenda items, files and
    places are taken out of their owners here. Deleted ones must not be among them. Same documents, same answers.
    """
    path.mkdir(parents=True)
    return _written(path, tantivy.Index(schema(), path=str(path)), (), documents, Counter(), 0)


def continued(path: Path, previous: Path, changed: Iterable[str], documents: Iterable[Entry]) -> bool:
    """Write the index into the new directory `path` from an earlier one, in which the owners `changed` are replaced by `documents`.

    Files are linked, for none of them ever changes. Returns False, and writes nothing, where so much was replaced already that
    what is gone would disturb the ranking (words of removed texts count until all is made anew), or if there is no such index.
    """
    gone = list(changed)
    try:
        noted = orjson.loads(previous.joinpath(NOTED).read_bytes())
    except (OSError, ValueError):
        return False
    if (noted["replaced"] + len(gone)) > REPLACED * noted["things"]:
        return False
    path.mkdir(parents=True)
    for file in sorted(previous.iterdir()):
        if file.name in REWRITTEN:
            path.joinpath(file.name).write_bytes(file.read_bytes())
        elif not file.name.endswith(".lock"):
            path.joinpath(file.name).hardlink_to(file)
    try:
        index = tantivy.Index.open(str(path))
    except ValueError:  # damaged: what the library says of such a file
        rmtree(path)
        return False
    _written(path, index, gone, documents, Counter(noted["words"]), noted["replaced"] + len(gone))
    return True


def _written(path: Path, index: Any, gone: Iterable[str], documents: Iterable[Entry], words: Counter[str], replaced: int) -> int:
    stemmer = analyzer()
    index.register_tokenizer("council", stemmer)
    known = dict(words)
    for title in _titles(index, gone):
        words.subtract(_title_words(title))
    writer = index.writer(heap_size=100_000_000, num_threads=1)
    for owner in gone:
        writer.delete_documents_by_term("owner", owner)
    for entry in documents:
        for fields in things(*entry):
            writer.add_document(_document(fields, entry[0]))
            words.update(_title_words(fields.title))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()
    kept = {word: count for word, count in sorted(words.items()) if count > 0}
    _note(path / NOTED, {"things": searcher.num_docs, "replaced": replaced, "words": kept})
    if kept != known or not path.joinpath(COMPOUNDS).exists():
        table = compounds(kept, lambda word: next(iter(stemmer.analyze(word)), word))
        _note(path / COMPOUNDS, table)
    return int(searcher.num_docs)


def _note(path: Path, what: Any) -> None:
    path.unlink(missing_ok=True)  # it may be a link to an earlier release's
    path.write_bytes(orjson.dumps(what))


def _titles(index: Any, owners: Iterable[str]) -> Iterator[str]:
    searcher = index.searcher()
    for owner in owners:
        query = tantivy.Query.term_query(schema(), "owner", owner, "basic")
        for _, address in searcher.search(query, limit=10_000).hits:
            yield orjson.loads(bytes(searcher.doc(address).get_first("shown") or b""))[2]


def _title_words(title: str) -> list[str]:
    return re.findall(r"[^\W\d_]{4,}", folded(title))


def _document(fields: Fields, owner: str) -> Any:
    document = tantivy.Document()
    document.add_text("owner", owner)
    shown = (fields.iri, fields.type, fields.title, fields.reference, fields.text[:STORED_TEXT])
    document.add_bytes("shown", orjson.dumps(shown))
    document.add_text("name", folded(f"{fields.title} {fields.reference}"))
    document.add_text("text", folded(fields.text))
    document.add_text("whole", " ".join(words_of(fields.title))[:200])
    if fields.reference:
        document.add_text("reference", reference_key(fields.reference))
    for name in FILTERS:
        for value in fields.values.get(name, ()):
            document.add_text(name, value)
    return document


def things(iri: str, type: str, body: str, obj: dict[str, Any]) -> Iterator[Fields]:
    """Yield what can be found in one top-level object: itself, then its agenda items and its places with a description."""
    own = fields_of(iri, type, body, obj, {})
    yield own
    for item in _objects(obj.get("agendaItem")):
        if "id" in item and not item.get("deleted"):
            yield fields_of(item["id"], "AgendaItem", body, item, own.values)
    for place in _objects(obj.get("location")):
        if place.get("id", iri) != iri and place.get("description"):
            yield fields_of(place["id"], "Location", body, place, {})


def fields_of(iri: str, type: str, body: str, obj: dict[str, Any], inherited: Mapping[str, tuple[str, ...]]) -> Fields:
    """Return the searched form of one object; what it does not say itself (year, organization) it has from its owner."""
    day = str(obj.get("date") or obj.get("start") or obj.get("oparlx:day") or "")
    values = {
        "type": (type,),
        "body": (body,) if body else (),
        "organization": tuple(sorted(_organizations(obj))) or inherited.get("organization", ()),
        "year": (day[:4],) if re.match(r"\d{4}-", day) else inherited.get("year", ()),
        "result": (str(obj["result"]),) if obj.get("result") else (),
    }
    title = next((str(obj[key]) for key in ("name", "shortName", "description", "reference") if obj.get(key)), iri.rsplit("/", 1)[-1])
    text = " \n".join(piece for piece in _texts(type, obj) if piece != title)
    return Fields(iri, type, " ".join(title.split()), text, str(obj.get("reference") or ""), values)


def _organizations(obj: dict[str, Any]) -> set[str]:
    found = set()
    for key in ("organization", "originatorOrganization", "underDirectionOf", "oparlx:proposer"):
        found |= {value for value in _list(obj.get(key)) if isinstance(value, str)}
    for key in ("consultation", "oparlx:proposal", "membership"):
        for inner in _objects(obj.get(key)):
            found |= _organizations(inner)
    return found


TEXT_KEYS = (
    "text", "resolutionText", "result", "description", "shortName", "reference", "number", "paperType", "organizationType",
    "classification", "meetingState", "keyword", "title", "formOfAddress", "familyName", "givenName", "affix", "post",
    "streetAddress", "room", "postalCode", "subLocality", "locality", "fileName",
)  # fmt: skip
INNER_KEYS = (
    "oparlx:section", "oparlx:proposal", "mainFile", "auxiliaryFile", "derivativeFile", "resolutionFile", "invitation",
    "resultsProtocol", "verbatimProtocol", "location",
)  # fmt: skip


def _texts(type: str, obj: dict[str, Any]) -> Iterator[str]:
    """All text of an object, its sections, proposals and files first: snippets are cut from what is said there."""
    for key in INNER_KEYS:
        if key in obj:
            for inner in _objects(obj[key]):
                yield from _texts(type, inner)
                if inner.get("name"):
                    yield str(inner["name"])
    for key in TEXT_KEYS:
        if key in obj:
            yield from (str(value) for value in _list(obj[key]) if isinstance(value, str | int))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in _list(value) if isinstance(item, dict)]
