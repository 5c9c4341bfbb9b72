"""Every IRI that the derived layer mints answers at its own address."""

from pathlib import Path

import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient

from publisher.graph.vocabulary import SYNTAX
from publisher.release import current
from publisher.views import create_app

BASE = "https://ris.example.org"


@pytest.fixture(scope="module")
def store(sample_home: Path) -> ox.Store:
    return ox.Store.read_only(str(current(sample_home).path / "store"))


@pytest.fixture(scope="module")
def web(sample_home: Path) -> FlaskClient:
    return create_app(sample_home).test_client()


def minted(store: ox.Store) -> list[str]:
    found = store.query("SELECT DISTINCT ?s WHERE { ?s ?p ?o }", use_default_graph_as_union=True)
    return sorted(row["s"].value for row in found if row["s"].value.startswith(BASE))


def said(store: ox.Store, iri: str) -> set[tuple[str, str]]:
    rows = store.query(f"SELECT ?p ?o WHERE {{ <{iri}> ?p ?o }}", use_default_graph_as_union=True)
    return {(str(row["p"]), str(row["o"])) for row in rows}


def test_whoever_follows_an_iri_from_a_query_finds_the_thing(web, store):
    every = minted(store)

    lost = [iri for iri in every if web.get(iri.removeprefix(BASE), headers={"Accept": "text/turtle"}).status_code != 200]

    assert len(every) > 500
    assert lost == []


@pytest.mark.parametrize("word", ["/verfahren", "/beschluss/", "/vorlage/", "/zeitraum", "/anschrift", "/geometrie"])
@pytest.mark.parametrize("media", SYNTAX)
def test_a_node_says_in_each_format_what_the_store_says_of_it(web, store, word, media):
    iri = next(iri for iri in minted(store) if word in iri and (word != "/vorlage/" or iri.endswith("/deu")) and "/abschnitt/" not in iri)

    answer = web.get(iri.removeprefix(BASE), headers={"Accept": media})

    found = {(str(one.predicate), str(one.object)) for one in ox.parse(answer.data, format=SYNTAX[media])}
    assert (answer.mimetype, found) == (media, said(store, iri))
    assert 'rel="describedby"' in answer.headers["Link"]


def test_a_decision_has_a_page(web, store):
    iri = next(iri for iri in minted(store) if "/beschluss/" in iri)

    page = web.get(iri.removeprefix(BASE), headers={"Accept": "text/html"})

    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert "eli-dl:decided_on_a_realization_of" in page.text and "style=" not in page.text


@pytest.mark.parametrize("tail", ["/verfahren/x", "/beschluss/0", "/niederschrift", "/deu.png", "/verfahren.exe"])
def test_a_node_that_was_never_derived_is_not_found(web, store, tail):
    paper = next(iri for iri in minted(store) if iri.endswith("/verfahren")).removesuffix("/verfahren")

    assert web.get(paper.removeprefix(BASE) + tail).status_code == 404


def test_a_node_is_answered_again_without_a_body(web, store):
    path = next(iri for iri in minted(store) if iri.endswith("/verfahren")).removeprefix(BASE)
    tag = web.get(path).headers["ETag"]

    assert web.get(path, headers={"If-None-Match": tag}).status_code == 304
