"""Free words of council systems find their concept, or none: never a guess."""

import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.concepts import SCHEMES, Money, Votes, budget, concepts, legal_references, money, schemes

BASE = "https://ris.example.org"
SHARED = Path(os.environ.get("PUBLISHER_SHARED", Path(__file__).parent.parent.parent / "shared"))
ADOPTED, REJECTED = f"{BASE}/concept/result/beschlossen", f"{BASE}/concept/result/abgelehnt"
UNANIMOUS, MAJORITY = f"{BASE}/concept/majority/einstimmig", f"{BASE}/concept/majority/mehrheitlich"


def slug(iri: str | None) -> str | None:
    return iri.rsplit("/", 1)[-1] if iri else None


@pytest.mark.parametrize(
    ("text", "outcome", "majority", "amended"),
    [
        ("ungeändert beschlossen", "beschlossen", None, False),
        ("unverändert beschlossen", "beschlossen", None, False),
        ("geändert beschlossen", "beschlossen", None, True),
        ("mit Änderungen einstimmig beschlossen", "beschlossen", "einstimmig", True),
        ("in geänderter Fassung mehrheitlich beschlossen", "beschlossen", "mehrheitlich", True),
        ("mehrheitlich abgelehnt", "abgelehnt", "mehrheitlich", None),
        ("Der Antrag wird einstimmig angenommen.", "beschlossen", "einstimmig", None),
        ("nicht beschlossen", "abgelehnt", None, None),
        ("empfohlen", "empfohlen", None, None),
        ("nicht empfohlen", "nicht-empfohlen", None, None),
        ("zur Ablehnung empfohlen", "nicht-empfohlen", None, None),
        ("Zur Kenntnis genommen", "zur-kenntnis-genommen", None, None),
        ("Der Ausschuss nimmt die Vorlage zur Kenntnis.", "zur-kenntnis-genommen", None, None),
        ("vertagt", "vertagt", None, None),
        ("Überwiesen", "verwiesen", None, None),
        ("zurückgezogen", "zurueckgezogen", None, None),
        ("Es erfolgte keine Abstimmung.", "ohne-abstimmung", None, None),
        ("einstimmig", None, "einstimmig", None),
        ("Einstimmiger Beschluss", None, "einstimmig", None),
        ("mit Stimmenmehrheit laut Beschlussvorschlag", "beschlossen", "mehrheitlich", None),
        ("abweichend vom Beschlussvorschlag beschlossen", "beschlossen", None, True),
        ("in den Ausschuss für Soziales verwiesen", "verwiesen", None, None),
    ],
)
def test_a_result_is_read_with_negation_majority_and_amendment(text, outcome, majority, amended):
    found = concepts(BASE).result(text)

    assert (slug(found.outcome), slug(found.majority), found.amended, found.understood) == (outcome, majority, amended, True)


@pytest.mark.parametrize("text", ["(offen)", "offen", "", "-", "ohne", "Ohne.", "(kein Text vorhanden)", "entfällt"])
def test_an_open_item_has_no_result_and_is_not_counted_as_unread(text):
    found = concepts(BASE).result(text)

    assert found == (None, None, None, None, True)


@pytest.mark.parametrize(
    ("text", "votes"),
    [
        ("6 Nein-Stimmen; 7 Ja-Stimmen; 0 Enthaltungen", Votes(7, 6, 0)),
        ("13 Ja-Stimmen, 0 Enthaltungen, 0 Nein-Stimmen", Votes(13, 0, 0)),
        ("einstimmig12 Ja-Stimmen, 0 Enthaltungen, 0 Nein-Stimmen", Votes(12, 0, 0)),
        ("einstimmig, 0 Enthaltungen", Votes(abstention=0)),
        ("einstimmig, ohne Enthaltung", Votes(abstention=0)),
        ("Einstimmig bei drei Enthaltungen der FDP", Votes(abstention=3)),
        ("7 Ja-Stimmen / 1 Enthaltung", Votes(favor=7, abstention=1)),
        ("12x ja, 1x nein, 1x Enthaltung", Votes(12, 1, 1)),
        ("Ja: 7 Nein: 3 Enthaltungen: 1", Votes(7, 3, 1)),
        ("Ja 12 / Nein 3 / Enthaltung 1", Votes(12, 3, 1)),
        ("dafür: 12, dagegen: 3, Enthaltungen: 0", Votes(12, 3, 0)),
        ("8 Ja-Stimmen, 1 Gegenstimmen, 0 Stimmenthaltungen", Votes(8, 1, 0)),
        ("2 Ja-Stimme(n), 1 Gegenstimme(n), 0 Stimmenthaltung(en)", Votes(2, 1, 0)),
        ("einstimmig, 2 Enthaltungen (1x Grüne; 1x CDU)", Votes(abstention=2)),
    ],
)
def test_votes_that_are_certain_are_read(text, votes):
    assert concepts(BASE).result(text).votes == votes


@pytest.mark.parametrize(
    "text",
    [
        "a) 7 Ja-Stimmen, 6 Nein-Stimmen b) 2 Ja-Stimmen, 11 Nein-Stimmen",
        "JaNeinEnthaltungBM1CDU12SPD6Gesamt2401",
        "1.13 Ja-Stimmen, 1 Nein-Stimme, 0 Enthaltungen2. einstimmig, 0 Enthaltungen",
        "1 1 , 1 ,",
        "einstimmig, 1 Enthaltung der CDU-Fraktion, 2 Enthaltungen der FDP-Fraktion",
        "einstimmig, 7 Ja-Stimmen, 6 Nein-Stimmen",
        "nicht einstimmig beschlossen",
        "nicht abgelehnt",
        "beschlossen und an den Rat verwiesen",
        "19 Ja-Stimmen, 8 Nein-Stimmen, 1 Enthaltung. Für eine Abberufung bedarf es einer Mehrheit von zwei Dritteln.",
        "lt. Protokoll",
        "Ja 12 Nein",
        "nicht in den Ausschuss verwiesen",
    ],
)
def test_what_is_not_certain_gives_no_result_and_is_counted(text):
    known = concepts(f"{BASE}/{len(text)}")

    found = known.result(text)

    assert (found, known.unmapped) == ((None, None, None, None, False), Counter({("result", text): 1}))


def test_numbers_never_make_an_outcome():
    found = concepts(BASE).result("24 Ja-Stimmen, 1 Nein-Stimme, 0 Enthaltungen")

    assert (found.outcome, found.majority) == (None, MAJORITY)


def test_a_sentence_that_states_the_outcome_counts_beside_the_votes():
    text = "6 Ja Stimmen, 6 Nein-Stimmen, 1 EnthaltungMit diesem Beratungsergebnis wurde die Hebesatzsatzung abgelehnt. "

    found = concepts(BASE).result(text)

    assert (found.outcome, slug(found.majority), found.votes) == (REJECTED, "stimmengleichheit", Votes(6, 6, 1))


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200))
def test_counted_votes_come_back_as_counted(favor, against, abstention):
    found = concepts(BASE).result(f"{favor} Ja-Stimmen, {against} Nein-Stimmen, {abstention} Enthaltungen")

    assert found.votes == Votes(favor, against, abstention)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading(text):
    found = concepts(BASE).result(text)

    assert found.understood or found[:4] == (None, None, None, None)


@given(st.sampled_from([(name, concept, word) for name in SCHEMES for concept in schemes()[name].values() for word in concept.spellings]))
def test_every_spelling_finds_its_own_concept(case):
    name, concept, word = case

    assert concepts(BASE).resolve(name, f" {word.upper() if 'ß' not in word else word}. ") == f"{BASE}/concept/{name}/{concept.slug}"


def test_an_unknown_word_is_counted_not_guessed():
    known = concepts(f"{BASE}/unknown")

    found = [known.resolve("paper-type", "Zettel") for _ in range(3)]

    assert (found, known.unmapped) == ([None] * 3, Counter({("paper-type", "Zettel"): 3}))


@pytest.mark.parametrize(
    ("role", "decisive"),
    [("Entscheidung", True), ("beschließend", True), ("Vorberatung", False), ("Kenntnisnahme", False), ("Beratung", None), ("Foo", None)],
)
def test_only_a_decisive_role_decides(role, decisive):
    assert concepts(BASE).decisive(role) is decisive


def test_every_concept_has_a_german_and_an_english_label():
    bare = [(name, slug) for name in SCHEMES for slug, concept in schemes()[name].items() if set(concept.labels) != {"de", "en"}]

    assert bare == []


def test_labels_come_back_in_both_languages():
    known = concepts(BASE)

    assert [known.label(ADOPTED), known.label(ADOPTED, "en"), known.label("https://elsewhere.example/x")] == [
        "beschlossen",
        "adopted",
        None,
    ]


def test_amounts_are_read_only_when_exact():
    text = (
        "Mittel in Höhe von 50.000 €, ferner 1.234,50 EUR und 7,-- Euro; rund 3.000 €, bis zu 5.000 €, 2 Mio. €, -40 €, "
        "eine Förderung von 50.000, die hiermit beantragt wird"
    )

    assert money(text) == [Money("50000.00", "EUR", "50.000 €"), Money("1234.50", "EUR", "1.234,50 EUR"), Money("7.00", "EUR", "7,-- Euro")]


@given(st.integers(0, 10**9), st.integers(0, 99))
def test_a_german_amount_comes_back_as_its_decimal(whole, cents):
    text = f"Kosten: {whole:,}".replace(",", ".") + f",{cents:02d} €"

    assert [amount.value for amount in money(text)] == [f"{whole}.{cents:02d}"]


def test_budget_numbers_stand_behind_their_word():
    text = "im Teilprodukt 950170 „Freiwillige Förderungen“, Sachkonto 531860 „Zuschüsse“; das Produkt 5 Äpfel kostet 100 €"

    assert budget(text) == (("950170",), ("531860",))


def test_legal_references_are_kept_as_printed():
    text = "Gem. § 12 Buchstabe b) und § 4 Abs. 1 Buchstabe c) der Hauptsatzung der Stadt Musterstadt vom 24.11.2009 "
    text += "ist nach § 41 GO NRW der Rat zuständig."

    assert legal_references(text) == [
        "§ 12 Buchstabe b) und § 4 Abs. 1 Buchstabe c) der Hauptsatzung der Stadt Musterstadt vom 24.11.2009",
        "§ 41 GO NRW",
    ]


@pytest.mark.skipif(not (SHARED / "realdata/huertgenwald-sdnet").is_dir(), reason="real crawl not beside the project")
def test_most_results_of_a_real_council_are_read_and_the_rest_is_counted():
    pages = (SHARED / "realdata/huertgenwald-sdnet/body/1").glob("meeting*")
    meetings = [meeting for page in pages for meeting in json.loads(page.read_text("utf-8"))["data"]]
    texts = [item["result"] for meeting in meetings for item in meeting.get("agendaItem", []) if "result" in item]
    known = concepts(f"{BASE}/huertgenwald")

    read = [known.result(text) for text in texts]

    assert len(texts) == 2030
    assert sum(not found.understood for found in read) == known.unmapped.total()
    assert known.unmapped.total() <= 320
    assert all(found.outcome is None for found in read if not found.understood)


@pytest.mark.skipif(not (SHARED / "realdata/huertgenwald-sdnet").is_dir(), reason="real crawl not beside the project")
def test_the_591_results_of_a_real_council_are_read_or_open_and_what_is_open_is_several_votes_or_a_table():
    pages = (SHARED / "realdata/huertgenwald-sdnet/body/1").glob("meeting*")
    meetings = [meeting for page in pages for meeting in json.loads(page.read_text("utf-8"))["data"]]
    variants = {item["result"] for meeting in meetings for item in meeting.get("agendaItem", []) if "result" in item}
    known = concepts(f"{BASE}/huertgenwald")

    found = {text: known.result(text) for text in variants}

    kinds = Counter(
        "open" if not result.understood else "read" if result.outcome or result.majority or result.votes else "no result"
        for result in found.values()
    )
    tables = [text for text, result in found.items() if not result.understood and re.search(r"ja\s*nein\s*enthaltung", text, re.I)]
    assert len(variants) == 591
    assert kinds == {"read": 274, "no result": 17, "open": 300}
    # A table of parties whose cells SD.NET ran together: "Gesamt2410" may be 24, 1, 0 or 2, 41, 0. Nothing is guessed from it.
    assert len(tables) == 242
