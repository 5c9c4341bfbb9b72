"""What sections name beyond doubt: kinds, amounts, budget numbers, references; nothing where it is not certain."""

import pyoxigraph as ox

from publisher.concepts import concepts
from publisher.graph.sections import told
from publisher.ontology import OPARLX

BASE = "https://ris.example.org"
PAPER = f"{BASE}/eli/dl/05999004/vorlage/1"


def facts(heading, text):
    section = {"type": OPARLX + "PaperSection", "id": f"{PAPER}/abschnitt/x", "name": heading, "text": text}
    paper = {"type": "https://schema.oparl.org/1.1/Paper", "id": PAPER, "oparlx:section": [section]}
    found = list(ox.parse("".join(told(paper, concepts(BASE))), format=ox.RdfFormat.N_QUADS))
    assert {quad.graph_name.value for quad in found} <= {f"{PAPER}/eli"}
    return {(quad.predicate.value.rsplit("#", 1)[-1].rsplit("/", 1)[-1], quad.object.value) for quad in found}


def test_amounts_and_budget_numbers_of_a_section_are_facts():
    found = facts("Finanzielle/bilanzielle Auswirkungen:", "Mittel von 50.000 € im Teilprodukt 950170, Sachkonto 531860.")

    assert {("value", "50000.00"), ("currency", "EUR"), ("budgetProduct", "950170"), ("budgetAccount", "531860")} <= found
    assert ("type_subdivision", f"{BASE}/concept/section-type/finanzielle-auswirkungen") in found


def test_what_is_not_certain_is_no_fact():
    assert not any(name in ("value", "budgetProduct") for name, _ in facts("Sachlage", "Rund 50.000 € oder 2 Mio. Euro, Produkt unklar."))


def test_the_same_amount_twice_is_one_node():
    found = facts("Sachlage", "Zuerst 1.000 €, dann nochmals 1.000 Euro.")

    assert [value for name, value in found if name == "amount"] == [f"{PAPER}/abschnitt/x/betrag/1000.00-eur"]


def test_legal_references_are_kept_as_printed():
    assert ("legalReference", "§ 41 der Gemeindeordnung") in facts("Rechtslage", "Zuständig nach § 41 der Gemeindeordnung.")
