"""The index written: what can be found in each record, and an index made from the one before."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryFile
from typing import Any

import orjson
import tantivy

from publisher.search.words import IN_TEXTS, IN_TITLES, Dictionary, analyzer, folded, reference_key, words_of

Entry = tuple[str, str, str, dict[str, Any]]

FILTERS = ("type", "body", "organization", "year", "result")
STORED_TEXT = 20_000  # characters kept for snippets; the index itself covers all of the text
LEADING, LEADS = ("Organization", "Person", "Body", "Paper"), "^"  # what comes before an agenda item that repeats its title, and its mark
NOTED, COMPOUNDS = "noted.json", "compounds.json"
NEW: Mapping[str, Any] = {"replaced": 0, "words": {}, "dictionary": None}
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
    """Return the fields. name, text: words with their places; title, found: each word, beginning and part of a compound that finds
    the thing by its title, or at all, so that a typed word is one look-up however many longer words it stands for.
    """
    builder = tantivy.SchemaBuilder()
    builder.add_bytes_field("shown", stored=True)
    builder.add_bytes_field("said", stored=True)
    for name in ("name", "text"):
        builder.add_text_field(name, tokenizer_name="council", index_option="position")
    for name in ("title", "found"):
        builder.add_text_field(name, tokenizer_name="pieces", index_option="basic")
    for name in ("whole", "reference", "owner", *FILTERS):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    return builder.build()


def registered(index: Any, stemmer: Any) -> None:
    """Tell an opened index how its words are cut."""
    index.register_tokenizer("council", stemmer)
    index.register_tokenizer("pieces", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())


def build(path: Path, documents: Iterable[Entry]) -> int:
    """Write the index of `documents` into the new directory `path`; return how many things can be found in it.

    documents: top-level OParl objects with our IRIs, as (iri, type, body, object); embedded agenda items, files and
    places are taken out of their owners here. Deleted ones must not be among them. Same documents, same answers.
    """
    path.mkdir(parents=True)
    return _written(path, tantivy.Index(schema(), path=str(path)), (), documents, NEW)


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
    if "dictionary" not in noted or (noted["replaced"] + len(gone)) > REPLACED * noted["things"]:
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
    _written(path, index, gone, documents, noted)
    return True


def _written(path: Path, index: Any, gone: Sequence[str], documents: Iterable[Entry], noted: Mapping[str, Any]) -> int:
    stemmer, words = analyzer(), Counter(noted["words"])
    registered(index, stemmer)
    for title in _titles(index, gone):
        words.subtract(_title_words(title))
    with TemporaryFile(dir=path) as spool:
        for entry in documents:
            for fields in things(*entry):
                words.update(_title_words(fields.title))
                spool.write(orjson.dumps((entry[0], fields)) + b"\n")
        kept = {word: count for word, count in sorted(words.items()) if count > 0}
        first = Dictionary(kept if noted["dictionary"] is None else noted["dictionary"], stemmer)
        writer = index.writer(heap_size=100_000_000, num_threads=1)
        for owner in gone:
            writer.delete_documents_by_term("owner", owner)
        spool.seek(0)  # what is a compound is known by the words of all titles, so the things had to wait
        for line in spool:
            owner, fields = orjson.loads(line)
            writer.add_document(_document(Fields(**fields), owner, first))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    noted = {
        "things": int(index.searcher().num_docs),
        "replaced": noted["replaced"] + len(gone),
        "words": kept,
        "dictionary": [*first.roots],
    }
    _note(path / NOTED, noted)
    _note(path / COMPOUNDS, {"told": sorted(first.stems), "untold": _untold(kept, first)})
    return int(noted["things"])


def _untold(words: Iterable[str], first: Dictionary) -> dict[str, list[str]]:
    """Return for each part the compounds of which the index does not know that they have it, for its dictionary is older."""
    now, found = Dictionary(words, first.stemmer), defaultdict[str, set[str]](set)
    if now.roots != first.roots:
        for word, root in now.roots.items():
            for part in {*now.parts(word)} - {*first.parts(word)}:
                found[part].add(root)
    return {part: sorted(longer) for part, longer in sorted(found.items())}


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


def _document(fields: Fields, owner: str, dictionary: Dictionary) -> Any:
    document = tantivy.Document()
    document.add_text("owner", owner)
    document.add_bytes("shown", orjson.dumps((fields.iri, fields.type, fields.title, fields.reference)))
    document.add_bytes("said", fields.text[:STORED_TEXT].encode())
    named, said = folded(f"{fields.title} {fields.reference}"), folded(fields.text)
    document.add_text("name", named)
    document.add_text("text", said)
    title = dictionary.pieces(named, IN_TITLES)
    for word in _title_words(fields.title):
        title |= dict.fromkeys(dictionary.parts(word))
    document.add_text("title", " ".join([*title, *([LEADS] if fields.type in LEADING else [])]))
    document.add_text("found", " ".join(title | dictionary.pieces(said, IN_TEXTS)))
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
