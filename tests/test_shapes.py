"""Each rule finds its own fault and nothing else, in our engine as in the oracle."""

import re
from pathlib import Path

import pyoxigraph as ox
import pytest
from rdflib import SH

from publisher.ontology import RDF_TYPE, ontology
from publisher.shapes import BASE, Result, judge, relation_queries, results_of, shapes
from publisher.store import rows

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib", "ignore:Parsing weird boolean")

EXAMPLES = Path(__file__).parent / "shapes"
CORE = sorted((EXAMPLES / "core").glob("*.ttl"))
OWN = sorted(path for layer in ("eli", "dcat", "strict") for path in (EXAMPLES / layer).glob("*.ttl"))
RANGES = sorted((EXAMPLES / "ranges").glob("*.ttl"))
RELATIONS = sorted((EXAMPLES / "relations").glob("*.ttl"))
QUERIES = {rule.iri.removeprefix(BASE): rule for rule in relation_queries()}


def triples(path: Path) -> str:
    return ox.serialize(ox.parse(path.read_bytes(), format=ox.RdfFormat.TURTLE), format=ox.RdfFormat.N_TRIPLES).decode()


def expected(path: Path) -> tuple[str, str, str]:
    """What an example's first line says is found: focus, rule, severity."""
    found = re.fullmatch(r"# (?:<(\S+)>|(_:\w+)) breaks (\S+): (\w+); the others conform\.", path.read_text("utf-8").split("\n", 1)[0])
    assert found
    return found[1] or "_:", BASE + found[3], found[4]


def said(results: list[Result]) -> list[tuple[str, str, str]]:
    return [("_:" if result.focus.startswith("_:") else result.focus, result.shape, result.severity) for result in results]


def unlabelled(results: list[Result]) -> list[tuple[str, ...]]:
    """Results as texts, without the labels that each engine gives to blank nodes."""
    return sorted(tuple(re.sub(r"^_:\w+$", "_:", str(field)) for field in result) for result in results)


def answers(select: str, path: Path) -> bytes:
    store = ox.Store()
    store.load(path.read_bytes(), format=ox.RdfFormat.TURTLE)
    return bytes(store.query(select).serialize(format=ox.QueryResultsFormat.JSON))


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.stem)
def test_an_example_breaks_its_rule_and_no_other(path):
    assert said(judge(triples(path), shapes())) == [expected(path)]


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.stem)
def test_an_example_of_our_own_layers_breaks_its_rule_and_no_other(path):
    assert said(judge(triples(path), shapes((path.parent.name,)))) == [expected(path)]


@pytest.mark.parametrize("path", RANGES, ids=lambda path: path.stem)
def test_a_reference_to_the_wrong_class_is_found_by_engine_and_by_query(path):
    rule = QUERIES[path.stem]

    assert said(judge(triples(path), shapes(("ranges",)))) == [expected(path)]
    assert said(results_of(rule, rows(answers(rule.select, path)))) == [expected(path)]


@pytest.mark.parametrize("path", RELATIONS, ids=lambda path: path.stem)
def test_a_relation_that_does_not_hold_is_found_and_no_other_rule_fires(path):
    found = [
        result for rule in QUERIES.values() if rule.layer == "relations" for result in results_of(rule, rows(answers(rule.select, path)))
    ]

    assert said(found) == [expected(path)]


@pytest.mark.parametrize("path", RELATIONS, ids=lambda path: path.stem)
def test_a_relation_asked_about_one_focus_finds_what_the_whole_release_gives_for_it(path):
    focus = expected(path)[0]
    here = {rule.iri: rule for rule in relation_queries(("relations",), focus=[focus])}
    elsewhere = {rule.iri: rule for rule in relation_queries(("relations",), focus=["https://ris.example.org/none"])}
    rule = BASE + path.stem

    assert said(results_of(here[rule], rows(answers(here[rule].select, path)))) == [expected(path)]
    assert results_of(elsewhere[rule], rows(answers(elsewhere[rule].select, path))) == []


@pytest.mark.parametrize("layer", ["core", "ranges", "relations", "eli", "dcat", "strict"])
def test_each_rule_has_its_example(layer):
    rules = {iri.removeprefix(BASE) for iri in shapes((layer,)).rules} - {"unreadable"}

    assert {path.stem for path in (EXAMPLES / layer).glob("*.ttl")} == rules


def test_each_key_of_the_one_table_has_a_rule():
    graph = shapes().graph
    ruled = {
        (str(target), shapes().rules[str(rule)].path)
        for node, rule in graph.subject_objects(SH.property)
        for target in graph.objects(node, SH.targetClass)
    }
    used = {(cls, use.predicate) for cls, uses in ontology().uses.items() for use in uses.values() if not use.reverse}

    assert sorted(used - ruled) == []


def everywhere(paths: list[Path]) -> str:
    """All examples as one graph, each under a host of its own."""
    return "".join(
        triples(path).replace("//ris.example.org", f"//e{at}.example.org").replace("_:", f"_:e{at}") for at, path in enumerate(paths)
    )


@pytest.mark.parametrize(
    ("layer", "paths"),
    [
        ("core", CORE),
        ("ranges", RANGES),
        *((layer, [path for path in OWN if path.parent.name == layer]) for layer in ("eli", "dcat", "strict")),
    ],
)
def test_our_engine_finds_what_the_oracle_finds_on_every_example(layer, paths):
    data = everywhere(paths)

    ours = judge(data, shapes((layer,)))
    oracles = judge(data, shapes((layer,)), engine="pyshacl")

    assert len(ours) == len(paths)
    assert unlabelled(ours) == unlabelled(oracles)


def test_our_queries_find_what_the_oracle_finds_with_them_as_shapes():
    data = everywhere(RELATIONS)
    store = ox.Store()
    store.load(data.encode(), format=ox.RdfFormat.N_TRIPLES)

    oracles = judge(data, shapes(("relations",)), engine="pyshacl")
    ours = [
        result
        for rule in QUERIES.values()
        if rule.layer == "relations"
        for result in results_of(rule, rows(bytes(store.query(rule.select).serialize(format=ox.QueryResultsFormat.JSON))))
    ]

    assert sorted(said(ours)) == sorted(said(oracles))
    assert len(ours) == len(RELATIONS)


def test_the_strict_profile_closes_each_class_over_the_terms_of_the_one_table():
    graph = shapes(("strict",)).graph
    closed = {
        str(graph.value(shape, SH.targetClass)): {str(term) for term in graph.items(terms)}
        for shape, terms in graph.subject_objects(SH.ignoredProperties)
    }

    assert closed == {
        cls: {use.predicate for use in uses.values() if not use.reverse} | {RDF_TYPE} for cls, uses in ontology().uses.items()
    }
