"""Text search in SPARQL: `?s oparlx:matches "words"` becomes a VALUES block of what the release's index finds."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from publisher.errors import LimitMet, QueryRefused
from publisher.store.gate import TOKEN, Query

MATCHES = "https://w3id.org/oparl-ld/ns#matches"
MOST = 10_000
ESCAPES = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f", '"': '"', "'": "'", "\\": "\\"}

# Returns the best `limit` things for words typed by a person as (IRI, score), best first, and how many there are in all.
Find = Callable[[str, int], tuple[list[tuple[str, float]], int]]

USAGE = (
    'oparlx:matches steht so in einer Abfrage: ?x oparlx:matches "Wörter" . oder, mit Bewertung und Höchstzahl, '
    '?x oparlx:matches ("Wörter" ?score 50) . Links steht eine Variable, rechts genau ein Text. / '
    'Write ?x oparlx:matches "words" . or, with score and limit, ?x oparlx:matches ("words" ?score 50) . '
    "A variable on the left, exactly one text on the right."
)
TOO_MANY = (
    "{words!r} kommt in {total} Dingen vor, mehr als {most}. Nennen Sie mehr Wörter oder eine Höchstzahl: ({words!r} ?score 500). / "
    "{words!r} occurs in {total} things, more than {most}. Give more words, or a limit: ({words!r} ?score 500)."
)


class Token(NamedTuple):
    """A token that counts: its kind, its text, where it begins and ends."""

    kind: str
    text: str
    begin: int
    end: int


class Edit(NamedTuple):
    """Replace text[begin:end]."""

    begin: int
    end: int
    text: str


class Search(NamedTuple):
    """A text search in a query: the words, the variables for what is found and for its score ("" for none), the limit (0 for none).

    values: where the VALUES block goes. cut_begin, cut_end, left: what of the text goes, and what stays in its place.
    """

    words: str
    subject: str
    score: str
    limit: int
    values: int
    cut_begin: int
    cut_end: int
    left: str


def rewritten(query: Query, find: Find) -> Query:
    """Return the query with each text search replaced by what it finds; the same query if it has none. Raises as its two steps do."""
    return answered(query, searches(query.text), find)


def answered(query: Query, asked: Sequence[Search], find: Find) -> Query:
    """Return the query with its searches replaced by what they find.

    Without a limit of its own a search is complete: LimitMet (422) if it finds more than MOST.
    """
    edits = [edit for search in asked for edit in _edits(search, find)]
    return query._replace(text=_edited(query.text, edits)) if edits else query


def searches(text: str) -> list[Search]:
    """Return the text searches in a query. Raises QueryRefused for a use of oparlx:matches that is none of the two forms."""
    if "matches" not in text:
        return []
    tokens = [token for token in _tokens(text) if token.kind != "space"]
    declared = [
        (name.text, iri.text[1:-1])
        for word, name, iri in zip(tokens, tokens[1:], tokens[2:], strict=False)
        if word.text.upper() == "PREFIX"
    ]
    names = {prefix + "matches" for prefix, iri in declared if iri + "matches" == MATCHES}
    return [
        _search(tokens, at)
        for at, token in enumerate(tokens)
        if token.text == f"<{MATCHES}>" or (token.kind == "name" and token.text in names)
    ]


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        found = TOKEN.match(text, at)
        assert found is not None and found.lastgroup is not None
        yield Token(found.lastgroup, found.group(), found.start(), found.end())
        at = found.end()


def _search(tokens: list[Token], at: int) -> Search:
    """Return the search whose predicate is tokens[at]: out goes the pattern, in goes VALUES at the group's start."""
    subject, listed = _subject(tokens, at)
    words, score, limit, end = _object(tokens, at + 1)
    after = tokens[end] if end < len(tokens) else Token("mark", "", 0, 0)
    if subject.kind != "variable" or after.text not in (".", ";", "}"):
        raise QueryRefused(USAGE)
    if listed:  # `?s a x:Paper ; oparlx:matches "a" ; ...`: an empty place between two semicolons is allowed
        cut = Edit(tokens[at].begin, tokens[end - 1].end, "")
    elif after.text == ";":  # `?s oparlx:matches "a" ; a x:Paper`: the subject stays for what follows
        cut = Edit(tokens[at].begin, after.end, "")
    else:
        cut = Edit(subject.begin, after.end if after.text == "." else tokens[end - 1].end, "")
    return Search(words, subject.text, score, limit, _group(tokens, at).end, *cut)


def _edits(search: Search, find: Find) -> list[Edit]:
    words, subject, score, limit = search[:4]
    hits, total = find(words, min(limit or MOST, MOST))
    if not limit and total > MOST:
        raise LimitMet("matches", TOO_MANY.format(words=words, total=total, most=MOST), 422)
    if score:
        values = f" VALUES ({subject} {score}) {{ {' '.join(f'(<{iri}> {value:.4f})' for iri, value in hits)} }} "
    else:
        values = f" VALUES {subject} {{ {' '.join(f'<{iri}>' for iri, _ in hits)} }} "
    return [Edit(search.values, search.values, values), Edit(search.cut_begin, search.cut_end, search.left)]


def _subject(tokens: list[Token], at: int) -> tuple[Token, bool]:
    """Return the subject of the pattern at tokens[at], and whether it stands before a semicolon further left."""
    if at < 2:
        raise QueryRefused(USAGE)
    if tokens[at - 1].text != ";":
        if tokens[at - 2].text not in (".", "{", "}"):
            raise QueryRefused(USAGE)
        return tokens[at - 1], False
    depth = 0
    for place in range(at - 1, 0, -1):
        depth += {")": 1, "]": 1, "(": -1, "[": -1}.get(tokens[place].text, 0)
        if depth < 0:
            break
        if not depth and tokens[place - 1].text in (".", "{", "}"):
            return tokens[place], True
    raise QueryRefused(USAGE)


def _object(tokens: list[Token], at: int) -> tuple[str, str, int, int]:
    """Return (words, score variable or "", limit or 0, index of the token after) of a search's object."""
    rest = tokens[at : at + 6]
    kinds = [token.kind if token.text not in ("(", ")") else token.text for token in rest]
    if kinds[:1] == ["string"]:
        return _text(rest[0].text), "", 0, at + (2 if kinds[1:2] == ["tag"] else 1)
    if kinds[:4] == ["(", "string", "variable", ")"]:
        return _text(rest[1].text), rest[2].text, 0, at + 4
    if kinds[:5] == ["(", "string", "variable", "number", ")"] and re.fullmatch(r"0*[1-9]\d{0,9}", rest[3].text):
        return _text(rest[1].text), rest[2].text, int(rest[3].text), at + 5
    raise QueryRefused(USAGE)


def _text(literal: str) -> str:
    quotes = 3 if literal[:3] in ('"""', "'''") else 1
    return re.sub(r"\\(.)", lambda escape: ESCAPES.get(escape[1], escape[0]), literal[quotes:-quotes])


def _group(tokens: list[Token], at: int) -> Token:
    """Return the brace that opens the group in which tokens[at] stands."""
    depth = 0
    for token in reversed(tokens[:at]):
        depth += {"}": 1, "{": -1}.get(token.text, 0)
        if depth < 0:
            return token
    raise QueryRefused(USAGE)


def _edited(text: str, edits: list[Edit]) -> str:
    parts, at = [], 0
    for edit in sorted(edits, key=lambda edit: (edit.begin, edit.end)):
        parts += [text[at : edit.begin], edit.text]
        at = max(at, edit.end)
    return "".join(parts) + text[at:]
