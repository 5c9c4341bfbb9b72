"""Words as the search compares them: folded, stemmed, cut out of compounds."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Set
from itertools import chain
from typing import Any

import tantivy

IN_TITLES, IN_TEXTS = 4, 5  # letters of a word by which longer ones are found; in texts, of fewer ones others are meant mostly
LONGEST_COMPOUND = 40  # letters; longer ones are damage of a text layer, and splitting has its price
STOPWORDS = frozenset(
    (
        *("am", "an", "auf", "aus", "bei", "bis", "das", "dem", "den", "der", "des", "die", "ein", "eine", "einem", "einen", "einer"),
        *("eines", "fur", "im", "in", "ist", "mit", "nach", "oder", "uber", "um", "und", "vom", "von", "vor", "zu", "zum", "zur"),
    )
)
LINKS = ("", "s", "es", "n", "en", "er", "e")  # what German puts between the parts of a compound


GERMAN = str.maketrans({"ä": "a", "ö": "o", "ü": "u", "\u00ad": None})


def folded(text: str) -> str:
    """Return `text` in the form that is searched: lower case, no accents or soft hyphens, "ä", "ae" and "a" alike, "ß" as "ss".

    "ue" stays behind a vowel or q, where it is no umlaut: Mauer, neue, Quelle.
    """
    plain = text.casefold().translate(GERMAN)  # after which most German is ASCII, and the long way for the rest
    plain = plain if plain.isascii() else unicodedata.normalize("NFKD", plain)
    plain = "".join(char for char in plain if not unicodedata.combining(char)) if not plain.isascii() else plain
    return re.sub(r"(?<![aeq])ue", "u", plain.replace("ae", "a").replace("oe", "o"))


def analyzer() -> Any:
    builder = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    return (
        builder.filter(tantivy.Filter.remove_long(60)).filter(tantivy.Filter.lowercase()).filter(tantivy.Filter.stemmer("german")).build()
    )


def words_of(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", folded(text))


def reference_key(text: str) -> str:
    """Return a reference as it is compared: "Vorlage-Nr. 2021/0268 E1" and "vorlage-nr.2021/0268e1" are one."""
    return re.sub(r"\s+", "", text.casefold())


class Dictionary:
    """The folded words of all titles, by which longer words are understood: what they begin with and what they consist of.

    roots: the stem of each word; stems: those a longer word is found by if it begins with them.
    """

    def __init__(self, words: Iterable[str], stemmer: Any) -> None:
        self.stemmer = stemmer
        self.roots = {word: self._stem(word) for word in sorted(words)}
        self.stems = {root for root in self.roots.values() if len(root) > 3}
        self._known = self.roots.keys() | {*self.roots.values()}
        self._begun = {shortest: Begun(self.stems, shortest) for shortest in (IN_TITLES, IN_TEXTS)}
        self._parts: dict[str, list[str]] = {}

    def _stem(self, word: str) -> str:
        return next(iter(self.stemmer.analyze(word)), word)

    def parts(self, word: str) -> list[str]:
        """Return the stems of the words a compound consists of, [] if it is none: "abfallgebuhren" -> abfall, gebuhr."""
        if word not in self._parts:
            parts = parts_of(word, lambda piece: piece in self._known or self._stem(piece) in self._known)
            self._parts[word] = sorted({root for part in parts if len(root := self._stem(part)) > 3} - {self._stem(word)})
        return self._parts[word]

    def pieces(self, text: str, shortest: int) -> dict[str, None]:
        """Return the stems of a folded text and what they begin with, of so many letters at least, in a fixed order."""
        stems, begun = dict.fromkeys(self.stemmer.analyze(text)), self._begun[shortest]
        return dict.fromkeys(chain(stems, chain.from_iterable(map(begun.__getitem__, stems))))


class Begun(dict[str, list[str]]):
    """For each stem those of `stems` it begins with, of so many letters at least; looked for once."""

    def __init__(self, stems: Set[str], shortest: int) -> None:
        self._stems, self._shortest = stems, shortest

    def __missing__(self, stem: str) -> list[str]:
        self[stem] = [start for at in range(self._shortest, len(stem)) if (start := stem[:at]) in self._stems]
        return self[stem]


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
