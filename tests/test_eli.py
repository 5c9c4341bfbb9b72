"""The derived layer: what the queries in ontology/eli say, the compiled code says; nothing is decided that no source decided."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pyshacl
import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.concepts import concepts
from publisher.config import source_of_table
from publisher.graph.eli import derived, needs, readings
from publisher.graph.mapper import implied, quads
from publisher.iris import Iris
from publisher.pipeline.localise import localised, space_of
from publisher.record import Record, parts
from publisher.release import current
from publisher.sources import oparl_files
from publisher.sources.normal import normalised

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("PUBLISHER_SHARED", ROOT.parent / "shared"))
CRAWL, SHAPES = SHARED / "realdata/huertgenwald-sdnet", SHARED / "vocab/eli"
BASE = "https://ris.example.org"
DL = f"{BASE}/eli/dl/05999004"
ID = f"{BASE}/id/05999004"
OP, X = "https://schema.oparl.org/1.1/", "https://w3id.org/oparl-ld/ns#"
ELI_DL = "http://data.europa.eu/eli/eli-draft-legislation-ontology#"
QUERIES = sorted((ROOT / "ontology/eli").glob("*.rq"))
RDF_TYPE = str(rdflib.RDF.type)

Triples = set[tuple[str, str, str]]


def consultation(key: str, **more: Any) -> dict[str, Any]:
    return {
        "type": OP + "Consultation",
        "id": f"{DL}/beratung/{key}",
        "paper": f"{DL}/vorlage/1",
        "meeting": f"{DL}/sitzung/{key}",
        "agendaItem": f"{DL}/top/{key}",
        "organization": [f"{ID}/organization/rat"],
        **more,
    }


def meeting(key: str, start: str, **item: Any) -> dict[str, Any]:
    agenda_item = {"type": OP + "AgendaItem", "id": f"{DL}/top/{key}", "meeting": f"{DL}/sitzung/{key}", "order": 1, "public": True, **item}
    file = {"type": OP + "File", "id": f"{ID}/file/n{key}", "name": "Niederschrift", "mimeType": "application/pdf"}
    return {
        "type": OP + "Meeting",
        "id": f"{DL}/sitzung/{key}",
        "meetingState": "durchgeführt",
        "organization": [f"{ID}/organization/rat"],
        "resultsProtocol": file,
        "agendaItem": [agenda_item],
    } | ({"start": start} if "T" in start else {"oparlx:day": start})


def town() -> list[dict[str, Any]]:
    """Records of a small town that use every key of which the derived layer knows."""
    proposals = [
        {"type": X + "ResolutionProposal", "id": f"{DL}/vorlage/1/vorschlag/{key}", "oparlx:number": f"{key})", "text": "Er beschließt …"}
        for key in "ab"
    ]
    proposals[0]["oparlx:alternativeTo"] = [proposals[1]["id"]]
    point = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [6.3946, 50.7154]}, "properties": {"name": 'Rat"haus'}}
    swapped = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [50.7154, 6.3946]}}
    paper = {
        "type": OP + "Paper",
        "id": f"{DL}/vorlage/1",
        "name": 'Förderung\n"Spielplatz"',
        "reference": "2021/0268",
        "paperType": "Beschlussvorlage",
        "underDirectionOf": [f"{ID}/organization/a58"],
        "originatorOrganization": [f"{ID}/organization/spd"],
        "subordinatedPaper": [f"{DL}/vorlage/2"],
        "mainFile": {"type": OP + "File", "id": f"{ID}/file/1", "mimeType": "application/pdf", "derivativeFile": [f"{ID}/file/1t"]},
        "consultation": [
            consultation("1", role="Vorberatung", authoritative=False),
            consultation("2", role="Entscheidung"),
            consultation("3", authoritative=True, role="Kenntnisnahme"),
            consultation("4"),
            consultation("5", role="Entscheidung", **{"oparlx:day": "2021-06-20"}),
            consultation("6", role="Entscheidung", meeting=f"{DL}/sitzung/none"),
        ],
        "oparlx:section": [{"type": X + "PaperSection", "id": f"{DL}/vorlage/1/abschnitt/sachlage", "name": "Sachlage", "text": "…"}],
        "oparlx:proposal": proposals,
    }
    organizations = [
        {"type": OP + "Organization", "id": f"{ID}/organization/rat", "organizationType": "Gremium", "classification": "Rat", "body": ID},
        {"type": OP + "Organization", "id": f"{ID}/organization/a58", "organizationType": "Verwaltungsbereich", "body": ID},
        {"type": OP + "Organization", "id": f"{ID}/organization/spd", "organizationType": "Partei", "membership": [f"{ID}/membership/1"]},
    ]
    return [
        paper,
        {"type": OP + "Paper", "id": f"{DL}/vorlage/2", "deleted": True},
        {"type": OP + "Paper", "id": f"{DL}/vorlage/3"},
        meeting("1", "2021-06-16T17:00:00+02:00", result="einstimmig empfohlen"),
        meeting("2", "2021-06-17T17:00:00+02:00", result="ungeändert beschlossen"),
        meeting("3", "2021-06-18", result="zur Kenntnis genommen"),
        meeting("4", "2021-06-18", result="10 Ja-Stimmen, 3 Nein-Stimmen, 1 Enthaltung"),
        meeting("5", "2021-06-20T17:00:00+02:00", result="zurückgezogen"),
        {"type": OP + "AgendaItem", "id": f"{DL}/top/6", "resolutionText": "Der Rat beschließt …", "public": False},
        {"type": OP + "Meeting", "id": f"{DL}/sitzung/9", "cancelled": True},
        *organizations,
        {"type": OP + "Membership", "id": f"{ID}/membership/1", "role": "Ausschussvorsitzende", "startDate": "2020-11-01"},
        {"type": OP + "Body", "id": ID, "name": "Musterstadt", "ags": "05999004", "rgs": "059990004004", "classification": "Gemeinde"},
        {"type": OP + "Location", "id": f"{ID}/location/1", "streetAddress": "Markt 1", "postalCode": "52000", "geojson": point},
        {"type": OP + "Location", "id": f"{ID}/location/2", "geojson": swapped},
    ]


def by_iri(objects: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    found = {}
    for obj in objects:
        found |= {obj["id"]: obj} | {part["id"]: part for _, part in parts(obj)}
    return found


def triples(text: str) -> Triples:
    return {(str(q.subject), str(q.predicate), str(q.object)) for q in ox.parse(text.encode(), format=ox.RdfFormat.N_QUADS)}


def compiled(objects: list[dict[str, Any]]) -> str:
    known, found = concepts(BASE), by_iri(objects)
    return "".join(line for obj in objects for line in derived(obj, found.get, known))


def dataset(objects: list[dict[str, Any]]) -> ox.Store:
    store = ox.Store()
    store.bulk_load("".join(quads(obj) for obj in objects).encode(), format=ox.RdfFormat.N_QUADS)
    store.bulk_load("".join(readings(objects, concepts(BASE))).encode(), format=ox.RdfFormat.N_TRIPLES)
    return store


def queried(objects: list[dict[str, Any]]) -> Triples:
    store = dataset(objects)
    found = (triple for path in QUERIES for triple in store.query(path.read_text("utf-8"), use_default_graph_as_union=True))
    return {(str(triple.subject), str(triple.predicate), str(triple.object)) for triple in found}


def test_the_compiled_layer_says_what_the_queries_say():
    objects = town()

    assert triples(compiled(objects)) == queried(objects)


WORDS = st.sampled_from(
    ["beschlossen", "abgelehnt", "zurückgezogen", "zur Kenntnis genommen", "(offen)", "lt. Protokoll", "3 Ja-Stimmen, 3 Nein-Stimmen", None]
    + ["Variante b) beschlossen", "a) abgelehnt, b) beschlossen"]
)


@settings(max_examples=60, deadline=None)
@given(
    result=WORDS,
    text=st.sampled_from([None, "Der Rat beschließt"]),
    role=st.sampled_from([None, "Entscheidung", "Vorberatung", "Kenntnisnahme", "Anhörung", "Beratung", "Sonderrolle"]),
    authoritative=st.sampled_from([None, True, False]),
    organizations=st.lists(st.sampled_from(["rat", "haupt"]), max_size=2, unique=True),
    numbers=st.lists(st.sampled_from(["a)", "b)", "B.", "2"]), max_size=3),
)
def test_queries_and_code_agree_on_every_case_of_a_decision(result, text, role, authoritative, organizations, numbers):
    facts = {"role": role, "authoritative": authoritative, "organization": [f"{ID}/organization/{name}" for name in organizations] or None}
    one = {key: value for key, value in consultation("1").items() if key != "organization"} | {
        k: v for k, v in facts.items() if v is not None
    }
    item = {key: value for key, value in (("result", result), ("resolutionText", text)) if value is not None}
    proposals = [
        {"type": X + "ResolutionProposal", "id": f"{DL}/vorlage/1/vorschlag/{at}", "oparlx:number": number}
        for at, number in enumerate(numbers)
    ]
    paper = {"type": OP + "Paper", "id": f"{DL}/vorlage/1", "consultation": [one], "oparlx:proposal": proposals}
    objects = [paper, meeting("1", "2021-06-16T17:00:00+02:00", **item)]

    assert triples(compiled(objects)) == queried(objects)


def test_a_decision_names_the_proposal_that_the_result_names():
    objects = town()
    objects[4]["agendaItem"][0]["result"] = "Variante b) einstimmig beschlossen"

    found = decisions(objects)

    assert found["2"]["selectedProposal"] == f"<{DL}/vorlage/1/vorschlag/b>"
    assert [key for key, facts in found.items() if "selectedProposal" in facts] == ["2"]


def decisions(objects: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for subject, predicate, value in triples(compiled(objects)):
        if "/beschluss/" in subject:
            found.setdefault(subject.strip("<>").rsplit("/", 1)[-1], {})[re.split("[/#]", predicate.strip("<>"))[-1]] = value
    return found


def test_a_decision_is_minted_only_where_result_and_role_bear_it():
    found = decisions(town())

    assert sorted(found) == ["2", "4", "6"]
    assert found["2"]["decision_outcome"] == f"<{BASE}/concept/result/beschlossen>"
    assert found["2"]["amended"].startswith('"false"')
    assert found["2"]["had_responsible_organization"] == f"<{ID}/organization/rat>"
    assert found["2"]["decided_on_a_realization_of"] == f"<{DL}/vorlage/1>"
    assert found["2"]["activity_date"].startswith('"2021-06-17"')


def test_votes_without_words_of_outcome_make_a_vote_without_outcome():
    found = decisions(town())["4"]

    assert "decision_outcome" not in found
    assert [found[f"number_of_votes_{kind}"][1:3].strip('"') for kind in ("favor", "against", "abstention")] == ["10", "3", "1"]


def test_the_office_in_charge_never_decides():
    assert not any("organization/a58" in value for facts in decisions(town()).values() for value in facts.values())


def test_the_process_has_its_activities_in_the_order_of_their_days():
    store = ox.Store()
    store.bulk_load(compiled(town()).encode(), format=ox.RdfFormat.N_QUADS)
    asked = f"""PREFIX dl: <{ELI_DL}> SELECT ?activity WHERE {{
      ?process a dl:Process ; dl:based_on_a_realization_of <{DL}/vorlage/1> ; dl:consists_of ?activity . ?activity dl:activity_order ?order
    }} ORDER BY ?order ?activity"""

    order = [row["activity"].value.rsplit("/", 1)[-1] for row in store.query(asked, use_default_graph_as_union=True)]

    assert order == ["1", "2", "3", "4", "5"]


def test_a_tombstone_has_no_derived_layer():
    assert list(derived(town()[1], {}.get, concepts(BASE))) == []


SYSTEM, LICENSE = {"type": OP + "System", "id": f"{ID}/system/1"}, "https://www.govdata.de/dl-de/by-2-0"


@pytest.mark.parametrize(
    ("system", "body", "paper", "state", "inherited"),
    [
        ({}, {}, {"license": LICENSE}, "Stated", False),
        ({}, {"license": LICENSE}, {}, "Inherited", True),
        ({"license": LICENSE}, {}, {}, "Inherited", True),
        ({"license": "https://example.org/other"}, {"license": LICENSE}, {}, "Inherited", True),
        ({}, {"license": LICENSE}, {"oparlx:licenseText": "frei"}, "InWords", False),
        ({}, {"oparlx:licenseText": "Nutzung nur nach Genehmigung."}, {}, "InWords", False),
        ({}, {}, {}, "NotStated", False),
    ],
)
def test_it_is_a_fact_where_a_licence_comes_from_and_that_none_is_stated(system, body, paper, state, inherited):
    objects = [
        SYSTEM | system,
        {"type": OP + "Body", "id": ID, "system": SYSTEM["id"], **body},
        {"type": OP + "Paper", "id": f"{DL}/vorlage/1", "body": ID, **paper},
    ]

    found = triples(compiled(objects))

    me = f"<{DL}/vorlage/1>"
    assert {o for s, p, o in found if s == me and p == f"<{X}licenseState>"} == {f"<{X}License{state}>"}
    assert ((me, f"<{rdflib.DCTERMS.license}>", f"<{LICENSE}>") in found) is inherited
    assert found == queried(objects)


def test_a_point_with_swapped_coordinates_gets_no_geometry():
    text = compiled(town())

    assert "location/1/geometrie" in text and "location/2/geometrie" not in text
    assert 'CRS84> POINT(6.3946 50.7154)"^^<http://www.opengis.net/ont/geosparql#wktLiteral>' in text


def test_the_layer_names_what_it_looks_up():
    asked: set[str] = set()
    objects = town()
    found = by_iri(objects)

    for obj in objects:
        asked.clear()
        list(derived(obj, lambda iri: asked.add(iri) or found.get(iri), concepts(BASE)))
        assert asked <= set(needs(obj))


def test_nothing_derived_is_blank_empty_or_an_invalid_iri():
    text = compiled(town())

    assert " _:" not in text and ' ""' not in text
    assert all(re.fullmatch(r"[^\s<>\"{}|\\^`]+", iri) for iri in re.findall(r"<([^>]*)>", re.sub(r'"(?:[^"\\]|\\.)*"', "", text)))


@pytest.mark.parametrize("path", [path for path in QUERIES if path.stem not in ("Decision", "License")], ids=lambda path: path.stem)
def test_only_the_class_is_required_in_a_query(path):
    words = {"Paper": "vorlage", "Meeting": "sitzung", "AgendaItem": "top", "Consultation": "beratung"}
    objects = [{"type": OP + path.stem, "id": f"{DL}/{words.get(path.stem, 'x')}/{n}"} for n in range(3)]
    query = re.sub(r"CONSTRUCT\s*\{.*?\}\s*WHERE", "SELECT DISTINCT ?it WHERE", path.read_text("utf-8"), count=1, flags=re.S)
    variable = re.search(r"\?(\w+) a oparl:", query)[1]

    found = dataset(objects).query(query.replace("?it", f"?{variable}", 1), use_default_graph_as_union=True)

    assert len(list(found)) == len(objects)


def crawl() -> list[dict[str, Any]]:
    """Every 12th paper of the real crawl with its meetings, and all organizations, persons and bodies."""
    source = source_of_table({"name": "h", "kind": "oparl-files", "url": str(CRAWL), "jurisdiction": "05358016"}, "test")
    records = [made for one in oparl_files.records(source, None) if isinstance(one, Record) for made in normalised(one, source)]
    iris = Iris(BASE, [space_of(source, records)])
    every = [made for record in records if (made := localised(record.object, iris))]
    papers = [obj for obj in every if obj["type"] == OP + "Paper"][::12]
    wanted = {one.get("meeting") for paper in papers for one in paper.get("consultation", ())}
    return papers + [obj for obj in every if obj["id"] in wanted or obj["type"] not in (OP + "Paper", OP + "Meeting")]


@pytest.mark.skipif(not CRAWL.is_dir(), reason="real crawl not beside the project (set PUBLISHER_SHARED)")
def test_queries_and_code_agree_on_a_real_council():
    objects = crawl()

    found = triples(compiled(objects))

    assert found == queried(objects)
    assert len(found) > 10_000
    processes = {s for s, p, o in found if p == f"<{RDF_TYPE}>" and o == f"<{ELI_DL}Process>"}
    assert len(processes) == sum(obj["type"] == OP + "Paper" and not obj.get("deleted") for obj in objects)


def validated(text: str, shapes: str) -> tuple[bool, str]:
    data = rdflib.Graph().parse(data="".join(f"{' '.join(triple)} .\n" for triple in triples(text)), format="nt")
    conforms, _, words = pyshacl.validate(data, shacl_graph=rdflib.Graph().parse(SHAPES / f"eli-1.5-shapes-{shapes}.ttl"), inference=None)
    return conforms, words


@pytest.mark.skipif(not SHAPES.is_dir(), reason="ELI shapes not beside the project (set PUBLISHER_SHARED)")
@pytest.mark.parametrize("shapes", ["core", "ranges"])
def test_the_shapes_of_eli_find_nothing_wrong(shapes):
    objects = town()
    text = "".join(quads(obj) + implied(obj) for obj in objects) + compiled(objects)

    assert validated(text, shapes) == (True, "Validation Report\nConforms: True\n")


@pytest.mark.skipif(not SHAPES.is_dir(), reason="ELI shapes not beside the project (set PUBLISHER_SHARED)")
def test_the_shapes_of_eli_would_find_a_motion_that_somebody_passed():
    objects = town()
    wrong = f"<{DL}/vorlage/1> <http://data.europa.eu/eli/ontology#passed_by> <{ID}/organization/a58> .\n"
    text = "".join(quads(obj) + implied(obj) for obj in objects) + compiled(objects) + wrong

    assert validated(text, "core")[0] is False


def test_the_founding_page_answers_a_question_in_terms_of_eli_dl_alone(seed_home):
    release = current(seed_home)
    asked = f"""PREFIX dl: <{ELI_DL}> SELECT ?process ?activity ?order ?who WHERE {{
      ?process a dl:Process ; dl:consists_of ?activity .
      ?activity dl:activity_order ?order ; dl:had_participant_organization ?who
    }} ORDER BY ?order"""

    store = ox.Store.read_only(str(release.path / "store"))
    rows = [[str(cell) for cell in row] for row in store.query(asked, use_default_graph_as_union=True)]

    assert [row[2][1] for row in rows] == ["1", "2"]
    assert len({row[0] for row in rows}) == 1 and len({row[3] for row in rows}) == 2
    assert not list(store.query(f"SELECT * {{ ?decision a <{ELI_DL}Decision> }}", use_default_graph_as_union=True))
