"""Promises of the OParl API: lists, filters, paging, tombstones, errors."""

from contextlib import closing
from datetime import datetime
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.errors import Malformed
from publisher.journal.reader import Reader
from publisher.record import parts
from publisher.release import current
from publisher.views import create_app
from publisher.views.lists import CLASS_OF, asked, moment, token
from tests.town import BASE, BODY, objects, paper, published

SOZ = f"{BODY}/organization/soz"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    home = tmp_path_factory.mktemp("town") / "home"
    published(home, objects())
    kept = [one for one in objects() if not str(one["id"]).endswith("/paper/3")]
    published(home, [*kept, paper(99)], "2026-11-02T10:00:00+00:00")
    return create_app(home).test_client()


def got(client, url, status=200, **headers):
    answer = client.get(url.removeprefix(BASE), headers=headers)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer


def walked(client, url):
    """Every object of a list, along links.next."""
    found = []
    while url:
        page = got(client, url).json
        found += page["data"]
        url = page["links"].get("next")
    return found


def test_a_list_names_its_release_also_to_who_has_it_already(client):
    first = got(client, f"{BODY}/paper")
    again = client.get(f"{BODY}/paper", headers={"If-None-Match": first.headers["ETag"]})

    served = str(client.application.config["RELEASE"]().number)
    assert (again.status_code, first.headers["X-Publisher-Release"], again.headers["X-Publisher-Release"]) == (304, served, served)


def test_a_client_walks_from_the_system_to_every_list_and_finds_all_typed_and_fetchable(client):
    system = got(client, "/oparl/system").json
    assert system["type"].endswith("/System") and system["id"] == f"{BASE}/oparl/system"
    counts = {}
    for body in walked(client, system["body"]):
        for key in (
            "organization",
            "person",
            "meeting",
            "paper",
            "agendaItem",
            "consultation",
            "file",
            "locationList",
            "legislativeTermList",
            "membership",
        ):
            every = walked(client, body[key])
            counts[key] = len(every)
            for one in every:
                assert one["type"].startswith("https://schema.oparl.org/1.1/")
                assert got(client, one["id"]).json["id"] == one["id"]
    assert counts == {
        "organization": 3, "person": 2, "meeting": 2, "paper": 12, "agendaItem": 2, "consultation": 12, "file": 12,
        "locationList": 1, "legislativeTermList": 0, "membership": 1,
    }  # fmt: skip


def test_items_are_the_bytes_of_the_documents(client):
    page = got(client, f"{BODY}/paper").data
    for one in orjson.loads(page)["data"]:
        document = got(client, one["id"], Accept="application/json").data
        assert b"{" + document.split(b",", 1)[1] in page


@pytest.mark.parametrize("limit", [1, 5, 12, 100])
def test_pages_of_any_size_give_every_paper_once_in_one_order(client, limit):
    ids = [one["id"] for one in walked(client, f"{BODY}/paper?limit={limit}")]
    assert len(ids) == len(set(ids)) == 12 and ids == [one["id"] for one in walked(client, f"{BODY}/paper")]


def test_the_last_page_has_no_next_and_links_keep_the_filters(client):
    page = got(client, f"{BODY}/paper?limit=5&created_since=2021-01-05T00%3A00%3A00%2B01%3A00").json
    assert "created_since=2021-01-05T00%3A00%3A00%2B01%3A00" in page["links"]["next"] and "limit=5" in page["links"]["next"]
    assert got(client, page["links"]["self"]).json == page
    assert "next" not in got(client, f"{BODY}/paper?limit=12").json["links"]


def test_totals_are_told_for_whole_lists(client):
    assert got(client, f"{BODY}/paper?limit=5").json["pagination"] == {"elementsPerPage": 5, "totalElements": 12}


def test_tombstones_come_with_modified_since_and_only_then(client):
    gone = f"{BASE}/eli/dl/05334002/vorlage/3"
    assert gone not in {one["id"] for one in walked(client, f"{BODY}/paper?created_since=2000-01-01T00:00:00Z")}
    [tombstone] = [one for one in walked(client, f"{BODY}/paper?modified_since=2000-01-01T00:00:00Z") if one["id"] == gone]
    assert tombstone["deleted"] is True and set(tombstone) <= {"type", "id", "created", "modified", "deleted", "owl:sameAs"}


@pytest.mark.parametrize("since", ["2021-01-09T09:00:00+01:00", "2021-01-09T08:00:00Z"])
@pytest.mark.parametrize(
    "form", [str, quote, lambda text: quote(quote(text)), lambda text: text.replace(":", "%3A"), lambda text: quote(text, safe=":")]
)
def test_times_are_understood_however_they_are_encoded_and_compared_as_instants(client, since, form):
    keys = {one["id"].rsplit("/")[-1] for one in walked(client, f"{BODY}/paper?created_since={form(since)}")}
    assert keys == {"8", "9", "10", "11", "12", "99"}


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("modified_since=2021-06-02", "Zeitzone"),
        ("modified_since=2021-06-02T10:00:00", "time zone"),
        ("created_until=gestern", "%2B02%3A00"),
        ("limit=0", "1 bis 1000"),
        ("limit=viele", "limit"),
        ("omit_internal=vielleicht", "true"),
        ("page=4", "links.next"),
        ("modifed_since=2021-06-02T10:00:00Z", "unknown filter"),
        ("after=%25%25", "links.next"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_as_an_oparl_error(client, query, word):
    answer = got(client, f"{BODY}/paper?{query}", 400).json
    assert answer["type"] == "https://schema.oparl.org/1.1/Error" and word in answer["message"]


def test_a_bookmark_behind_the_end_is_an_empty_page(client):
    page = got(client, f"{BODY}/paper?after={token(('9999-01-01T00:00:00+00:00', 'x'))}").json
    assert page["data"] == [] and "next" not in page["links"]


def test_unknown_bodies_and_wrong_methods_and_formats_are_told(client):
    assert got(client, f"{BASE}/id/99999/paper", 404).json["type"].endswith("/Error")
    assert client.post("/oparl/body").status_code == 405
    assert got(client, "/oparl/body", 406, Accept="image/png").json["type"].endswith("/Error")
    assert got(client, "/oparl/body", 200, Accept="text/html,*/*;q=0.1").mimetype == "application/json"


def test_an_address_that_ends_in_a_slash_leads_to_the_one_without(client):
    for path in ("/id/05334002", "/id/05334002/paper", "/eli/dl/05334002/vorlage/1"):
        moved = client.get(f"{path}/?limit=2", headers={"Host": "evil.example"})
        assert (moved.status_code, moved.headers["Location"]) == (308, f"{BASE}{path}?limit=2")


def test_omit_internal_leaves_out_what_has_lists_of_its_own(client):
    [meeting, *_] = got(client, f"{BODY}/meeting?omit_internal=true").json["data"]
    [whole, *_] = got(client, f"{BODY}/meeting").json["data"]
    assert "agendaItem" in whole and whole.keys() - meeting.keys() == {"agendaItem"}


def test_an_organization_lists_its_meetings_and_consultations(client):
    assert [one["id"] for one in walked(client, f"{SOZ}/meeting?limit=1")] == [f"{BASE}/eli/dl/05334002/sitzung/{at}" for at in (1, 2)]
    assert len(walked(client, f"{SOZ}/consultation?limit=5")) == 12
    assert walked(client, f"{BODY}/organization/bau/meeting") == []
    assert len(walked(client, f"{SOZ}/meeting?created_since=2021-01-18T00:00:00Z")) == 1


def test_everyone_may_read_from_any_page_and_an_unchanged_list_is_304(client):
    answer = got(client, f"{BODY}/paper")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    again = client.get("/id/05334002/paper", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304 and again.data == b""
    assert client.head("/id/05334002/paper").headers["Content-Length"] == answer.headers["Content-Length"]


@given(st.text(max_size=40))
def test_a_time_is_an_instant_with_a_zone_or_refused_with_an_example(text):
    try:
        assert moment("created_since", text)[-6] in "+-"
    except Malformed as error:
        assert "2021-06-02T00:00:00+02:00" in str(error)


@given(
    st.tuples(st.text(alphabet=st.characters(exclude_characters="\n", exclude_categories=["Cs"])), st.text(min_size=1, alphabet="abc/:"))
)
def test_a_bookmark_comes_back_as_it_went(key):
    assert asked({"after": token(key)}).after == key


def test_a_walk_over_the_whole_real_crawl_misses_nothing_and_finds_no_untyped_object(crawl_home):
    client = create_app(crawl_home).test_client()
    with closing(Reader(crawl_home, current(crawl_home).number)) as reader:
        base, live = reader.base, {cls: count for cls, (count, _) in reader.counts().items()}
        [body] = reader.bodies()
        found = {}
        for key, cls in CLASS_OF.items():
            every = walked_under(client, base, f"{body.iri}/{key}?limit=1000")
            assert len({one["id"] for one in every}) == len(every)
            assert all(reader.get(one["id"]) for one in every[::50])
            assert all(part["type"] for one in every for _, part in parts(one))
            found[cls] = len(every)
    assert found == {cls: live.get(cls, 0) for cls in found} and found["Paper"] > 2000


def walked_under(client, base, url):
    found = []
    while url:
        page = orjson.loads(client.get(url.removeprefix(base)).data)
        found += page["data"]
        url = page["links"].get("next")
    return found


@pytest.mark.parametrize(
    ("times", "index"),
    [
        ({}, "entry_body"),
        ({"created_since": "2021-01-05T00:00:00+01:00"}, "entry_created_at"),
        ({"modified_since": "2021-01-05T00:00:00+01:00", "modified_until": "2021-02-05T00:00:00+01:00"}, "entry_modified_at"),
        ({"modified_since": "2021-01-05T00:00:00+01:00", "created_since": "2021-01-05T00:00:00+01:00"}, "entry_modified_at"),
    ],
)
def test_a_page_of_a_list_is_an_index_look_up_however_long_the_list(client, times, index):
    with client.application.app_context():
        reader = client.application.config["LIBRARY"].reader()
    plan = planned(reader, lambda: reader.page("Paper", body=BODY, after=("2021-01-05T09:00:00+01:00", "x"), limit=101, **times))
    assert any(step.startswith("SEARCH e USING INDEX") and index in step for step in plan)
    found, rest = plan[: plan.index("SCAN e")], plan[plan.index("SCAN e") :]
    assert not any("TEMP B-TREE" in step for step in found) and rest, plan


def test_a_page_of_an_organizations_list_is_an_index_look_up(client):
    with client.application.app_context():
        reader = client.application.config["LIBRARY"].reader()
    plan = planned(reader, lambda: reader.page_of(SOZ, "organization", "Consultation", after=("", "x"), limit=101))
    assert any("link_list" in step and "iri>?" in step for step in plan) and not any("TEMP B-TREE" in step for step in plan), plan


def planned(reader, asking):
    asked_for = []
    reader.db.set_trace_callback(asked_for.append)
    asking()
    reader.db.set_trace_callback(None)
    plan = [row[3] for row in reader.db.execute(f"explain query plan {asked_for[0]}")]
    assert not any(step.startswith("SCAN") and "entry" in step for step in plan), plan
    return plan


def test_what_changed_comes_in_the_order_of_its_change(client):
    found = walked(client, f"{BODY}/paper?limit=3&modified_since=2021-01-02T00:00:00%2B01:00")
    stamps = [one["modified"] for one in found]
    assert len(found) == 13 and [datetime.fromisoformat(stamp) for stamp in stamps] == sorted(map(datetime.fromisoformat, stamps))
    assert len({one["id"] for one in found}) == 13
