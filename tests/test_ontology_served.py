"""The vocabulary on the web: each term and concept has a page and its RDF, the context never changes under its address."""

import re
from pathlib import Path

import orjson
import pyoxigraph as ox
import pytest
from flask.testing import FlaskClient

from publisher.concepts import SCHEMES, schemes
from publisher.config import project_file
from publisher.graph.vocabulary import SYNTAX, classes, graphs, properties
from publisher.ontology import OPARLX, VERSION
from publisher.record import CLASSES, SCHEMA
from publisher.views import create_app

BASE = "https://ris.example.org"


@pytest.fixture(scope="module")
def web(sample_home: Path) -> FlaskClient:
    return create_app(sample_home).test_client()


def get(web: FlaskClient, path: str, accept: str = "*/*"):
    return web.get(path, headers={"Accept": accept})


@pytest.mark.parametrize("media", SYNTAX)
@pytest.mark.parametrize("path", ["/ontology", "/ontology/section", "/ontology/Paper.mainFile", "/concept", "/concept/result"])
def test_the_vocabulary_answers_in_every_format_of_rdf(web, path, media):
    answer = get(web, path, media)

    assert (answer.status_code, answer.mimetype) == (200, media)
    assert len(list(ox.parse(answer.data, format=SYNTAX[media]))) > 5
    assert "Accept" in answer.headers["Vary"] and answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("suffix", ["ttl", "jsonld", "nt", "rdf", "html"])
@pytest.mark.parametrize("path", ["/ontology", "/ontology/Paper.oparlx:section", "/concept/result/abgelehnt"])
def test_a_suffix_names_the_format_whatever_the_client_accepts(web, path, suffix):
    answer = get(web, f"{path}.{suffix}", "image/png")

    assert answer.status_code == 200
    assert answer.mimetype == {"ttl": "text/turtle", "html": "text/html"}.get(suffix, answer.mimetype)


def test_the_same_facts_stand_behind_every_format(web):
    graphs = [
        {(one.subject, one.predicate, one.object) for one in ox.parse(get(web, "/ontology", media).data, format=syntax)}
        for media, syntax in SYNTAX.items()
    ]

    assert all(graph == graphs[0] for graph in graphs) and len(graphs[0]) > 4000


def test_every_term_of_ours_and_every_property_has_its_own_address(web):
    page = get(web, "/ontology", "text/html").text
    names = [entry.name for entry in (*classes(), *properties())]

    answers = {name: get(web, f"/ontology/{name}", "text/turtle").status_code for name in names}
    linked = set(re.findall(r'href="(/ontology/[^"#]+)"', page))

    assert set(answers.values()) == {200}
    assert len(linked) > 400
    assert [path for path in sorted(linked)[::7] if get(web, path).status_code != 200] == []


def test_two_terms_of_one_name_are_told_apart(web):
    ours, oparls = (get(web, f"/ontology/{name}", "application/n-triples").text for name in ("number", "oparl:number"))

    assert ours.startswith(f"<{OPARLX}number>") and oparls.startswith(f"<{SCHEMA}number>")


def test_the_page_shows_labels_definitions_alignments_examples_and_a_diagram(web):
    german, english = (web.get(f"/ontology?lang={lang}", headers={"Accept": "text/html"}).text for lang in ("de", "en"))

    assert "Tagesordnungspunkt" in german and "Agenda item" in english
    assert "eli-dl:LegislativeProcessWork" in german and "skos" not in re.findall(r"<h1>(.*?)</h1>", german)[0]
    assert german.count("<pre tabindex") == 15 and german.count("<rect ") == 15 and german.count("<line ") > 20
    assert "style=" not in german and "<script" not in german


def test_every_concept_is_served_under_the_instance(web):
    wanted = [f"/concept/{name}" for name in SCHEMES] + [f"/concept/{name}/{slug}" for name in SCHEMES for slug in schemes()[name]]

    answers = [(path, get(web, path, "text/turtle")) for path in wanted]

    assert [path for path, answer in answers if answer.status_code != 200 or f"<{BASE}{path}>" not in answer.text] == []


def test_a_scheme_brings_its_concepts_and_a_concept_only_itself(web):
    scheme, concept = (get(web, path, "application/n-triples").text for path in ("/concept/majority", "/concept/majority/einstimmig"))

    subjects = {line.split()[0] for line in scheme.splitlines()}
    assert len(subjects) == 1 + len(schemes()["majority"])
    assert {line.split()[0] for line in concept.splitlines()} == {f"<{BASE}/concept/majority/einstimmig>"}


def test_a_concept_page_names_labels_spellings_and_matches(web):
    page = web.get("/concept/result/abgelehnt?lang=de", headers={"Accept": "text/html"}).text

    assert "abgelehnt" in page and "rejected" in page and "zurückgewiesen" in page and "eli-dl:DecisionOutcome-Rejected" in page


def test_the_context_is_immutable_and_open_to_all(web):
    answer = get(web, f"/ontology/context/{VERSION}.jsonld")

    assert answer.data == project_file("ontology", "context.jsonld").read_bytes()
    assert answer.mimetype == "application/ld+json"
    assert "immutable" in answer.headers["Cache-Control"] and answer.headers["Access-Control-Allow-Origin"] == "*"
    assert web.get(f"/ontology/context/{VERSION}.jsonld", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert get(web, "/ontology/context/0.1.jsonld").status_code == 404
    assert get(web, "/ontology/context.jsonld").headers["Location"] == f"{BASE}/ontology/context/{VERSION}.jsonld"


@pytest.mark.parametrize("name", CLASSES)
def test_each_class_has_a_frame(web, name):
    frame = orjson.loads(get(web, f"/ontology/frames/{name}.jsonld").data)

    assert frame["@context"] == f"{BASE}/ontology/context/{VERSION}.jsonld" and frame["type"] == SCHEMA + name


@pytest.mark.parametrize("path", ["/ontology/nothing", "/concept/result/nothing", "/concept/nothing", "/ontology/frames/Foo.jsonld"])
def test_an_unknown_term_is_not_found(web, path):
    answer = get(web, path)

    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_a_format_that_nobody_offers_is_refused(web):
    assert get(web, "/ontology", "image/png").status_code == 406


def rules() -> list[tuple[re.Pattern[str], str]]:
    text = (Path(__file__).parent.parent / "docs/w3id/.htaccess").read_text("utf-8")
    return [
        (re.compile(pattern), target) for pattern, target in re.findall(r"^RewriteRule (\S+) https://PUBLISHER\.EXAMPLE(\S+)", text, re.M)
    ]


@pytest.mark.parametrize(
    "path",
    [
        "ns",
        "ns.ttl",
        "ns/section",
        "ns/Paper.mainFile",
        f"context/{VERSION}.jsonld",
        "frames/Paper.jsonld",
        "concept/result/abgelehnt",
        "concept",
    ],
)
def test_the_redirects_of_the_namespace_lead_to_what_the_instance_serves(web, path):
    pattern, target = next((pattern, target) for pattern, target in rules() if pattern.search(path))

    answer = get(web, pattern.sub(re.sub(r"\$(\d)", r"\\\1", target), path), "text/turtle, application/ld+json;q=0.9")

    assert answer.status_code == 200


def test_vocabulary_and_concepts_can_stand_in_a_store_beside_the_records():
    store = ox.Store()
    for _, quads in graphs(BASE):
        store.bulk_load(quads, format=ox.RdfFormat.N_QUADS)
    asked = f"""PREFIX skos: <http://www.w3.org/2004/02/skos/core#>
      PREFIX dl: <http://data.europa.eu/eli/eli-draft-legislation-ontology#>
      SELECT ?label WHERE {{ GRAPH <{BASE}/concept> {{
        ?outcome skos:exactMatch dl:DecisionOutcome-Adopted ; skos:prefLabel ?label FILTER(LANG(?label) = "de") }} }}"""

    assert [row["label"].value for row in store.query(asked)] == ["beschlossen"]
    assert {str(graph) for graph in store.named_graphs()} == {f"<{BASE}/concept>", f"<{BASE}/ontology>"}
