"""The short way of a document says what the long one says, and is taken."""

import pytest
from werkzeug.test import Client

from publisher.views import create_app
from publisher.views.express import Express
from tests.town import objects, paper, published


@pytest.fixture(scope="module")
def town_home(tmp_path_factory):
    home = tmp_path_factory.mktemp("town") / "home"
    published(home, objects(5))
    published(home, [one for one in objects(5) if not str(one["id"]).endswith("/paper/3")], "2026-11-02T10:00:00+00:00")
    return home


ACCEPTS = (
    "", "*/*", "application/json", "application/ld+json", "text/turtle", "application/n-triples;q=0.5", "application/rdf+xml", "text/html",
    "application/n-quads, */*;q=0.1", "image/png", 'application/ld+json;profile="http://www.w3.org/ns/json-ld#expanded"',
    "text/html,application/xhtml+xml,*/*;q=0.8",
)  # fmt: skip
SHORT = (
    "/eli/dl/05334002/vorlage/3",
    "/id/05334002",
    "/id/05334002/location/7",
    "/eli/dl/05334002/vorlage/5",
    "/eli/dl/05334002/beratung/4",
)
LONG = ("/eli/dl/05334002/vorlage/99999", "/eli/dl/05334002/vorlage/5.ttl", "/id/05334002/paper", "/oparl/body", "/id/05334002/x%20y")


def express(home):
    """The short way among the layers before Flask."""
    layer = create_app(home).wsgi_app
    while not isinstance(layer, Express):
        layer = layer.app
    return layer


def told(answer, but=()):
    return sorted((name, value) for name, value in answer.headers if name not in {"Date", *but})  # the server dates every answer


@pytest.mark.parametrize("accept", ACCEPTS)
def test_the_short_way_of_a_document_answers_byte_for_byte_and_header_for_header_as_the_long_one(town_home, accept):
    way = express(town_home)
    short, long = Client(way), Client(way.inner)
    for path in (*SHORT, *LONG, *SHORT):
        tag = long.get(path, headers={"Accept": accept}).headers.get("ETag", '"x"')
        for more in ({}, {"If-None-Match": tag}, {"If-None-Match": '"x"'}, {"If-Modified-Since": "Sun, 01 Nov 2099 10:00:00 GMT"}):
            asked = {"Accept": accept, **more}
            mine, theirs = short.get(path, headers=asked), long.get(path, headers=asked)
            assert (mine.status_code, mine.data) == (theirs.status_code, theirs.data), (path, more)
            # A 304 has no type; the long way takes it for a page and says what pages may do.
            policy = {"Content-Security-Policy"} if mine.status_code == 304 else set()
            assert told(mine, policy) == told(theirs, policy), (path, more)


def test_the_short_way_is_taken_from_the_second_document_of_a_kind_on_and_a_new_release_is_seen(tmp_path):
    home = published(tmp_path / "home", objects(3))
    taken = express(home)
    client = Client(taken)
    first = client.get("/eli/dl/05334002/vorlage/1")
    assert [key[0] for key in taken.known] == [1]
    taken.inner, kept = None, taken.inner
    second = client.get("/eli/dl/05334002/vorlage/2")
    taken.inner = kept
    assert second.headers["X-Publisher-Release"] == first.headers["X-Publisher-Release"] == "1"
    published(home, [*objects(2), paper(3, name="Neu")], "2026-11-02T10:00:00+00:00")
    assert client.get("/eli/dl/05334002/vorlage/3").json["name"] == "Neu"
    assert client.get("/eli/dl/05334002/vorlage/2").headers["X-Publisher-Release"] == "2" and [key[0] for key in taken.known] == [2]


def test_pages_take_the_short_way_too_and_one_read_before_is_kept_by_language_and_release(tmp_path):
    home = published(tmp_path / "home", objects(3))
    taken = express(home)
    client, german, english = Client(taken), {"Accept": "text/html"}, {"Accept": "text/html", "Accept-Language": "en"}
    client.get("/eli/dl/05334002/vorlage/1", headers=german)
    taken.inner, kept = None, taken.inner
    pages = [client.get("/eli/dl/05334002/vorlage/2", headers=asked).text for asked in (german, english, german, english)]
    taken.inner = kept
    assert pages[:2] == pages[2:] and [page.split('lang="')[1][:2] for page in pages[:2]] == ["de", "en"]
    published(home, [*objects(1), paper(2, name="Neu")], "2026-11-02T10:00:00+00:00")
    assert "Neu" in client.get("/eli/dl/05334002/vorlage/2", headers=german).text
    assert client.get("/eli/dl/05334002/vorlage/2", headers=german).headers["X-Publisher-Release"] == "2"


def test_a_page_that_fails_on_the_short_way_is_told_by_the_long_one(town_home, monkeypatch):
    client = Client(express(town_home))
    client.get("/eli/dl/05334002/vorlage/1", headers={"Accept": "text/html"})
    monkeypatch.setattr("publisher.views.express.answered", lambda *_: {}["missing"])
    assert "Vorlage 2" in client.get("/eli/dl/05334002/vorlage/2", headers={"Accept": "text/html"}).text


def test_answers_of_the_short_way_are_counted_like_others(town_home):
    client = Client(create_app(town_home).wsgi_app)
    for accept in ("application/ld+json", "text/html"):
        for _ in range(3):
            assert client.get(SHORT[3], headers={"Accept": accept}).status_code == 200
    counted = [line for line in client.get("/metrics").text.splitlines() if line.startswith("publisher_http_answers_total{")]
    assert [line.rsplit(" ", 1)[1] for line in counted if 'route="documents.document"' in line and 'status="200"' in line] == ["6"]
