"""Promises of what is fetched as a whole: catalogue, dumps, stream, feeds, calendars, versions, as served."""

import gzip
import subprocess
import sys
from hashlib import sha256
from urllib.parse import quote
from xml.etree import ElementTree

import orjson
import pytest
from rdflib import DCAT, RDF, Dataset, Graph, Namespace

from publisher.pipeline.link import Link, written
from publisher.views import create_app
from tests.conftest import shared
from tests.town import BASE, BODY, RIS, objects, paper, published

SOZ = f"{BODY}/organization/soz"
VORLAGE = "/eli/dl/05334002/vorlage"
TREE = Namespace("https://w3id.org/tree#")


@pytest.fixture(scope="module")
def homes(tmp_path_factory):
    """The town before and after one paper changed, one went and one came."""
    home = tmp_path_factory.mktemp("town") / "home"
    published(home, objects())
    changed = [one for one in objects() if not str(one["id"]).endswith(("/paper/3", "/paper/4"))]
    published(home, [*changed, paper(4, name="Neuer Titel"), paper(99)], "2026-11-02T10:00:00+00:00")
    return home


@pytest.fixture(scope="module")
def client(homes):
    return create_app(homes).test_client()


def got(client, url, status=200, **headers):
    answer = client.get(url.removeprefix(BASE), headers={name.replace("_", "-"): value for name, value in headers.items()})
    assert answer.status_code == status, answer.get_data(as_text=True)[:500]
    return answer


# --- catalogue


def test_the_catalogue_of_a_real_release_conforms_and_what_it_names_is_there(client, tmp_path):
    path = tmp_path / "catalog.ttl"
    path.write_bytes(got(client, "/catalog.ttl").data)
    run = subprocess.run([sys.executable, str(shared("tools", "dcat_validate.py")), str(path)], capture_output=True, text=True)
    assert run.stdout.count("conforms True results 0") == 3, run.stdout
    graph = Graph().parse(path)
    for distribution in graph.subjects(RDF.type, DCAT.Distribution):
        [url] = graph.objects(distribution, DCAT.accessURL)
        answer = got(client, str(url))
        for size in graph.objects(distribution, DCAT.byteSize):
            assert int(size) == len(answer.data)
    for service in graph.subjects(RDF.type, DCAT.DataService):
        [url] = graph.objects(service, DCAT.endpointURL)
        assert client.get(str(url).removeprefix(BASE)).status_code < 400
    for dataset in graph.subjects(RDF.type, DCAT.Dataset):
        assert (dataset, RDF.type, DCAT.Dataset) in Graph().parse(data=got(client, str(dataset)).data, format="json-ld")


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        ("*/*", "application/ld+json"),
        ("application/json", "application/ld+json"),
        ("text/turtle", "text/turtle"),
        ("application/rdf+xml;q=0.9,*/*;q=0.1", "application/rdf+xml"),
    ],
)
def test_the_catalogue_is_negotiated_and_a_wildcard_means_json_ld(client, accept, media):
    answer = got(client, "/catalog", Accept=accept)
    assert answer.mimetype == media and "Accept" in answer.headers["Vary"]
    head = client.head("/catalog", headers={"Accept": accept})
    assert head.status_code == 200 and head.headers["Content-Length"] == str(len(answer.data))
    assert got(client, "/catalog", 304, Accept=accept, If_None_Match=answer.headers["ETag"]).data == b""


def test_wrong_requests_for_the_catalogue_are_told(client):
    assert got(client, "/catalog?page=2", 404).json["detail"]
    assert got(client, "/catalog?page=-1", 400).json["detail"] and got(client, "/catalog", 406, Accept="image/png")
    assert got(client, "/catalog/dataset/none", 404)


def test_no_catalogue_is_503_and_never_an_empty_one(homes):
    folder = create_app(homes).config["RELEASE"]().path / "catalog"
    folder.rename(folder.with_name("away"))
    try:
        answer = create_app(homes).test_client().get("/catalog")
    finally:
        folder.with_name("away").rename(folder)
    assert answer.status_code == 503 and int(answer.headers["Retry-After"]) > 0


# --- dumps


def test_dumps_are_as_the_manifest_says_and_parts_of_them_can_be_asked_for(client):
    [body] = got(client, "/dumps").json["bodies"]
    for file in body["files"]:
        answer = got(client, file["url"])
        assert (len(answer.data), sha256(answer.data).hexdigest()) == (file["bytes"], file["sha256"])
        part = got(client, file["url"], 206, Range="bytes=2-5")
        assert part.data == answer.data[2:6] and part.headers["Content-Range"] == f"bytes 2-5/{file['bytes']}"
    lines = gzip.decompress(got(client, "/dumps/05334002/05334002.jsonl.gz").data).splitlines()
    assert len(lines) == sum(1 for line in lines if orjson.loads(line)["id"].startswith(BASE)) > 15
    assert "describedby" in got(client, "/dumps/05334002/Paper.csv").headers["Link"]


@pytest.mark.parametrize(
    "path",
    ["/dumps/..%2f..%2fmanifest.json", "/dumps/05334002/..%2Fmanifest.json", "/dumps/x/y.gz", "/dumps/.hidden.gz", "/dumps/05334002/none"],
)
def test_nothing_else_of_the_release_can_be_fetched(client, path):
    assert client.get(path).status_code == 404


# --- event stream


def test_a_client_of_the_stream_meets_every_change_in_order(client):
    entry = Graph().parse(data=got(client, "/stream", Accept="application/n-quads").data, format="nt")
    nodes = sorted(str(node) for node in set(entry.objects(None, TREE.node)))
    kinds = []
    for node in nodes:
        for member in orjson.loads(got(client, node).data)["member"]:
            kinds.append((member["type"], member["isVersionOf"].rsplit("/", 1)[-1]))
            document = got(client, f"{member['isVersionOf']}/v/{member['sequence']}").json
            assert document["@graph"] == member["@graph"]
    assert kinds[-3:].count(("as:Delete", "3")) + kinds[-3:].count(("as:Update", "4")) + kinds[-3:].count(("as:Create", "99")) == 3
    assert len(kinds) == len(objects()) + 3


def test_pages_tell_caches_how_long_they_live_and_removed_ones_are_gone(client):
    assert "max-age=60" in got(client, "/stream/1/1").headers["Cache-Control"]
    assert got(client, "/stream/0/1", 410) and got(client, "/stream/1/99", 404) and got(client, "/stream/7/1", 404)
    assert len(Dataset().parse(data=got(client, "/stream/1/1.nq").data, format="nquads")) > 100


# --- versions


def test_versions_never_change_and_name_the_one_before(client):
    listed = got(client, f"{VORLAGE}/4/v").json["data"]
    old, new = (got(client, one["id"]) for one in listed)
    assert new.json["wasRevisionOf"] == listed[0]["id"] and "wasRevisionOf" not in old.json
    assert old.json["@graph"][0]["name"] == "Gebührensatzung Nummer 4" and new.json["@graph"][0]["name"] == "Neuer Titel"
    assert "immutable" in new.headers["Cache-Control"] and 'rel="predecessor-version"' in new.headers["Link"]
    nquads = got(client, listed[1]["id"], Accept="application/n-quads").data.decode()
    assert f"<{listed[1]['id']}> <http://www.w3.org/ns/prov#wasRevisionOf> <{listed[0]['id']}> ." in nquads
    assert [one["current"] for one in listed] == [False, True]


def test_what_changed_between_two_versions_can_be_read(client):
    listed = got(client, f"{VORLAGE}/4/v").json["data"]
    changes = got(client, listed[1]["changes"]).json["data"]
    assert {"path": ["name"], "kind": "changed", "before": "Gebührensatzung Nummer 4", "after": "Neuer Titel"} in changes
    assert got(client, f"{VORLAGE}/4/v?from=1&to=2", 404) and got(client, f"{VORLAGE}/4/v/1", 404) and got(client, f"{VORLAGE}/none/v", 404)


def test_an_originals_address_leads_to_ours(client):
    found = got(client, f"/lookup?uri={quote(RIS + '/paper/4', safe='')}").json
    assert found["data"] == [{"id": f"{BASE}{VORLAGE}/4", "type": "Paper", "name": "Neuer Titel"}]
    assert got(client, "/lookup", 400) and got(client, "/lookup?uri=https://x.example/", 404)


# --- Atom, calendar, sitemap


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 14),
        (f"?body={quote(BODY)}", 14),
        (f"?organization={quote(SOZ)}", 14),
        (f"?organization={BODY}/organization/bau", 0),
        (f"?location={BODY}/location/7", 2),
        ("?q=Neuer", 1),
        (f"?q=Neuer&organization={BODY}/organization/bau", 0),
    ],
)
def test_feeds_hold_what_they_are_about(client, query, count):
    space = {"a": "http://www.w3.org/2005/Atom"}
    root = ElementTree.fromstring(got(client, f"/feed.atom{query}").data)
    assert len(root.findall("a:entry", space)) == count
    assert root.findtext("a:id", "", space).startswith(f"{BASE}/feed.atom")


def test_a_committees_calendar_is_read_by_a_library_and_unknown_ones_are_told(client):
    library = pytest.importorskip("icalendar")
    events = library.Calendar.from_ical(got(client, f"/calendar.ics?organization={SOZ}").data).walk("VEVENT")
    assert sorted(str(event["uid"]) for event in events) == [f"{BASE}/eli/dl/05334002/sitzung/{at}" for at in (1, 2)]
    assert {str(event["location"]) for event in events} == {"Haus der StädteRegion, Zollernstraße 10"}
    assert got(client, "/calendar.ics?organization=https://x.example/", 404) and got(client, "/calendar.ics?gremium=1", 400)


def test_crawlers_find_every_live_record(client):
    assert f"Sitemap: {BASE}/sitemap.xml" in got(client, "/robots.txt").get_data(as_text=True)
    space = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
    parts = [loc.text for loc in ElementTree.fromstring(got(client, "/sitemap.xml").data).iterfind(".//s:loc", space)]
    pages = [loc.text for part in parts for loc in ElementTree.fromstring(got(client, part).data).iterfind(".//s:loc", space)]
    assert f"{BASE}{VORLAGE}/99" in pages and f"{BASE}{VORLAGE}/3" not in pages and len(pages) == len(set(pages))


def test_confirmed_links_are_in_the_release_and_can_be_fetched_and_queried(tmp_path):
    home = tmp_path / "home"
    (home / "linksets").mkdir(parents=True)
    links = [
        Link(BODY, "skos:exactMatch", "http://www.wikidata.org/entity/Q1", "", "confirmed"),
        Link(BODY, "skos:exactMatch", "http://x.example", ""),
    ]
    (home / "linksets" / "wikidata.csv").write_text(written(links), "utf-8")
    served = create_app(published(home, objects(1))).test_client()
    lines = got(served, "/linkset/wikidata").get_data(as_text=True)
    assert "entity/Q1" in lines and "x.example" not in lines
    query = f"ASK {{ GRAPH <{BASE}/linkset/wikidata> {{ <{BODY}> ?p <http://www.wikidata.org/entity/Q1> }} }}"
    assert served.get(f"/sparql?query={quote(query)}", headers={"Accept": "application/sparql-results+json"}).json["boolean"] is True
    assert got(served, "/linkset/none", 404) and got(served, "/linkset/..%2fmanifest", 404)


HTML = "text/html,application/xhtml+xml,*/*;q=0.8"


@pytest.mark.parametrize(("lang", "word"), [("de", "Titel"), ("en", "What changed")])
def test_people_read_the_versions_and_what_changed_as_a_page(client, lang, word):
    listed = got(client, f"{VORLAGE}/4/v?lang={lang}", Accept=HTML)
    assert listed.mimetype == "text/html" and "Neuer Titel" in listed.get_data(as_text=True)
    link = got(client, f"{VORLAGE}/4/v").json["data"][1]["changes"]
    text = got(client, f"{link}&lang={lang}", Accept=HTML).get_data(as_text=True)
    assert "Gebührensatzung Nummer 4" in text and "Neuer Titel" in text and word in text


def test_people_find_every_file_of_the_catalogue_on_a_page_while_harvesters_get_data(client):
    text = got(client, "/catalog", Accept=HTML).get_data(as_text=True)
    for file in got(client, "/dumps").json["bodies"][0]["files"]:
        assert file["path"] in text
    assert got(client, "/catalog", Accept="*/*").mimetype == "application/ld+json"
