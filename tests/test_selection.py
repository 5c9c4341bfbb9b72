"""Which of several proposals a result took: said only where the source's words leave no doubt."""

import pytest

from publisher.concepts import schemes
from publisher.concepts.selection import mark_of, selected

SPELLINGS = {
    scheme: {word.casefold(): slug for slug, one in schemes()[scheme].items() for word in one.spellings}
    for scheme in ("result", "majority")
}


def taken(text):
    return selected(text, SPELLINGS["result"], SPELLINGS["majority"])


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("Variante b) beschlossen", "b"),
        ("Variante B einstimmig beschlossen", "b"),
        ("Beschlussvorschlag a) mehrheitlich beschlossen", "a"),
        ("mehrheitlich beschlossen gemäß Vorschlag b)", "b"),
        ("einstimmig beschlossen (Variante 2)", "2"),
        ("Der Beschlussvorschlag zu b) wird einstimmig beschlossen", "b"),
        ("Alternative 1: einstimmig beschlossen, 12 Ja-Stimmen, 0 Nein-Stimmen", "1"),
        ("b) beschlossen", "b"),
        ("a) abgelehnt; b) beschlossen", "b"),
        ("zu a) mehrheitlich abgelehnt, zu b) einstimmig beschlossen", "b"),
        ("Variante a) mehrheitlich beschlossen, Variante b) abgelehnt", "a"),
    ],
)
def test_the_proposal_that_a_result_names_is_the_one_taken(text, mark):
    assert taken(text) == mark


@pytest.mark.parametrize(
    "text",
    [
        "",
        "einstimmig beschlossen",
        "Variante b) abgelehnt",
        "Variante b) nicht beschlossen",
        "Variante b) geändert beschlossen",
        "abweichend von Variante b) beschlossen",
        "statt Variante a) wird Variante b) beschlossen",
        "entgegen Vorschlag a) beschlossen",
        "Variante a) und b) beschlossen",
        "a) beschlossen, b) beschlossen",
        "a) abgelehnt, b) abgelehnt",
        "a) einstimmig, b) abgelehnt",
        "a) 7 Ja-Stimmen, 6 Nein-Stimmen b) 3 Ja-Stimmen",
        "Variante b) vertagt",
        "Variante b) zur Kenntnis genommen",
        "Variante b) mit der Maßgabe beschlossen, dass sie ein Jahr gilt",
        "Variante b) ergänzt um einen Satz beschlossen",
        "beschlossen, Variante b) soll später geprüft werden",
        "§ 12 Buchstabe b) ist anzuwenden",
        "Punkt 3 der Tagesordnung vertagt",
        "a) beschlossen, a) abgelehnt",
    ],
)
def test_no_proposal_is_called_taken_where_the_words_leave_doubt(text):
    assert taken(text) == ""


@pytest.mark.parametrize(("number", "mark"), [("a)", "a"), ("(B)", "b"), ("2.", "2"), ("", ""), ("–", "")])
def test_marks_are_compared_without_their_brackets(number, mark):
    assert mark_of(number) == mark
