"""Full text of one release: an index with German stemming, umlaut folding and compounds, for pages, SPARQL and reconciliation."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import tantivy

from publisher.errors import Malformed, Unreachable
from publisher.search.asking import BEGUN, LEADING, PIECES, TITLED, Asked, Word, answers, any_of, every, merged, rarity, tier
from publisher.search.marks import Marker, marker, snippet
from publisher.search.words import IN_TEXTS, IN_TITLES, STOPWORDS, Dictionary, analyzer, folded, parts_of, reference_key, words_of
from publisher.search.writing import COMPOUNDS, FILTERS, LEADS, Entry, build, continued, registered, schema, things

__all__ = ["Dictionary", "Entry", "Hit", "Hits", "Index", "build", "continued", "folded", "marker", "parts_of", "snippet", "things"]

LONGEST_QUERY = 400  # characters; what a person types, and a bound on the work of one request
MOST_WORDS = 16
MOST_LONGER = 100  # words that begin with a typed one and are tried in its place


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


class Index:
    """The index of a release, opened read-only; cheap to keep, one a process. Raises Unreachable if there is none at `path`."""

    def __init__(self, path: Path) -> None:
        try:
            self._index = tantivy.Index.open(str(path))
            self._index.searcher().terms_with_prefix("found", "-", limit=1)  # an index of an older version lacks this field
            known = orjson.loads(path.joinpath(COMPOUNDS).read_bytes())
            segments = orjson.loads(path.joinpath("meta.json").read_bytes())["segments"]
            self._exact = all(segment["deletes"] is None for segment in segments)
            self._told, self._untold = frozenset[str](known["told"]), dict[str, list[Any]](known["untold"])
        except (ValueError, OSError, KeyError) as error:
            raise Unreachable("search", str(path), f"expected a search index of this version: {error}") from error
        self._analyzer = analyzer()
        registered(self._index, self._analyzer)
        self._searcher = self._index.searcher()
        self._schema = schema()

    def search(self, text: str, *, limit: int = 20, offset: int = 0, loose: bool = False, **filters: str) -> Hits:
        """Return the best hits for what a person typed: all words must occur, in any inflection, also inside compounds.

        loose: one word is enough, for matching names that are not spelled as here.
        filters: type ("Paper"), body, organization (IRIs), year ("2021"), result; empty ones do not filter. An empty
        `text` finds all that the filters leave; one without a letter or digit finds nothing. Never raises for odd input.
        """
        limit, offset, musts = max(0, min(limit, 1000)), min(max(0, offset), 1_000_000), []
        for name, value in filters.items():
            if name not in FILTERS:
                raise Malformed(name, f"unknown filter; known: {', '.join(FILTERS)}")
            if value:
                musts.append(tier(self._term(name, value), 0.0))
        words = self._words(text)
        if words is None:
            return Hits(0, [])
        if not words:
            result: Any = self._searcher.search(every(musts or [tantivy.Query.all_query()]), limit=limit or 1, offset=offset)
            return Hits(result.count, self._shown(result.hits if limit else [], text))
        whole = self._reference(text, 1000.0)
        called = tier(self._term("whole", " ".join(words_of(text[:LONGEST_QUERY]))[:200]), TITLED)
        scores = [called] if whole is None else [called, whole]
        asked = Asked([merged(words)] if loose else words, musts, whole, scores, tier(self._term("title", LEADS), LEADING))
        total, best = answers(self._searcher, asked, limit, offset, self._exact)
        return Hits(total, self._shown(best, text))

    def suggest(self, prefix: str, types: Iterable[str] = (), limit: int = 10) -> list[Hit]:
        """Return things whose title or reference holds words beginning like `prefix`'s words, best first, for completion."""
        terms = words_of(prefix[:LONGEST_QUERY])
        if not terms:
            return []
        words = [[*self._begins("name", term), self._term("name", term, "position")] for term in terms[:MOST_WORDS]]
        words[-1] += [self._term("name", stem, "position") for stem in self._stems(prefix)[-1:]]
        musts = [any_of(word) for word in words]
        wanted = [self._term("type", name) for name in types]
        if wanted:
            musts.append(tier(any_of(wanted), 0.0))
        return self._shown(self._searcher.search(every(musts), limit=max(1, min(limit, 100))).hits, prefix)

    def _term(self, field: str, value: str, option: str = "basic") -> Any:
        return tantivy.Query.term_query(self._schema, field, value, option)

    def _shown(self, best: Iterable[tuple[float, Any]], text: str) -> list[Hit]:
        marked = marker(self._stems(text))
        hits = [self._hit(score, self._searcher.doc(address), marked) for score, address in best]
        return sorted(hits, key=lambda hit: (-hit.score, hit.iri))

    def _hit(self, score: float, document: Any, marked: Marker) -> Hit:
        iri, cls, title, reference = orjson.loads(document.get_first("shown"))
        return Hit(iri, cls, round(score, 4), title, snippet(document.get_first("said"), marked), reference)

    def _stems(self, text: str) -> list[Any]:
        return list(self._analyzer.analyze(folded(text[:LONGEST_QUERY])))[: 2 * MOST_WORDS]

    def _stem(self, word: str) -> str:
        return next(iter(self._analyzer.analyze(word)), word)

    def _words(self, text: str) -> list[Word] | None:
        """One for each typed word or "quoted phrase"; [] if nothing was typed, None if nothing of it can be searched."""
        chunks = re.findall(r'"[^"]+"|[^\s"]+', text[:LONGEST_QUERY])[:MOST_WORDS]
        plain = [chunk for chunk in chunks if folded(chunk) not in STOPWORDS]
        words = [word for chunk in plain or chunks if (word := self._word(chunk)) is not None]
        return words or (None if chunks else [])

    def _word(self, chunk: str) -> Word | None:
        stems = self._stems(chunk)
        if not stems:
            return None
        word = self._phrase(stems) if len(stems) > 1 else self._single(stems[0], folded(chunk))
        reference = self._reference(chunk, 200.0)
        if reference is None:
            return word
        found, titled, scores = ([*queries, reference] for queries in (word.found, word.titled, word.scores))
        return word._replace(found=found, titled=titled, scores=scores, named=None)

    def _phrase(self, stems: list[Any]) -> Word:
        named, said = (tantivy.Query.phrase_query(self._schema, field, stems) for field in ("name", "text"))
        often = min(self._searcher.doc_freq("found", stem) for stem in stems)
        most = sum(self._most(stem) for stem in stems)
        return Word([named, said], [named], [named, tier(named, TITLED)], [said], None, 0.0, most, often, often)

    def _single(self, stem: str, typed: str) -> Word:
        titled, found = [self._term("title", stem)], [self._term("found", stem)]
        longer = self._longer(stem, typed)
        named, said = (self._term(field, stem, "position") for field in ("name", "text"))
        scores = [tier(any_of([*titled, *longer[0]]), BEGUN), tier(named, TITLED - BEGUN), named]
        pieces = (
            parts_of(typed, lambda part: self._searcher.doc_freq("name", self._stem(part)) > 0) if len(stem) > 3 and stem.isalpha() else []
        )
        if pieces:
            split = every(self._term("name", self._stem(part)) for part in pieces)
            found, scores = [*found, split], [*scores, tier(split, PIECES)]
        often, headed = (self._searcher.doc_freq(field, stem) for field in ("found", "title"))
        most = self._most(stem)
        top = TITLED + most + rarity(self._searcher.num_docs, self._searcher.doc_freq("name", stem))
        exactly = tier(self._term("name", stem), 0.0)
        return Word([*found, *longer[1]], [*titled, *longer[0]], scores, [said], exactly, top, most, often, headed)

    def _longer(self, stem: str, typed: str) -> tuple[list[Any], list[Any]]:
        """Queries for longer words in titles, and in titles or texts, that the index does not find by the stem itself."""
        if len(stem) < IN_TITLES or not stem.isalpha():
            titled = self._begins("title", typed) if len(typed) >= 3 and typed.isalpha() else []
            return titled, titled
        untold = self._untold.get(stem, [])
        if stem in self._told:
            titled = [tantivy.Query.term_set_query(self._schema, "title", untold)] if untold else []
            return titled, titled
        titled = self._begins("title", stem, untold)
        return titled, titled + (self._begins("found", stem) if len(stem) >= IN_TEXTS else [])

    def _most(self, stem: str) -> float:
        return rarity(self._searcher.num_docs, self._searcher.doc_freq("text", stem))

    def _begins(self, field: str, start: str, more: Iterable[str] = ()) -> list[Any]:
        """One query for words that begin with `start`, the most frequent ones, so that a short start stays cheap, and for `more`."""
        longer = {term for term, _ in self._searcher.terms_with_prefix(field, start, limit=MOST_LONGER)}
        wanted: list[Any] = sorted({*longer, *more} - {start})
        return [tier(tantivy.Query.term_set_query(self._schema, field, wanted), 1.0)] if wanted else []

    def _reference(self, text: str, score: float) -> Any | None:
        """A query for exactly this reference, far above all else, or for references that begin with it; None if it has no digit."""
        key = reference_key(text[:LONGEST_QUERY]).strip('"')
        if not re.search(r"\d", key):
            return None
        queries = [tier(self._term("reference", key), score)]
        longer: list[Any] = [term for term, _ in self._searcher.terms_with_prefix("reference", key, limit=100)] if len(key) >= 3 else []
        if longer:
            queries.append(tier(tantivy.Query.term_set_query(self._schema, "reference", longer), score / 2))
        return any_of(queries)
