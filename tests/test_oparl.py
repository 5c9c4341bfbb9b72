"""OParl over HTTP: along every list of every body, whatever the server does; what is missing is named."""

import json
import os
import socket
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest

from publisher import sources
from publisher.config import PRIVATE, Source
from publisher.errors import Malformed, Unreachable
from publisher.fetch import Clock, Fetch
from publisher.record import Record, Refusal
from publisher.sources import oparl, oparl_files
from publisher.sources.oparl import page_after, query, with_query
from publisher.sources.oparl_page import listed
from publisher.sources.seen import embedded
from publisher.sources.stamps import changed_since
from tests.hostile import CASES, SCHEMA, Ask, Case, Town, serving

SHARED = Path(os.environ.get("PUBLISHER_SHARED", Path(__file__).parent.parent.parent / "shared"))
CRAWL = SHARED / "realdata" / "huertgenwald-sdnet"
UPSTREAM = "https://sdnetrim.kdvz-frechen.de/rim4220/webservice/oparl/v1.0"


def hasty():
    """A clock that tells the real time plus all that was to be slept, and never sleeps; and what was slept."""
    slept = []
    return Clock(lambda: time.time() + sum(slept), slept.append), slept


def told(base, options=None, home=None, **more):
    source = Source("musterstadt", "oparl", f"{base}/system", "05999016", pause=0, options=options or {})
    with Fetch(source, home, clock=hasty()[0], **more) as fetch:
        items = list(oparl.records(source, fetch))
    return [item for item in items if isinstance(item, Record)], [item for item in items if isinstance(item, Refusal)]


def listening(port):
    """Wait until somebody listens: the replay server speaks before it does."""
    for _ in range(400):
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"nobody listens on port {port}")


def keys(records, base):
    return [record.id.removeprefix(base + "/body/1/") for record in records if "/body/1/" in record.id]


def expected(town):
    return [f"{kind}/{key}" for kind, size in town.sizes.items() for key in range(1, size + 1)]


def test_every_list_is_walked_to_its_end():
    town = Town()
    with serving(town) as (base, asked):
        records, refusals = told(base)

    assert keys(records, base) == expected(town) and refusals == []
    assert [record.type for record in records[:2]] == ["System", "Body"]
    assert {record.body for record in records[2:]} == {base + "/body/1"}
    assert asked.count("/body/1/paper?page=4") == 1


@pytest.mark.parametrize("case", CASES, ids=[case.trouble.__name__ for case in CASES])
def test_whatever_a_server_does_nothing_is_lost_in_silence(case: Case):
    town = Town()
    with serving(lambda ask: case.trouble(ask, town)) as (base, _):
        if case.lost < 0:
            with pytest.raises(Unreachable) as error:
                told(base, case.options)
            assert case.words in str(error.value) and f"musterstadt: {base}/" in str(error.value)
            return
        records, refusals = told(base, case.options)

    assert len({record.id for record in records}) == len(records) == town.size - case.lost
    assert len(refusals) == case.refusals
    for refusal in refusals:
        assert case.words in refusal.reason and refusal.url.startswith(base) and not refusal.id


@pytest.mark.parametrize("moment", [1, 2, 9, 23, 40, 56])
def test_interrupted_anywhere_a_harvest_ends_as_if_undisturbed(tmp_path, moment):
    with serving(Town()) as (base, _):
        source = Source("musterstadt", "oparl", f"{base}/system", "05999016", pause=0)
        with Fetch(source) as fetch:
            undisturbed = list(oparl.records(source, fetch))
        with Fetch(source, tmp_path) as fetch:
            first = list(islice(oparl.records(source, fetch), moment))
        with Fetch(source, tmp_path) as fetch:
            again = list(sources.records(source, fetch))

    assert again == undisturbed and first == undisturbed[:moment]


def test_an_interrupted_harvest_goes_on_where_it_stopped(tmp_path):
    town = Town()
    with serving(town) as (base, asked):
        source = Source("musterstadt", "oparl", f"{base}/system", "05999016", pause=0)
        with Fetch(source, tmp_path) as fetch:
            for item in oparl.records(source, fetch):
                if item.id.endswith("/paper/15"):
                    break
        first = len(asked)
        with Fetch(source, tmp_path) as fetch:
            records = [item for item in oparl.records(source, fetch) if isinstance(item, Record)]
            fetch.finish()

    assert keys(records, base) == expected(town)
    assert asked[first:] == ["/robots.txt", "/body/1/paper?page=3", "/body/1/paper?page=4"]


def test_a_finished_harvest_is_asked_anew(tmp_path):
    with serving(Town(papers=3)) as (base, asked):
        source = Source("musterstadt", "oparl", f"{base}/system", "05999016", pause=0)
        for _ in range(2):
            with Fetch(source, tmp_path) as fetch:
                assert all(isinstance(item, Record) for item in sources.records(source, fetch))

    assert asked.count("/body/1/paper") == 2


def test_a_harvest_is_replayed_offline(tmp_path):
    town = Town()
    with serving(town) as (base, _):
        online = told(base, home=tmp_path)

    assert told(base, home=tmp_path, replay=True) == online


def test_without_a_kept_page_replay_says_what_is_missing(tmp_path):
    with pytest.raises(Unreachable, match="a page kept by an earlier harvest"):
        told("http://127.0.0.1:9", home=tmp_path, replay=True)


def test_a_window_asks_with_plain_colons_and_brings_what_changed():
    town = Town(papers=28)
    with serving(town) as (base, asked):
        records, refusals = told(base, {"modified_since": "2031-01-20T00:00:00+01:00"})

    assert "/body/1/paper?modified_since=2031-01-20T00:00:00%2B01:00" in asked
    assert [key for key in keys(records, base) if key.startswith("paper")] == [f"paper/{key}" for key in range(19, 28)]
    assert refusals == []


def test_a_filter_that_next_loses_is_put_back(caplog):
    """SessionNet drops created_since from links.next on page 3."""
    town = Town(papers=100)

    def forgetful(ask: Ask) -> None:
        told = town.told(ask.path, f"http://{ask.handler.headers['Host']}")
        if told and "page=2" in ask.path:
            told["links"]["next"] = told["links"]["next"].replace("modified_since=2031-01-10T00:00:00%2B01:00&", "")
        ask.send(json.dumps(told).encode(), 200 if told else 404)

    with serving(forgetful) as (base, asked):
        records, _ = told(base, {"modified_since": "2031-01-10T00:00:00+01:00"})

    assert all("modified_since" in path for path in asked if "/paper" in path)
    assert "lost the filter" in caplog.text
    assert len([key for key in keys(records, base) if key.startswith("paper")]) == sum(
        town.modified(key) >= "2031-01-10" for key in range(1, 101)
    )


@pytest.mark.parametrize("echo", ["2031-01-10T00:00:00+01:00", "2031-01-10T00%3A00%3A00%2B01%3A00"])
def test_a_filter_that_next_repeats_in_its_own_way_and_loses_later_is_asked_for_on_every_page(echo):
    town, ours = Town(papers=100), "modified_since=2031-01-10T00:00:00%2B01:00"

    def careless(ask: Ask) -> None:
        told = town.told(ask.path, f"http://{ask.handler.headers['Host']}")
        if told and "/paper" in ask.path and told.get("links", {}).get("next"):
            told["links"]["next"] = told["links"]["next"].replace(f"{ours}&", "" if "page=" in ask.path else f"modified_since={echo}&")
        ask.send(json.dumps(told).encode(), 200 if told else 404)

    with serving(careless) as (base, asked):
        records, refusals = told(base, {"modified_since": "2031-01-10T00:00:00+01:00"})

    pages = [path for path in asked if "/paper" in path]
    assert len(pages) > 2 and all(ours in path for path in pages) and refusals == []
    assert len([key for key in keys(records, base) if key.startswith("paper")]) == sum(
        town.modified(key) >= "2031-01-10" for key in range(1, 101)
    )


def test_encoded_colons_are_never_sent():
    town = Town()

    def picky(ask: Ask) -> None:
        """SessionNet answers 400 to "%3A"."""
        if "%3a" in ask.path.lower():
            ask.send(b"", 400)
        else:
            town(ask)

    with serving(picky) as (base, _):
        _, refusals = told(base, {"modified_since": "2031-01-20T00:00:00+01:00"})

    assert refusals == []


@pytest.mark.parametrize("status", [400, 404])
def test_sdnet_says_404_or_400_for_nothing_changed(status):
    town = Town()

    def sdnet(ask: Ask) -> None:
        if "modified_since" in ask.path:
            ask.send(b'{"error":"Die angeforderte Ressource wurde nicht gefunden.","code":802}', status)
        else:
            town(ask)

    with serving(sdnet) as (base, _):
        records, refusals = told(base, {"modified_since": "2031-01-20T00:00:00+01:00", "dialect": "sternberg"})
        _, of_others = told(base, {"modified_since": "2031-01-20T00:00:00+01:00", "dialect": "sessionnet"})

    assert [record.type for record in records] == ["System", "Body"] and refusals == []
    assert len(of_others) == 4, "another product's 404 is a missing list"


def test_a_server_that_says_why_it_refuses_is_quoted():
    def off(ask: Ask) -> None:
        ask.send(b'{"error":"Webservice \\"OParl\\" ist nicht aktiviert!","code":100}', 404 if "robots" in ask.path else 400)

    with serving(off) as (base, _), pytest.raises(Unreachable, match="nicht aktiviert"):
        told(base)


@pytest.mark.parametrize(
    "answer", [b'{"data": []}', b'{"x": 1}', b"[]", b'{"id": "https://x.example/1", "type": "https://schema.oparl.org/1.1/Paper"}']
)
def test_a_first_page_without_system_or_body_is_an_error(answer):
    with (
        serving(lambda ask: ask.send(answer, 404 if "robots" in ask.path else 200)) as (base, _),
        pytest.raises(Malformed, match="System or Body"),
    ):
        told(base)


def test_the_body_may_be_bare_and_the_lists_of_a_1_0_server_few():
    """SD.NET (Krefeld): the list of bodies is the Body itself."""
    town = Town(papers=3)

    def krefeld(ask: Ask) -> None:
        base = f"http://{ask.handler.headers['Host']}"
        if ask.path == "/body":
            ask.send(json.dumps(town.body(base)).encode())
        else:
            town(ask)

    with serving(krefeld) as (base, _):
        records, refusals = told(base)

    assert keys(records, base) == expected(town) and refusals == []


def test_several_systems_and_bodies_are_all_walked():
    def two(ask: Ask) -> None:
        base = f"http://{ask.handler.headers['Host']}"
        body = {
            key: {"id": f"{base}/body/{key}", "type": SCHEMA + "Body", "name": key, "paper": f"{base}/body/{key}/paper"} for key in "ab"
        }
        pages = {
            "/system": {"data": [{"id": f"{base}/s/{key}", "type": SCHEMA + "System", "body": f"{base}/list/{key}"} for key in "ab"]},
            **{f"/list/{key}": {"data": [body[key]]} for key in "ab"},
            **{f"/body/{key}/paper": {"data": [{"id": f"{base}/paper/{key}", "type": SCHEMA + "Paper"}]} for key in "ab"},
        }
        found = pages.get(ask.path)
        ask.send(json.dumps(found).encode(), 200 if found else 404)

    with serving(two) as (base, _):
        records, refusals = told(base)
        only, _ = told(base, {"bodies": [base + "/body/b"]})

    assert [(record.type, record.id.rpartition("/")[2], record.body.rpartition("/")[2]) for record in records] == [
        ("System", "a", ""), ("Body", "a", ""), ("System", "b", ""), ("Body", "b", ""), ("Paper", "a", "a"), ("Paper", "b", "b"),
    ]  # fmt: skip
    assert refusals == [] and [record.id for record in only if record.type == "Paper"] == [base + "/paper/b"]


def test_lists_of_parts_bring_only_what_nobody_embeds():
    def town(ask: Ask) -> None:
        base = f"http://{ask.handler.headers['Host']}"
        consultations = [{"id": f"{base}/consultation/{key}", "type": SCHEMA + "Consultation"} for key in (1, 2)]
        pages = {
            "/system": {"id": f"{base}/system", "type": SCHEMA + "System", "body": f"{base}/body"},
            "/body": {"data": [{"id": f"{base}/body/1", "type": SCHEMA + "Body", "paper": f"{base}/p", "consultation": f"{base}/c"}]},
            "/p": {"data": [{"id": f"{base}/paper/1", "type": SCHEMA + "Paper", "consultation": consultations[:1]}]},
            "/c": {"data": consultations},
        }
        found = pages.get(ask.path)
        ask.send(json.dumps(found).encode(), 200 if found else 404)

    with serving(town) as (base, _):
        records, _ = told(base)

    assert [record.id.removeprefix(base) for record in records] == ["/system", "/body/1", "/paper/1", "/consultation/2"]


def test_a_part_listed_otherwise_than_embedded_comes_as_well_with_a_note_of_it_and_a_short_list_is_named(caplog):
    def town(ask: Ask) -> None:
        base = f"http://{ask.handler.headers['Host']}"
        inside = [{"id": f"{base}/consultation/{key}", "type": SCHEMA + "Consultation", "role": "Anhörung"} for key in (1, 2)]
        back = {"paper": f"{base}/paper/1", "created": "2031-01-01T08:00:00+01:00"}
        pages = {
            "/system": {"id": f"{base}/system", "type": SCHEMA + "System", "body": f"{base}/body"},
            "/body": {"data": [{"id": f"{base}/body/1", "type": SCHEMA + "Body", "paper": f"{base}/p", "consultation": f"{base}/c"}]},
            "/p": {"data": [{"id": f"{base}/paper/1", "type": SCHEMA + "Paper", "consultation": inside}]},
            "/c": {"data": [inside[0] | back, inside[1] | back | {"role": "Entscheidung"}], "pagination": {"totalElements": 3}},
        }
        ask.send(json.dumps(pages[ask.path]).encode() if ask.path in pages else b"", 200 if ask.path in pages else 404)

    with serving(town) as (base, _):
        records, _ = told(base)

    assert [record.id.removeprefix(base) for record in records] == ["/system", "/body/1", "/paper/1", "/consultation/2"]
    assert [(note.kind, note.rule) for note in records[-1].notes] == [("damage", "listed_otherwise_than_embedded")]
    assert [line.getMessage().removeprefix(base) for line in caplog.records] == ["/c: the list announces 3 objects, 2 came"]


@pytest.mark.parametrize(("parts", "pages"), [(None, 4), (True, 12), (False, 0)])
def test_a_list_of_parts_that_tells_nothing_new_is_not_read_to_its_end(parts, pages):
    """ALLRIS 4 lists its consultations in pages of ten, and embeds each in its paper."""

    def town(ask: Ask) -> None:
        base = f"http://{ask.handler.headers['Host']}"
        all_of_them = [{"id": f"{base}/consultation/{key}", "type": SCHEMA + "Consultation"} for key in range(12)]
        told = {
            "/system": {"id": f"{base}/system", "type": SCHEMA + "System", "body": f"{base}/body"},
            "/body": {
                "data": [{"id": f"{base}/body/1", "type": SCHEMA + "Body", "paper": f"{base}/p", "consultation": f"{base}/c?page=0"}]
            },
            "/p": {"data": [{"id": f"{base}/paper/1", "type": SCHEMA + "Paper", "consultation": all_of_them}]},
        }.get(ask.path)
        if ask.path.startswith("/c?page="):
            key = int(ask.path.rpartition("=")[2])
            links = {"last": f"{base}/c?page=11"} | ({"next": f"{base}/c?page={key + 1}"} if key < 11 else {})
            told = {"data": [all_of_them[key]], "links": links}
        ask.send(json.dumps(told).encode(), 200 if told else 404)

    with serving(town) as (base, asked):
        records, refusals = told(base, {} if parts is None else {"parts": parts})

    assert len([path for path in asked if path.startswith("/c?")]) == pages
    assert [record.type for record in records] == ["System", "Body", "Paper"] and refusals == []


def test_objects_added_while_a_list_is_read_do_not_end_it():
    """Ten new papers in front push ten old ones onto the next page once more."""
    town = Town(papers=50)

    def growing(ask: Ask) -> None:
        base = f"http://{ask.handler.headers['Host']}"
        told = town.told(ask.path, base)
        if "/paper?page=" in ask.path:
            number = int(ask.path.rpartition("=")[2])
            told = town.page("paper", {"page": str(number - 1)}, base)
            told["links"] = {"next": f"{base}/body/1/paper?page={number + 1}"} if number < 6 else {}
        ask.send(json.dumps(told).encode(), 200 if told else 404)

    with serving(growing) as (base, _):
        records, refusals = told(base)

    assert len([record for record in records if record.type == "Paper"]) == 50 and refusals == []


def test_linked_objects_of_no_list_are_fetched_when_asked_for(caplog):
    def town(ask: Ask) -> None:
        base = f"http://{ask.handler.headers['Host']}"
        organization = {"id": f"{base}/organization/1", "type": SCHEMA + "Organization", "location": f"{base}/location/1"}
        pages = {
            "/system": {"id": f"{base}/system", "type": SCHEMA + "System", "body": f"{base}/body"},
            "/body": {"data": [{"id": f"{base}/body/1", "type": SCHEMA + "Body", "organization": f"{base}/organization"}]},
            "/organization": {
                "data": [organization, {"id": f"{base}/organization/2", "type": SCHEMA + "Organization", "location": f"{base}/location/2"}]
            },
            "/location/1": [{"id": f"{base}/location/1", "locality": "Musterstadt"}],
        }
        found = pages.get(ask.path)
        ask.send(json.dumps(found).encode(), 200 if found else 404)

    with serving(town) as (base, _):
        plain, _ = told(base)
        records, refusals = told(base, {"fetch_linked": True})

    assert [record.type for record in records] == [*(record.type for record in plain), "Location"]
    assert refusals == [] and f"{base}/location/2: linked, but in no list" in caplog.text


@pytest.mark.parametrize(("withheld", "fate"), [(PRIVATE, "asked for by nobody, told by nobody"), ((), "told")])
def test_where_people_live_is_withheld_wherever_it_stands(withheld, fate):
    def town(ask: Ask) -> None:
        base = f"http://{ask.handler.headers['Host']}"
        address = {"type": SCHEMA + "Location", "streetAddress": "Geheimgasse 1", "locality": "Musterstadt"}
        listed = [
            address | {"id": f"{base}/location/2"},
            address | {"id": f"{base}/location/3", "persons": [f"{base}/person/1"]},
            address | {"id": f"{base}/location/4", "persons": [f"{base}/person/1"], "organizations": [f"{base}/o/1"]},
        ]
        person = {"id": f"{base}/person/1", "type": SCHEMA + "Person", "location": f"{base}/location/1"}
        other = person | {"id": f"{base}/person/2", "location": f"{base}/location/2"}
        lists = {"person": f"{base}/person", "locationList": f"{base}/l"}
        pages = {
            "/system": {"id": f"{base}/system", "type": SCHEMA + "System", "body": f"{base}/body"},
            "/body": {"data": [{"id": f"{base}/body/1", "type": SCHEMA + "Body", **lists}]},
            "/person": {"data": [person, other]},
            "/l": {"data": listed},
            "/location/1": address | {"id": f"{base}/location/1"},
        }
        ask.send(json.dumps(pages[ask.path]).encode() if ask.path in pages else b"", 200 if ask.path in pages else 404)

    with serving(town) as (base, asked):
        source = Source("m", "oparl", f"{base}/system", "05999016", pause=0, withheld=withheld, options={"fetch_linked": True})
        with Fetch(source) as fetch:
            records = [item for item in oparl.records(source, fetch) if isinstance(item, Record)]

    telling = [record.id.removeprefix(base) for record in records if record.type == "Location" and "streetAddress" in record.object]
    notes = {(note.kind, note.rule, note.path) for record in records for note in record.notes if record.type == "Location"}
    if withheld:
        assert (telling, "/location/1" in asked) == (["/location/4"], False), fate
        assert notes == {("withheld", "privacy", key) for key in ("streetAddress", "locality", "persons")}
    else:
        assert sorted(telling) == ["/location/1", "/location/2", "/location/3", "/location/4"] and notes == set(), fate


def test_a_server_that_moved_is_asked_where_it_is_and_ids_stay():
    """SessionNet (Karlsruhe): ids begin with /oparl/, answers come from /ris/oparl/."""
    town = Town(papers=3)

    def moved(ask: Ask) -> None:
        base = f"http://{ask.handler.headers['Host']}"
        told = town.told(ask.path.removeprefix("/ris"), base) if ask.path.startswith("/ris/") else None
        ask.send(json.dumps(told).encode(), 200 if told else 404)

    with serving(moved) as (base, _):
        source = Source("k", "oparl", f"{base}/system", "05999016", pause=0, options={"served": {base + "/": base + "/ris/"}})
        with Fetch(source) as fetch:
            items = list(oparl.records(source, fetch))

    assert [item.id for item in items if isinstance(item, Refusal)] == []
    assert keys(items, base) == expected(town)


def test_http_and_https_of_one_id_are_one():
    town = Town(papers=3)

    def mixed(ask: Ask) -> None:
        base = f"http://{ask.handler.headers['Host']}"
        body = json.dumps(town.told(ask.path, base)).encode() if town.told(ask.path, base) else b""
        if "/paper" in ask.path:
            body = body.replace(
                f"{base}/body/1/paper/".encode(), f"{base}/body/1/paper/".replace("http:", "https:").replace("/", "\\/").encode()
            )
        ask.send(body, 200 if body else 404)

    with serving(mixed) as (base, _):
        records, _ = told(base, {"same": {base.replace("http:", "https:"): base}})

    assert keys(records, base) == expected(town)
    assert [(note.rule, note.leaves) for record in records for note in record.notes] == [("address_moved", 3)]


def test_after_a_whole_walk_only_what_changed_is_asked_for():
    town = Town(papers=28)
    with serving(town) as (base, _):
        source = changed_since(Source("m", "oparl", f"{base}/system", "05999016", pause=0), "2031-01-21T00:00:00+01:00")
        with Fetch(source) as fetch:
            records = [item for item in oparl.records(source, fetch) if isinstance(item, Record)]

    assert source.options["modified_since"] == "2031-01-20T00:00:00+01:00"
    assert {record.object["modified"] >= "2031-01-20" for record in records if record.type == "Paper"} == {True}


SINCE, ECHO = "modified_since=2031-01-01T00:00:00%2B01:00", "2031-01-01T00%3A00%3A00%2B01%3A00"


@pytest.mark.parametrize(
    ("url", "asked", "found"),
    [
        ("https://x.example/p.asp?body=1", "limit=100", "https://x.example/p.asp?body=1&limit=100"),
        ("https://x.example/p?limit=20", "limit=100&omit_internal=true", "https://x.example/p?limit=20&omit_internal=true"),
        ("https://x.example/p", "", "https://x.example/p"),
        (f"https://x.example/p?modified_since={ECHO}&page=2", SINCE, f"https://x.example/p?{SINCE}&page=2"),
        ("https://x.example/p?modified_since=2031-01-01T00:00:00+01:00", SINCE, f"https://x.example/p?{SINCE}"),
        ("https://x.example/p?modified_since=2031-02-02&page=2", SINCE, "https://x.example/p?modified_since=2031-02-02&page=2"),
    ],
)
def test_a_query_keeps_what_the_url_has(url, asked, found):
    assert with_query(url, asked) == found


def test_the_query_of_options():
    assert query({"limit": 500, "omit_internal": True, "modified_since": "2031-01-01T00:00:00+01:00"}) == (
        "limit=500&omit_internal=true&modified_since=2031-01-01T00:00:00%2B01:00"
    )


@pytest.mark.parametrize(
    ("url", "pages", "following"),
    [
        ("https://x.example/p", 3, "https://x.example/p?page=2"),
        ("https://x.example/p?body=1", 3, "https://x.example/p?body=1&page=2"),
        ("https://x.example/p?page=2&limit=5", 3, "https://x.example/p?page=3&limit=5"),
        ("https://x.example/p?page=3", 3, ""),
        ("https://x.example/p", 0, ""),
    ],
)
def test_the_page_after(url, pages, following):
    assert page_after(url, oparl.Answer(listed({"data": [], "pagination": {"totalPages": pages}}), url)) == following


@pytest.mark.skipif(not CRAWL.is_dir(), reason="the real crawl lies in ../shared, which is absent")
def test_huertgenwald_is_the_same_over_http_and_from_files():
    command = [sys.executable, str(SHARED / "tools" / "replay_oparl.py"), str(CRAWL), UPSTREAM, "0"]
    with serving(lambda ask: ask.send(b"")) as (free, _):
        command[-1] = free.rpartition(":")[2]
    server = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert server.stdout and server.stdout.readline()
        listening(int(command[-1]))
        base = f"http://127.0.0.1:{command[-1]}"
        over_http, refusals = told(base)
    finally:
        server.kill()
        server.wait()
    files = list(oparl_files.records(Source("h", "oparl-files", str(CRAWL), "05358016")))

    def text(item):
        return json.dumps([item.type, item.id, item.url, item.object, item.deleted, item.body, item.notes]).replace(base, UPSTREAM)

    assert refusals == []
    assert sorted(map(text, over_http)) == sorted(map(text, files))
    ids = {item.id for item in over_http} | {part["id"] for item in over_http for _, part in embedded(item.object)}
    assert (len(ids), sum(item.deleted for item in over_http)) == (17_374, 39)
