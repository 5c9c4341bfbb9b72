"""Promises of the reconciliation service."""

import json
import shutil
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.views import create_app
from publisher.views.reconcile import similarity
from tests.conftest import shared
from tests.town import BASE, BODY, objects, published


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    return create_app(published(tmp_path_factory.mktemp("town") / "home", objects())).test_client()


def matched(client, query, **more):
    return client.post("/reconcile", data={"queries": json.dumps({"q0": {"query": query, **more}})}).json["q0"]["result"]


def key(iri):
    return iri.removeprefix(BASE + "/")


@pytest.mark.parametrize("typed", ["Jörg Weiß", "joerg weiss", "WEISS, Jörg", "Weiß Jörg"])
def test_a_person_is_matched_however_the_name_is_written(client, typed):
    [first, *_] = matched(client, typed, type="Person")
    assert (first["id"], first["match"]) == (key(f"{BODY}/person/1"), True) and first["type"] == [
        {"id": "Person", "name": first["type"][0]["name"]}
    ]


def test_a_misspelled_name_is_a_candidate_but_no_match(client):
    [first, *_] = matched(client, "Ausschuß f. Soziale Dinge", type="Organization")
    assert first["id"] == key(f"{BODY}/organization/soz") and not first["match"]


def test_a_reference_matches_its_paper(client):
    [first, *_] = matched(client, "2021/0007", type="Paper")
    assert first["match"] and first["id"].endswith("vorlage/7")


def test_properties_decide_between_equal_names(client):
    several = matched(client, "Gebührensatzung Nummer", type="Paper", limit=20)
    assert not any(one["match"] for one in several) and len(several) == 12
    [first, *_] = matched(client, "Gebührensatzung Nummer 7", type="Paper", properties=[{"pid": "reference", "v": "2021/0007"}])
    assert first["id"].endswith("vorlage/7") and first["match"]


def test_get_and_post_answer_alike_and_the_best_comes_first(client):
    queries = json.dumps({"a": {"query": "Soziales"}, "b": {"query": "Müller", "type": ["Person"], "type_strict": "any", "limit": 1}})
    got, posted = client.get("/reconcile", query_string={"queries": queries}), client.post("/reconcile", data={"queries": queries})
    assert got.json == posted.json
    assert [one["score"] for one in got.json["a"]["result"]] == sorted((one["score"] for one in got.json["a"]["result"]), reverse=True)
    assert len(got.json["b"]["result"]) == 1


def test_data_extension_gives_values_with_their_kinds(client):
    wanted = {
        "ids": ["eli/dl/05334002/vorlage/7", "id/nothing"],
        "properties": [{"id": "name"}, {"id": "date"}, {"id": "body"}, {"id": "consultation"}],
    }
    answer = client.post("/reconcile", data={"extend": json.dumps(wanted)}).json
    assert answer["rows"]["eli/dl/05334002/vorlage/7"] == {
        "name": [{"str": "Gebührensatzung Nummer 7"}],
        "date": [{"date": "2021-06-02"}],
        "body": [{"id": "id/05334002", "name": "Musterstadt"}],
        "consultation": [{"id": "eli/dl/05334002/beratung/7", "name": "7"}],
    }
    assert answer["rows"]["id/nothing"] == {"name": [], "date": [], "body": [], "consultation": []}


def test_suggestions_complete_entities_types_and_properties(client):
    assert [one["name"] for one in client.get("/reconcile/suggest/entity?prefix=joe").json["result"]] == ["Jörg Weiß"]
    assert "Paper" in {one["id"] for one in client.get("/reconcile/suggest/type?prefix=p").json["result"]}
    assert "reference" in {one["id"] for one in client.get("/reconcile/suggest/property?prefix=ref").json["result"]}
    assert {"id", "name"} == set(client.get("/reconcile/properties?type=Paper&limit=3").json["properties"][0])


def test_a_preview_may_stand_in_a_frame_and_escapes_names(client):
    answer = client.get("/reconcile/preview?id=id/05334002/person/1")
    assert "Jörg Weiß" in answer.get_data(as_text=True) and "X-Frame-Options" not in answer.headers
    assert "frame-ancestors *" in answer.headers["Content-Security-Policy"]
    assert client.get("/reconcile/preview?id=id/none").status_code == 404


def test_every_address_of_the_service_may_be_read_from_other_sites(client):
    for path in (
        "/reconcile",
        "/reconcile/suggest/entity?prefix=a",
        "/reconcile/suggest/type",
        "/reconcile/suggest/property",
        "/reconcile/properties",
    ):
        assert client.get(path).headers["Access-Control-Allow-Origin"] == "*"
        options = client.options(path)
        assert options.status_code == 200 and options.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "queries",
    [
        "",
        "[",
        "[]",
        '{"q": 1}',
        '{"q": {"query": null}}',
        '{"q": {"query": "x", "properties": 3, "limit": "y"}}',
        '{"q": {"query": "\\u0000"}}',
    ],
)
def test_odd_queries_are_refused_in_words_or_answered_but_never_break(client, queries):
    assert client.post("/reconcile", data={"queries": queries}).status_code in (200, 400)


def repaired(suites, tmp_path):
    """The suite with the manifest's inner pointers written out: its checker cannot follow them, even for the suite's own examples."""
    shutil.copytree(suites / "0.2", tmp_path / "suites" / "0.2", copy_function=shutil.copyfile)
    path = tmp_path / "suites" / "0.2" / "schemas" / "manifest.json"
    schema = json.loads(path.read_text())
    kinds = schema["properties"]["suggest"]
    kinds["properties"] = dict.fromkeys(kinds["properties"], kinds["definitions"]["service_definition"])
    path.parent.chmod(0o755)
    path.write_text(json.dumps(schema))
    return tmp_path / "suites"


def test_live_answers_fit_the_official_schemas(client, tmp_path):
    tool, suites = shared("tools", "recon_schema_check.py"), repaired(shared("suites", "reconciliation"), tmp_path)
    batch = {"q0": {"query": "Soziales", "type": "Organization", "limit": 3}, "q1": {"query": "Nichts davon"}}
    extend = {"ids": ["id/05334002/person/1"], "properties": [{"id": "name"}, {"id": "body"}]}
    answers = {
        "manifest": client.get("/reconcile").json,
        "reconciliation-query-batch": batch,
        "reconciliation-result-batch": client.post("/reconcile", data={"queries": json.dumps(batch)}).json,
        "suggest-entities-response": client.get("/reconcile/suggest/entity?prefix=soz").json,
        "suggest-types-response": client.get("/reconcile/suggest/type?prefix=v").json,
        "suggest-properties-response": client.get("/reconcile/suggest/property?prefix=na").json,
        "data-extension-query": extend,
        "data-extension-response": client.post("/reconcile", data={"extend": json.dumps(extend)}).json,
        "data-extension-property-proposal": client.get("/reconcile/properties?type=Paper&limit=5").json,
    }
    for kind, answer in answers.items():
        path = tmp_path / f"{kind}.json"
        path.write_text(json.dumps(answer))
        run = subprocess.run([sys.executable, str(tool), str(suites), "0.2", kind, str(path)], capture_output=True, text=True)
        assert run.returncode == 0, (kind, run.stdout, run.stderr[-500:])


@given(st.text(max_size=40), st.text(max_size=40))
def test_similarity_is_a_percentage_the_same_both_ways_and_whole_for_equal_names(one, other):
    assert 0 <= similarity(one, other) <= 100
    assert similarity(one, one) in (0.0, 100.0)
