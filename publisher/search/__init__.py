"""Full text of one release: an index with German stemming, umlaut folding and compounds, for pages, SPARQL and reconciliation."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import tantivy

from publisher.errors import Malformed, Unreachable
from publisher.search.words import STOPWORDS, analyzer, compounds, folded, marker, parts_of, reference_key, snippet, words_of
from publisher.search.writing import COMPOUNDS, FILTERS, Entry, build, continued, schema, things

__all__ = ["Entry", "Hit", "Hits", "Index", "build", "compounds", "continued", "folded", "marker", "parts_of", "snippet", "things"]

LONGEST_QUERY = 400  # characters; what a person types, and a bound on the work of one request
MOST_WORDS = 16
MOST_LONGER = 100  # words that begin with a typed one and are tried in its place
LEADING = ("Organization", "Person", "Body", "Paper")
IN_TITLE, BEGINS_TITLE = 40.0, 25.0  # above what rarity alone (BM25) gives a word in a text


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
            self._index.searcher().terms_with_prefix("owner", "-", limit=1)  # an index of an older version lacks this field
            self._compounds: dict[str, list[str]] = orjson.loads(path.joinpath(COMPOUNDS).read_bytes())
        except (ValueError, OSError) as error:
            raise Unreachable("search", str(path), f"expected a search index of this version: {error}") from error
        self._analyzer = analyzer()
        self._index.register_tokenizer("council", self._analyzer)
        self._searcher = self._index.searcher()
        self._schema = schema()

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
        terms = words_of(prefix[:LONGEST_QUERY])
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
        called = term(self._schema, "whole", " ".join(words_of(text[:LONGEST_QUERY]))[:200], "basic")
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
