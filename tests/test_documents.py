"""Records over HTTP: one IRI, many formats, right headers, honest errors."""

from datetime import datetime
from email.utils import parsedate_to_datetime

import orjson
import pyoxigraph as ox
import pytest
import rdflib
from flask import request
from rdflib.compare import isomorphic

from publisher.graph.mapper import quads
from publisher.ontology import ontology
from publisher.views import create_app, served

from .conftest import AT, BASE, built, files_source, harvested
from .objects import TOWN

PAPER = "/eli/dl/05999004/vorlage/1"
COMUNICA = (
    "application/n-quads,application/trig;q=0.95,application/ld+json;q=0.9,application/n-triples;q=0.8,text/turtle;q=0.6,"
    "application/rdf+xml;q=0.5,text/n3;q=0.35,application/xml;q=0.3,image/svg+xml;q=0.3,text/xml;q=0.3,text/html;q=0.2,"
    "application/xhtml+xml;q=0.18,application/json;q=0.135,text/shaclc;q=0.1,text/shaclc-ext;q=0.05"
)
RDFLIB = "application/rdf+xml, text/n3, text/turtle, application/n-triples, application/ld+json, application/n-quads"
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
RAPPER = "application/rdf+xml, text/rdf;q=0.6, text/turtle, application/x-turtle;q=0.9, text/html;q=0.6, */*;q=0.1"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("town")
    for name, objects in TOWN.items():
        (folder / f"{name}.json").write_bytes(orjson.dumps({"data": objects}))
    home = tmp_path_factory.mktemp("home")
    harvested(home, files_source(folder))
    built(home)
    return create_app(home).test_client()


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, "application/ld+json"),
        ("*/*", "application/ld+json"),
        ("text/vnd.wap.wml, *; q=0.2", "application/ld+json"),
        ("application/json", "application/json"),
        ("application/ld+json, application/json", "application/ld+json"),
        (FIREFOX, "text/html"),
        (COMUNICA, "application/n-quads"),
        (RDFLIB, "application/ld+json"),
        (RAPPER, "text/turtle"),
        ("text/*", "text/turtle"),
        ("text/turtle;q=0.2, application/rdf+xml;q=0.9", "application/rdf+xml"),
        ('application/ld+json;profile="http://www.w3.org/ns/json-ld#expanded"', "application/ld+json"),
        (", ".join(f"application/x-{number};q=0.9" for number in range(400)) + ", text/turtle;q=0.1", "text/turtle"),
    ],
)
def test_real_clients_get_the_format_that_they_want_most(client, accept, media):
    answer = client.get(PAPER, headers={"Accept": accept} if accept else {})

    assert (answer.status_code, answer.mimetype) == (200, media)
    assert "Accept" in answer.headers["Vary"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_the_json_is_oparl_and_json_ld_at_once_and_context_type_id_come_first(client):
    answer = client.get(PAPER)

    found = orjson.loads(answer.data)
    assert list(found)[:3] == ["@context", "type", "id"]
    assert found["type"] == "https://schema.oparl.org/1.1/Paper"
    assert found["id"] == BASE + PAPER
    assert found["@context"] == f"{BASE}/ontology/context/1.0.jsonld"


def test_the_context_can_be_inlined(client):
    found = orjson.loads(client.get(f"{PAPER}?context=inline").data)

    assert found["@context"] == ontology().context


@pytest.mark.parametrize(("suffix", "syntax"), [("ttl", "turtle"), ("nt", "nt"), ("rdf", "xml"), ("jsonld", "json-ld")])
def test_suffix_twins_say_the_same_graph(client, suffix, syntax):
    document = orjson.loads(client.get(PAPER).data)
    mine = rdflib.Graph()
    for quad in ox.parse(quads({key: value for key, value in document.items() if key != "@context"}), format=ox.RdfFormat.N_QUADS):
        mine.parse(data=f"{quad.triple} .", format="nt")

    text = client.get(f"{PAPER}.{suffix}{'?context=inline' if suffix == 'jsonld' else ''}").data
    read = rdflib.Graph().parse(data=text, format=syntax)

    assert len(read) == len(mine)
    assert isomorphic(without_json(read), without_json(mine))


def without_json(found):
    kept = rdflib.Graph()
    for triple in found:
        if not str(getattr(triple[2], "datatype", "")).endswith("#JSON"):
            kept.add(triple)
    return kept


@pytest.mark.parametrize(
    "path",
    [
        "/id/05999004",
        "/id/05999004/term/~~body_1_legislativeterm_1",
        "/id/05999004/organization/1",
        "/id/05999004/person/1",
        "/id/05999004/membership/1",
        "/id/05999004/file/1",
        "/id/05999004/location/1",
        "/eli/dl/05999004/sitzung/1",
        "/eli/dl/05999004/top/1",
        "/eli/dl/05999004/beratung/1",
        "/eli/dl/05999004/vorlage/1/abschnitt/sachlage",
        "/eli/dl/05999004/vorlage/1/vorschlag/a",
    ],
)
def test_records_and_embedded_objects_answer_at_their_iris(client, path):
    path = path.replace("~~body_1_legislativeterm_1", "1")

    answer = client.get(path)

    assert answer.status_code == 200
    assert orjson.loads(answer.data)["id"] == BASE + path


def test_a_client_that_has_it_gets_304_without_a_body(client):
    first = client.get(PAPER)

    again = client.get(PAPER, headers={"If-None-Match": first.headers["ETag"]})
    other = client.get(PAPER, headers={"If-None-Match": first.headers["ETag"], "Accept": "text/turtle"})

    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert other.status_code == 200


def test_a_change_of_which_the_source_keeps_the_date_is_news_by_date_as_well(client):
    since = client.get(PAPER).headers["Last-Modified"]

    assert parsedate_to_datetime(since) == datetime.fromisoformat(AT)
    assert client.get(PAPER, headers={"If-Modified-Since": since}).status_code == 304
    assert client.get(PAPER, headers={"If-Modified-Since": "Fri, 01 Jul 2022 00:00:00 GMT"}).status_code == 200
    assert "Last-Modified" not in client.get(PAPER, headers={"Accept": "text/html"}).headers


def test_head_says_what_get_would_say_without_a_body(client):
    got, headed = client.get(PAPER), client.head(PAPER)

    assert headed.data == b""
    assert {name: headed.headers[name] for name in ("Content-Type", "ETag", "Vary", "Link")} == {
        name: got.headers[name] for name in ("Content-Type", "ETag", "Vary", "Link")
    }


def test_other_formats_are_linked_and_the_location_names_the_one_sent(client):
    answer = client.get(PAPER, headers={"Accept": "text/turtle"})

    assert answer.headers["Content-Location"] == f"{BASE}{PAPER}.ttl"
    assert f'<{BASE}{PAPER}.jsonld>; rel="alternate"; type="application/ld+json"' in answer.headers["Link"]


def test_what_was_never_published_is_404_and_what_cannot_be_written_406_both_as_problem_details(client):
    absent, impossible = client.get("/eli/dl/05999004/vorlage/99"), client.get(PAPER, headers={"Accept": "image/png"})

    assert (absent.status_code, absent.mimetype) == (404, "application/problem+json")
    assert (impossible.status_code, impossible.mimetype) == (406, "application/problem+json")
    assert f"{BASE}{PAPER}.ttl" in orjson.loads(impossible.data)["detail"]


def test_a_tombstone_is_200_in_data_formats_and_410_for_people(client):
    path = "/eli/dl/05999004/vorlage/2"

    data, page = client.get(path), client.get(path, headers={"Accept": "text/html"})

    assert data.status_code == 200
    assert orjson.loads(data.data)["deleted"] is True
    assert set(orjson.loads(data.data)) == {"@context", "type", "id", "created", "modified", "deleted", "owl:sameAs"}
    assert page.status_code == 410


def test_the_citation_form_redirects_to_the_one_paper_of_that_number(client):
    one = client.get("/eli/dl/05999004/vorlage?reference=2021/0268")
    none = client.get("/eli/dl/05999004/vorlage?reference=1/1")

    assert (one.status_code, one.headers["Location"]) == (302, BASE + PAPER)
    assert none.status_code == 404


def test_the_host_header_never_finds_its_way_into_an_answer(client):
    answer = client.get(PAPER, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})

    assert b"evil.example" not in answer.data
    assert not any("evil.example" in value for _, value in answer.headers)


def test_writing_methods_are_refused_and_the_allowed_ones_named(client):
    answer = client.delete(PAPER)

    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
    assert "GET" in answer.headers["Allow"]


def test_every_id_of_the_real_crawl_answers(crawl_home):
    client = create_app(crawl_home).test_client()
    reader = client.application.config["LIBRARY"].reader()
    iris = [row[0] for row in reader.db.execute("select distinct iri from entry order by iri")]

    answers = [client.get(iri.removeprefix(BASE)).status_code for iri in iris[::17]]

    assert len(iris) == 17374
    assert set(answers) == {200}


@pytest.mark.parametrize(("proxies", "client_is"), [("0", "127.0.0.1"), ("1", "203.0.113.9")])
def test_only_a_front_server_of_ours_may_say_who_the_client_is(client, monkeypatch, proxies, client_is):
    monkeypatch.setenv("PUBLISHER_HOME", str(client.application.config["HOME"]))
    monkeypatch.setenv("PUBLISHER_PROXIES", proxies)
    app, seen = served(), []
    app.before_request(lambda: seen.append(request.remote_addr))

    app.test_client().get(PAPER, headers={"X-Forwarded-For": "198.51.100.7, 203.0.113.9", "X-Forwarded-Host": "evil.example"})

    assert seen == [client_is]
