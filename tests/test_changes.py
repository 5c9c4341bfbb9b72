"""The readable difference between two versions: nothing is lost in it, it is bounded, and it marks only what changed."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.views.pages.changes import marked, pieces

TEXTS = st.lists(
    st.sampled_from(["Der", "Rat", "beschließt", ",", "50.000 €", "\n", "\n\n", " ", "ä", "<b>", "🙂", "zu"]), max_size=40
).map(" ".join)


@given(before=TEXTS | st.text(max_size=60), after=TEXTS | st.text(max_size=60))
def test_both_texts_can_be_read_from_the_pieces(before, after):
    found = pieces(before, after)

    assert "".join(text for kind, text in found if kind != "new") == before
    assert "".join(text for kind, text in found if kind != "gone") == after


def test_only_the_words_that_changed_are_marked():
    found = pieces("Der Rat stellt 50.000 Euro bereit.", "Der Rat stellt 60.000 Euro nicht bereit.")

    assert [(kind, text.strip()) for kind, text in found if kind != "same"] == [("gone", "50"), ("new", "60"), ("new", "nicht")]


def test_texts_with_nothing_in_common_stand_one_after_the_other():
    assert pieces("Ja", "Die Verwaltung wird beauftragt") == [("gone", "Ja"), ("new", "Die Verwaltung wird beauftragt")]


@pytest.mark.parametrize("word", ["Satz {} der langen Vorlage.\n", "gleich "])
def test_long_texts_are_compared_in_bounded_time(word):
    before = "".join(word.format(at) for at in range(6_000))
    after = "".join(word.format(at + at % 7) for at in range(6_100))
    begin = time.process_time()

    found = pieces(before, after)

    assert time.process_time() - begin < 5
    assert "".join(text for kind, text in found if kind != "new") == before
    assert len(marked(pieces(before, before + " Nachtrag."), "de")) < 500


def test_marks_say_in_words_what_they_are_and_hold_no_markup_of_the_source():
    told = str(marked(pieces("Der Rat <b>tagt</b> heute", "Der Rat <b>tagt</b> morgen"), "de"))

    assert '<del dir="auto"><span class="quiet">entfallen: </span> heute</del>' in told
    assert '<ins dir="auto"><span class="quiet">neu: </span> morgen</ins>' in told
    assert "<b>" not in told and "&lt;" in told
