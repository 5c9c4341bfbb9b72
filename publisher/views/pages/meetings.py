"""What the pages of a meeting and of an agenda item show: the agenda with results, files, and the papers behind the items."""

from typing import Any

from publisher.views import standing
from publisher.views.pages.frame import Things, today
from publisher.views.pages.papers import attachments
from publisher.views.pages.places import places_of

KEYS = frozenset(
    ("name", "start", "end", "meetingState", "cancelled", "location", "organization", "agendaItem", "invitation", "resultsProtocol")
    + ("verbatimProtocol", "auxiliaryFile", "participant", "oparlx:day", "keyword")
)
ITEM_KEYS = frozenset(
    ("name", "number", "order", "meeting", "consultation", "result", "resolutionText", "resolutionFile", "auxiliaryFile", "public")
)
FILES = ("invitation", "resultsProtocol", "verbatimProtocol", "auxiliaryFile")


def meeting(obj: dict[str, Any], things: Things, lang: str) -> dict[str, Any]:
    """Return what meeting.html needs beside the record."""
    del lang
    items = sorted(things.of(obj.get("agendaItem")), key=_order)
    return {
        "when": standing.moment(obj.get("start") or obj.get("oparlx:day")),
        "until": standing.moment(obj.get("end")),
        "state": state(obj),
        "committees": things.of(obj.get("organization")),
        "items": [row(item, things) for item in items],
        "files": attachments(obj, things, FILES),
        "places": places_of(obj.get("location"), things),
        "participants": things.of(obj.get("participant")),
    }


def _order(item: dict[str, Any]) -> tuple[bool, int]:
    """Items with a stated order by it, the others after them as the source lists them (sorting keeps their order)."""
    order = item.get("order")
    return (not isinstance(order, int), order if isinstance(order, int) else 0)


def state(obj: dict[str, Any]) -> str:
    """Return planned | past | postponed | cancelled | undated of a meeting."""
    day = standing.moment(obj.get("start") or obj.get("oparlx:day"))[0]
    return standing.meeting_state({}, obj) or ("undated" if not day else "planned" if day >= today().isoformat() else "past")


def row(item: dict[str, Any], things: Things) -> dict[str, Any]:
    """Return an agenda item with the paper it treats and what its result says for certain."""
    consultation = next(iter(things.of(item.get("consultation"))), None) or _back(item, things)
    paper = next(iter(things.of(consultation.get("paper"))), None) if consultation else None
    outcome, majority, votes, _ = standing.understood(str(item.get("result", "")))
    return {
        "record": item,
        "paper": paper,
        "role": str((consultation or {}).get("role", "")),
        "outcome": outcome,
        "majority": majority,
        "votes": votes,
        "files": attachments(item, things, ("resolutionFile", "auxiliaryFile")),
    }


def _back(item: dict[str, Any], things: Things) -> dict[str, Any] | None:
    """Return the consultation that names the item, where the item does not name it."""
    refs = things.reader.referring(item["id"], type="Consultation", key="agendaItem", limit=1)
    return things(refs[0].iri) if refs else None


def agenda_item(obj: dict[str, Any], things: Things, lang: str) -> dict[str, Any]:
    """Return what agendaitem.html needs beside the record."""
    del lang
    owner = next(iter(things.of(obj.get("meeting"))), None)
    return {
        "item": row(obj, things),
        "meeting": owner,
        "when": standing.moment((owner or {}).get("start") or (owner or {}).get("oparlx:day")),
    }


def listed(obj: dict[str, Any], things: Things) -> dict[str, Any]:
    """Return what lists and the calendar show of a meeting."""
    return {
        "record": obj,
        "when": standing.moment(obj.get("start") or obj.get("oparlx:day")),
        "state": state(obj),
        "committees": things.of(obj.get("organization")),
    }
