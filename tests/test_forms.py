"""What looks right at a glance is what mending would leave as it is; an IRI minted by its neighbours is the one minted alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.config import Source
from publisher.iris import Iris, Space
from publisher.ontology import ontology
from publisher.record import SCHEMA, Record
from publisher.sources.forms import sound
from publisher.sources.normal import normalised

HEAD = "https://ris.example.org/oparl/"
SOURCE = Source("town", "oparl", HEAD, "05358016", withheld=())
USES = ontology().uses[SCHEMA + "Paper"]
TEXTS = ("https://ris.example.org/a b", HEAD + "paper/1", "urn:ris:1", " ", "2031-02-30", "2031-05-02T08:00:00+01:00", "14.3.2031")
MOMENTS = st.datetimes().map(lambda moment: moment.isoformat())
VALUES = st.one_of(st.text(max_size=12), st.integers(), st.booleans(), st.none(), st.dates().map(str), MOMENTS, st.sampled_from(TEXTS))


@pytest.mark.parametrize("key", ["name", "date", "modified", "body", "relatedPaper", "keyword", "license", "web", "deleted"])
@given(value=st.one_of(VALUES, st.lists(VALUES, max_size=3)))
def test_what_is_sound_is_kept_without_a_note(key, value):
    if not sound(USES[key])(value):
        return

    [record] = normalised(Record("Paper", HEAD + "paper/7", HEAD, {"id": HEAD + "paper/7", "type": SCHEMA + "Paper", key: value}), SOURCE)

    assert (record.object[key], record.notes) == (value, ())


@given(
    ids=st.lists(st.text("abpr09./~-?=", max_size=9).map(lambda tail: f"{HEAD}paper/{tail}"), max_size=6),
    template=st.sampled_from(("{class}/{key}", "body/1/{class}/{key}", "{class}-{key}", "{classes}?id={key}")),
    hint=st.sampled_from(("", "Paper", "File")),
)
def test_an_iri_does_not_depend_on_what_was_minted_before(ids, template, hint):
    spaces = [Space("05358016", (HEAD, HEAD + "paper/b"), template, HEAD + "paper/0")]
    together = Iris("https://base.example.org", spaces)

    assert [together.mint(url, hint) for url in ids] == [Iris("https://base.example.org", spaces)._minted(url, hint) for url in ids]
