"""What the pages of the quality report say, as (German, English)."""

SEVERITIES = ("Violation", "Warning", "Info")
KINDS = {
    "normalised": ("Auf dem Weg berichtigt", "Repaired on the way"),
    "damage": ("An der Quelle beschädigt", "Damaged at the source"),
    "withheld": ("Zurückgehalten", "Withheld"),
    "ignored": ("Absichtlich weggelassen", "Left out on purpose"),
    "unmapped": ("Ohne Platz im Modell", "Without a place in the model"),
}
WORDS = {
    "title": ("Prüfbericht", "Quality report"),
    "lead": ("Stand {release} vom {day}: {objects} Objekte geprüft.", "Release {release} of {day}: {objects} objects checked."),
    "Violation": ("Verstöße", "Violations"),
    "Warning": ("Warnungen", "Warnings"),
    "Info": ("Hinweise", "Infos"),
    "weights": (
        "Ein Verstoß hält die neue Fassung eines Datensatzes zurück; die vorige bleibt sichtbar. "
        "Warnungen und Hinweise werden veröffentlicht und hier genannt.",
        "A violation keeps the new version of a record out; the previous one stays visible. "
        "Warnings and infos are published and named here.",
    ),
    "conforms": ("Nichts zu beanstanden.", "Nothing to object to."),
    "downloads": ("Als Daten", "As data"),
    "all_results": ("Einzelfälle (CSV)", "Single cases (CSV)"),
    "mail": ("Als Mail an den Hersteller", "As a mail to the vendor"),
    "findings": ("Befunde", "Findings"),
    "what": ("Was zu tun ist", "What to do"),
    "class": ("Klasse", "Class"),
    "source": ("Quelle", "Source"),
    "several": ("{count} Quellen", "{count} sources"),
    "count": ("Anzahl", "Count"),
    "share": ("Anteil", "Share"),
    "share_of": ("{objects} von {checked} Objekten", "{objects} of {checked} objects"),
    "trend": ("Seit Stand {release}", "Since release {release}"),
    "course": ("Verlauf (Stand {first} bis {last})", "Course (release {first} to {last})"),
    "same": ("gleich", "same"),
    "fixed": ("Nicht mehr zu finden", "Found no more"),
    "fixed_words": (
        "In einem der aufbewahrten Stände gezählt, in diesem nicht mehr:",
        "Counted in one of the retained releases, in this one no more:",
    ),
    "first": (
        "Ein Vergleich steht hier, sobald es einen zweiten Stand gibt.",
        "A comparison will stand here as soon as there is a second release.",
    ),
    "repairs": ("Was an Werten getan wurde", "What was done to values"),
    "no_repairs": ("An den Werten wurde nichts geändert.", "No value was changed."),
    "often": ("Wie oft", "How often"),
    "kept_out": ("Nicht aufgenommen", "Kept out"),
    "reason": ("Grund", "Reason"),
    "none_kept_out": ("Alle Datensätze wurden aufgenommen.", "All records were taken in."),
    "more_kept_out": ("… und {count} weitere, siehe JSON.", "… and {count} more, see JSON."),
    "over_time": ("Befunde von Stand zu Stand", "Findings from release to release"),
    "compared": ("Befunde je 100 Objekte, nach Quelle", "Findings per 100 objects, by source"),
    "rate": ("je 100 Objekte", "per 100 objects"),
    "compared_words": (
        "Was eine Quelle nicht liefert, kann nicht falsch sein: eine kurze Liste heißt nicht immer bessere Daten.",
        "What a source does not provide cannot be wrong: a short list does not always mean better data.",
    ),
    "release": ("Stand", "Release"),
    "objects": ("Objekte", "Objects"),
    "sources": ("Nach Quelle", "By source"),
    "cases": ("Einzelfälle", "Single cases"),
    "cases_words": ("{shown} von {count} Fällen, ab Fall {first}.", "{shown} of {count} cases, from case {first}."),
    "capped": (
        "Einzeln aufgeführt werden je Regel und Klasse höchstens 1.000 Fälle; gezählt sind alle.",
        "At most 1,000 cases a rule and class are listed; all are counted.",
    ),
    "record": ("Datensatz", "Record"),
    "object": ("Betroffen", "Concerned"),
    "field": ("Feld", "Field"),
    "value": ("Wert", "Value"),
    "original": ("Original", "Original"),
    "at_source": ("an der Quelle", "at the source"),
    "of_record": ("Prüfbericht zum Datensatz", "Report on the record"),
    "record_clean": ("Zu diesem Datensatz gibt es keine Befunde.", "There are no findings on this record."),
    "next": ("Weitere Fälle", "More cases"),
    "previous": ("Vorige Fälle", "Previous cases"),
    "all_findings": ("Alle Befunde", "All findings"),
    "rule": ("Regel", "Rule"),
}

LETTER = {
    "head": (
        "Betreff: Befunde in den Daten von {title} (Stand {release}, {day})\n\nGuten Tag,\n\n"
        "wir veröffentlichen die Ratsinformationen von {title} als offene Daten und lesen dafür\n{url}\n"
        "Beim Prüfen von {objects} Objekten fiel Folgendes auf. Bitte prüfen Sie, was sich an der Quelle beheben lässt.\n"
    ),
    "rest": "   … und {count} weitere",
    "foot": (
        "Alle Einzelfälle als Tabelle: {base}/report/{stem}/results.csv\nDieser Bericht im Netz: {base}/report/{stem}\n\n"
        "Mit freundlichen Grüßen\n"
    ),
}


def words(key: str, lang: str, **values: object) -> str:
    """Return a text filled in. KeyError for a key that nobody wrote."""
    return WORDS[key][lang == "en"].format(**values)
