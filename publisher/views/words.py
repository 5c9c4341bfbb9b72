"""What the pages say, in German and English, and how both write days and numbers."""

MONTHS = {
    "de": ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"),
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"),
}
WEEKDAYS = {
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
LANGUAGES = ("de", "en")

TEXTS: dict[str, tuple[str, str]] = {
    # the sentence that says where a paper stands
    "no_consultation": ("Die Quelle nennt keine Beratung", "The source names no consultation"),
    "no_day": ("{purpose} {where} vorgesehen; die Quelle nennt keinen Termin", "Intended {purpose} {where}; the source names no date"),
    "on_agenda": ("auf der Tagesordnung", "on the agenda"),
    "on_day": ("am {day}", "on {day}"),
    "and_next": ("; nächste Beratung am {day} {where}", "; next consultation on {day} {where}"),
    "next_only": ("Nächste Beratung am {day}", "Next consultation on {day}"),
    "today": ("Heute, am {day}, {purpose} {where}", "Today, on {day}, {purpose} {where}"),
    "lies": ("Liegt {where}, nächste Beratung am {day}", "Lies {where}, next consultation on {day}"),
    "cancelled_meeting": (
        "die Sitzung {when} {where} wurde abgesagt; die Quelle nennt keinen neuen Termin",
        "the meeting {when} {where} was cancelled; the source names no new date",
    ),
    "postponed": ("verschoben", "postponed"),
    "no_new_day": ("; die Quelle nennt keinen neuen Termin", "; the source names no new date"),
    "no_result": ("; die Quelle nennt kein Ergebnis", "; the source names no result"),
    "result_quoted": ("; Ergebnis laut Quelle: „{result}“", "; result as the source words it: “{result}”"),
    "before": ("; zuvor am {day} {where}: {outcome}", "; before, on {day} {where}: {outcome}"),
    "outcome_einstimmig": ("einstimmig {outcome}", "{outcome} unanimously"),
    "outcome_mehrheitlich": ("mehrheitlich {outcome}", "{outcome} by a majority"),
}


def text(key: str, lang: str, **values: object) -> str:
    """Return what a page says, filled in. KeyError for a key that nobody wrote."""
    words = TEXTS[key][lang == "en"]
    return " ".join(words.format(**values).split()) if not words.startswith(";") else "; " + " ".join(words[1:].format(**values).split())


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
