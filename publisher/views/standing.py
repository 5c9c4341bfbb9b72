"""Where a motion stands: its Beratungsfolge as stations, and its status in one sentence that never says more than the source."""

import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from publisher.concepts import concepts, read, schemes
from publisher.concepts.schemes import Concepts
from publisher.views.words import long_day, text

BERLIN = ZoneInfo("Europe/Berlin")
Lookup = Callable[[str], dict[str, Any] | None]

FINAL = frozenset(
    ("beschlossen", "teilweise-beschlossen", "abgelehnt", "zurueckgezogen", "erledigt", "zur-kenntnis-genommen", "beantwortet", "gewaehlt")
)
PUT_OFF = frozenset(("vertagt", "abgesetzt", "nicht-behandelt"))
STATES = {"verschoben": "postponed", "abgesagt": "cancelled"}
QUOTED = 140  # characters of a result that cannot be read; more would be no sentence


class Named(NamedTuple):
    """A thing and what it is called."""

    iri: str
    name: str


class Station(NamedTuple):
    """One consultation of a paper. state: past | planned | postponed | cancelled | undated.

    day: "2021-06-17" or ""; time: "17:00" where the source states one. result: the source's words; outcome and majority: slugs of the
    schemes "result" and "majority" where they are certain. votes: favour, against, abstention, None where not given.
    """

    iri: str
    state: str
    day: str
    time: str
    role: str
    decisive: bool | None
    committees: tuple[Named, ...]
    meeting: Named | None
    item: str
    number: str
    result: str
    outcome: str
    majority: str
    votes: tuple[int | None, int | None, int | None] | None
    resolution: str
    amended: bool = False


def route(paper: dict[str, Any], lookup: Lookup, today: date) -> list[Station]:
    """Return the stations of a paper's Beratungsfolge, by day; those without a day come last, in the source's order."""
    found = (item if isinstance(item, dict) else lookup(item) for item in listed(paper.get("consultation")))
    stations = [_station(consultation, lookup, today) for consultation in found if consultation and not consultation.get("deleted")]
    return sorted(stations, key=lambda station: (not station.day, station.day, station.time))


def standing(paper: dict[str, Any], lookup: Lookup, today: date, lang: str) -> str:
    """Return where the paper stands, as one sentence without a full stop."""
    return sentence(route(paper, lookup, today), today, lang)


def sentence(stations: list[Station], today: date, lang: str) -> str:
    """Return the sentence for a Beratungsfolge that `route` has found."""
    if not stations:
        return text("no_consultation", lang)
    ahead = [station for station in stations if station.state == "planned"]
    behind = [station for station in stations if station.state in ("past", "postponed", "cancelled")]
    decided = next((station for station in reversed(behind) if station.decisive and station.outcome in FINAL), None)
    if decided:
        return _decided(decided, lang) + (_ahead(ahead[0], lang, "and_next") if ahead else "")
    if ahead:
        return _waiting(ahead[0], today, lang)
    if behind:
        return _behind(behind[-1], lang) + _earlier(behind[:-1], lang)
    return _upper(text("no_day", lang, where=place(stations[0], lang), purpose=purpose(stations[0].role, lang)))


def listed(value: Any) -> list[Any]:
    """Return a value of OParl as a list: lists as they are, nothing as empty."""
    return value if isinstance(value, list) else [] if value is None else [value]


def moment(value: Any) -> tuple[str, str]:
    """Return (day, time) in Germany of an OParl date or date-time: "2021-06-17T15:00:00Z" -> ("2021-06-17", "17:00")."""
    return _moment(str(value))


@lru_cache(20_000)
def _moment(value: str) -> tuple[str, str]:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return "", ""
    if len(value) <= 10:
        return found.date().isoformat(), ""
    local = found.astimezone(BERLIN) if found.tzinfo else found
    return local.date().isoformat(), local.strftime("%H:%M")


def _station(consultation: dict[str, Any], lookup: Lookup, today: date) -> Station:
    meeting = _of(consultation.get("meeting"), lookup)
    item = _item(consultation.get("agendaItem"), meeting, lookup)
    meeting = meeting or _of(item.get("meeting"), lookup)
    day, time = moment(consultation.get("oparlx:day") or meeting.get("start") or meeting.get("oparlx:day"))
    if not time:
        time = moment(meeting.get("start"))[1]
    role = str(consultation.get("role", ""))
    result = str(item.get("result", ""))
    outcome, majority, votes, amended = understood(result)
    return Station(
        consultation["id"],
        _state(consultation, meeting, day, today, outcome, bool(result)),
        day,
        time,
        role,
        _decisive(consultation, role),
        _committees(consultation, meeting, lookup),
        Named(meeting["id"], str(meeting.get("name", ""))) if "id" in meeting else None,
        str(item.get("id", "")),
        str(item.get("number", "")),
        result,
        outcome,
        majority,
        votes,
        str(item.get("resolutionText", "")),
        amended,
    )


def _item(value: Any, meeting: dict[str, Any], lookup: Lookup) -> dict[str, Any]:
    """Return the agenda item, from the meeting at hand where that embeds it: one look-up less."""
    embedded = (one for one in listed(meeting.get("agendaItem")) if isinstance(one, dict) and one.get("id") == value)
    return next(embedded, None) or _of(value, lookup)


def _of(value: Any, lookup: Lookup) -> dict[str, Any]:
    found = value if isinstance(value, dict) else lookup(value) if isinstance(value, str) else None
    return found if found and not found.get("deleted") else {}


def _words() -> Concepts:
    return concepts("")


def meeting_state(consultation: dict[str, Any], meeting: dict[str, Any]) -> str:
    """Return "cancelled" or "postponed" where the source says so of a meeting or of the paper's turn in it, else ""."""
    if meeting.get("cancelled") is True:
        return "cancelled"
    said = (_words().slug("meeting-state", str(word)) for word in (consultation.get("oparlx:state"), meeting.get("meetingState")) if word)
    return next((STATES[slug] for slug in said if slug in STATES), "")


def _state(consultation: dict[str, Any], meeting: dict[str, Any], day: str, today: date, outcome: str, result: bool) -> str:
    if stated := meeting_state(consultation, meeting):
        return stated
    if outcome in PUT_OFF:
        return "postponed"
    if not day:
        return "past" if result else "undated"
    return "past" if result or day < today.isoformat() else "planned"


def _decisive(consultation: dict[str, Any], role: str) -> bool | None:
    """Return whether the matter itself is decided there: as the source's flag says, else as the word of the role says."""
    flag = consultation.get("authoritative")
    return flag if isinstance(flag, bool) else _words().decisive(role) if role else None


def _committees(consultation: dict[str, Any], meeting: dict[str, Any], lookup: Lookup) -> tuple[Named, ...]:
    iris = listed(consultation.get("organization")) or listed(meeting.get("organization"))
    found = ((iri, lookup(iri)) for iri in iris if isinstance(iri, str))
    return tuple(Named(iri, str(one.get("name") or one.get("shortName") or "")) for iri, one in found if one)


@lru_cache(20_000)
def understood(result: str) -> tuple[str, str, tuple[int | None, int | None, int | None] | None, bool]:
    """Return (outcome, majority, votes, whether amended) of a result's text: slugs, "" where nothing is certain."""
    if not result:
        return "", "", None, False
    found = read(result, _spellings("result"), _spellings("majority"))
    votes = found.votes and (found.votes.favor, found.votes.against, found.votes.abstention)
    return found.outcome or "", found.majority or "", votes, found.amended is True


@cache
def _spellings(scheme: str) -> dict[str, str]:
    return {word.casefold(): slug for slug, one in schemes()[scheme].items() for word in one.spellings}


def label(scheme: str, slug: str, lang: str) -> str:
    """Return a concept's label in German or English."""
    concept = schemes()[scheme][slug]
    return concept.labels.get(lang) or concept.labels["de"]


def verdict(station: Station, lang: str) -> str:
    """Return the outcome with its majority, "mehrheitlich abgelehnt"; "" where none is certain."""
    if not station.outcome:
        return ""
    outcome = label("result", station.outcome, lang)
    if station.amended:
        outcome = text("outcome_amended", lang, outcome=outcome)
    if station.majority not in ("einstimmig", "mehrheitlich"):
        return outcome
    return text(f"outcome_{station.majority}", lang, outcome=outcome)


FEMININE = re.compile(
    r"(?:ung|ion|schaft|heit|keit|kammer|konferenz|gruppe|vertretung|runde|stelle|leitung|jury|synode|bürgerschaft)$", re.IGNORECASE
)
HALVES = re.compile(r"^(?:\w+-,?\s+)+(?:und|u\.|&)\s+")
OTHERS = re.compile(
    r"(?:rat|ausschuss|ausschuß|tag|gremium|senat|vorstand|forum|parlament|kreis|kollegium|magistrat|kuratorium)$", re.IGNORECASE
)


def place(station: Station, lang: str) -> str:
    """Return "im Ausschuss X" for the station's committees; "" where none is named.

    German needs the gender: it is taken from the end of the first whole word; where that leaves doubt, the name is quoted.
    """
    return " / ".join(within(one.name, lang) for one in station.committees if one.name)


@lru_cache(5000)
def within(name: str, lang: str) -> str:
    """Return the name of a committee with "in": "im Rat", "in der Bezirksvertretung Mitte", "im Gremium „Kleine Kommission“"."""
    if lang == "en":
        return f"in the {name}"
    head = re.split(r"\s", HALVES.sub("", name), maxsplit=1)[0].rstrip(",")
    if FEMININE.search(head):
        return f"in der {name}"
    return f"im {name}" if OTHERS.search(head) else f"im Gremium „{name}“"


@lru_cache(5000)
def purpose(role: str, lang: str) -> str:
    """Return what a consultation is for: "zur Entscheidung", "for decision"; the source's own word in brackets if we do not know it."""
    slug = _words().slug("consultation-role", role) if role else None
    if slug is None or slug == "unbekannt":
        return text("on_agenda", lang) + (f" ({role})" if role else "")
    named = label("consultation-role", slug, lang)
    if lang == "en":
        return f"for {named.lower()}"
    return f"zum {named}" if slug == "bericht" else f"zur {named}"


def _joined(*pieces: str) -> str:
    return " ".join(piece for piece in pieces if piece)


def _upper(words: str) -> str:
    return words[:1].upper() + words[1:]


def _decided(station: Station, lang: str) -> str:
    return _upper(
        _joined(verdict(station, lang), text("on_day", lang, day=long_day(station.day, lang)) if station.day else "", place(station, lang))
    )


def _ahead(station: Station, lang: str, key: str) -> str:
    return text(key, lang, day=long_day(station.day, lang), where=place(station, lang)).rstrip()


def _waiting(station: Station, today: date, lang: str) -> str:
    where, day = place(station, lang), long_day(station.day, lang)
    if not where:
        return text("next_only", lang, day=day)
    if station.day == today.isoformat():
        return text("today", lang, day=day, where=where, purpose=purpose(station.role, lang))
    return text("lies", lang, day=day, where=where)


def _behind(station: Station, lang: str) -> str:
    when = text("on_day", lang, day=long_day(station.day, lang)) if station.day else ""
    where = place(station, lang)
    if station.state == "cancelled":
        return _upper(text("cancelled_meeting", lang, when=when, where=where))
    if station.state == "postponed":
        word = label("result", station.outcome, lang) if station.outcome in PUT_OFF else text("postponed", lang)
        return _upper(_joined(word, when, where)) + text("no_new_day", lang)
    head = _upper(_joined(when, purpose(station.role, lang), where))
    if station.outcome:
        return f"{head}: {verdict(station, lang)}"
    if station.majority or station.votes or station.result and not _empty(station.result):
        return head + text("result_quoted", lang, result=_short(station.result))
    return head + text("no_result", lang)


def _empty(result: str) -> bool:
    """Tell whether a result's text states none: "(kein Text vorhanden)", "ohne"."""
    found = read(result, {}, {})
    return found.understood and not found.votes


def _short(words: str) -> str:
    flat = " ".join(words.split())
    return flat if len(flat) <= QUOTED else flat[: QUOTED - 1].rsplit(" ", 1)[0] + " …"


def _earlier(stations: Iterable[Station], lang: str) -> str:
    """Return the last earlier outcome, so that an open last station does not hide it."""
    last = next((station for station in reversed(list(stations)) if station.outcome), None)
    if last is None or not last.day:
        return ""
    return text("before", lang, day=long_day(last.day, lang), where=place(last, lang), outcome=verdict(last, lang))
