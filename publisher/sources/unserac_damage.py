"""Traces that a mirror's copying leaves in a text: found by general rules, reported, never mended."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from publisher.sources.unserac_lines import Line

WORDS = {
    "lost_start": "Absatz beginnt mitten im Wort oder Satz",
    "glued_words": "Wörter ohne Zwischenraum",
    "lost_hyphen": "Bindestrich fehlt",
    "lost_currency": "Währung nach dem Betrag fehlt",
    "broken_character": "Zeichen zerstört",
    "dead_link": "Verweis führt ins Leere",
    "no_such_day": "diesen Tag gibt es nicht",
    "weekday": "Wochentag passt nicht zum Datum",
    "last_consultation": "„Letzte Beratung“ steht nicht in der Beratungsfolge",
}
GLUED = re.compile(r"(?<![\w.])(?:\d{1,2}\.\d{1,2}\.\d{4}|(?:19|20)\d\d)(?!er|ste|fach)[a-zäöüß]{2,}")
NOUN = r"(?:ung|ungen|heit|heiten|keit|keiten|schaft|schaften|ion|ionen|ität|itäten)"
BEREFT = re.compile(rf"\b[A-ZÄÖÜ][a-zäöüß]{{3,}} (?:und|oder|sowie|bzw\.|beziehungsweise) ([a-zäöüß]{{3,}}{NOUN})\b")
# Past participles that end like nouns.
PARTICIPLES = frozenset(
    """gelungen misslungen gesungen besungen gezwungen erzwungen bezwungen verschlungen umschlungen gedrungen durchdrungen
    eingedrungen vorgedrungen gesprungen entsprungen gerungen errungen abgerungen geschwungen geklungen verklungen ausbedungen
    gewrungen""".split()  # noqa: SIM905
)
AMOUNT = r"\d{1,3}(?:\.\d{3})+(?:,\d\d)?"
SUMS = "Höhe|Betrag|Summe|Zuschuss|Zuschüsse|Kosten|Mitteln?|Aufwand|Förderung"
SMALL_WORDS = "die|der|das|und|als|für|zu|zur|zum|an|in|im|ab|aus|bereit|ein|nicht|pro|je"
BARE_AMOUNT = re.compile(
    rf"\b(?:{SUMS}) (?:von|i\.?\s?H\.?\s?v\.?)(?: (?:bis zu|rund|ca\.|etwa|je|jeweils))*"
    rf" {AMOUNT}(?![\d.]{0, 30}\d)(?=\s*[,;:.)]|\s*$|\s+(?:{SMALL_WORDS})\b)"
)
BROKEN = re.compile("\ufffd|Ã[\u00a0-\u00bf€„‚\u0178\u0152\u0153\u017d\u017e–—]|â€|Â[§°€]")
DEAD = re.compile(r"(?i)(?:\.{0,2}/)?(?![a-z][a-z0-9+.-]*:)[\w/.-]*?(?:[a-z]{2}\d{3,4}\w{0,40}|\w\.(?:asp|aspx|php))(?:\?|$)")
ENUMERATED = re.compile(r"(?:[•·*–-]|[a-z]{1,2}\)|[ivx]+\.|\d)")
OPEN_ENDS = (",", ";", ":", "-", "–", "(", "und", "oder", "sowie", "bzw.")


class Damage(NamedTuple):
    """One trace: the rule that found it, and the words around it."""

    rule: str
    excerpt: str

    def words(self, place: str) -> str:
        """Return it as a line for people, in German."""
        return f"{WORDS[self.rule]}: „{self.excerpt}“ ({place})"


def damages(lines: Sequence[Line]) -> Iterator[Damage]:
    """Yield what is found damaged in the lines of one section or title, in their order."""
    before = ""
    for line in lines:
        if _starts_amid(line, before):
            yield Damage("lost_start", _around(line.text, 0, 0))
        for rule, hit in sorted(_hits(line.text), key=lambda pair: pair[1].start()):
            yield Damage(rule, _around(line.text, hit.start(), hit.end()))
        for link in line.links:
            if is_dead(link.target):
                yield Damage("dead_link", link.target[:200])
        before = line.text


def is_dead(target: str) -> bool:
    """Tell whether a link names a page of a council system relative to itself: copied to another host it leads nowhere."""
    return DEAD.match(target) is not None


def _hits(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    for rule, pattern in (("glued_words", GLUED), ("lost_currency", BARE_AMOUNT), ("broken_character", BROKEN)):
        yield from ((rule, hit) for hit in pattern.finditer(text))
    for hit in BEREFT.finditer(text):
        if hit[1] not in PARTICIPLES:
            yield "lost_hyphen", hit


def _starts_amid(line: Line, before: str) -> bool:
    """A paragraph that begins in lower case after a finished sentence has lost its first letters or words."""
    first = line.text[:1]
    if not (line.gap and before and first.islower()) or ENUMERATED.match(line.text):
        return False
    return not before.endswith(OPEN_ENDS) and before.endswith((".", "!", "?", ".“", ".)"))


def _around(text: str, start: int, end: int) -> str:
    """Return the place with whole words around it, up to some 60 letters."""
    left = text.rfind(" ", 0, max(start - 12, 0)) + 1 if start > 12 else 0
    right = text.find(" ", min(end + 12, len(text)))
    return text[left : right if right >= 0 else len(text)][:120]
