"""What a source wrote, as a reader finds it: plain text as paragraphs, the votes of a result in words."""

import re

from markupsafe import Markup

from publisher.views import words
from publisher.views.pages.compiled import escaped

BREAK = Markup("<br>")
EMPTY_LINE = re.compile(r"\n[ \t\u00a0]*\n")
WORDED = re.compile(r"(?i)\d\W*(?:ja|nein|dafür|dagegen|stimm|enthalt)")  # votes that a reader of German need not be told again
THEIRS, GERMAN = 'dir="auto"', 'dir="auto" lang="de"'


def paragraphs(text: str) -> Markup:
    """Return a plain text of a source as paragraphs, with its line breaks, everything in it escaped.

    Where no line is empty (classic ALLRIS gives a line a paragraph), each line is a paragraph once one is longer than a line of print.
    """
    text = text.strip()
    whole = EMPTY_LINE.search(text) or max(map(len, text.split("\n"))) < 80
    blocks = (block.strip("\n") for block in (EMPTY_LINE.split(text) if whole else text.split("\n")))
    lined = (escaped(block).replace("\n", BREAK) for block in blocks if block.strip())
    return Markup("\n".join(f'<p dir="auto">{block}</p>' for block in lined))


def counted(votes: tuple[int | None, int | None, int | None], lang: str) -> str:
    """Return the votes that are known: "14 dafür, 10 dagegen", in favour, against and abstained in this order."""
    named = zip(("favor", "against", "abstention"), votes, strict=True)
    return ", ".join(words.text(f"votes_{name}", lang, count=words.number(count, lang)) for name, count in named if count is not None)
