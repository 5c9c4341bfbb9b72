"""Each known fault, planted into valid records of a made-up town, is found, and nothing else is."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pyoxigraph as ox
import pytest
from rdflib import SH, Graph, URIRef

from publisher.graph.mapper import quads
from publisher.record import parts
from publisher.shapes import BASE, Rule, judge, relation_queries, results_of, shapes
from publisher.store import rows

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))
from generate import generate  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:rdflib", "ignore:Parsing weird boolean")

OPARL = "https://schema.oparl.org/1.1/"
OPARLX = "https://w3id.org/oparl-ld/ns#"
XSD = "http://www.w3.org/2001/XMLSchema#"
JURISDICTION = "05358016"
PAPER = f"https://ris.example.org/eli/dl/{JURISDICTION}/vorlage/own"


def own_parts() -> dict[str, Any]:
    """A paper with sections, proposals and an amount, which OParl servers do not have."""
    part = {"created": "2024-03-01T09:00:00+01:00", "modified": "2024-03-02T09:00:00+01:00"}
    amount = {
        "type": OPARLX + "FinancialImpact",
        "id": f"{PAPER}/abschnitt/finanzen/betrag/1",
        "text": "50.000 €",
        "oparlx:value": "50000.00",
    }
    section = {"type": OPARLX + "PaperSection", "id": f"{PAPER}/abschnitt/finanzen", "name": "Finanzielle Auswirkungen", "order": 1}
    proposals = [
        {"type": OPARLX + "ResolutionProposal", "id": f"{PAPER}/vorschlag/{mine}", "oparlx:number": f"{mine})", "name": f"Vorschlag {mine}",
         "oparlx:alternativeTo": [f"{PAPER}/vorschlag/{other}"], **part}
        for mine, other in ("ab", "ba")
    ]  # fmt: skip
    return {
        "type": OPARL + "Paper", "id": PAPER, "name": "Sozialraumkoordination", "reference": "2021/0333", "date": "2021-06-02",
        "paperType": "Antrag", **part, "oparlx:section": [{**section, "oparlx:amount": [amount], **part}], "oparlx:proposal": proposals,
    }  # fmt: skip


def term(kind: str, number: int) -> str:
    """One of two valid values of a kind."""
    texts = {
        "boolean": ("true", "false"), "integer": ("1", "2"), "decimal": ("1.5", "2.5"), "date": ("2031-01-01", "2032-01-01"),
        "dateTime": ("2031-01-01T09:00:00+01:00", "2032-01-01T09:00:00+01:00"),
    }  # fmt: skip
    if kind == "IRI":
        return f"<https://example.org/{number}>"
    if kind == "langString":
        return f'"Wort {number}"@de'
    if kind == "JSON":
        return f'"{{{number}}}"^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#JSON>'
    return f'"Wort {number}"' if kind == "string" else f'"{texts[kind][number]}"^^<{XSD}{kind}>'


WORDS = {
    "Body-ags": ['"05358016"', '"05358020"'],
    "Body-rgs": ['"053580016016"', '"053580016020"'],
    "Location-postalCode": ['"52393"', '"52394"'],
    "Person-email": ['"erika@example.org"@de'],
    "Consultation-role": ['"Anhörung"@de', '"Beratung"@de'],
    "File-mimeType": ['"text/html"', '"text/plain"'],
    "File-sha1Checksum": ['"' + "0a" * 20 + '"', '"' + "0b" * 20 + '"'],
    "File-sha512Checksum": ['"' + "0a" * 64 + '"', '"' + "0b" * 64 + '"'],
    "Body-ags-digits": ['"5358016"'],
    "Body-rgs-digits": ['"53580016016"'],
    "Location-postalCode-digits": ['"52393\u00a0"'],
    "Person-email-form": ['"erika at example.org"'],
    "Consultation-role-known": ['"unbekannt"@de'],
    "File-mimeType-form": ['"pdf"'],
    "File-size-positive": [f'"-1"^^<{XSD}integer>'],
    "File-sha1Checksum-form": ['"0a"'],
    "File-sha512Checksum-form": ['"0a"'],
    "created": [f'"1999-01-0{day}T09:00:00+01:00"^^<{XSD}dateTime>' for day in (1, 2)],
    "created-before-modified": [f'"2041-01-01T09:00:00+01:00"^^<{XSD}dateTime>'],
    "created-offset": [f'"1999-01-01T09:00:00"^^<{XSD}dateTime>'],
    "Meeting-start": [f'"1999-01-0{day}T09:00:00+01:00"^^<{XSD}dateTime>' for day in (1, 2)],
    "Meeting-start-before-end": [f'"2041-01-01T09:00:00+01:00"^^<{XSD}dateTime>'],
    "LegislativeTerm-startDate": [f'"1999-01-0{day}"^^<{XSD}date>' for day in (1, 2)],
    "LegislativeTerm-startDate-before-endDate": [f'"2041-01-01"^^<{XSD}date>'],
    "damage": ['"U+FFFD"'],
    "keyword": ["<https://example.org/kita>"],
    "licenseText": ["<https://example.org/lizenz>"],
    "keyBasis": ['"Gremium"', '"Datum"'],
}  # fmt: skip
BOTH_ENDS = ("AgendaItem-start-before-end", "Organization-startDate-before-endDate", "Membership-startDate-before-endDate")
# A deleted object is judged as a tombstone; without a class nothing else is known of it. Their own examples show both.
ELSEWHERE = {"unreadable", "type-missing", "deleted", "modified-offset"}


def replaced(data: str, focus: str, path: str, values: list[str]) -> str:
    """The record with `values` in place of what its focus says under `path`."""
    lines = data.splitlines(keepends=True)
    graph = lines[0].rsplit(" <", 1)[1]
    kept = [line for line in lines if not line.startswith(f"<{focus}> <{path}> ")]
    return "".join([*kept, *(f"<{focus}> <{path}> {value} <{graph}" for value in values)])


def planted(name: str, rule: Rule, graph: Graph, data: str, focus: str) -> tuple[str, str]:
    """A record with the fault that the rule is about, and the focus at which it is to be found."""
    node = URIRef(rule.iri)
    if name.endswith("-id"):
        wrong = f"https://ris.example.org/id/{JURISDICTION}/" + ("person/1x" if "Person" not in name else "file/1x")
        found = f"<{wrong}>" if rule.target.startswith(OPARL) else "_:part"
        text = re.sub(rf"^<{re.escape(focus)}> ", f"{found} ", data, flags=re.M)
        return text, wrong if found != "_:part" else "_:"
    if name in BOTH_ENDS:
        low, high = re.findall(r"-(\w+)-before-(\w+)", name)[0]
        kind = "date" if low == "startDate" else "dateTime"
        swapped = replaced(data, focus, OPARL + high, [term(kind, 0)])
        return replaced(swapped, focus, OPARL + low, [term(kind, 1)]), focus
    if name.endswith("-missing"):
        for path in re.findall(r"<([^>]*)>", rule.path) or [rule.path]:
            data = replaced(data, focus, path, [])
        return data, focus
    if name.endswith("-blanks"):
        return replaced(data, focus, rule.path, ['"Neubau\\nder Kita "@de']), focus
    if name in WORDS:
        return replaced(data, focus, rule.path, WORDS[name]), focus
    datatype, several = graph.value(node, SH.datatype), graph.value(node, SH.maxCount) is None
    kind = str(datatype).split("#")[1] if datatype else "IRI"
    wrong = [f'"5"^^<{XSD}byte>'] if several else [term(kind, 0), term(kind, 1)]
    return replaced(data, focus, rule.path, wrong), focus


def town() -> list[dict[str, Any]]:
    return [*generate(60, 7, jurisdiction=JURISDICTION), own_parts()]


def faults() -> tuple[str, set[tuple[str, str]]]:
    """All rules of the core layer broken once each, every time in a record of its own; the records, and (focus, rule)."""
    known, texts = shapes(), [quads(obj) for obj in town()]
    data, expected = [], set()
    for at, (iri, rule) in enumerate(sorted(known.rules.items())):
        name = iri.removeprefix(BASE)
        if name in ELSEWHERE:
            continue
        random = Random(name)
        target = rule.target or OPARL + "Paper"
        holders = [text for text in texts if f"> <{target}> <" in text]
        text = random.choice(holders)
        focus = random.choice(re.findall(rf"^<([^>]*)> <[^>]*#type> <{re.escape(target)}>", text, re.M))
        if rule.target == OPARL + "LegislativeTerm":
            focus = f"https://ris.example.org/id/{JURISDICTION}/term/1"
        broken, where = planted(name, rule, known.graph, text, focus)
        # Each broken record moves to a town of its own, so that its objects are nobody else's.
        move = f"{at:08d}"
        data.append(broken.replace(JURISDICTION, move).replace("_:part", f"_:part{at}"))
        expected.add((where.replace(JURISDICTION, move), iri))
    return "".join(data), expected


def test_the_town_itself_has_no_fault():
    assert judge("".join(quads(obj) for obj in town()), shapes()) == []


@pytest.mark.parametrize("engine", ["shacl", "pyshacl"])
def test_exactly_the_planted_faults_are_found(engine):
    data, expected = faults()
    if engine == "shacl":  # The oracle would take half a minute for the records without fault.
        data += "".join(quads(obj) for obj in town())

    found = {("_:" if r.focus.startswith("_:") else r.focus, r.shape) for r in judge(data, shapes(), engine=engine)}

    assert found - expected == set()
    assert expected - found == set()
    assert len(expected) == len(shapes().rules) - len(ELSEWHERE)


def item(objects: dict[str, dict[str, Any]], meeting: int, at: int) -> dict[str, Any]:
    return objects[f"sitzung/{meeting}"]["agendaItem"][at]


def step(objects: dict[str, dict[str, Any]], paper: int, at: int = 0) -> dict[str, Any]:
    return objects[f"vorlage/{paper}"]["consultation"][at]


def two_steps(objects: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return next(obj for key, obj in objects.items() if key.startswith("vorlage/") and len(obj.get("consultation", ())) == 2)


def same_number(objects):
    item(objects, 1, 1)["number"] = item(objects, 1, 0)["number"]
    return objects["sitzung/1"]["id"]


def same_order(objects):
    item(objects, 2, 1)["order"] = item(objects, 2, 0)["order"]
    return objects["sitzung/2"]["id"]


def before_all_terms(objects):
    early = {**objects["sitzung/0"], "id": objects["sitzung/0"]["id"] + "x", "start": "1995-03-01T18:00:00+01:00", "agendaItem": []}
    objects["sitzung/0x"] = early
    return early["id"]


def item_of_another_meeting(objects):
    consultation = step(objects, 60)
    consultation["meeting"] = consultation["meeting"].rsplit("/", 1)[0] + "/" + str(int(consultation["meeting"].rsplit("/", 1)[1]) + 15)
    return consultation["id"]


def consultation_of_another_item(objects):
    first = item(objects, 20, -1)
    first["consultation"] = item(objects, 21, -1)["consultation"]
    return first["id"]


def other_committee(objects):
    consultation = step(objects, 130)
    number = int(consultation["organization"][0].rsplit("/", 1)[1])
    consultation["organization"] = [consultation["organization"][0].rsplit("/", 1)[0] + f"/{(number + 1) % 15}"]
    return consultation["id"]


def decisive_to_take_note(objects):
    step(objects, 140)["role"] = "Kenntnisnahme"
    return step(objects, 140)["id"]


def decided_too_early(objects):
    paper = two_steps(objects)
    paper["consultation"][0] |= {"role": "Entscheidung", "authoritative": True}
    paper["consultation"][1] |= {"role": "Vorberatung", "authoritative": False}
    return paper["id"]


def dated_after_its_route(objects):
    objects["vorlage/150"]["date"] = "2030-01-01"
    return objects["vorlage/150"]["id"]


def same_reference(objects):
    objects["vorlage/160"]["reference"] = objects["vorlage/161"]["reference"]
    return objects["vorlage/160"]["body"]


def member_before_the_committee(objects):
    membership = objects["person/1"]["membership"][0]
    membership["startDate"] = "1990-01-01"
    return membership["id"]


def swapped_axes(objects):
    place = next(obj["location"][0] for key, obj in objects.items() if key.startswith("vorlage/") and "location" in obj)
    place["geojson"]["geometry"]["coordinates"].reverse()
    return place["id"]


def same_letter(objects):
    objects["vorlage/own"]["oparlx:proposal"][1]["oparlx:number"] = "a)"
    return PAPER


def one_sided_alternative(objects):
    del objects["vorlage/own"]["oparlx:proposal"][1]["oparlx:alternativeTo"]
    return f"{PAPER}/vorschlag/a"


def nobody(objects):
    objects["person/2"]["membership"][0]["person"] = objects["person/2"]["id"] + "x"
    return objects["person/2"]["membership"][0]["id"]


PLANTS: dict[str, Callable[[dict[str, dict[str, Any]]], str]] = {
    "Meeting-numbers-unique": same_number,
    "Meeting-orders-unique": same_order,
    "Meeting-in-term": before_all_terms,
    "Consultation-item-of-meeting": item_of_another_meeting,
    "AgendaItem-consultation-agrees": consultation_of_another_item,
    "Consultation-organization-meets": other_committee,
    "Consultation-role-decides": decisive_to_take_note,
    "Paper-route-decisive-last": decided_too_early,
    "Paper-route-starts-after": dated_after_its_route,
    "Body-references-unique": same_reference,
    "Membership-in-life": member_before_the_committee,
    "Location-in-Germany": swapped_axes,
    "Paper-proposals-unique": same_letter,
    "ResolutionProposal-alternative-mutual": one_sided_alternative,
    "Membership-person-class": nobody,
}


def related(objects: list[dict[str, Any]]) -> set[tuple[str, str]]:
    store = ox.Store()
    store.bulk_load("".join(quads(obj) for obj in objects).encode(), format=ox.RdfFormat.N_QUADS)
    return {
        (result.focus, result.shape.removeprefix(BASE))
        for rule in relation_queries()
        for result in results_of(
            rule, rows(bytes(store.query(rule.select, use_default_graph_as_union=True).serialize(format=ox.QueryResultsFormat.JSON)))
        )
    }


def large_town() -> dict[str, dict[str, Any]]:
    return {"/".join(obj["id"].split("/")[-2:]): obj for obj in [*generate(240, 7, jurisdiction=JURISDICTION), own_parts()]}


def test_a_valid_town_breaks_no_relation():
    assert related(list(large_town().values())) == set()


@pytest.mark.parametrize("rule", PLANTS)
def test_exactly_the_planted_relation_is_found(rule):
    objects = large_town()

    focus = PLANTS[rule](objects)

    assert related(list(objects.values())) == {(focus, rule)}


def test_each_relation_has_its_plant():
    assert {rule.iri.removeprefix(BASE) for rule in relation_queries(("relations",))} <= set(PLANTS)


def test_a_made_up_town_is_the_same_each_time_and_lifelike():
    town = list(generate(1_000, 3))
    kinds = [part["type"] for obj in town for _, part in parts(obj)]

    assert town == list(generate(1_000, 3)) != list(generate(1_000, 4))
    assert 1_050 <= kinds.count(OPARL + "Consultation") <= 1_090
    assert 1_250 <= kinds.count(OPARL + "AgendaItem") <= 1_450
    assert 3_300 <= kinds.count(OPARL + "File") <= 3_800
