"""The short way of a query says what the long one says, and is taken."""

import time
from urllib.parse import quote

import pytest
from werkzeug.test import Client

from publisher.store.limits import Limits
from publisher.views import create_app
from publisher.views.desk import Short
from publisher.views.sparql import dataset_app
from tests.town import objects, published

TABLE = "SELECT * { ?s <https://schema.oparl.org/1.1/name> ?n } ORDER BY ?s ?n # +&%ü"
GRAPH = "CONSTRUCT WHERE { <https://ris.example.org/eli/dl/05334002/vorlage/1> ?p ?o }"
QUERIES = (
    TABLE,
    GRAPH,
    "ASK {}",
    "SELECT (RAND() * 0 AS ?n) {}",
    "SELECT * { ?x ?y }",
    "DROP ALL",
    "SELECT * { SERVICE <x:y> { ?a ?b ?c } }",
)
ACCEPTS = ("", "*/*", "application/sparql-results+xml", "text/csv;q=0.5, text/turtle", "text/html", "image/png", "application/n-triples")
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return published(tmp_path_factory.mktemp("town") / "home", objects(3))


@pytest.fixture
def app(home):
    made = create_app(home)
    yield made
    made.extensions["sparql"].pool.close()


def short(app):
    """The short way among the layers before Flask."""
    layer = app.wsgi_app
    while not isinstance(layer, Short):
        layer = layer.app
    return layer


def told(answer):
    """What an answer says, but for how long it took and when it was."""
    return answer.status_code, answer.data, sorted((name, value) for name, value in answer.headers if name not in {"Date", "X-Query-Time"})


def same(way, **asked):
    """Ask both ways, the short one last, and return its answer."""
    theirs = Client(way.app).open("/sparql", **asked)
    mine = Client(way).open("/sparql", **asked)
    assert told(mine) == told(theirs) and ("X-Query-Time" in mine.headers) == ("X-Query-Time" in theirs.headers), asked
    return mine


def alone(way, **asked):
    """Ask with nobody behind the short way."""
    way.app, kept = None, way.app
    try:
        return Client(way).open("/sparql", **asked)
    finally:
        way.app = kept


@pytest.mark.parametrize("accept", ACCEPTS)
def test_the_short_way_of_a_query_answers_byte_for_byte_and_header_for_header_as_the_long_one(app, accept):
    way = short(app)
    for query in (*QUERIES, *QUERIES):
        for coding in ("", "gzip", "br"):
            headers = {"Accept": accept, "Accept-Encoding": coding}
            same(way, query_string={"query": query}, headers=headers)
            same(way, method="POST", data={"query": query}, headers=headers)
            same(way, method="POST", data=query.encode(), content_type="application/sparql-query", headers=headers)
            app.extensions["sparql"].kept.__init__()  # worked out anew


@pytest.mark.parametrize(
    "asked",
    [
        {"query_string": "query=%ff"},
        {"query_string": "query="},
        {"query_string": "query=ASK%7B%7D%23%"},
        {"query_string": "query=ASK%7b%7d%23%5"},
        {"query_string": "query=ASK%7B%7D%23%zz%C3%BC"},
        {"query_string": {"query": 'SELECT ("a\\u0041\\n\\\\x41%41+ü𝕏" AS ?x) {}'}},
        {"query_string": ""},
        {"query_string": {"query": TABLE, "format": "csv"}},
        {"query_string": {"query": TABLE, "default-graph-uri": "https://ris.example.org/eli/dl/05334002/vorlage/1"}},
        {"query_string": f"query={quote(TABLE)}&query=ASK%7B%7D"},
        {"query_string": {"query": TABLE}, "method": "HEAD"},
        {"query_string": {"query": TABLE}, "method": "PUT"},
        {"query_string": {"query": TABLE}, "headers": {"If-None-Match": "*"}},
        {"query_string": {"query": TABLE}, "headers": {"If-None-Match": '"x"', "Range": "bytes=0-1"}},
        {"query_string": {"query": f"ASK {{}} #{'x' * 5000}"}},
        {"query_string": {"query": f"ASK {{}} #{'x' * 100_000}"}},
        {"query_string": {"query": 'SELECT * { ?x <https://w3id.org/oparl-ld/ns#matches> "Vorlage" }'}},
        {"method": "POST", "data": b"query=ASK {}", "content_type": FORM},
        {"method": "POST", "data": "query=ASK {} # ü".encode(), "content_type": FORM},
        {"method": "POST", "data": b"update=DROP+ALL", "content_type": FORM},
        {"method": "POST", "data": b"query=ASK{}", "content_type": f"{FORM}; charset=utf-8"},
        {"method": "POST", "data": b"\xff", "content_type": "application/sparql-query"},
        {"method": "POST", "data": b"ASK{}", "content_type": "text/plain"},
        {"method": "POST", "data": b"ASK{}", "content_type": "application/sparql-query", "query_string": "query=ASK%7B%7D"},
    ],
)
def test_what_is_not_plain_is_answered_as_ever(app, asked):
    way = short(app)
    for _ in range(2):
        same(way, **asked)


def test_the_short_way_is_taken_from_the_second_answer_of_a_type_on_whichever_way_it_is_asked(app):
    way = short(app)
    Client(way).get("/sparql", query_string={"query": "ASK {}"})
    other = "SELECT * { VALUES ?x { 1 } }"
    taken = [
        alone(way, query_string={"query": other}),
        alone(way, method="POST", data={"query": other}),
        alone(way, method="POST", data=other.encode(), content_type="application/sparql-query"),
    ]
    assert [answer.json["results"]["bindings"][0]["x"]["value"] for answer in taken] == ["1", "1", "1"]


def test_a_list_of_a_hundred_records_takes_the_short_way_in_whichever_way_it_is_asked(app):
    way = short(app)
    rows = Client(way).get("/sparql", query_string={"query": "SELECT DISTINCT ?p { ?p a <https://schema.oparl.org/1.1/Paper> }"})
    papers = [row["p"]["value"] for row in rows.json["results"]["bindings"]]
    listed = " ".join(f"<{iri}>" for iri in (*papers, *(f"https://ris.example.org/eli/dl/05334002/vorlage/x{key}" for key in range(120))))
    query = f"CONSTRUCT {{ ?p ?q ?v }} {{ VALUES ?p {{ {listed} }} ?p ?q ?v }} ORDER BY ?p ?q ?v"
    accepted = {"Accept": "application/n-triples"}
    first = same(way, query_string={"query": query}, headers=accepted)
    taken = [
        alone(way, query_string={"query": query}, headers=accepted),
        alone(way, method="POST", data={"query": query}, headers=accepted),
        alone(way, method="POST", data=query.encode(), content_type="application/sparql-query", headers=accepted),
    ]
    assert len(query) > 4096 and first.data and [answer.data for answer in taken] == [first.data] * 3


def test_a_release_that_comes_is_seen_on_the_short_way(tmp_path):
    home = published(tmp_path / "home", objects(1))
    app = create_app(home)
    way, asked = short(app), {"query_string": {"query": "SELECT * { ?s a <https://schema.oparl.org/1.1/Paper> }"}}
    first = [same(way, **asked) for _ in range(2)][1]
    published(home, objects(2), "2026-11-02T10:00:00+00:00")
    second = alone(way, **asked)
    assert [answer.headers["X-Publisher-Release"] for answer in (first, second)] == ["1", "2"]
    assert len(second.json["results"]["bindings"]) == len(first.json["results"]["bindings"]) + 1
    app.extensions["sparql"].pool.close()


def test_large_answers_clients_in_debt_and_limits_are_told_on_the_short_way_as_on_the_long_one(home):
    release = next(path for path in (home / "releases").iterdir() if path.name.isdigit())
    for limits in (Limits(whole=100), Limits(rows=2), Limits(client_seconds=0.0001, client_share=0.00001)):
        app = dataset_app(release, "https://ris.example.org", limits)
        way, few = short(app), {"query_string": {"query": "ASK {}"}}
        Client(way).open("/sparql", **few)
        app.extensions["sparql"].purse.spend("127.0.0.1", 5.0, 0.0)
        for coding in ("", "gzip", "br"):
            mine = same(way, query_string={"query": f"{TABLE} {coding}"}, headers={"Accept-Encoding": coding})
        assert mine.status_code == {100: 200}.get(limits.whole, {2: 422}.get(limits.rows, 429))
        app.extensions["sparql"].pool.close()


def test_answers_of_the_short_way_and_refusals_it_leaves_to_the_long_one_are_counted_with_their_whole_time(app):
    way, meter = short(app), app.extensions["meter"]
    Client(way).get("/sparql", query_string={"query": "ASK {}"})
    alone(way, query_string={"query": "ASK { ?s ?p ?o }"})
    assert meter.answers["sparql.sparql", "GET", 200] == 2
    before = meter.seconds["sparql.sparql"]
    began = time.perf_counter()
    answer = Client(way).get("/sparql", query_string={"query": "SELECT * { ?x ?y }"})
    assert answer.status_code == 400 and meter.answers["sparql.sparql", "GET", 400] == 1
    assert 0 < meter.seconds["sparql.sparql"] - before < time.perf_counter() - began


def test_a_query_refused_at_work_is_worked_on_once_and_counted_with_the_time_it_took(home, monkeypatch):
    app = create_app(home)
    desk = app.extensions["sparql"]
    desk.pool.limits = Limits(seconds=0.5)
    Client(short(app)).get("/sparql", query_string={"query": "ASK {}"})
    jobs, ask = [], desk.pool.ask
    monkeypatch.setattr(desk.pool, "ask", lambda path, job: jobs.append(job) or ask(path, job))
    everything = " . ".join(f"?a{turn} ?b{turn} ?c{turn}" for turn in range(8))
    meter = app.extensions["meter"]
    began, before = time.perf_counter(), meter.seconds["sparql.sparql"]
    answer = Client(short(app)).get("/sparql", query_string={"query": f"SELECT (COUNT(*) AS ?n) {{ {everything} }}"})
    took = time.perf_counter() - began
    assert (answer.status_code, answer.json["limit"]) == (503, "time") and len(jobs) == 1
    assert 0.5 < meter.seconds["sparql.sparql"] - before <= took
    desk.pool.close()
