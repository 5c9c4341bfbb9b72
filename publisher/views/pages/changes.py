"""What changed between two versions of a record, as people read it: labels for keys, names for things, words crossed out and put in."""

import re
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any, NamedTuple

import orjson
from markupsafe import Markup

from publisher.feeds.difference import Change, difference
from publisher.ontology import ontology
from publisher.record import SCHEMA
from publisher.views import standing, words
from publisher.views.pages.frame import Things, label, name_of

WORD = re.compile(r"\s*(?:\w+|[^\w\s])|\s+\Z")
LINE = re.compile(r"[^\n]*\n?")
MOST = 2000  # words a side that are compared one by one; longer passages are compared by their lines
AROUND = 12  # words shown on each side of a change
ALIKE = 0.3  # share of common words below which two texts are shown one after the other
STAMPS = ("modified", "created")

Piece = tuple[str, str]  # same | gone | new, and the text


class Row(NamedTuple):
    """One change: where in the record, and what was there before and after."""

    where: str
    told: Markup


def rows(before: Mapping[str, Any], after: Mapping[str, Any], things: Things, lang: str, *, stamps: bool = True) -> list[Row]:
    """Return what changed, in the order of keys; without `stamps` the dates that a source writes at every change are left out."""
    changes = [one for one in difference(dict(before), dict(after)) if stamps or one.path[-1] not in STAMPS]
    return [Row(_where(one, str(after.get("type", "")), lang), _told(one, things, lang)) for one in changes]


def _where(change: Change, cls: str, lang: str) -> str:
    """Return a path in words: labels for keys, the end of the IRI for objects in lists."""
    steps, uses = [], ontology().uses.get(cls, {})
    for step in change.path:
        use = uses.get(step)
        steps.append(label(use.predicate, lang) if use else step.rsplit("/", 1)[-1])
        uses = ontology().uses.get(f"{SCHEMA}{use.value_class}", {}) if use and use.value_class else uses
    return " › ".join(steps)


def _told(change: Change, things: Things, lang: str) -> Markup:
    before, after = _text(change.before, things, lang), _text(change.after, things, lang)
    if isinstance(change.before, str) and isinstance(change.after, str):
        return marked(pieces(before, after), lang)
    return marked([("gone", before), ("new", after)], lang)


def _text(value: Any, things: Things, lang: str) -> str:
    """Return a value as text: days in words, things by their names."""
    if value is None:
        return ""
    if isinstance(value, dict):
        return str(value.get("name") or value.get("id") or orjson.dumps(value).decode())
    if isinstance(value, list):
        return ", ".join(_text(one, things, lang) for one in value)
    if isinstance(value, bool):
        return words.text("yes" if value else "no", lang)
    if isinstance(value, str) and value.startswith(things.reader.base) and (found := things(value)):
        return name_of(found)
    if isinstance(value, str) and len(value) >= 10 and (moment := standing.moment(value))[0]:
        return " ".join(part for part in (words.long_day(moment[0], lang), moment[1]) if part)
    return str(value)


def pieces(before: str, after: str) -> list[Piece]:
    """Return how one text becomes the other: joined, all but the new pieces are the text before, all but the gone ones the text after."""
    found = list(_compared(WORD.findall(before), WORD.findall(after)))
    same = sum(len(text) for kind, text in found if kind == "same")
    return found if same >= ALIKE * min(len(before), len(after)) else [("gone", before), ("new", after)]


def _compared(before: list[str], after: list[str]) -> Iterator[Piece]:
    """Compare what lies between the common head and tail: by words where that can be done in bounded time, else by lines, else whole."""
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    middle = before[head : len(before) - tail], after[head : len(after) - tail]
    yield from _piece("same", before[:head])
    if max(map(len, middle)) > MOST:
        lines = [LINE.findall("".join(side)) for side in middle]
        middle = (lines[0], lines[1]) if max(map(len, lines)) <= MOST else (["".join(middle[0])], ["".join(middle[1])])
    yield from _matched(*middle)
    yield from _piece("same", before[len(before) - tail :])


def _common(one: list[str], other: list[str]) -> int:
    return next((at for at, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), min(len(one), len(other)))


def _matched(before: list[str], after: list[str]) -> Iterator[Piece]:
    for kind, start, end, first, last in SequenceMatcher(None, before, after).get_opcodes():
        if kind == "equal":
            yield from _piece("same", before[start:end])
        else:
            yield from _piece("gone", before[start:end])
            yield from _piece("new", after[first:last])


def _piece(kind: str, units: list[str]) -> Iterator[Piece]:
    if text := "".join(units):
        yield kind, text


def marked(found: list[Piece], lang: str) -> Markup:
    """Return pieces as HTML, with <del> and <ins> that say in words what they are; of what stayed, only what stands beside a change."""
    made = Markup("")
    for at, (kind, text) in enumerate(found):
        if kind == "same":
            made += Markup("{}").format(_beside(text, first=at == 0, last=at == len(found) - 1))
        elif text:
            tag, key = ("del", "diff_gone") if kind == "gone" else ("ins", "diff_new")
            made += Markup('<{0} dir="auto"><span class="quiet">{1}: </span>{2}</{0}> ').format(Markup(tag), words.text(key, lang), text)
    return made


def _beside(text: str, *, first: bool, last: bool) -> str:
    units = WORD.findall(text)
    if len(units) <= 2 * AROUND:
        return text
    head, tail = "".join(units[:AROUND]), "".join(units[-AROUND:])
    return f"{'' if first else head} … {'' if last else tail}"
