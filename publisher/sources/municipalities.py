"""Official keys of German municipalities and districts, found by key, name or address."""

import csv
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

# Keys and names as of 2024: 10,978 municipalities (AGS, eight digits) and 400 districts (five digits), facts of the official register.
TABLE = Path(__file__).with_name("municipalities.csv")
LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "è": "e", "â": "a", "ë": "e"})
TITLES = re.compile(
    r"\b(?:gemeinde|stadt|hansestadt|kreisfreie|landeshauptstadt|bundesstadt|universitaetsstadt|landkreis|kreis|kreisverwaltung|"
    r"stadtkreis|kolpingstadt|markt|flecken|kreisstadt|verwaltung|rat|der|des)\b"
)
DISTRICT = re.compile(r"kreis|staedteregion|region\b")


class Place(NamedTuple):
    """A municipality (key of eight digits) or a district (five)."""

    key: str
    name: str


def places(text: str) -> list[Place]:
    """Return the places that a key, name or web address may mean, likeliest first; none if it means no place in the table.

    A key may lack its leading zero ("5358016") or be an ARS of twelve digits. A district's own name comes before a municipality only
    if the text calls it a district ("Kreis Düren", "StädteRegion Aachen").
    """
    text = text.strip()
    if re.fullmatch(r"[\d ]+", text):
        key = _key(text.replace(" ", ""))
        return [Place(key, _names()[key])] if key in _names() else []
    if "://" in text or re.fullmatch(r"[\w.-]+\.[a-z]{2,}(/\S*)?", text.lower()):
        return _by_address(text)
    return _by_name(text)


def meant(text: str) -> list[Place]:
    """Return the places that a text may mean, without those that its own words rule out: "Stadt Leipzig" is not the Landkreis.

    A city that is a district of its own ("Kreisfreie Stadt") is meant by its municipality's key.
    """
    found = places(text)
    keys = {place.key for place in found}
    found = [place for place in found if place.key + "000" not in keys]
    spelled = text.lower().translate(LETTERS)
    digits = 5 if DISTRICT.search(spelled) else 8 if re.search(r"\b(?:stadt|gemeinde|markt|landeshauptstadt)\b", spelled) else 0
    narrowed = [place for place in found if len(place.key) == digits]
    return narrowed or found


def _key(digits: str) -> str:
    """Return the key meant by digits that may have lost a zero in front, gained one behind, or belong to an ARS."""
    for told in (digits, "0" + digits):
        for key in (told, told[:5] + told[9:12] if len(told) == 12 else "", told[:8] if len(told) == 9 and told.endswith("0") else ""):
            if key in _names():
                return key
        if len(told) == 12 and told.endswith("0000000") and told[:5] in _names():
            return told[:5]
    return ""


@cache
def _names() -> dict[str, str]:
    with TABLE.open(encoding="utf-8", newline="") as table:
        return {row["key"]: row["name"] for row in csv.DictReader(table)}


@cache
def _index() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for key, name in _names().items():
        for one in dict.fromkeys((_plain(name), *(_plain(part) for part in re.split(r"[,/(]", name)[:1]))):
            found.setdefault(one, []).append(key)
    return {one: tuple(keys) for one, keys in found.items()}


def _plain(name: str) -> str:
    """Return what is left of a name without titles, case, umlauts and blanks: "Bad Münstereifel, Stadt" -> "badmuenstereifel"."""
    spelled = name.lower().translate(LETTERS)
    bare = re.sub(r"[^a-z]", "", TITLES.sub(" ", re.sub(r"[-./]", " ", spelled)))
    return bare or re.sub(r"[^a-z]", "", spelled)


def _by_name(text: str) -> list[Place]:
    keys = _index().get(_plain(text), ())
    spelled = text.lower().translate(LETTERS)
    district_first = bool(DISTRICT.search(spelled)) and "kreisfrei" not in spelled and "kreisstadt" not in spelled
    return [Place(key, _names()[key]) for key in sorted(keys, key=lambda key: ((len(key) == 5) != district_first, key))]


def _by_address(text: str) -> list[Place]:
    """Return the places named by a part of the host, else of the path; longer parts count first."""
    parts = urlsplit(text if "://" in text else f"https://{text}")
    labels = (parts.hostname or "").split(".")[:-1]
    for words in (labels, parts.path.split("/")):
        for word in sorted(dict.fromkeys(words), key=lambda word: -len(word)):
            pieces = [word, *word.split("-")] if len(word) > 3 else []
            for piece in pieces:
                found = _by_name(piece) if len(piece) > 3 else []
                if found:
                    return found
    return []
