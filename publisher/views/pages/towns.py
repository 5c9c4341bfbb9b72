"""What a town's home shows: what is new, what comes next, and how much there is."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import orjson

from publisher.journal.reader import Found
from publisher.views.pages.frame import Things, site, today
from publisher.views.pages.meetings import listed
from publisher.views.pages.papers import card
from publisher.views.pages.places import outline, places_of

KEYS = frozenset(
    (
        "name",
        "shortName",
        "website",
        "legislativeTerm",
        "location",
        "ags",
        "rgs",
        "classification",
        "system",
        "equivalent",
        "contactEmail",
        "contactName",
    )
    + ("license", "licenseValidSince", "oparlSince")
)
COUNTED = ("Paper", "Meeting", "AgendaItem", "Consultation", "Organization", "Person", "File", "Location")
NEW, NEXT, DAYS = 8, 6, 120


def body(obj: dict[str, Any], things: Things, lang: str) -> dict[str, Any]:
    """Return what body.html needs beside the record."""
    iri, reader, day = obj["id"], things.reader, today()
    ahead = reader.between("Meeting", day.isoformat(), (day + timedelta(days=DAYS)).isoformat(), iri)
    behind = reader.between("Meeting", (day - timedelta(days=DAYS)).isoformat(), day.isoformat(), iri)[-NEXT:]
    held = [listed(one, things) for one in objects(reversed(behind) if behind else reader.latest("Meeting", NEXT, iri))]
    located = places_of(obj.get("location"), things)
    committees = (orjson.loads(one.json) for one in reader.page("Organization", body=iri, limit=500))
    return {
        "counts": [(name, live) for name, (live, _) in _ordered(reader.counts(iri))],
        "new": [card(one, things, lang) for one in objects(reader.latest("Paper", NEW, iri))],
        "next": [listed(one, things) for one in objects(ahead[:NEXT])],
        "last": [one for one in held if "" < one["when"][0] < day.isoformat()],
        "places": located,
        "outline": outline(located, lang),
        "tiles": site().tiles,
        "terms": things.of(obj.get("legislativeTerm")),
        "committees": sorted(
            (one for one in committees if _runs(one, day.isoformat())), key=lambda one: str(one.get("name", "")).casefold()
        ),
    }


def objects(found: Iterable[Found]) -> list[dict[str, Any]]:
    """Return the objects of found records."""
    return [orjson.loads(one.json) for one in found]


def _runs(organization: dict[str, Any], day: str) -> bool:
    return not organization.get("endDate") or str(organization["endDate"]) >= day


def _ordered(counts: dict[str, tuple[int, int]]) -> list[tuple[str, tuple[int, int]]]:
    return [(name, counts[name]) for name in COUNTED if name in counts]
