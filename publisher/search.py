"""Full text of one release: an index with German stemming, umlaut folding and compounds, for pages, SPARQL and reconciliation."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import tantivy

from publisher.errors import Malformed, Unreachable

Entry = tuple[str, str, str, dict[str, Any]]

FILTERS = ("type", "body", "organization", "year", "result")
STORED_TEXT = 20_000  # characters kept for snippets; the index itself covers all of the text
LONGEST_QUERY = 400  # characters; what a person types, and a bound on the work of one request
MOST_WORDS = 16
MOST_COMPOUNDS = 400  # longer words kept for one part, the most frequent ones
MOST_LONGER = 100  # words that begin with a typed one and are tried in its place
LONGEST_COMPOUND = 40  # letters; longer ones are damage of a text layer, and splitting has its price
STOPWORDS = frozenset(
    (
        *("am", "an", "auf", "aus", "bei", "bis", "das", "dem", "den", "der", "des", "die", "ein", "eine", "einem", "einen", "einer"),
        *("eines", "fur", "im", "in", "ist", "mit", "nach", "oder", "uber", "um", "und", "vom", "von", "vor", "zu", "zum", "zur"),
    )
)
LEADING = ("Organization", "Person", "Body", "Paper")
IN_TITLE, BEGINS_TITLE = 40.0, 25.0  # above what rarity alone (BM25) gives a word in a text
LINKS = ("", "s", "es", "n", "en", "er", "e")  # what German puts between the parts of a compound


class Hit(NamedTuple):
    """One found thing. snippet: HTML, escaped, with the found words in <mark>; its reference, if it has one, for lists."""

    iri: str
    type: str
    score: float
    title: str
    snippet: str
    reference: str = ""


class Hits(NamedTuple):
    total: int
    hits: list[Hit]


@dataclass(frozen=True, slots=True)
class Fields:
    """What the index knows of one thing: title, text, references and the values it can be filtered by."""

    iri: str
    type: str
    title: str
    text: str
    reference: str
    values: Mapping[str, tuple[str, ...]]


def folded(text: str) -> str:
    """Return `text` in the form that is searched: lower case, no accents or soft hyphens, "ä", "ae" and "a" alike, "ß" as "ss".

    "ue" stays behind a vowel or q, where it is no umlaut: Mauer, neue, Quelle.
    """
    plain = unicodedata.normalize("NFKD", text.casefold().replace("\u00ad", ""))
    plain = "".join(char for char in plain if not unicodedata.combining(char)) if not plain.isascii() else plain
    return re.sub(r"(?<![aeq])ue", "u", plain.replace("ae", "a").replace("oe", "o"))


def _analyzer() -> Any:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    return (
        builder.filter(tantivy.Filter.remove_long(60)).filter(tantivy.Filter.lowercase()).filter(tantivy.Filter.stemmer("german")).build()
    )


def _schema() -> Any:
    builder = tantivy.SchemaBuilder()
    builder.add_bytes_field("shown", stored=True)
    for name in ("name", "text"):
        builder.add_text_field(name, tokenizer_name="council", index_option="position")
    for name in ("whole", "reference", *FILTERS):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    return builder.build()


def build(path: Path, documents: Iterable[Entry]) -> int:
    """Write the index of `documents` into the new directory `path`; return how many things can be found in it.

    documents: top-level OParl objects with our IRIs, as (iri, type, body, object); embedded agenda items, files and
    places are taken out of their owners here. Deleted ones must not be among them. Same documents, same answers.
    """
    path.mkdir(parents=True)
    index = tantivy.Index(_schema(), path=str(path))
    analyzer = _analyzer()
    index.register_tokenizer("council", analyzer)
    writer, count = index.writer(heap_size=100_000_000, num_threads=1), 0
    words: Counter[str] = Counter()
    for entry in documents:
        for fields in things(*entry):
            writer.add_document(_document(fields))
            words.update(re.findall(r"[^\W\d_]{4,}", folded(fields.title)))
            count += 1
    writer.commit()
    writer.wait_merging_threads()
    table = compounds(words, lambda word: next(iter(analyzer.analyze(word)), word))
    path.joinpath("compounds.json").write_bytes(orjson.dumps(table))
    return count


def _document(fields: Fields) -> Any:
    document = tantivy.Document()
    shown = (fields.iri, fields.type, fields.title, fields.reference, fields.text[:STORED_TEXT])
    document.add_bytes("shown", orjson.dumps(shown))
    document.add_text("name", folded(f"{fields.title} {fields.reference}"))
    document.add_text("text", folded(fields.text))
    document.add_text("whole", " ".join(_words(fields.title))[:200])
    if fields.reference:
        document.add_text("reference", reference_key(fields.reference))
    for name in FILTERS:
        for value in fields.values.get(name, ()):
            document.add_text(name, value)
    return document


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", folded(text))


def reference_key(text: str) -> str:
    """Return a reference as it is compared: "Vorlage-Nr. 2021/0268 E1" and "vorlage-nr.2021/0268e1" are one."""
    return re.sub(r"\s+", "", text.casefold())


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
        for inner in _objects(obj.get(key)):
            yield from _texts(type, inner)
            if inner.get("name"):
                yield str(inner["name"])
    for key in TEXT_KEYS:
        yield from (str(value) for value in _list(obj.get(key)) if isinstance(value, str | int))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in _list(value) if isinstance(item, dict)]


def compounds(words: Iterable[str] | Mapping[str, int], stem: Callable[[str], str]) -> dict[str, list[str]]:
    """Return for each stem the stems of longer words it is a part of: {"gebuhr": ["abfallgebuhr", ...]}.

    The folded words themselves are the dictionary: a compound counts if it falls apart into words that occur on their own.
    """
    counts = Counter(words)
    stems = {stem(word) for word in counts}
    found: dict[str, Counter[str]] = {}
    for word in sorted(counts):
        for part in parts_of(word, lambda piece: piece in stems or stem(piece) in stems):
            found.setdefault(stem(part), Counter())[stem(word)] += counts[word]
    best = {part: sorted(longer.items(), key=lambda pair: (-pair[1], pair[0])) for part, longer in sorted(found.items())}
    return {part: sorted(word for word, _ in pairs[:MOST_COMPOUNDS] if word != part) for part, pairs in best.items()}


def parts_of(word: str, known: Callable[[str], bool]) -> list[str]:
    """Return the known words that a folded compound consists of, [] if it cannot be split: "abfallgebuhren" -> abfall, gebuhren."""
    for at in range(len(word) - 4, 3, -1) if len(word) <= LONGEST_COMPOUND else ():
        head, tail = word[:at], word[at:]
        left = next((root for link in LINKS if head.endswith(link) and len(root := head.removesuffix(link)) >= 4 and known(root)), "")
        if not left:
            continue
        rest = [tail] if known(tail) else parts_of(tail, known)
        if rest:
            return [left, *rest]
    return []


class Index:
    """The index of a release, opened read-only; cheap to keep, one a process. Raises Unreachable if there is none at `path`."""

    def __init__(self, path: Path) -> None:
        try:
            self._index = tantivy.Index.open(str(path))
            self._index.searcher().terms_with_prefix("whole", "-", limit=1)  # an index of an older version lacks this field
            self._compounds: dict[str, list[str]] = orjson.loads(path.joinpath("compounds.json").read_bytes())
        except (ValueError, OSError) as error:
            raise Unreachable("search", str(path), f"expected a search index of this version: {error}") from error
        self._analyzer = _analyzer()
        self._index.register_tokenizer("council", self._analyzer)
        self._searcher = self._index.searcher()
        self._schema = _schema()

    def search(self, text: str, *, limit: int = 20, offset: int = 0, loose: bool = False, **filters: str) -> Hits:
        """Return the best hits for what a person typed: all words must occur, in any inflection, also inside compounds.

        loose: one word is enough, for matching names that are not spelled as here.
        filters: type ("Paper"), body, organization (IRIs), year ("2021"), result; empty ones do not filter. An empty
        `text` finds all that the filters leave; one without a letter or digit finds nothing. Never raises for odd input.
        """
        words = self._words(text)
        if words is None:
            return Hits(0, [])
        words = [_any(words)] if loose and words else words
        clauses = [(tantivy.Occur.Must, query) for query in words] or [(tantivy.Occur.Must, tantivy.Query.all_query())]
        for name, value in filters.items():
            if name not in FILTERS:
                raise Malformed(name, f"unknown filter; known: {', '.join(FILTERS)}")
            if value:
                exact = tantivy.Query.term_query(self._schema, name, value, "basic")
                clauses.append((tantivy.Occur.Must, _tier(exact, 0.0)))
        whole = self._reference(text, 1000.0)
        if whole is not None and words:
            clauses[: len(words)] = [(tantivy.Occur.Must, _any([whole, _all(words)]))]
        if words:
            clauses += [(tantivy.Occur.Should, query) for query in self._preferred(text)]
        return self._run(tantivy.Query.boolean_query(clauses), text, max(0, min(limit, 1000)), max(0, offset))

    def suggest(self, prefix: str, types: Iterable[str] = (), limit: int = 10) -> list[Hit]:
        """Return things whose title or reference holds words beginning like `prefix`'s words, best first, for completion."""
        terms = _words(prefix[:LONGEST_QUERY])
        if not terms:
            return []
        words = [[*self._begins("name", term, 1.0), tantivy.Query.term_query(self._schema, "name", term)] for term in terms[:MOST_WORDS]]
        stems = self._stems(prefix)[-1:]
        words[-1] += [tantivy.Query.term_query(self._schema, "name", stem) for stem in stems]
        clauses = [(tantivy.Occur.Must, _any(word)) for word in words]
        wanted = [tantivy.Query.term_query(self._schema, "type", name, "basic") for name in types]
        if wanted:
            clauses.append((tantivy.Occur.Must, _tier(_any(wanted), 0.0)))
        return self._run(tantivy.Query.boolean_query(clauses), prefix, max(1, min(limit, 100)), 0).hits

    def _preferred(self, text: str) -> list[Any]:
        """What is called exactly so comes before what only holds the words; a paper before the agenda item that repeats its title."""
        term = tantivy.Query.term_query
        called = term(self._schema, "whole", " ".join(_words(text[:LONGEST_QUERY]))[:200], "basic")
        return [_tier(called, IN_TITLE), _tier(_any(term(self._schema, "type", name, "basic") for name in LEADING), 3.0)]

    def _run(self, query: Any, text: str, limit: int, offset: int) -> Hits:
        found = self._searcher.search(query, limit=limit or 1, offset=min(offset, 1_000_000))
        marked = marker(self._stems(text))
        hits = [self._hit(score, address, marked) for score, address in found.hits] if limit else []
        return Hits(getattr(found, "count", 0) or 0, sorted(hits, key=lambda hit: (-hit.score, hit.iri)))

    def _hit(self, score: float, address: Any, marked: re.Pattern[str] | None) -> Hit:
        iri, cls, title, reference, text = orjson.loads(bytes(self._searcher.doc(address).get_first("shown") or b""))
        return Hit(iri, cls, round(float(score), 4), title, snippet(text, marked), reference)

    def _stems(self, text: str) -> list[Any]:
        return list(self._analyzer.analyze(folded(text[:LONGEST_QUERY])))[: 2 * MOST_WORDS]

    def _stem(self, word: str) -> str:
        return next(iter(self._analyzer.analyze(word)), word)

    def _words(self, text: str) -> list[Any] | None:
        """One query a typed word or "quoted phrase"; [] if nothing was typed, None if nothing of it can be searched."""
        chunks = re.findall(r'"[^"]+"|[^\s"]+', text[:LONGEST_QUERY])[:MOST_WORDS]
        plain = [chunk for chunk in chunks if folded(chunk) not in STOPWORDS]
        queries = [query for chunk in plain or chunks if (query := self._word(chunk)) is not None]
        return queries or (None if chunks else [])

    def _word(self, chunk: str) -> Any | None:
        stems = self._stems(chunk)
        if not stems:
            return None
        if len(stems) > 1:
            named, said = (tantivy.Query.phrase_query(self._schema, field, stems) for field in ("name", "text"))
            queries = [named, _tier(named, IN_TITLE), said]
        else:
            queries = self._single(stems[0], folded(chunk))
        reference = self._reference(chunk, 200.0)
        return _any(queries if reference is None else [*queries, reference])

    def _single(self, stem: str, typed: str) -> list[Any]:
        named, said = (tantivy.Query.term_query(self._schema, field, stem) for field in ("name", "text"))
        queries = [named, _tier(named, IN_TITLE), said]
        if len(stem) < 4 or not stem.isalpha():
            return queries + (self._begins("name", typed, BEGINS_TITLE) if len(typed) >= 3 and typed.isalpha() else [])
        queries += self._begins("name", stem, BEGINS_TITLE, self._compounds.get(stem, ()))
        queries += self._begins("text", stem, 0.5) if len(stem) >= 5 else []
        pieces = parts_of(typed, lambda part: self._searcher.doc_freq("name", self._stem(part)) > 0)
        if pieces:
            queries.append(_tier(_all(tantivy.Query.term_query(self._schema, "name", self._stem(part)) for part in pieces), 1.0))
        return queries

    def _begins(self, field: str, start: str, score: float, more: Iterable[str] = ()) -> list[Any]:
        """One query for words that begin with `start`, the most frequent ones, so that a short start stays cheap, and for `more`."""
        longer = {term for term, _ in self._searcher.terms_with_prefix(field, start, limit=MOST_LONGER)}
        wanted: list[Any] = sorted({*longer, *more} - {start})
        return [_tier(tantivy.Query.term_set_query(self._schema, field, wanted), score)] if wanted else []

    def _reference(self, text: str, score: float) -> Any | None:
        """A query for exactly this reference, far above all else, or for references that begin with it; None if it has no digit."""
        key = reference_key(text[:LONGEST_QUERY]).strip('"')
        if not re.search(r"\d", key):
            return None
        queries = [_tier(tantivy.Query.term_query(self._schema, "reference", key, "basic"), score)]
        longer: list[Any] = [term for term, _ in self._searcher.terms_with_prefix("reference", key, limit=100)] if len(key) >= 3 else []
        if longer:
            queries.append(_tier(tantivy.Query.term_set_query(self._schema, "reference", longer), score / 2))
        return _any(queries)


def _tier(query: Any, score: float) -> Any:
    """`query` with a fixed score, whatever the rarity of its words: this is how titles stay above texts in towns of any size."""
    return tantivy.Query.const_score_query(query, score)


def _any(queries: Iterable[Any]) -> Any:
    return tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in queries])


def _all(queries: Iterable[Any]) -> Any:
    return tantivy.Query.boolean_query([(tantivy.Occur.Must, query) for query in queries])


SPELLINGS = {"a": "(?:ae|[aäàáâ])", "o": "(?:oe|[oöòóô])", "u": "(?:ue|[uüùúû])", "e": "[eéèê]", "s": "[sß]"}


def marker(stems: Iterable[str]) -> re.Pattern[str] | None:
    """Return a pattern that finds the words of these stems in text as it was written, with umlauts, "ae" or "ß"."""
    patterns = []
    for stem in sorted({stem for stem in stems if stem not in STOPWORDS}, key=lambda stem: (-len(stem), stem)):
        spelled = "".join(SPELLINGS.get(char, re.escape(char)) for char in stem.replace("ss", "\0"))
        start = r"\b" if len(stem) < 4 else r"\b\w{0,30}?"
        patterns.append(start + spelled.replace("\0", "(?:ss|ß)").replace("\\(?:", "(?:") + r"\w*")
    return re.compile("|".join(patterns), re.IGNORECASE) if patterns else None


def snippet(text: str, marked: re.Pattern[str] | None, width: int = 240) -> str:
    """Return about `width` characters of `text` around its first found word, as escaped HTML with <mark>; "" if there is no text."""
    first = marked.search(text) if marked else None
    start = max(0, first.start() - width // 3) if first else 0
    start = text.find(" ", start) + 1 if start and text.find(" ", start, start + 40) >= 0 else start
    end = len(text) if start + width >= len(text) else max(text.rfind(" ", start, start + width), start + width // 2)
    piece, shown, at = text[start:end], [], 0
    for hit in marked.finditer(piece) if marked else ():
        shown += [escape(piece[at : hit.start()]), "<mark>", escape(hit[0]), "</mark>"]
        at = hit.end()
    inner = " ".join("".join([*shown, escape(piece[at:])]).split())
    return ("… " if start else "") + inner + (" …" if end < len(text) else "") if inner else ""
