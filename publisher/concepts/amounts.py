"""Amounts of money, budget numbers and legal references that a German text names beyond doubt."""

import re
from typing import NamedTuple


class Money(NamedTuple):
    """An amount: `value` as a decimal number with two places ("50000.00"), `currency` after ISO 4217, `text` as printed."""

    value: str
    currency: str
    text: str


class Budget(NamedTuple):
    """Numbers of products and of ledger accounts in a municipal budget, in the order of the text, each once."""

    products: tuple[str, ...]
    accounts: tuple[str, ...]


AMOUNT = re.compile(
    r"(?<![\d.,§])(?P<sign>[-–−+])?(?P<whole>\d{1,3}(?:\.\d{3})+|\d+)(?:,(?P<cents>\d{2}|-{1,2}|–))?[\s\u00a0]?"
    r"(?P<scale>Tsd\.|Mio\.|Mrd\.|Millionen|Milliarden|T)?[\s\u00a0]?(?:€|EUR\b|Euro\b)"
)
VAGUE = re.compile(
    r"(?:\b(?:ca|rd|circa|rund|etwa|ungefähr|knapp|über|bis zu|max|maximal|mindestens|höchstens|geschätzt\w*|voraussichtlich)\b\.?\s*)$",
    re.I,
)
PRODUCT = re.compile(r"\b(?:Teilp|P)rodukt(?:nummer|gruppe)?(?:[\s-]*Nr\.)?:?\s+(\d[\d.\-/]*\d)(?!\d|,\d|\s?[%€])")
ACCOUNT = re.compile(r"\bSachkonto(?:nummer)?(?:[\s-]*Nr\.)?:?\s+(\d[\d.\-/]*\d)(?!\d|,\d|\s?[%€])")
PLACE = r"(?:\s*(?:Abs(?:\.|atz)|Satz|S\.|N(?:r\.|ummer)|Buchst(?:\.|abe)|lit\.|Ziff(?:\.|er))\s*[\w]+\)?)"
PARAGRAPH = rf"§§?\s*\d+[a-z]?\b{PLACE}{{0,9}}"
LAW = (
    r"(?:der|des|dem)\s+(?:\w+\s+){0,2}?[A-ZÄÖÜ]\w*(?:satzung|ordnung|gesetz\w{0,40}|verordnung)(?:\s+(?:der|des|für)\s+(?:[A-ZÄÖÜ]\S*[^\s.,;:)]\s?){1,4}(?<=\S)|\s+[A-ZÄÖÜ]{2,4}\b)?"
    r"(?:\s+vom\s+\d{1,2}\.\d{1,2}\.\d{4})?"
    r"|(?:[A-ZÄÖÜ][A-Za-zÄÖÜäöü]*(?:G|GB|O|VO)|GO|KrO|GemO)\b(?:\s+(?:NRW|NW|LSA|BW|RP|SH))?"
)
REFERENCE = re.compile(rf"{PARAGRAPH}(?:\s*(?:,|und|i\.\s?V\.\s?m\.|in Verbindung mit)\s*{PARAGRAPH}){{0,30}}\s+(?:{LAW})(?=[\s.,;:)]|$)")


def money(text: str) -> list[Money]:
    """Return the amounts in euro that `text` states exactly; none that has a sign, a scale ("Mio.") or a "rund" before it."""
    return [
        Money(f"{int(hit['whole'].replace('.', ''))}.{_cents(hit['cents'])}", "EUR", hit[0].strip())
        for hit in AMOUNT.finditer(text)
        if not hit["sign"] and not hit["scale"] and not VAGUE.search(text[max(0, hit.start() - 40) : hit.start()])
    ]


def _cents(cents: str | None) -> str:
    return cents if cents and cents.isdigit() else "00"


def budget(text: str) -> Budget:
    """Return the budget numbers that stand right behind their word: "Teilprodukt 950170", "Sachkonto 531860"."""
    return Budget(tuple(dict.fromkeys(PRODUCT.findall(text))), tuple(dict.fromkeys(ACCOUNT.findall(text))))


def legal_references(text: str) -> list[str]:
    """Return the references to sections of a named law or by-law as printed, one space between words, each once."""
    return list(dict.fromkeys(re.sub(r"\s+", " ", hit[0]) for hit in REFERENCE.finditer(text)))
