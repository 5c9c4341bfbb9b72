"""Promises of links between publishers, and of the rehearsal of harvests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdflib import Dataset, URIRef

from publisher.errors import Malformed
from publisher.fetch.ask import asked
from publisher.fetch.page import Page
from publisher.pipeline import link, rehearsal
from publisher.pipeline.link import Link, Thing
from tests.test_mirror import port, served  # noqa: F401
from tests.town import objects, paper, published

A, B = "https://a.example", "https://b.example"
RIS = "https://ris.example/oparl"
SCHEMA = "https://schema.oparl.org/1.1/"


def thing(base, cls, key, name, original="", place="05334002"):
    return Thing(f"{base}/{cls.lower()}/{key}", cls, name, frozenset([original] if original else []), place)


OURS = [
    thing(A, "Body", 1, "Musterstadt"), thing(A, "Organization", 1, "Ausschuss für Soziales"), thing(A, "Organization", 2, "Rat"),
    thing(A, "Person", 1, "Jörg Weiß"), thing(A, "Paper", 1, "Haushalt", f"{RIS}/paper/1"),
]  # fmt: skip


def links(theirs):
    return [(one.subject.removeprefix(A), one.predicate, one.object.removeprefix(B)) for one in link.propose_links(OURS, theirs)]


def test_the_same_original_is_the_same_thing_whatever_it_is_called():
    assert links([thing(B, "Paper", 9, "Anders", f"{RIS}/paper/1")]) == [("/paper/1", "owl:sameAs", "/paper/9")]


def test_a_mirror_that_points_at_our_iri_is_the_same_thing():
    assert links([thing(B, "Paper", 9, "", f"{A}/paper/1")]) == [("/paper/1", "owl:sameAs", "/paper/9")]


def test_bodies_meet_by_key_and_committees_by_name_within_one_place():
    theirs = [
        thing(B, "Body", 5, "Stadt Musterstadt"),
        thing(B, "Organization", 6, "AUSSCHUSS FUER SOZIALES"),
        thing(B, "Organization", 7, "Rat", place="05111000"),
    ]
    assert links(theirs) == [("/body/1", "skos:exactMatch", "/body/5"), ("/organization/1", "skos:exactMatch", "/organization/6")]


def test_a_person_of_the_same_name_is_only_a_candidate():
    assert links([thing(B, "Person", 3, "Weiss, Joerg")]) == [("/person/1", "skos:closeMatch", "/person/3")]


def test_two_papers_of_one_title_are_not_linked():
    assert links([thing(B, "Paper", 9, "Haushalt")]) == []


def test_lists_of_wikidata_are_read_and_wrong_ones_named():
    [body] = link.listed("iri,name,ags\r\nhttp://www.wikidata.org/entity/Q1,Musterstadt,05334002\r\n", "wd.csv")
    assert [(one.predicate, one.object) for one in link.propose_links(OURS, [body])] == [
        ("skos:exactMatch", "http://www.wikidata.org/entity/Q1")
    ]
    with pytest.raises(Malformed, match="columns iri, name"):
        link.listed("id;label\n", "wd.csv")
    with pytest.raises(Malformed, match="line 2"):
        link.listed("iri,name\nQ1,Musterstadt\n", "wd.csv")


def test_a_dump_gives_its_things_with_the_place_of_their_body_and_embedded_ones_too():
    lines = [
        b'{"type":"%sOrganization","id":"https://b.example/o/1","body":"https://b.example/body","name":"Rat"}' % SCHEMA.encode(),
        b'{"type":"%sBody","id":"https://b.example/body","ags":"05334002","name":"M","legislativeTerm":[{"type":"%sLegislativeTerm","id":"https://b.example/t"}]}'
        % (SCHEMA.encode(), SCHEMA.encode()),
    ]
    found = link.dumped("d.jsonl", lines)
    assert {(one.type, one.place) for one in found} == {("Body", "05334002"), ("LegislativeTerm", "05334002"), ("Organization", "05334002")}
    with pytest.raises(Malformed, match="line 1"):
        link.dumped("d.jsonl", [b"{"])


def test_what_people_decided_survives_the_next_run_and_comes_back_from_the_file():
    first = link.propose_links(OURS, [thing(B, "Person", 3, "Jörg Weiß"), thing(B, "Body", 5, "M")])
    decided = [one._replace(state="rejected" if "/person/" in one.subject else "confirmed", reviewer="A. B.") for one in first]
    again = link.merged(
        link.read(link.written(decided), "l.csv"),
        link.propose_links(OURS, [thing(B, "Person", 3, "Jörg Weiß"), thing(B, "Person", 4, "Jörg Weiß")]),
    )
    assert [(one.object.removeprefix(B), one.state) for one in again] == [
        ("/body/5", "confirmed"),
        ("/person/3", "rejected"),
        ("/person/4", "proposed"),
    ]


def test_only_confirmed_links_become_triples_in_a_graph_that_says_what_it_is():
    some = [
        Link(f"{A}/1", "owl:sameAs", f"{B}/1", "", "confirmed", reviewer='A "B"'),
        Link(f"{A}/2", "owl:sameAs", f"{B}/2", ""),
        Link(f"{A}/3", "owl:sameAs", f"{B}/3", "", "rejected"),
    ]
    graphs = Dataset()
    graphs.parse(data=link.quads(A, "b", some, "2026-11-01T10:00:00+00:00"), format="nquads")
    same = URIRef("http://www.w3.org/2002/07/owl#sameAs")
    assert [(str(s), str(g)) for s, _, _, g in graphs.quads((None, same, None, None))] == [(f"{A}/1", f"{A}/linkset/b")]
    assert link.quads(A, "b", some) == link.quads(A, "b", reversed(some))


@pytest.mark.parametrize(
    "line",
    [
        "x,owl:sameAs,https://b.example,,confirmed",
        f"{A},rdfs:seeAlso,{B},,confirmed",
        f"{A},owl:sameAs,{B},,maybe",
        f"{A}/> <x,owl:sameAs,{B},,confirmed",
    ],
)
def test_a_wrong_line_of_a_linkset_is_named(line):
    with pytest.raises(Malformed, match="line 2"):
        link.read(f"subject,predicate,object,basis,state\n{line}\n", "l.csv")


@given(st.lists(st.text(max_size=12), max_size=6))
def test_proposals_do_not_depend_on_the_order_of_either_side(names):
    ours = [thing(A, "Person", at, name) for at, name in enumerate(names)]
    theirs = [thing(B, "Person", at, name) for at, name in enumerate(names)]
    assert link.propose_links(ours, theirs) == link.propose_links(reversed(ours), reversed(theirs))


# --- rehearsal of harvests, over real HTTP


def marks(findings):
    return {one.iri: one.mark for one in findings if one.mark}


def test_a_rehearsal_tells_what_each_harvester_would_create_then_change_and_delete(tmp_path, port):  # noqa: F811
    base, home = f"http://127.0.0.1:{port}", tmp_path / "home"
    published(home, objects(), base=base)
    with served(home, port):
        first = {name: list(walk(asked, f"{base}/{'stream' if name == 'stream' else 'catalog'}")) for name, walk in rehearsal.WALKS.items()}
    assert [(one.harvester, one.action) for one in first["ckan"] + first["udata"]] == [("ckan", "create"), ("udata", "create")]
    assert {one.action for one in first["stream"]} == {"create"} and len(first["stream"]) == len(objects())

    kept = [one for one in objects() if not str(one["id"]).endswith(("/paper/3", "/paper/4"))]
    published(home, [*kept, paper(4, name="Neuer Titel")], "2026-11-02T10:00:00+00:00", base)
    with served(home, port):
        second = {
            name: list(walk(asked, f"{base}/{'stream' if name == 'stream' else 'catalog'}", marks(first[name])))
            for name, walk in rehearsal.WALKS.items()
        }
        gone = list(rehearsal.ckan(asked, f"{base}/catalog", {f"{base}/catalog/dataset/old": "x"}))
    assert [one.action for one in second["ckan"]] == ["change"]
    assert sorted(one.action for one in second["stream"] if one.action != "keep") == ["change", "delete"]
    assert [one.action for one in gone] == ["create", "delete"]


def page(body, media="text/turtle", status=200, url="https://x.example/catalog", **headers):
    return Page(url, status, media, body.encode(), headers)


PREFIXES = """@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix hydra: <http://www.w3.org/ns/hydra/core#> .
"""


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (page("", status=503), "nothing is deleted"),
        (page("", **{"content-length": "60000000"}), "50 MB"),
        (page("{}", "application/json"), "no parser"),
        (page('{"@context": "https://x.example/c.jsonld"}', "application/ld+json"), "inline"),
        (page("<a> <b"), "not turtle"),
    ],
)
def test_what_would_end_a_ckan_harvest_is_told(answer, words):
    [finding] = rehearsal.ckan(lambda *_, **__: answer, "https://x.example/catalog", {"https://x.example/d": "1"})
    assert finding.action == "end" and words in finding.words


def test_a_catalogue_that_comes_round_again_ends_and_blank_or_untitled_datasets_are_refused():
    body = PREFIXES + "[] a dcat:Dataset . <https://x.example/d> a dcat:Dataset . "
    body += "<#p> a hydra:PagedCollection ; hydra:nextPage <https://x.example/catalog?page=2> ."
    findings = list(rehearsal.ckan(lambda *_, **__: page(body), "https://x.example/catalog"))
    assert [one.action for one in findings] == ["refuse", "refuse", "end"] and "same bytes" in findings[-1].words


def test_a_dataset_without_identifier_is_refused_by_udata_and_licences_are_counted():
    body = PREFIXES + '<https://x.example/d> a dcat:Dataset ; dct:title "D" ; dcat:distribution <https://x.example/f> .'
    [finding] = rehearsal.udata(lambda *_, **__: page(body), "https://x.example/catalog.ttl")
    assert finding.action == "refuse" and "identifier" in finding.words
    [finding] = rehearsal.ckan(lambda *_, **__: page(body), "https://x.example/catalog.ttl")
    assert "1 of them not described" in finding.words and "1 without a licence" in finding.words
