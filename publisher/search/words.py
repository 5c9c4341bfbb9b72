"""Words as the search compares them: folded, stemmed, cut out of compounds, marked in a text."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

import tantivy

MOST_COMPOUNDS = 400  # longer words kept for one part, the most frequent ones
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
