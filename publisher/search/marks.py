"""A piece of a text around what was found in it, with the found words marked."""

import re
from collections.abc import Iterable
from functools import lru_cache
from html import escape

from publisher.search.words import STOPWORDS

Marker = tuple[re.Pattern[bytes], ...]

UMLAUTS = {  # how a vowel of a folded word may stand in lower-case UTF-8, where capital letters with a mark are left as they are
    "a": (rb"a", rb"[\x80-\x85\xa0-\xa5]"),
    "e": (rb"", rb"[\x88-\x8b\xa8-\xab]"),
    "o": (rb"o", rb"[\x92-\x96\xb2-\xb6]"),
    "u": (rb"u", rb"[\x99-\x9c\xb9-\xbc]"),
}
LETTERS = re.compile("ss|.", re.DOTALL)
BEHIND_LETTER = (rb"[0-9a-z_]", rb"[\xc3-\xdf][\x80-\xbf]")


def marker(stems: Iterable[str]) -> Marker:
    """Return patterns that find the words of these stems in text as it was written, with umlauts, "ae" or "ß"."""
    return tuple(pattern(stem) for stem in sorted({*stems} - STOPWORDS))


@lru_cache(maxsize=10_000)
def pattern(stem: str) -> re.Pattern[bytes]:
    """A literal byte at the front is searched for ten times as fast as a choice, so what stands before it is looked at after it."""
    letters = LETTERS.findall(stem)
    spelled = [_spelled(letter) for letter in letters]
    long, free = len(stem) >= 4, len(letters) > 1 and letters[0] in UMLAUTS and letters[1] not in (*UMLAUTS, "ss")
    if long and free:
        written, marked = UMLAUTS[letters[0]]
        plain = b"(?<=%b%b)" % (letters[0].encode(), spelled[1])
        digraph = b"|(?<=%be%b)" % (written, spelled[1]) if written else b""
        return re.compile(b"%b(?:%b|(?<=\xc3%b%b)%b)%b" % (spelled[1], plain, marked, spelled[1], digraph, b"".join(spelled[2:])))
    if long:
        return re.compile(b"".join(spelled))
    first = spelled[0] if letters[0] not in (*UMLAUTS, "ss") else b""
    alone = b"".join(b"(?<!%b%b)" % (before, first) for before in BEHIND_LETTER)
    return re.compile(first + alone + b"".join(spelled[1:] if first else spelled))


def _spelled(letter: str) -> bytes:
    if letter == "ss":
        return rb"(?:ss|\xc3\x9f|\xe1\xba\x9e)"
    if letter in UMLAUTS:
        return b"(?:%b%b|\xc3%b)" % (letter.encode(), b"e?" if UMLAUTS[letter][0] else b"", UMLAUTS[letter][1])
    return re.escape(letter.encode())


def snippet(text: bytes, marked: Marker, width: int = 240) -> str:
    """Return about `width` bytes of a UTF-8 text around its first found word, as escaped HTML with <mark>; "" if there is no text.

    Bytes, since what is searched through here is most of the work of a search, and in ASCII letters a pattern runs ten times as fast.
    """
    lower, first = text.lower(), len(text)
    for each in marked:
        if hit := each.search(lower, 0, first):
            first = hit.start()
    start = max(0, first - width // 3) if first < len(text) else 0
    start = text.find(b" ", start) + 1 if start and text.find(b" ", start, start + 40) >= 0 else start
    end = len(text) if start + width >= len(text) else max(text.rfind(b" ", start, start + width), start + width // 2)
    inner = " ".join(_marked(text[start:end], lower[start:end], marked).split())
    return ("… " if start else "") + inner + (" …" if end < len(text) else "") if inner else ""


def _marked(piece: bytes, lower: bytes, marked: Marker) -> str:
    """Return a piece as HTML, whole words marked. A cut may have gone through a character, which is left out."""
    text, found, at = piece.decode(errors="ignore"), "", 0
    spans = sorted([hit.span() for each in marked for hit in each.finditer(lower)])
    if not spans:
        return escape(text)
    text, plain = text.replace("\0", " ").replace("\1", " "), len(text) == len(piece)
    for begin, end in spans:
        first = begin if plain else len(piece[:begin].decode(errors="ignore"))
        last = end if plain else first + len(piece[begin:end].decode(errors="ignore"))
        if first < at:
            continue
        while first > at and text[first - 1].isalnum():
            first -= 1
        while last < len(text) and text[last].isalnum():
            last += 1
        found, at = f"{found}{text[at:first]}\0{text[first:last]}\1", last
    return escape(found + text[at:]).replace("\0", "<mark>").replace("\1", "</mark>")
