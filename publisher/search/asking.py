"""What was typed as queries: what must occur, where it counts how much, and the best found without weighing all that is found."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import tantivy

TITLED, BEGUN = 40.0, 25.0  # a word in a title, a longer word or compound there: above what rarity alone (BM25) gives a word in a text
LEADING, PIECES = 3.0, 1.0
FEW = 500  # things that are weighed at once; of more the titles come first


class Word(NamedTuple):
    """A typed word or phrase. found: any of these says that it occurs; titled: that it does in a title or as a reference.

    scores: what counts in titles, for at most `top` with the texts; deep: what counts in texts, for at most `most`; named: that it
    is a word of the title, if it is one word; often, headed: in how many things it occurs, and in how many titles, roughly.
    """

    found: list[Any]
    titled: list[Any]
    scores: list[Any]
    deep: list[Any]
    named: Any | None
    top: float
    most: float
    often: int
    headed: int


class Asked(NamedTuple):
    """A whole question. musts: what must hold beside the words; whole: a reference that will do instead of them.

    scores: what counts beside them; leads: the types that come first.
    """

    words: Sequence[Word]
    musts: list[Any]
    whole: Any | None
    scores: list[Any]
    leads: Any


class Answers(NamedTuple):
    """How many things fit, and the best of them."""

    total: int
    best: list[tuple[float, Any]]


def merged(words: Sequence[Word]) -> Word:
    """Return several words as one, of which any may occur."""
    found, titled, scores, deep = (
        [query for queries in lists for query in queries]
        for lists in zip(*((word.found, word.titled, word.scores, word.deep) for word in words), strict=True)
    )
    often, headed = sum(word.often for word in words), sum(word.headed for word in words)
    return Word(found, titled, scores, deep, None, 0.0, sum(word.most for word in words), often, headed)


def answers(searcher: Any, asked: Asked, limit: int, offset: int, exact: bool) -> Answers:
    """Return what fits. exact: the index has nothing removed, so that its own count of a word's things is right.

    Where many fit, only those with a word in the title are weighed and the others counted, if the least of what they give is more
    than a text alone can reach; the answer is the same.
    """
    match = every(any_of(word.found) for word in asked.words)
    musts = [tier(match if asked.whole is None else any_of([asked.whole, match]), 0.0), *asked.musts]
    few = min(word.often for word in asked.words) < FEW or sum(word.headed for word in asked.words) < offset + limit
    if limit and few:
        result = searcher.search(_weighed(musts, asked), limit=limit, offset=offset)
        return Answers(result.count, result.hits)
    [first, *more] = asked.words
    known = exact and not more and len(first.found) == 1 and not asked.musts and asked.whole is None
    total = first.often if known else searcher.search(every(musts), limit=1).count
    wanted = min(limit, max(0, total - offset))
    for must, reach in _steps(asked, musts) if wanted else ():
        best = searcher.search(_weighed(must, asked), limit=wanted, offset=offset, count=False).hits
        if len(best) == wanted and best[-1][0] > reach:
            return Answers(total, best)
    return Answers(total, [])


def _steps(asked: Asked, musts: list[Any]) -> Iterator[tuple[list[Any], float]]:
    """Yield what is weighed first, second and last, and the most that a thing can reach which is not among it."""
    alone = len(asked.words) == 1 and asked.whole is None
    others = musts[1:] if alone else musts  # what has the one word in its title need not be asked whether it has it
    text = LEADING + sum(PIECES + word.most for word in asked.words)
    if alone and asked.words[0].named is not None:
        yield [asked.words[0].named, *others], BEGUN + text
    if asked.whole is None and len(asked.words) > 1 and all(word.named is not None for word in asked.words):
        least = min(word.top - word.most for word in asked.words)
        in_title = every(any_of(word.titled) for word in asked.words)
        yield [tier(in_title, 0.0), *musts[1:]], LEADING + sum(word.top + PIECES for word in asked.words) - least
    titled = [query for word in asked.words for query in word.titled] + ([] if asked.whole is None else [asked.whole])
    yield [tier(any_of(titled), 0.0), *others], text
    yield musts, -1.0


def _weighed(musts: Sequence[Any], asked: Asked) -> Any:
    """One query for what must hold and what counts. What is frequent stands alone: in a union all of it would be read."""
    titles = [query for word in asked.words for query in word.scores] + asked.scores
    query = every(musts)
    for scores in (any_of(titles), *(deep for word in asked.words for deep in word.deep), asked.leads):
        query = tantivy.Query.boolean_query([(tantivy.Occur.Must, query), (tantivy.Occur.Should, scores)])
    return query


def rarity(things: int, often: int) -> float:
    """Return the most that BM25 gives a word which occurs in `often` of `things` texts, as the library reckons it (k1 = 1.2).

    It counts what was removed, at most a tenth, until an index is made anew: hence a little more.
    """
    return 2.2 * (0.12 + math.log(1 + (max(0, things - often) + 0.5) / (often + 0.5)))


def tier(query: Any, score: float) -> Any:
    """`query` with a fixed score, whatever the rarity of its words: this is how titles stay above texts in towns of any size."""
    return tantivy.Query.const_score_query(query, score)


def any_of(queries: Iterable[Any]) -> Any:
    several = list(queries)
    return several[0] if len(several) == 1 else tantivy.Query.boolean_query([(tantivy.Occur.Should, query) for query in several])


def every(queries: Iterable[Any]) -> Any:
    several = list(queries)
    return several[0] if len(several) == 1 else tantivy.Query.boolean_query([(tantivy.Occur.Must, query) for query in several])
