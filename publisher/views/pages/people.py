"""What the pages of an organization and of a person show: who belonged where, when and as what; meetings and papers."""

from typing import Any, NamedTuple

from publisher.concepts import concepts
from publisher.views import standing
from publisher.views.pages.frame import Things, name_of, today
from publisher.views.pages.meetings import listed
from publisher.views.pages.papers import card

ORGANIZATION_KEYS = frozenset(
    ("name", "shortName", "membership", "organizationType", "classification", "startDate", "endDate", "subOrganizationOf", "website")
)
PERSON_KEYS = frozenset(("name", "familyName", "givenName", "formOfAddress", "title", "affix", "membership", "gender"))
SHOWN = 12
CHAIRS = (
    ("vorsitz", "fraktionsvorsitz", "buergermeister", "landrat", "ortsvorsteher"),
    ("stellvertretender-vorsitz", "stellvertretender-fraktionsvorsitz", "stellvertretender-buergermeister"),
)


class Seat(NamedTuple):
    """One membership as a list shows it; `now` if it has not ended."""

    iri: str
    person: dict[str, Any] | None
    organization: dict[str, Any] | None
    role: str
    start: str
    end: str
    behalf: dict[str, Any] | None
    voting: bool | None
    now: bool


def organization(obj: dict[str, Any], things: Things, lang: str) -> dict[str, Any]:
    """Return what organization.html needs beside the record."""
    iri, day = obj["id"], today().isoformat()
    memberships = [*things.of(obj.get("membership")), *_referring(iri, things, "Membership", "organization", 3000)]
    seats = _seats(memberships, things)
    meetings = [listed(one, things) for one in _referring(iri, things, "Meeting", "organization", 60)]
    papers = [
        *_referring(iri, things, "Paper", "originatorOrganization", SHOWN),
        *_referring(iri, things, "Paper", "underDirectionOf", SHOWN),
    ]
    return {
        "seats": [seat for seat in seats if seat.now],
        "former": [seat for seat in seats if not seat.now],
        "ahead": sorted((one for one in meetings if one["when"][0] >= day), key=lambda one: one["when"]),
        "behind": [one for one in meetings if one["when"][0] < day][:SHOWN],
        "papers": [card(one, things, lang) for one in _once(papers)[:SHOWN]],
        "treated": [card(one, things, lang) for one in _treated(iri, things)],
        "parent": next(iter(things.of(obj.get("subOrganizationOf"))), None),
        "children": sorted((one for one in _referring(iri, things, "Organization", "subOrganizationOf", 200)), key=name_of),
    }


def person(obj: dict[str, Any], things: Things, lang: str) -> dict[str, Any]:
    """Return what person.html needs beside the record."""
    seats = _seats([*things.of(obj.get("membership")), *_referring(obj["id"], things, "Membership", "person", 300)], things)
    papers = _referring(obj["id"], things, "Paper", "originatorPerson", SHOWN)
    styles = (str(one) for one in (*standing.listed(obj.get("formOfAddress")), *standing.listed(obj.get("title"))))
    return {
        "styled": " ".join(one for one in styles if one not in name_of(obj)),
        "seats": [seat for seat in seats if seat.now],
        "former": [seat for seat in seats if not seat.now],
        "papers": [card(one, things, lang) for one in papers],
    }


def _referring(iri: str, things: Things, type: str, key: str, limit: int) -> list[dict[str, Any]]:
    return [one for ref in things.reader.referring(iri, type=type, key=key, limit=limit) if (one := things(ref.iri))]


def _once(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({one["id"]: one for one in objects}.values())


def _treated(iri: str, things: Things) -> list[dict[str, Any]]:
    """Return the papers that stood on this organization's agenda, as its newest consultations name them."""
    consultations = things.reader.referring(iri, type="Consultation", key="organization", limit=3 * SHOWN)
    papers = [things(found.owner) for found in consultations]
    return _once([one for one in papers if one and one["type"].endswith("/Paper")])[:SHOWN]


def _seats(memberships: list[dict[str, Any]], things: Things) -> list[Seat]:
    """Return memberships: those still running before those ended, chairs first, then by family name."""
    day = today().isoformat()
    found = []
    for one in _once(memberships):
        person, organization, behalf = (next(iter(things.of(one.get(key))), None) for key in ("person", "organization", "onBehalfOf"))
        start, end = str(one.get("startDate", "")), str(one.get("endDate", ""))
        now = not end or end >= day
        found.append(Seat(one["id"], person, organization, str(one.get("role", "")), start, end, behalf, one.get("votingRight"), now))
    return sorted(found, key=lambda seat: (not seat.now, in_order(seat.role, seat.person or {}), seat.start))


def in_order(role: str, person: dict[str, Any]) -> tuple[int, str, str]:
    """Return where a member comes: chairs, deputies, others, each by family name, else the last word of names like "Frau Dr. Anna Au"."""
    slug = concepts("").slug("membership-role", role) if role else None
    rank = next((rank for rank, slugs in enumerate(CHAIRS) if slug in slugs), len(CHAIRS))
    name = name_of(person)
    return rank, str(person.get("familyName") or next(reversed(name.split()), "")).casefold(), name.casefold()
