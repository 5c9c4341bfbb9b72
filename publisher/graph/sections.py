"""What the sections of a paper name beyond doubt: their kind, amounts of money, budget numbers, legal references."""

from collections.abc import Iterator
from typing import Any

from publisher.concepts import Concepts, budget, legal_references, money
from publisher.graph.mapper import escaped
from publisher.ontology import OPARLX, RDF_TYPE, XSD
from publisher.record import parts

ELI = "http://data.europa.eu/eli/ontology#"
SDO = "http://schema.org/"
TOLD = (OPARLX + "PaperSection", OPARLX + "ResolutionProposal")


def told(paper: dict[str, Any], known: Concepts) -> Iterator[str]:
    """Yield N-Quads about the sections and proposals of a paper, or about one alone, in the graph `{id}/eli`.

    There are none where nothing is certain.

    An amount's IRI is made of the amount itself, never of its place in the text.
    """
    tail = f" <{paper['id']}/eli> .\n"
    for part in (paper, *(part for _, part in parts(paper))):
        if part["type"] in TOLD:
            for fact in (*_kind(part, known), *_numbers(part)):
                yield fact + tail


def _kind(section: dict[str, Any], known: Concepts) -> Iterator[str]:
    heading = str(section.get("name", "")).rstrip(": ")
    concept = known.resolve("section-type", heading) if heading and section["type"] == TOLD[0] else None
    if concept:
        yield f"<{section['id']}> <{ELI}type_subdivision> <{concept}>"
        yield f"<{section['id']}> <{OPARLX}sectionType> <{concept}>"


def _numbers(section: dict[str, Any]) -> Iterator[str]:
    me, text = section["id"], str(section.get("text", ""))
    for amount in dict.fromkeys((one.value, one.currency) for one in money(text)):
        node = f"<{me}/betrag/{amount[0]}-{amount[1].lower()}>"
        yield f"<{me}> <{OPARLX}amount> {node}"
        yield f"{node} <{RDF_TYPE}> <{OPARLX}FinancialImpact>"
        yield f"{node} <{RDF_TYPE}> <{SDO}MonetaryAmount>"
        for term in (OPARLX, SDO):
            yield f'{node} <{term}value> "{amount[0]}"^^<{XSD}decimal>'
            yield f'{node} <{term}currency> "{amount[1]}"'
    numbers = budget(text)
    yield from (f'<{me}> <{OPARLX}budgetProduct> "{number}"' for number in numbers.products)
    yield from (f'<{me}> <{OPARLX}budgetAccount> "{number}"' for number in numbers.accounts)
    yield from (f'<{me}> <{OPARLX}legalReference> "{escaped(reference)}"@de' for reference in legal_references(text))
