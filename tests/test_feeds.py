"""Promises of dumps, tables, the event stream, feeds, calendars and sitemaps."""

import csv
import gzip
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from xml.etree import ElementTree

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rdflib import Dataset, Graph

from publisher.feeds import atom, calendar, dumps, sitemap, stream, tables
from publisher.feeds.difference import Change, difference
from publisher.feeds.stream import Stream
from publisher.graph.mapper import quads
from publisher.ontology import ontology

BASE = "https://ris.example"
OPARL = "https://schema.oparl.org/1.1/"


class Version(NamedTuple):
    iri: str
    type: str
    seq: int
    kind: str
    body: str
    recorded: str
    modified: str
    hash: str
    json: bytes
    erased: bool = False


def paper(key, **more):
    iri = f"{BASE}/eli/dl/05334/vorlage/{key}"
    return {
        "type": OPARL + "Paper",
        "id": iri,
        "body": f"{BASE}/id/05334",
        "name": f'Vorlage "{key}"',
        "modified": "2021-06-02T09:00:00+02:00",
    } | more


def version(seq, obj, kind="create"):
    stamp = f"2026-11-{1 + seq // 10:02}T10:00:00+00:00"
    return Version(
        obj["id"], obj["type"].rsplit("/")[-1], seq, kind, BASE + "/id/05334", stamp, obj["modified"], f"{seq:064x}", orjson.dumps(obj)
    )


CONSULTATION = {"type": OPARL + "Consultation", "id": f"{BASE}/eli/dl/05334/beratung/1", "role": "Vorberatung; eilt", "authoritative": True}
RECORDS = [version(at, paper(at, keyword=["Bau", "Umwelt|Klima"], consultation=[CONSULTATION])) for at in range(1, 4)]
CUT = Stream(BASE, f"{BASE}/ontology/context/1.0.jsonld", size=2)


# --- dumps and tables


def written(folder, license=""):
    files = dumps.Files(folder)
    files.add(dumps.chunk([(record.json, quads(orjson.loads(record.json))) for record in RECORDS]))
    return files.close(license)


def unpacked(path):
    return gzip.decompress(path.read_bytes())


def links(path):
    return path.stat().st_nlink


def test_all_dumps_of_a_body_say_the_same(tmp_path):
    made = written(tmp_path / "05334")

    files = {dump.format: tmp_path / "05334" / dump.title for dump in made if dump.format != "csv"}
    flat, named = Graph(), Dataset()
    flat.parse(unpacked(files["ttl"]), format="turtle")
    named.parse(unpacked(files["nq"]), format="nquads")
    assert set(flat) == {(s, p, o) for s, p, o, _ in named.quads()} and len(flat) > 10
    assert [orjson.loads(line) for line in unpacked(files["jsonl"]).splitlines()] == [orjson.loads(record.json) for record in RECORDS]
    assert {dump.title: dump.records for dump in made if dump.format == "csv"} == {"Consultation.csv": 3, "Paper.csv": 3}


def test_the_same_records_give_the_same_bytes_and_unchanged_dumps_are_linked(tmp_path):
    first, second = (written(tmp_path / at / "05334", license="urn:l") for at in ("1", "2"))
    third = dumps.linked(tmp_path / "3" / "05334", tmp_path / "2" / "05334", "urn:l")

    assert first == second == third
    for name in ("05334.nq.gz", "Paper.csv", "Paper.csv-metadata.json", "manifest.json"):
        assert links(tmp_path / "3" / "05334" / name) == 2
    assert dumps.linked(tmp_path / "4" / "05334", tmp_path / "2" / "05334", "urn:other") is None
    assert dumps.linked(tmp_path / "4" / "05334", tmp_path / "none", "urn:l") is None


def test_chunks_that_stay_are_copied_and_the_files_are_those_of_all_records(tmp_path):
    chunks = [dumps.chunk([(record.json, quads(orjson.loads(record.json)))]) for record in RECORDS]
    before = dumps.Files(tmp_path / "1" / "05334")
    for one in chunks:
        before.add(one)
    before.close()
    changed = version(2, paper(2, name="Neu"))
    anew = dumps.chunk([(changed.json, quads(orjson.loads(changed.json)))])

    kept = dumps.chunks(tmp_path / "1" / "05334")
    after = dumps.Files(tmp_path / "3" / "05334", tmp_path / "1" / "05334", kept)
    for one in (kept[0], anew, kept[2]):
        after.add(one)
    made = after.close()

    whole = dumps.Files(tmp_path / "2" / "05334")
    for one in (chunks[0], anew, chunks[2]):
        whole.add(one)
    assert made == whole.close()
    for file in (tmp_path / "2" / "05334").iterdir():
        assert file.read_bytes() == (tmp_path / "3" / "05334" / file.name).read_bytes()


def test_manifest_and_checksums_agree_with_the_files(tmp_path):
    made = written(tmp_path / "dumps" / "05334")
    bodies = [(f"{BASE}/id/05334", "Beispiel", "", made)]
    listed = orjson.loads(dumps.manifest(BASE, 7, bodies))
    assert listed["release"] == 7 and listed["bodies"][0]["files"][0]["url"] == f"{BASE}/dumps/05334/05334.nq.gz"
    sums = dict(reversed(line.split("  ")) for line in dumps.checksums(bodies).splitlines())
    for name, digest in sums.items():
        path = tmp_path / "dumps" / name
        assert dumps.sha256(path.read_bytes()).hexdigest() == digest
        assert path.stat().st_size == next(dump.bytes for dump in made if dump.path.endswith(name))


def test_a_table_has_the_columns_that_its_metadata_describes(tmp_path):
    written(tmp_path / "05334")
    for cls in ("Paper", "Consultation"):
        with tmp_path.joinpath("05334", f"{cls}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        described = orjson.loads(tables.metadata(cls, f"{cls}.csv"))["tableSchema"]["columns"]
        assert list(rows[0]) == [column["titles"]["und"] for column in described] and len(rows) == 3
        assert all(column["titles"]["de"] and column["titles"]["en"] for column in described[2:])
    with tmp_path.joinpath("05334", "Paper.csv").open(encoding="utf-8", newline="") as file:
        first = next(csv.DictReader(file))
    assert (first["name"], first["keyword"], first["consultation"]) == ('Vorlage "1"', "Bau|Umwelt¦Klima", CONSULTATION["id"])


@pytest.mark.parametrize("url", ["a b", "x|y"])
def test_cells(url):
    assert tables.cell({"id": url}) == url
    assert (tables.cell(True), tables.cell(None), tables.cell(["a", "b|c"]), tables.cell(0)) == ("true", "", "a|b¦c", "0")


# --- event stream


def members(folder, place):
    return [one["id"] for one in orjson.loads(folder.joinpath(f"{place}.jsonld").read_bytes())["member"]]


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_full_pages_never_change_and_are_linked_from_release_to_release(tmp_path):
    events = [version(at, paper(at)) for at in range(1, 6)]
    once = stream.write(tmp_path / "1", CUT, lambda after: [e for e in events[:3] if e.seq > after], quads)
    again = stream.write(tmp_path / "2", CUT, lambda after: [e for e in events if e.seq > after], quads, tmp_path / "1")

    assert [(page.members, page.full) for page in once] == [(2, True), (1, False)]
    assert [(page.members, page.full) for page in again] == [(2, True), (2, True), (1, False)]
    assert links(tmp_path / "2" / "1" / "1.nq") == 2
    whole = stream.write(tmp_path / "3", CUT, lambda after: [e for e in events if e.seq > after], quads)
    assert whole == again
    assert files(tmp_path / "2") == files(tmp_path / "3")


def test_json_ld_and_n_quads_of_a_page_are_one_graph_and_each_record_stands_in_its_version(tmp_path):
    from_pyld = pytest.importorskip("pyld").jsonld
    events = [
        version(1, paper(1, consultation=[CONSULTATION])),
        version(2, paper(2), "update"),
        version(3, paper(1, deleted=True), "delete"),
    ]
    stream.write(tmp_path / "s", CUT, lambda _: events, quads)

    def context(url, _options):
        assert url == CUT.context
        return {"contextUrl": None, "documentUrl": url, "document": {"@context": ontology().context}}

    for name in ("1/1", "open", "root"):
        page = orjson.loads(tmp_path.joinpath("s", f"{name}.jsonld").read_bytes())
        text = from_pyld.to_rdf(page, {"format": "application/n-quads", "documentLoader": context})
        assert set(text.splitlines()) == set(tmp_path.joinpath("s", f"{name}.nq").read_text("utf-8").splitlines())
    graphs = Dataset()
    graphs.parse(tmp_path / "s" / "1" / "1.nq", format="nquads")
    assert {str(graph.identifier) for graph in graphs.graphs()} >= {stream.version_iri(e.iri, e.seq) for e in events[:2]}


def test_a_member_holds_the_record_byte_for_byte(tmp_path):
    stream.write(tmp_path / "s", CUT, lambda _: RECORDS[:1], quads)
    assert RECORDS[0].json in tmp_path.joinpath("s", "open.jsonld").read_bytes()


WEEK = CUT._replace(days=1, at="2026-11-02T22:00:00+00:00")  # events 1 to 9 were recorded on the 1st, 10 to 19 on the 2nd


def log_of(*keys):
    """The stream of a town: event number at + 1 is a version of the paper keys[at]."""
    return [version(at, paper(key), "update" if key in keys[: at - 1] else "create") for at, key in enumerate(keys, 1)]


def after(events):
    return lambda seq: [event for event in events if event.seq > seq]


def test_what_is_older_than_the_retention_shrinks_to_the_newest_version_of_each_record(tmp_path):
    events = log_of(1, 2, 1, 1, 3, 3, 2, 1, 1, 1, 1, 1)
    pages = stream.write(tmp_path / "s", WEEK, after(events), quads)
    assert [(page.number, page.upto, page.members) for page in pages] == [(1, 8, 2), (2, 8, 1), (5, 0, 2), (6, 0, 2)]
    held = [one for place in ("1/8/1", "1/8/2", "1/5", "1/6") for one in members(tmp_path / "s", place)]
    assert held == [stream.version_iri(events[at - 1].iri, at) for at in (6, 7, 8, 9, 10, 11, 12)]
    assert not (tmp_path / "s" / "1" / "1.nq").exists() and not (tmp_path / "s" / "1" / "4.jsonld").exists()


def test_the_root_says_what_is_kept_and_no_relation_points_at_a_page_that_is_not_there(tmp_path):
    stream.write(tmp_path / "s", WEEK, after(log_of(*[1] * 12)), quads)
    view = orjson.loads(tmp_path.joinpath("s", "root.jsonld").read_bytes())["view"]
    assert view["retentionPolicy"].items() >= {"fullLogDuration": "P1D", "versionAmount": 1}.items()
    assert [relation["node"] for relation in view["relation"]][::2] == [f"{BASE}/stream/{place}" for place in ("1/8/1", "1/5", "1/6")]
    assert len({relation["id"] for relation in view["relation"]}) == len(view["relation"])
    stream.write(tmp_path / "all", CUT, after(log_of(1)), quads)
    assert b"retention" not in tmp_path.joinpath("all", "root.nq").read_bytes()


def test_shortened_pages_are_linked_while_the_log_begins_where_it_did_and_all_history_can_be_had_again(tmp_path):
    events = log_of(1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1)
    stream.write(tmp_path / "1", WEEK, after(events), quads)
    more = [*events, version(14, paper(9))]
    again = stream.write(tmp_path / "2", WEEK, after(more), quads, tmp_path / "1")
    assert links(tmp_path / "2" / "1" / "8" / "1.nq") == 2 and again[-1].last == 14
    assert again == stream.write(tmp_path / "3", WEEK, after(more), quads) and files(tmp_path / "2") == files(tmp_path / "3")
    later = WEEK._replace(at="2026-11-09T00:00:00+00:00")
    shorter = stream.write(tmp_path / "4", later, after(more), quads, tmp_path / "2")
    assert {page.upto for page in shorter} == {0, 12} and not (tmp_path / "4" / "1" / "8").exists()
    whole = stream.write(tmp_path / "5", CUT, after(more), quads, tmp_path / "4")
    assert [page.number for page in whole] == [1, 2, 3, 4, 5, 6, 7]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=40), st.integers(1, 4), st.integers(0, 60))
def test_a_client_that_reads_a_shortened_stream_ends_with_the_same_newest_versions(keys, size, hours):
    events = log_of(*keys)
    at = (datetime(2026, 11, 1, 12, tzinfo=UTC) + timedelta(hours=hours)).isoformat()
    with TemporaryDirectory() as folder:
        place = Path(folder, "s")
        pages = stream.write(place, CUT._replace(size=size, days=1, at=at), after(events), quads)
        read = [one for page in pages for one in members(place, stream.page_file(Path(), 1, page.number, page.upto, full=page.full))]
    seqs = [int(one.rsplit("/", 1)[1]) for one in read]
    assert seqs == sorted(set(seqs))
    assert {one.rsplit("/v/")[0]: one for one in read} == {event.iri: stream.version_iri(event.iri, event.seq) for event in events}


def test_every_timestamp_has_a_zone_and_the_open_page_no_upper_bound(tmp_path):
    events = [version(at, paper(at)) for at in range(1, 4)]
    stream.write(tmp_path / "s", CUT, lambda _: events, quads)
    relations = orjson.loads(tmp_path.joinpath("s", "root.jsonld").read_bytes())["view"]["relation"]
    assert all(datetime.fromisoformat(relation["tree:value"]["@value"]).tzinfo for relation in relations)
    assert [relation["type"] for relation in relations if relation["node"].endswith("/2")] == ["tree:GreaterThanOrEqualToRelation"]


def test_another_generation_starts_anew(tmp_path):
    stream.write(tmp_path / "1", CUT, lambda _: RECORDS, quads)
    stream.write(tmp_path / "2", CUT._replace(generation=2), lambda _: RECORDS[1:], quads, tmp_path / "1")
    assert members(tmp_path / "2", "2/1") == [stream.version_iri(one.iri, one.seq) for one in RECORDS[1:]]


# --- Atom, calendar, sitemap


def test_an_atom_feed_parses_and_its_time_is_the_newest_entrys():
    entries = [
        atom.Entry(f"{BASE}/a", "A & <B> \x01", "2021-06-02T09:00:00+02:00", summary="x", author="Rat", category="Paper"),
        atom.Entry(f"{BASE}/b", "B", "2022-06-02T09:00:00+02:00"),
    ]
    text = atom.feed(f"{BASE}/feed.atom", "Neues", entries, page=BASE)
    space = {"a": "http://www.w3.org/2005/Atom"}
    root = ElementTree.fromstring(text)
    assert root.findtext("a:updated", "", space) == "2022-06-02T09:00:00+02:00"
    assert [entry.findtext("a:title", "", space) for entry in root.findall("a:entry", space)] == ["A & <B> ", "B"]
    assert atom.feed(f"{BASE}/feed.atom", "Neues", entries, page=BASE) == text
    assert ElementTree.fromstring(atom.feed(BASE, "leer", [])).findtext("a:updated", "", space).startswith("1970")


def meeting(**more):
    return {
        "type": OPARL + "Meeting",
        "id": f"{BASE}/eli/dl/05334/sitzung/9",
        "name": "Ausschuss; für Soziales",
        "modified": "2021-06-01T00:00:00+02:00",
    } | more


def imported(*meetings):
    library = pytest.importorskip("icalendar", reason="icalendar is not installed")
    return library.Calendar.from_ical(calendar.calendar("Sitzungen, alle", meetings))


def test_a_calendar_is_read_by_a_calendar_library():
    place = {
        "id": "x",
        "description": "Haus der StädteRegion, Zollernstraße 10, ein recht langer Ort, damit die Zeile gefaltet wird: ä ö ü",
    }
    items = [{"number": "1", "name": "Begrüßung"}, {"number": "2", "name": "Haushalt, Teil 2"}]
    held = meeting(start="2021-06-16T17:00:00+02:00", end="2021-06-16T19:30:00+02:00", location=place, agendaItem=items)
    [event] = imported(held).walk("VEVENT")
    assert event.decoded("dtstart") == datetime(2021, 6, 16, 15, tzinfo=UTC) and event.decoded("dtend") == datetime(
        2021, 6, 16, 17, 30, tzinfo=UTC
    )
    assert (str(event["summary"]), str(event["location"]), str(event["uid"])) == (held["name"], place["description"], held["id"])
    assert str(event["description"]).splitlines() == ["1 Begrüßung", "2 Haushalt, Teil 2"]


def test_a_day_is_an_all_day_event_and_no_date_is_no_event_and_cancelled_stays():
    events = imported(meeting(**{"oparlx:day": "2021-06-16"}), meeting(), meeting(start="2021-06-16T17:00:00+02:00", cancelled=True)).walk(
        "VEVENT"
    )
    assert [str(event["status"]) for event in events] == ["CONFIRMED", "CANCELLED"]
    assert events[0].decoded("dtstart") == date(2021, 6, 16) and events[0].decoded("dtend") == date(2021, 6, 17)


def test_an_end_before_the_start_is_not_told_to_calendars():
    [event] = imported(meeting(start="2021-06-16T17:00:00+02:00", end="2021-06-16T00:00:00+02:00")).walk("VEVENT")
    assert "dtend" not in event


@given(st.text(max_size=200))
def test_any_name_survives_folding_and_escaping(name):
    library = pytest.importorskip("icalendar")
    made = calendar.calendar("x", [meeting(name=name, start="2021-06-16T17:00:00+02:00")])
    assert all(len(line) <= 75 for line in made.split(b"\r\n"))
    [event] = library.Calendar.from_ical(made).walk("VEVENT")
    assert str(event["uid"]) == f"{BASE}/eli/dl/05334/sitzung/9"


def test_sitemaps_list_every_page_once_and_unchanged_ones_are_linked(tmp_path):
    pages = [(f"{BASE}/id/{at}?a&b", f"2021-06-{at:02}T00:00:00+02:00") for at in range(1, 6)]
    assert sitemap.write(tmp_path / "1", BASE, pages, size=2) == 5
    sitemap.write(tmp_path / "2", BASE, [*pages, (BASE, "")], tmp_path / "1", size=2)
    space = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}
    index = ElementTree.parse(tmp_path / "1" / "sitemap.xml")
    files = [loc.text.rsplit("/")[-1] for loc in index.iterfind(".//s:loc", space)]
    found = [loc.text for name in files for loc in ElementTree.parse(tmp_path / "1" / name).iterfind(".//s:loc", space)]
    assert found == [iri for iri, _ in pages] and len(files) == 3
    assert links(tmp_path / "2" / "sitemap-1.xml") == 2 and links(tmp_path / "2" / "sitemap-3.xml") == 1


def test_robots_close_what_costs_work_and_name_the_sitemap():
    assert "Disallow: /sparql\nDisallow: /search\n" in sitemap.robots(BASE)
    assert "Disallow: /ris/sparql\n" in sitemap.robots(BASE + "/ris") and sitemap.robots(BASE).endswith(
        "Sitemap: https://ris.example/sitemap.xml\n"
    )


# --- differences


def test_a_difference_names_the_object_that_changed_whatever_the_order_of_the_list():
    before = {"name": "A", "agendaItem": [{"id": "1", "result": "x"}, {"id": "2"}], "keyword": ["a"]}
    after = {"name": "B", "agendaItem": [{"id": "2"}, {"id": "1", "result": "y"}, {"id": "3"}], "end": "z"}
    assert difference(before, after) == [
        Change(("name",), "changed", "A", "B"),
        Change(("agendaItem", "1", "result"), "changed", "x", "y"),
        Change(("agendaItem", "3"), "added", None, {"id": "3"}),
        Change(("keyword",), "removed", ["a"], None),
        Change(("end",), "added", None, "z"),
    ]


VALUES = st.recursive(
    st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


@given(st.dictionaries(st.text(max_size=3), VALUES, max_size=4), st.dictionaries(st.text(max_size=3), VALUES, max_size=4))
def test_no_difference_means_equal(before, after):
    assert (difference(before, after) == []) == (before == after)
    assert difference(before, before) == []
