"""What the dataset says about itself equals what a count finds in it."""

import pytest
from rdflib import Graph, Literal, Namespace, URIRef

from publisher.store import opened, rows
from publisher.store.description import converted, void

BASE = "https://ris.example.org"
VOID = Namespace("http://rdfs.org/ns/void#")
TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    store = opened(f"oxigraph:{tmp_path_factory.mktemp('void')}/store", writable=True)
    for key in range(20):
        iri, kind = f"{BASE}/id/{key}", "Paper" if key % 4 else "Meeting"
        store.load([
            f'<{iri}> {TYPE} <urn:{kind}> <{iri}> .\n<{iri}> <urn:name> "a{key}" <{iri}> .\n<{iri}> <urn:name> "b" <{iri}> .\n'
            f"<{iri}> {TYPE} <urn:Work> <{iri}/eli> .\n".encode()
        ])  # fmt: skip
    yield store
    store.close()


@pytest.fixture(scope="module")
def graph(store) -> Graph:
    return Graph().parse(data=void(store, BASE, [f"{BASE}/dump/all.nq.gz"]), format="turtle")


def test_totals_and_layers(graph):
    here = f"{BASE}/.well-known/void#"

    assert graph.value(URIRef(here + "dataset"), VOID.triples) == Literal(80)
    assert graph.value(URIRef(here + "records"), VOID.triples) == Literal(60)
    assert graph.value(URIRef(here + "eli"), VOID.triples) == Literal(20)
    assert graph.value(URIRef(here + "dataset"), VOID.dataDump) == URIRef(f"{BASE}/dump/all.nq.gz")


def test_each_partition_equals_its_count(graph, store):
    checked = 0
    for part, kind in graph.subject_objects(VOID["class"]):
        [row] = rows(store.query(f"SELECT (COUNT(DISTINCT ?s) AS ?n) {{ ?s a <{kind}> }}"))
        assert graph.value(part, VOID.entities) == Literal(int(row["n"]))
        for inner in graph.objects(part, VOID.propertyPartition):
            query = f"SELECT (COUNT(*) AS ?n) {{ GRAPH ?g {{ ?s a <{kind}> ; <{graph.value(inner, VOID.property)}> ?o }} }}"
            [row] = rows(store.query(query))
            assert graph.value(inner, VOID.triples) == Literal(int(row["n"]))
            checked += 1
    assert checked == 5


def test_the_same_store_gives_the_same_bytes(store):
    assert void(store, BASE) == void(store, BASE)


def test_an_empty_store_has_a_description(tmp_path):
    store = opened(f"oxigraph:{tmp_path}/store", writable=True)

    text = void(store, BASE)

    subset = URIRef(f"{BASE}/.well-known/void#eli")
    assert Graph().parse(data=text, format="turtle").value(subset, VOID.classes) == Literal(0)
    store.close()


@pytest.mark.parametrize(
    ("media_type", "form"),
    [("text/turtle", "turtle"), ("application/rdf+xml", "xml"), ("application/ld+json", "json-ld"), ("application/n-triples", "nt")],
)
def test_a_description_converts_without_loss(store, media_type, form):
    text = void(store, BASE)

    graph = Graph().parse(data=converted(text.encode(), media_type), format=form)

    assert set(graph) == set(Graph().parse(data=text, format="turtle"))
