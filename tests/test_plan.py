"""Plans ask the same as the queries they stand for, and only where that is certain and pays."""

from collections import Counter

import pyoxigraph as ox
import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.errors import QueryRefused
from publisher.store import opened, worker
from publisher.store.gate import checked
from publisher.store.limits import Limits
from publisher.store.plan import planned
from publisher.store.workers import Job, Worker

PREFIX = "PREFIX : <urn:>\n# a star, or <not\n"
PROPERTIES = ("a", ":n", ":d", "<urn:o>")
TESTS = ("?s != :s1", "?v1 > 2 && ?v1 != 4", '!(STR(?v1) = ")")', "BOUND(?v2) || ?s = :s2", "?v1 IN (1, 2, 3)")

MORE = (
    "OPTIONAL { ?s :d ?w FILTER(?w > 2) }",
    "BIND(STR(?s) AS ?b)",
    "MINUS { ?s :o 3 }",
    "FILTER NOT EXISTS { ?x :o ?s }.",
    'FILTER REGEX(STR(?s), "[(2]")',
)


def rows(store, text):
    return Counter(tuple(str(value) for value in row) for row in store.query(text, use_default_graph_as_union=True))


@st.composite
def stars(draw):
    """Draw a query of the kind that is planned, in one of the ways in which it may be written."""
    several = draw(st.lists(st.sampled_from(PROPERTIES), min_size=2, max_size=4))
    objects = [draw(st.sampled_from((f"?v{at}", f"$v{at}", ":s1" if by == "a" else f"?v{at}"))) for at, by in enumerate(several, 1)]
    more = " ".join(draw(st.lists(st.sampled_from([*(f"FILTER({test})" for test in TESTS), *MORE]), max_size=3, unique=True)))
    pairs = [f"{by} {told}" for by, told in zip(several, objects, strict=True)]
    triples = draw(st.sampled_from((f"?s {' ; '.join(pairs)}", " . ".join(f"?s {pair}" for pair in pairs))))
    inside = f"{triples} {draw(st.sampled_from(('', '.')))} {more}"
    shown = " ".join(told.replace("$", "?") for told in objects if told[0] in "?$")
    head, tail = draw(
        st.sampled_from(
            (
                ("(COUNT(*) AS ?n)", ""),
                ("?s (COUNT(*) AS ?n)", "GROUP BY ?s"),
                (f"?s {shown}", "ORDER BY ?s"),
                ("DISTINCT ?s", "GROUP BY ?s HAVING (COUNT(*) > 1)"),
                ("(SUM(?v1) AS ?n)", ""),
            )
        )
    )
    return f"{PREFIX}SELECT {head} WHERE {{ {inside} }} {tail}"


terms = st.sampled_from([ox.NamedNode("urn:s1"), ox.NamedNode("urn:s2"), ox.NamedNode("urn:s3")])
quads = st.builds(
    ox.Quad,
    terms,
    st.sampled_from([*(ox.NamedNode(f"urn:{name}") for name in "ndo"), ox.NamedNode("http://www.w3.org/1999/02/22-rdf-syntax-ns#type")]),
    st.one_of(terms, st.integers(1, 5).map(ox.Literal)),
    st.sampled_from([ox.NamedNode("urn:g1"), ox.NamedNode("urn:g2")]),
)


@given(stars(), st.lists(quads, max_size=40))
def test_a_plan_finds_what_its_query_finds_as_often_as_it_does(text, found):
    store = ox.Store()
    store.extend(found)
    plan = planned(text)

    assert plan is not None
    assert rows(store, plan.text) == rows(store, text)


@pytest.mark.parametrize(
    "inside",
    [
        "?s ?p ?o ; :n ?n",
        "?s :n ?n",
        "?s :n ?n . ?t :d ?d",
        "?s :n ?n ; :d ?n",
        "?s :n ?n, ?d ; :o ?o",
        "?s :n/:d ?n ; :o ?o",
        "?s :n 3 ; :d ?d",
        "?s :n ?s ; :d ?d",
        "_:s :n ?n ; :d ?d",
        "?s :n ?n ; :d [ :o ?o ]",
        "?s :n ?n ; :d ?d . OPTIONAL { ?s :o ?o } ?s :o 3",
        "?s :n ?n ; :d ?d . FILTER(?n > 3) ?s :o 3",
        "?s :n ?n ; :d ?d . { ?s :o ?o }",
        "OPTIONAL { ?s :o ?o } ?s :n ?n ; :d ?d",
        "?s :n ?n ; :d ?d . VALUES ?n { 3 }",
        "{ ?s :n ?n } UNION { ?s :d ?d }",
        "?s :n ?n ; :d ?d FILTER(?n<(?d)&&(?d)>3)",
        "?s :n ?n ; :d ?d FILTER(?n",
        "?s :n ?n ; :d ?d ;",
        "?s :n ?n ; :d",
        "?s :n ?n ?s :d ?d",
        "?s :n ?n . . ?s :d ?d",
        "",
    ],
)
def test_what_is_not_certainly_a_star_of_triples_and_filters_has_no_plan(inside):
    assert planned(f"{PREFIX}SELECT (COUNT(*) AS ?k) {{ {inside} }}") is None


@pytest.mark.parametrize(
    "text",
    [
        "SELECT ?n ?d { ?s :n ?n ; :d ?d } LIMIT 10",
        "SELECT ?n ?d FROM <urn:g> { ?s :n ?n ; :d ?d } ORDER BY ?n",
        "SELECT (COUNT(*) AS ?k) { ?s :n ?n ; :d ?d } VALUES ?n { 3 }",
        "ASK { ?s :n ?n ; :d ?d }",
        "CONSTRUCT { ?s :x ?n } WHERE { ?s :n ?n ; :d ?d } ORDER BY ?n",
    ],
)
def test_a_query_that_may_stop_early_or_says_more_has_no_plan(text):
    assert planned(PREFIX + text) is None


COUNTED = "SELECT (COUNT(*) AS ?k) { ?s <urn:n> ?n ; <urn:d> ?d }"


@pytest.mark.parametrize(("seldom", "pays"), [(600, True), (60, False)])
def test_a_plan_is_taken_where_its_patterns_match_about_as_many_triples(seldom, pays):
    store = ox.Store()
    store.extend(ox.Quad(ox.NamedNode(f"urn:{at}"), ox.NamedNode("urn:n"), ox.Literal(at), ox.NamedNode("urn:g")) for at in range(600))
    store.extend(ox.Quad(ox.NamedNode(f"urn:{at}"), ox.NamedNode("urn:d"), ox.Literal(at), ox.NamedNode("urn:g")) for at in range(seldom))
    worker.SIZES.clear()
    plan = planned(COUNTED)

    assert plan is not None
    assert worker.worth(store, {"base": None}, {"counts": plan.counts, "most": 500_000}) is pays
    assert not worker.worth(store, {"base": None}, {"counts": plan.counts, "most": 500}), "more than are joined by hash"


def test_the_plan_is_what_is_asked_where_it_pays_and_a_malformed_one_is_not():
    store = ox.Store()
    store.add(ox.Quad(ox.NamedNode("urn:s"), ox.NamedNode("urn:n"), ox.Literal("1"), ox.NamedNode("urn:g")))
    worker.SIZES.clear()
    sizes = ["SELECT (COUNT(*) AS ?n) { ?s <urn:n> ?o }"] * 2
    job = {"base": None, "query": "SELECT (1 AS ?x) {}", "default": [], "named": [], "dataset": False}

    def told(text):
        [row] = worker.asked(store, job | {"plan": {"text": text, "counts": sizes, "most": 5}})
        return row["x"].value

    assert told("SELECT (2 AS ?x) {}") == "2"
    assert told("SELECT (2 AS") == "1"


def test_a_query_process_quotes_a_query_as_it_was_asked_and_plans_none_with_a_dataset(tmp_path):
    store = opened(f"oxigraph:{tmp_path}/working", writable=True)
    store.load([b'<urn:%d> <urn:n> "1" <urn:g> .\n<urn:%d> <urn:d> "2" <urn:g> .\n' % (at, at) for at in range(50)])
    store.release(tmp_path / "store")
    asked = Worker(tmp_path / "store", Limits())
    wrong = "SELECT (COUNT(*) AS ?k) { ?s <urn:n> ?n ; <urn:d> ?d FILTER(?n + ) }"

    try:
        assert asked.ask(Job(checked(COUNTED), "text/csv")).body.read().split() == [b"k", b"50"]
        assert asked.ask(Job(checked(COUNTED), "text/csv", None, ["urn:none"])).body.read().split() == [b"k", b"0"]
        with pytest.raises(QueryRefused, match=r"1:6\d"):  # where it stands in what was asked
            asked.ask(Job(checked(wrong), "text/csv"))
    finally:
        asked.close()
