"""What the pages of the quality report say, as (German, English)."""

SEVERITIES = ("Violation", "Warning", "Info")
REPORT = {
    "report_title": ("Prüfbericht", "Quality report"),
    "report_lead": ("Stand {release} vom {day}: {objects} Objekte geprüft.", "Release {release} of {day}: {objects} objects checked."),
    "report_Violation": ("Verstöße", "Violations"),
    "report_Warning": ("Warnungen", "Warnings"),
    "report_Info": ("Hinweise", "Infos"),
    "report_weights": (
        "Ein Verstoß hält die neue Fassung eines Datensatzes zurück; die vorige bleibt sichtbar. "
        "Warnungen und Hinweise werden veröffentlicht und hier genannt.",
        "A violation keeps the new version of a record out; the previous one stays visible. "
        "Warnings and infos are published and named here.",
    ),
    "report_conforms": ("Nichts zu beanstanden.", "Nothing to object to."),
    "report_downloads": ("Als Daten", "As data"),
    "report_all_results": ("Einzelfälle (CSV)", "Single cases (CSV)"),
    "report_mail": ("Als Mail an den Hersteller", "As a mail to the vendor"),
    "report_findings": ("Befunde", "Findings"),
    "report_what": ("Was zu tun ist", "What to do"),
    "report_class": ("Klasse", "Class"),
    "report_source": ("Quelle", "Source"),
    "report_several": ("{count} Quellen", "{count} sources"),
    "report_count": ("Anzahl", "Count"),
    "report_share": ("Anteil", "Share"),
    "report_share_of": ("{objects} von {checked} Objekten", "{objects} of {checked} objects"),
    "report_trend": ("Seit Stand {release}", "Since release {release}"),
    "report_course": ("Verlauf (Stand {first} bis {last})", "Course (release {first} to {last})"),
    "report_same": ("gleich", "same"),
    "report_fixed": ("Nicht mehr zu finden", "Found no more"),
    "report_fixed_words": (
        "In einem der aufbewahrten Stände gezählt, in diesem nicht mehr:",
        "Counted in one of the retained releases, in this one no more:",
    ),
    "report_first": (
        "Ein Vergleich steht hier, sobald es einen zweiten Stand gibt.",
        "A comparison will stand here as soon as there is a second release.",
    ),
    "report_repairs": ("Was an Werten getan wurde", "What was done to values"),
    "report_no_repairs": ("An den Werten wurde nichts geändert.", "No value was changed."),
    "report_often": ("Wie oft", "How often"),
    "report_kept_out": ("Nicht aufgenommen", "Kept out"),
    "report_reason": ("Grund", "Reason"),
    "report_none_kept_out": ("Alle Datensätze wurden aufgenommen.", "All records were taken in."),
    "report_more_kept_out": ("… und {count} weitere, siehe JSON.", "… and {count} more, see JSON."),
    "report_over_time": ("Befunde von Stand zu Stand", "Findings from release to release"),
    "report_compared": ("Befunde je 100 Objekte, nach Quelle", "Findings per 100 objects, by source"),
    "report_rate": ("je 100 Objekte", "per 100 objects"),
    "report_compared_words": (
        "Was eine Quelle nicht liefert, kann nicht falsch sein: eine kurze Liste heißt nicht immer bessere Daten.",
        "What a source does not provide cannot be wrong: a short list does not always mean better data.",
    ),
    "report_release": ("Stand", "Release"),
    "report_objects": ("Objekte", "Objects"),
    "report_sources": ("Nach Quelle", "By source"),
    "report_cases": ("Einzelfälle", "Single cases"),
    "report_cases_words": ("{shown} von {count} Fällen, ab Fall {first}.", "{shown} of {count} cases, from case {first}."),
    "report_capped": (
        "Einzeln aufgeführt werden je Regel und Klasse höchstens 1.000 Fälle; gezählt sind alle.",
        "At most 1,000 cases a rule and class are listed; all are counted.",
    ),
    "report_record": ("Datensatz", "Record"),
    "report_object": ("Betroffen", "Concerned"),
    "report_field": ("Feld", "Field"),
    "report_value": ("Wert", "Value"),
    "report_original": ("Original", "Original"),
    "report_at_source": ("an der Quelle", "at the source"),
    "report_of_record": ("Prüfbericht zum Datensatz", "Report on the record"),
    "report_record_clean": ("Zu diesem Datensatz gibt es keine Befunde.", "There are no findings on this record."),
    "report_next": ("Weitere Fälle", "More cases"),
    "report_previous": ("Vorige Fälle", "Previous cases"),
    "report_all_findings": ("Alle Befunde", "All findings"),
    "report_rule": ("Regel", "Rule"),
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
