"""Another text for queries that read whole tables: the engine looks each row up in the next table, where reading both at once is faster.

Oxigraph's planner knows no sizes: it takes `?p :originator ?g ; :date ?d` row by row, a seek in the index for each. Where two patterns
match about as many triples, it is some three times faster to read both and join them by hash, which it does for a subquery. What a
group's triples match is the join of what parts of them match (SPARQL 1.1 Query, 18.5 and 18.2.2.5, no blank nodes shared), so both
texts ask the same. Whether it pays, the query process decides: it can count.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from publisher.store.gate import PROLOGUE, TOKEN

LONGEST = 4096
MOST = 500_000  # triples of one pattern that are joined by hash: more would take too much of a query's memory
AGGREGATES = frozenset(("COUNT", "SUM", "MIN", "MAX", "AVG", "SAMPLE", "GROUP_CONCAT"))
TERMS = frozenset(("iri", "name"))
AFTER = frozenset(("FILTER", "OPTIONAL", "BIND", "MINUS"))
OPENING, CLOSING = frozenset("({["), frozenset(")}]")
DOUBTFUL = re.compile(r"[(){}\[\]?$]")


class Plan(NamedTuple):
    """A text that asks the same as the query, and for each of its patterns a query that counts what it matches, up to MOST."""

    text: str
    counts: list[str]


class Token(NamedTuple):
    """A piece of the query's text, and where it begins."""

    kind: str
    text: str
    at: int


class Unplanned(Exception):
    """The query is not of the one kind that is planned here."""


@lru_cache(2000)
def planned(text: str) -> Plan | None:
    """Return the plan of a query that needs all its rows (it aggregates or sorts) and whose one group begins with a star of triples.

    A star: several patterns with one variable as their subject, a property each, and a variable of its own or an IRI as object.
    After it may follow what neither adds rows nor is the better place to begin: FILTER, OPTIONAL, BIND, MINUS. Any other query has none.
    """
    if len(text) > LONGEST or "\\" in text or not re.search("group|order|\\(", text, re.IGNORECASE):
        return None
    try:
        return _plan(text)
    except (Unplanned, IndexError):  # the text ended where more was expected
        return None


def _plan(text: str) -> Plan:
    begin = PROLOGUE.match(text)
    start = begin.end() if begin else 0
    tokens = list(_tokens(text, start))
    words = [token.text.upper() for token in tokens]
    first = words.index("{") if "{" in words else 0
    last = _closed(words, first)
    whole = AGGREGATES.intersection(words[:first]) or {"GROUP", "ORDER"}.intersection(words[last:])
    if words[0] != "SELECT" or "FROM" in words[:first] or "{" in words[last:] or not whole:
        raise Unplanned
    patterns, at = _star(tokens[first + 1 : last])
    rest = first + 1 + at
    _harmless(words[rest:last])
    parts = [f"{{ SELECT {one} {told if told[0] in '?$' else ''} {{ {one} {by} {told} }} }}" for one, by, told in patterns]
    counts = [f"{text[:start]} SELECT (COUNT(*) AS ?n) {{ SELECT * {{ {one} {by} {told} }} LIMIT {MOST} }}" for one, by, told in patterns]
    return Plan(f"{text[: tokens[first].at + 1]} {' '.join(parts)} {text[tokens[rest].at :]}", counts)


def _tokens(text: str, at: int) -> Iterator[Token]:
    """Yield the tokens of a text. Raises Unplanned where "<" may be read in two ways and one of them hides a bracket."""
    while at < len(text):
        token = TOKEN.match(text, at)
        assert token is not None and token.lastgroup is not None  # its last branch takes any character
        if token.lastgroup == "iri" and DOUBTFUL.search(token.group()) or token.group() in ("'", '"'):
            raise Unplanned
        if token.lastgroup != "space":
            yield Token(token.lastgroup, token.group(), at)
        at = token.end()


def _star(tokens: list[Token]) -> tuple[list[tuple[str, str, str]], int]:
    """Return the triple patterns with which a group begins, and where they end. Raises Unplanned if they are no star."""
    patterns: list[tuple[str, str, str]] = []
    at, mark = 0, "."
    while mark == ";" or mark == "." and at < len(tokens) and tokens[at].kind == "variable":
        subject = tokens[at] if mark == "." else Token("variable", patterns[-1][0], 0)
        at += mark == "."
        by, told = tokens[at], tokens[at + 1]
        named = by.kind in TERMS or by.text == "a"
        if not named or told.kind not in (*TERMS, "variable") or f"{by.text}{told.text}".find("_:") >= 0:
            raise Unplanned
        patterns.append((subject.text, by.text, told.text))
        at += 2
        mark = tokens[at].text if at < len(tokens) else ""
        at += mark in (".", ";")
    names = [told[1:] for _, _, told in patterns if told[0] in "?$"]
    if len(patterns) < 2 or len({*names, patterns[0][0][1:]}) <= len(names) or len({subject for subject, *_ in patterns}) > 1:
        raise Unplanned
    return patterns, at


def _harmless(words: list[str]) -> None:
    """Raise Unplanned unless the words are clauses that leave the rows of the star in place, or drop some."""
    at = 0
    while at < len(words):
        if words[at] not in AFTER:
            raise Unplanned
        at += 1
        while words[at] not in OPENING:  # FILTER NOT EXISTS {, FILTER REGEX(
            at += 1
        at = _closed(words, at) + 1
        at += at < len(words) and words[at] == "."


def _closed(words: list[str], at: int) -> int:
    """Return where the bracket closes that opens at `at`. Raises Unplanned if it does not."""
    depth = 0
    for place in range(at, len(words)):
        depth += (words[place] in OPENING) - (words[place] in CLOSING)
        if not depth:
            return place
    raise Unplanned
