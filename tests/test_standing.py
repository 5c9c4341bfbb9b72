"""Where a paper stands: one sentence, and the stations of its Beratungsfolge."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some

from publisher.views.standing import listed, moment, route, standing, within

COMMITTEES = {
    "o1": {"id": "o1", "name": "Städteregionsausschuss"},
    "o2": {"id": "o2", "name": "Ausschuss für Soziales"},
    "o3": {"id": "o3", "name": "Bezirksvertretung Mitte"},
}


def paper(*consultations):
    return {"id": "p", "consultation": [{"id": f"c{at}", **one} for at, one in enumerate(consultations)]}


def told(today, *consultations, lang="de", others=None):
    things = COMMITTEES | (others or {})
    return standing(paper(*consultations), things.get, date.fromisoformat(today), lang)


DECIDES = {"role": "Entscheidung", "organization": ["o1"], "meeting": {"id": "m2", "oparlx:day": "2021-06-17"}}
ADVISES = {"role": "Vorberatung", "organization": ["o2"], "meeting": {"id": "m1", "start": "2021-06-16T17:00:00+02:00"}}


def resulted(consultation, result):
    return consultation | {"agendaItem": {"id": "i", "number": "5", "result": result}}


@pytest.mark.parametrize(
    ("today", "consultations", "german", "english"),
    [
        (
            "2026-11-22",
            [DECIDES, ADVISES],
            "Am 17. Juni 2021 zur Entscheidung im Städteregionsausschuss; die Quelle nennt kein Ergebnis",
            "On 17 June 2021 for decision in the Städteregionsausschuss; the source names no result",
        ),
        (
            "2026-11-22",
            [ADVISES, resulted(DECIDES, "mehrheitlich abgelehnt")],
            "Mehrheitlich abgelehnt am 17. Juni 2021 im Städteregionsausschuss",
            "Rejected by a majority on 17 June 2021 in the Städteregionsausschuss",
        ),
        (
            "2021-06-01",
            [ADVISES, DECIDES],
            "Liegt im Ausschuss für Soziales, nächste Beratung am 16. Juni 2021",
            "Lies in the Ausschuss für Soziales, next consultation on 16 June 2021",
        ),
        (
            "2021-06-17",
            [DECIDES],
            "Heute, am 17. Juni 2021, zur Entscheidung im Städteregionsausschuss",
            "Today, on 17 June 2021, for decision in the Städteregionsausschuss",
        ),
        ("2026-11-22", [], "Die Quelle nennt keine Beratung", "The source names no consultation"),
        (
            "2026-11-22",
            [resulted(ADVISES, "empfohlen"), DECIDES],
            "Am 17. Juni 2021 zur Entscheidung im Städteregionsausschuss; die Quelle nennt kein Ergebnis; "
            "zuvor am 16. Juni 2021 im Ausschuss für Soziales: empfohlen",
            "On 17 June 2021 for decision in the Städteregionsausschuss; the source names no result; "
            "before, on 16 June 2021 in the Ausschuss für Soziales: recommended",
        ),
        (
            "2026-11-22",
            [{"role": "Vorberatung", "organization": ["o3"]}],
            "Zur Vorberatung in der Bezirksvertretung Mitte vorgesehen; die Quelle nennt keinen Termin",
            "Intended for preliminary consultation in the Bezirksvertretung Mitte; the source names no date",
        ),
        (
            "2026-11-22",
            [resulted(DECIDES, "vertagt")],
            "Vertagt am 17. Juni 2021 im Städteregionsausschuss; die Quelle nennt keinen neuen Termin",
            "Adjourned on 17 June 2021 in the Städteregionsausschuss; the source names no new date",
        ),
        (
            "2026-11-22",
            [DECIDES | {"meeting": {"id": "m", "start": "2021-06-17T17:00:00+02:00", "cancelled": True}}],
            "Die Sitzung am 17. Juni 2021 im Städteregionsausschuss wurde abgesagt; die Quelle nennt keinen neuen Termin",
            "The meeting on 17 June 2021 in the Städteregionsausschuss was cancelled; the source names no new date",
        ),
        (
            "2026-11-22",
            [resulted({"organization": ["o1"], "meeting": {"id": "m", "oparlx:day": "2021-06-17"}}, "12 Ja-Stimmen, 1 Nein-Stimme")],
            "Am 17. Juni 2021 auf der Tagesordnung im Städteregionsausschuss; Ergebnis laut Quelle: „12 Ja-Stimmen, 1 Nein-Stimme“",
            "On 17 June 2021 on the agenda in the Städteregionsausschuss; result as the source words it: “12 Ja-Stimmen, 1 Nein-Stimme”",
        ),
    ],
)
def test_the_sentence_says_what_the_source_knows(today, consultations, german, english):
    assert (told(today, *consultations), told(today, *consultations, lang="en")) == (german, english)


def test_a_recommendation_is_no_decision():
    said = told("2026-11-22", resulted(ADVISES, "einstimmig beschlossen"))

    assert said == "Am 16. Juni 2021 zur Vorberatung im Ausschuss für Soziales: einstimmig beschlossen"


def test_a_decision_with_a_meeting_to_come_names_both():
    later = {"role": "Bericht", "organization": ["o2"], "meeting": {"id": "m9", "start": "2022-01-10T17:00:00+01:00"}}

    said = told("2021-12-01", resulted(DECIDES, "beschlossen"), later)

    assert said == "Beschlossen am 17. Juni 2021 im Städteregionsausschuss; nächste Beratung am 10. Januar 2022 im Ausschuss für Soziales"


def test_an_amended_decision_is_called_amended():
    decided = resulted(DECIDES, "mehrheitlich geändert beschlossen (12 Ja-Stimmen, 8 Nein-Stimmen)")

    assert told("2026-11-22", decided) == "Mehrheitlich geändert beschlossen am 17. Juni 2021 im Städteregionsausschuss"
    assert told("2026-11-22", decided, lang="en").startswith("Adopted with amendments by a majority on 17 June 2021")
    assert told("2026-11-22", resulted(DECIDES, "ungeändert beschlossen")).startswith("Beschlossen am 17. Juni 2021")


def test_an_empty_result_is_none():
    said = told("2026-11-22", resulted(DECIDES, "(kein Text vorhanden)"))

    assert said.endswith("die Quelle nennt kein Ergebnis")


def test_meetings_items_and_committees_are_looked_up():
    others = {
        "m": {"id": "m", "name": "12. Sitzung", "start": "2024-03-14T22:30:00Z", "organization": ["o1"]},
        "i": {"id": "i", "meeting": "m", "number": "7.1", "result": "ungeändert beschlossen"},
    }
    [station] = route(paper({"role": "Entscheidung", "agendaItem": "i"}), (COMMITTEES | others).get, date(2026, 1, 1))

    assert (station.state, station.day, station.time, station.number) == ("past", "2024-03-14", "23:30", "7.1")
    assert (station.committees[0].name, station.meeting.name, station.outcome) == ("Städteregionsausschuss", "12. Sitzung", "beschlossen")


def test_stations_without_a_day_come_last():
    stations = route(paper({"role": "Entscheidung"}, ADVISES, DECIDES), COMMITTEES.get, date(2021, 6, 17))

    assert [(station.day, station.state) for station in stations] == [("2021-06-16", "past"), ("2021-06-17", "planned"), ("", "undated")]


@pytest.mark.parametrize(
    ("name", "german"),
    [
        ("Rat", "im Rat"),
        ("Hauptausschuss", "im Hauptausschuss"),
        ("Stadtverordnetenversammlung", "in der Stadtverordnetenversammlung"),
        ("Haupt- und Finanzausschuss", "im Haupt- und Finanzausschuss"),
        ("Bau-, Verkehrs- und Planungskommission", "in der Bau-, Verkehrs- und Planungskommission"),
        ("Ständiger Ausschuss", "im Gremium „Ständiger Ausschuss“"),
        ("Kleine Kommission", "im Gremium „Kleine Kommission“"),
    ],
)
def test_german_needs_the_gender_or_quotes_the_name(name, german):
    assert within(name, "de") == german


TEXT = some.text(max_size=30)
CONSULTATION = some.fixed_dictionaries(
    {},
    optional={
        "role": TEXT,
        "organization": some.lists(some.sampled_from(["o1", "o2", "gone"]), max_size=2),
        "authoritative": some.booleans(),
        "meeting": some.fixed_dictionaries(
            {"id": some.just("m")}, optional={"start": TEXT, "cancelled": some.booleans(), "meetingState": TEXT}
        ),
        "agendaItem": some.fixed_dictionaries({"id": some.just("i")}, optional={"result": TEXT, "number": TEXT}),
    },
)


@given(some.lists(CONSULTATION, max_size=4), some.sampled_from(["de", "en"]))
def test_any_consultations_give_one_sentence(consultations, lang):
    said = told("2024-01-01", *consultations, lang=lang)

    assert said == said.strip()
    assert said[0] == said[0].upper()


@pytest.mark.parametrize("odd", ["", "gestern", "0000-00-00", None, "2021-13-01"])
def test_odd_days_are_no_days(odd):
    assert moment(odd) == ("", "")


def test_nothing_is_an_empty_list():
    assert (listed(None), listed("a"), listed(["a"])) == ([], ["a"], ["a"])
