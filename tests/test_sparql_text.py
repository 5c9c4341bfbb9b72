"""Text search from SPARQL: the same answers as the index gives, joined with the rest of the query."""

import pyoxigraph as ox
import pytest

from publisher.errors import LimitMet, QueryRefused
from publisher.search import build
from publisher.store import opened
from publisher.store.gate import checked
from publisher.store.limits import Limits
from publisher.store.textsearch import rewritten
from publisher.views.sparql import dataset_app

P = "PREFIX oparlx: <https://w3id.org/oparl-ld/ns#> PREFIX : <urn:> "
INDEX = {"Radweg": [("urn:a", 3.5), ("urn:b", 2.25)], 'a "b"': [("urn:c", 1.0)], "nichts": []}
DATA = """@prefix : <urn:> . :a a :Paper ; :n "Radweg A" . :b a :Paper ; :n "Radweg B" . :c a :Meeting ; :n "Sitzung" . :b :in :c ."""
UNION = 'SELECT ?n { { ?s oparlx:matches "Radweg" } UNION { ?s oparlx:matches "a \\"b\\"" } ?s :n ?n }'
OPTIONAL = 'SELECT ?n ?m { ?s :n ?n OPTIONAL { ?s oparlx:matches "Radweg" ; :in ?m } }'


def find(words: str, limit: int) -> tuple[list[tuple[str, float]], int]:
    return INDEX[words][:limit], len(INDEX[words])


def answered(query: str) -> list[tuple[str, ...]]:
    store = ox.Store()
    store.load(DATA.encode(), ox.RdfFormat.TURTLE)
    text = rewritten(checked(P + query), find).text
    return sorted(tuple(term.value if term else "" for term in row) for row in store.query(text))


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ('SELECT ?s { ?s oparlx:matches "Radweg" }', [("urn:a",), ("urn:b",)]),
        ('SELECT ?s WHERE { ?s oparlx:matches "Radweg" . ?s a :Paper . }', [("urn:a",), ("urn:b",)]),
        ('SELECT ?s ?n { ?s oparlx:matches "Radweg"@de ; :n ?n }', [("urn:a", "Radweg A"), ("urn:b", "Radweg B")]),
        ('SELECT ?n { ?s a :Paper ; oparlx:matches "Radweg" ; :n ?n . ?s :in ?m }', [("Radweg B",)]),
        ('SELECT ?n { ?s a :Paper ; :n ?n ; oparlx:matches "Radweg" . }', [("Radweg A",), ("Radweg B",)]),
        ('SELECT ?n { ?s :n ?n ; oparlx:matches "Radweg" }', [("Radweg A",), ("Radweg B",)]),
        ('SELECT ?s ?score { ?s oparlx:matches ("Radweg" ?score) } ORDER BY DESC(?score)', [("urn:a", "3.5"), ("urn:b", "2.25")]),
        ('SELECT ?s { ?s oparlx:matches ("Radweg" ?score 1) . ?s :n ?n }', [("urn:a",)]),
        ("SELECT ?s { ?s <https://w3id.org/oparl-ld/ns#matches> 'a \"b\"' }", [("urn:c",)]),
        ('SELECT ?s { ?s oparlx:matches "nichts" ; :n ?n }', []),
        (UNION, [("Radweg A",), ("Radweg B",), ("Sitzung",)]),
        (OPTIONAL, [("Radweg A", ""), ("Radweg B", "urn:c"), ("Sitzung", "")]),
        ('SELECT ?n { ?s :n ?n MINUS { ?s oparlx:matches "Radweg" } }', [("Sitzung",)]),
        ('SELECT ?n { ?s :n ?n FILTER NOT EXISTS { ?s oparlx:matches "Radweg" } }', [("Sitzung",)]),
        ('SELECT ?n { ?m a :Meeting . ?s :in ?m . ?s oparlx:matches "Radweg" . ?s :n ?n }', [("Radweg B",)]),
        ('# ?s oparlx:matches "x"\nSELECT ?n { ?s :n ?n FILTER(?n = "oparlx:matches") }', []),
    ],
)  # fmt: skip
def test_a_search_joins_the_rest_of_the_query(query, rows):
    assert answered(query) == rows


@pytest.mark.parametrize(
    "pattern",
    [
        "?s oparlx:matches ?words", ":a oparlx:matches 'Radweg'", "?s oparlx:matches 'a', 'b'", "?s ^oparlx:matches 'a'",
        "?s oparlx:matches ('a' ?score 0)", "?s oparlx:matches ('a')", "?s ?p ?o FILTER(?p = oparlx:matches)",
        "[ oparlx:matches 'a' ] :n ?n",
        "?s :in/oparlx:matches 'a'", "?s oparlx:matches",
    ],
)  # fmt: skip
def test_another_use_is_told_how_it_is_written(pattern):
    with pytest.raises(QueryRefused, match='oparlx:matches "words"'):
        rewritten(checked(P + f"SELECT * {{ {pattern} }}"), find)


def test_a_search_without_limit_is_complete_or_an_error():
    def many(_words: str, limit: int) -> tuple[list[tuple[str, float]], int]:
        return [(f"urn:{number}", 1.0) for number in range(min(limit, 20_000))], 20_000

    with pytest.raises(LimitMet, match="20000"):
        rewritten(checked(P + 'SELECT ?s { ?s oparlx:matches "und" }'), many)
    assert rewritten(checked(P + 'SELECT ?s { ?s oparlx:matches ("und" ?score 7) }'), many).text.count("<urn:") == 8


def test_a_query_without_search_is_left_alone():
    query = checked("SELECT * { ?s ?p 'matches' }")

    assert rewritten(query, find) is query


def test_the_endpoint_searches_the_releases_index(tmp_path):
    base = "https://ris.example.org"
    papers = {f"{base}/p/{key}": name for key, name in enumerate(("Radwege am Markt", "Straßenbäume", "Markt und Strassenbaum"))}
    build(tmp_path / "search", ((iri, "Paper", base, {"id": iri, "type": "Paper", "name": name}) for iri, name in papers.items()))
    store = opened(f"oxigraph:{tmp_path}/working", writable=True)
    store.load(f'<{iri}> <urn:name> "{name}" <{iri}> .\n'.encode() for iri, name in papers.items())
    store.release(tmp_path / "store")
    app = dataset_app(tmp_path, base, Limits(workers=1))
    query = P + 'SELECT ?name { ?p oparlx:matches ("strassenbaum" ?score) ; :name ?name } ORDER BY ?name'

    answer = app.test_client().get("/sparql", query_string={"query": query, "format": "csv"})
    bad = app.test_client().get("/sparql", query_string={"query": P + "ASK { ?p oparlx:matches ?x }"})

    assert answer.text.split("\r\n")[1:-1] == ["Markt und Strassenbaum", "Straßenbäume"]
    assert (bad.status_code, "oparlx:matches" in bad.json["detail"]) == (400, True)
    app.extensions["sparql"][0].close()
    store.close()
