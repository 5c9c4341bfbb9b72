"""Promises of the text search."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.errors import Unreachable
from publisher.search import Dictionary, Index, asking, build, continued, folded, marker, parts_of, snippet, things
from publisher.search.words import IN_TEXTS, analyzer

BODY = "https://ris.example/id/05334"
P = "https://ris.example/eli/dl/05334/vorlage/"
TOP = "https://ris.example/eli/dl/05334/top/"
SPD = BODY + "/organization/spd"


def paper(key, name, reference="", text="", **more):
    if text:
        more["mainFile"] = {"id": P + key + "f", "name": "Vorlage", "text": text}
    return P + key, "Paper", BODY, {"id": P + key, "name": name, "reference": reference} | more


DOCUMENTS = [
    paper("1", "Abfallgebührensatzung 2022", "2021/0268", "Die Gebühren der Müllabfuhr steigen um 3 %.", date="2021-06-02"),
    paper("2", "Neubau einer Kindertagesstätte in der Rosenstraße", "2021/0268-E1", "Das Grundstück ist <b>städtisch</b>."),
    paper("3", "Haushalt 2022", "2022/0001", "Siehe Vorlage 2021/0268 zur Abfallgebühr.", originatorOrganization=[SPD]),
    paper("4", "Gebühr für Hundesteuer", "2019/0007"),
    paper("5", "Bericht der Verwaltung", "2019/0008", "Die Feuerwehr rückte aus.", **{
        "oparlx:section": [{"id": P + "5/abschnitt/s", "name": "Sachlage", "text": "Der Radschnellweg wird gebaut."}],
        "oparlx:proposal": [{"id": P + "5/vorschlag/a", "name": "a)", "text": "Der Rat begrüßt den Fahrradstreifen."}],
    }),
    paper("6", "Abfall: Neue Satzung", "2018/0001"),
    ("https://ris.example/eli/dl/05334/sitzung/9", "Meeting", BODY, {
        "name": "Sitzung des Sozialausschusses", "start": "2021-06-16T17:00:00+02:00", "organization": [BODY + "/organization/soz"],
        "location": {"id": BODY + "/location/7", "description": "Haus der StädteRegion, Zollernstraße 10"},
        "agendaItem": [{"id": TOP + "91", "number": "1", "name": "Sozialraumkoordination", "result": "einstimmig"}],
    }),
    (BODY + "/person/1", "Person", BODY, {"name": "Jörg Weiß", "familyName": "Weiß"}),
    (BODY + "/organization/soz", "Organization", BODY, {"name": "Ausschuss für Soziales", "shortName": "SOZ"}),
]  # fmt: skip


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    path = tmp_path_factory.mktemp("search") / "index"
    assert build(path, DOCUMENTS) == 11
    return Index(path)


def keys(hits):
    return [hit.iri.rsplit("/", 1)[-1] for hit in hits.hits]


@pytest.mark.parametrize("typed", ["rosenstrasse", "ROSENSTRASSE", "Rosenstraße", '"Rosenstraße"', "Rosen"])
def test_spelling_of_sharp_s_and_case_does_not_matter(index, typed):
    assert keys(index.search(typed)) == ["2"]


@pytest.mark.parametrize("typed", ["Gebühr", "Gebuehr", "gebuhr", "Gebühren", "Ge\u00adbühr"])
def test_umlauts_inflections_and_soft_hyphens_are_folded(index, typed):
    assert keys(index.search(typed))[0] == "4"
    assert {"1", "3", "4"} >= set(keys(index.search(typed))) >= {"1", "4"}


def test_a_word_inside_a_compound_of_a_title_is_found_if_its_parts_occur(index):
    assert sorted(keys(index.search("Satzung"))) == ["1", "6"]
    assert keys(index.search("Hundesteuergebühr"))[:1] == ["4"]
    assert "2" in keys(index.search("Kinder"))
    words = Dictionary(["abfall", "gebuhr", "abfallgebuhr", "satzung", "gebuhrensatzung", "gebuhren"], analyzer())
    assert words.parts("gebuhrensatzung") == ["gebuhr", "satzung"] and words.parts("abfall") == words.parts("rosenstrasse") == []
    assert [*words.pieces("abfallgebuhren fur satzungen", IN_TEXTS)] == ["abfallgebuhr", "fur", "satzung", "abfall"]
    assert parts_of("abfallgebuhrensatzung", {"abfall", "gebuhr", "satzung"}.__contains__) == ["abfall", "gebuhr", "satzung"]
    assert parts_of("feuerwehr", {"satzung"}.__contains__) == []


def test_the_beginning_of_a_word_finds_it_in_titles_and_texts_whether_or_not_it_is_a_word_itself(index):
    assert keys(index.search("Radschn")) == keys(index.search("Fahrr")) == keys(index.search("Feuerw")) == ["5"]
    assert keys(index.search("Soz"))[0] == "soz" and "91" in keys(index.search("sozia"))
    assert {"1", "3"} <= set(keys(index.search("Abfall")))


def test_a_title_that_makes_an_older_word_a_compound_is_enough_to_find_it(tmp_path):
    build(tmp_path / "old", [paper(str(at), f"Bebauungsplanverfahren {at}") for at in range(30)])
    later = [paper("90", "Verfahren"), paper("91", "Bebauung"), paper("92", "Bebauungsplan und Verfahrensplan"), paper("93", "Plan")]
    changed = [iri for iri, *_ in later[:2]]

    assert not Index(tmp_path / "old").search("Verfahren").total
    assert continued(tmp_path / "new", tmp_path / "old", changed, later)
    build(tmp_path / "anew", [*(paper(str(at), f"Bebauungsplanverfahren {at}") for at in range(30)), *later])

    for typed in ("Verfahren", "Plan", "Bebauung", "Bebauungsplan", "Verfahrens"):
        kept, anew = (Index(tmp_path / name).search(typed, limit=100) for name in ("new", "anew"))
        assert (kept.total, set(keys(kept))) == (anew.total, set(keys(anew))), typed
    assert Index(tmp_path / "new").search("Verfahren").total == 32


def many(count):
    """Papers of which each word stands in some titles and in more texts, so that most of what is found need not be weighed."""
    words = ("Gebühr", "Gebührensatzung", "Abfallgebühren", "Haushalt", "Schule", "Schulhaushalt", "Straße", "Abfall", "Satzung")
    return [
        paper(
            f"m{at}",
            f"{words[at % 9]} {words[at * 5 % 7]} {at}" if at % 3 else f"Bericht {at}",
            text=" ".join(words[at % 8 : at % 8 + 3] * 2),
        )
        for at in range(count)
    ]


@pytest.mark.parametrize(
    "typed", ["Gebühr", "Haushalt", "Gebühr Satzung", "Schule Haushalt Abfall", '"Gebühr Gebührensatzung"', "Bericht Straße"]
)
def test_what_is_weighed_first_is_what_weighing_all_would_give(tmp_path_factory, monkeypatch, typed):
    path = tmp_path_factory.getbasetemp() / "many"
    if not path.exists():
        build(path, many(3000))
    index = Index(path)
    steps = [index.search(typed, limit=20, offset=at) for at in (0, 20, 40, 700)]
    monkeypatch.setattr(asking, "FEW", 1_000_000)
    at_once = [index.search(typed, limit=20, offset=at) for at in (0, 20, 40, 700)]

    assert steps == at_once and steps[0].total > 300
    assert index.search(typed, limit=0) == (steps[0].total, [])


def test_an_exact_reference_comes_first_then_references_that_begin_with_it_then_texts_that_name_it(index):
    assert keys(index.search("2021/0268")) == ["1", "2", "3"]
    assert keys(index.search("2021/0268-E1"))[0] == "2"
    assert keys(index.search("Haushalt 2022/0001"))[0] == "3"


def test_a_title_counts_more_than_a_text(index):
    assert keys(index.search("Abfallgebühr")) == ["1", "3"]


def test_what_is_called_exactly_so_comes_before_what_only_holds_the_word(index):
    assert keys(index.search("Ausschuss für Soziales"))[0] == keys(index.search("ausschuss fuer soziales"))[0] == "soz"
    assert keys(index.search("Haushalt 2022"))[0] == "3"


def test_all_words_must_occur(index):
    assert keys(index.search("Gebühr Hundesteuer")) == ["4"]
    assert index.search("Hundesteuer Feuerwehr").total == 0


def test_sections_proposals_and_file_texts_are_searched(index):
    assert keys(index.search("Radschnellweg")) == keys(index.search("Fahrradstreifen")) == keys(index.search("Feuerwehr")) == ["5"]


def test_agenda_items_and_places_are_found_and_take_year_and_committee_from_their_meeting(index):
    committee = BODY + "/organization/soz"
    assert keys(index.search("Sozialraumkoordination", year="2021", organization=committee, result="einstimmig")) == ["91"]
    assert [hit.type for hit in index.search("Zollernstrasse", type="Location").hits] == ["Location"]


def test_filters_leave_only_what_fits(index):
    assert keys(index.search("", type="Person")) == ["1"]
    assert keys(index.search("Haushalt", organization=BODY + "/organization/spd")) == ["3"]
    assert index.search("Haushalt", body="https://elsewhere.example/").total == 0
    assert index.search("", type="Paper").total == 6


def test_pages_of_hits_do_not_overlap_and_miss_none(index):
    whole = keys(index.search("", type="Paper", limit=10))
    paged = [key for at in range(0, 6, 2) for key in keys(index.search("", type="Paper", limit=2, offset=at))]
    assert sorted(paged) == sorted(whole) and len(paged) == 6


def test_a_snippet_is_escaped_and_marks_the_word_as_written(index):
    [hit] = index.search("staedtisch").hits
    assert "&lt;b&gt;<mark>städtisch</mark>&lt;/b&gt;" in hit.snippet


@pytest.mark.parametrize(
    ("typed", "text", "shown"),
    [
        ("Abfall", "ABFALLGEBÜHR und Bioabfälle, abfaelle", "<mark>ABFALLGEBÜHR</mark> und <mark>Bioabfälle</mark>, <mark>abfaelle</mark>"),
        ("Übung", "UEBUNG, „Übung“ – Vergebung", "<mark>UEBUNG</mark>, „<mark>Übung</mark>“ – Vergebung"),
        ("Straße", "STRASSE, Straßenbau & Str.", "<mark>STRASSE</mark>, <mark>Straßenbau</mark> &amp; Str."),
        ("Rat", "Der Rat, „Rat“; Beirat", "Der <mark>Rat</mark>, „<mark>Rat</mark>“; Beirat"),
        ("Öl", "Öl, Oel, Erdöl", "<mark>Öl</mark>, <mark>Oel</mark>, Erdöl"),
        ("Cafe", "Das Café", "Das <mark>Café</mark>"),
    ],
)  # fmt: skip
def test_a_snippet_marks_whole_words_in_any_spelling(typed, text, shown):
    assert snippet(text.encode(), marker(analyzer().analyze(folded(typed)))) == shown


def test_a_snippet_of_a_long_text_is_cut_between_words_around_what_was_found():
    text = "ä ö ü ß € " * 900 + "Die Müllabfuhr kommt. " + "Später " * 900
    cut = snippet(text.encode(), marker(["mullabfuhr"]))
    assert cut.startswith("… ") and cut.endswith(" Später …") and "<mark>Müllabfuhr</mark>" in cut and 150 < len(cut) < 300
    assert "\ufffd" not in snippet(("ä" * 5000).encode(), marker(["x"]))


def test_suggestions_complete_words_and_references_of_the_wanted_types(index):
    assert [hit.title for hit in index.suggest("Joe Wei", types=["Person"])] == ["Jörg Weiß"]
    assert [hit.title for hit in index.suggest("soz", types=["Organization"])] == ["Ausschuss für Soziales"]
    assert index.suggest("") == index.suggest("%%%") == []


NONSENSE = [
    '"',
    '""',
    "AND",
    "NOT (",
    "a:b",
    "*",
    "type:[",
    "\\",
    "\0",
    "+-&&||!(){}^~?:",
    "'; DROP",
    "/" * 300,
    "é" * 5000,
    "२०२१",
    "🦆",
    "_",
    "…",
]


@pytest.mark.parametrize("typed", NONSENSE)
def test_nonsense_finds_nothing_or_something_but_never_raises(index, typed):
    assert index.search(typed).total >= 0
    assert isinstance(index.suggest(typed), list)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60))
def test_no_text_whatever_makes_a_search_fail(index, typed):
    hits = index.search(typed, limit=3)
    assert len(hits.hits) <= 3 and hits.total >= len(hits.hits)


@given(st.text(max_size=80))
def test_folding_twice_changes_nothing_that_matters_and_snippets_are_safe(text):
    assert folded(text).casefold() == folded(text) or not text.isascii()
    shown = snippet(text.encode(), marker(["x"])).replace("<mark>", "").replace("</mark>", "")
    assert "<" not in shown and ">" not in shown


@given(st.sampled_from(["Häuser", "Gebühren", "Größe", "Straße", "Öl", "Übung"]))
def test_written_out_umlauts_equal_umlauts(word):
    written = word.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss").replace("Ö", "Oe").replace("Ü", "Ue")
    assert folded(word) == folded(written)


def test_the_same_documents_give_the_same_answers(tmp_path, index):
    build(tmp_path / "again", DOCUMENTS)
    assert Index(tmp_path / "again").search("Gebühr Satzung 2022") == index.search("Gebühr Satzung 2022")


def test_a_missing_index_is_named(tmp_path):
    with pytest.raises(Unreachable, match="search index"):
        Index(tmp_path / "none")
    tmp_path.joinpath("junk").mkdir()
    with pytest.raises(Unreachable):
        Index(Path(tmp_path / "junk"))


def test_a_thing_without_a_name_is_shown_by_its_key():
    assert [fields.title for fields in things(P + "77", "Paper", BODY, {})] == ["77"]
