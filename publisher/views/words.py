"""What the pages say, in German and English, and how both write days and numbers."""

from datetime import date
from functools import lru_cache

from publisher.views.report_words import REPORT
from publisher.views.texts import PAGES, SENTENCES

MONTHS = {
    "de": ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"),
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"),
}
WEEKDAYS = {
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
LANGUAGES = ("de", "en")

FOREIGN = {
    "http://purl.org/dc/terms/created": ("Angelegt", "Created"),
    "http://purl.org/dc/terms/modified": ("Geändert", "Modified"),
    "http://purl.org/dc/terms/license": ("Lizenz", "Licence"),
    "http://schema.org/keywords": ("Stichwörter", "Keywords"),
    "http://xmlns.com/foaf/0.1/page": ("Seite der Quelle", "Page of the source"),
    "http://www.w3.org/2002/07/owl#sameAs": ("Kennung der Quelle", "The source's identifier"),
    "http://www.w3.org/ns/prov#wasDerivedFrom": ("Gewonnen aus", "Derived from"),
}
"""Terms of other vocabularies that stand for keys of OParl, which say nothing in German."""

TEXTS = {**SENTENCES, **PAGES, **REPORT}


def text(key: str, lang: str, **values: object) -> str:
    """Return what a page says, filled in. KeyError for a key that nobody wrote."""
    words = TEXTS[key][lang == "en"]
    return " ".join(words.format(**values).split()) if not words.startswith(";") else "; " + " ".join(words[1:].format(**values).split())


@lru_cache(20_000)
def long_day(day: str, lang: str) -> str:
    """Return a day in words: "2021-06-17" -> "17. Juni 2021", "17 June 2021"; what is no day comes back as it is."""
    try:
        year, month, number = (int(part) for part in day[:10].split("-"))
        return f"{number}{'.' if lang == 'de' else ''} {MONTHS[lang][month - 1]} {year}"
    except (ValueError, IndexError):
        return day


def number(count: float, lang: str) -> str:
    """Return a number with the separators of the language: 17374 -> "17.374", "17,374"."""
    shown = f"{count:,.1f}" if isinstance(count, float) and not count.is_integer() else f"{int(count):,}"
    return shown.translate(str.maketrans(",.", ".,")) if lang == "de" else shown


@lru_cache(20_000)
def weekday(day: str, lang: str) -> str:
    """Return the day of the week of "2021-06-17": "Donnerstag", "Thursday"; "" for what is no day."""
    try:
        return WEEKDAYS[lang][date.fromisoformat(day).weekday()]
    except ValueError:
        return ""


def month_name(day: date, lang: str) -> str:
    """Return a month in words: "Juni 2021"."""
    return f"{MONTHS[lang][day.month - 1]} {day.year}"


def size(count: int, lang: str) -> str:
    """Return a file's size in bytes as people write it: 553767 -> "554 kB"."""
    for unit, one in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= one:
            return f"{number(round(count / one, 1 if one > 1e3 and count < 10 * one else 0), lang)} {unit}"
    return f"{count} B"
