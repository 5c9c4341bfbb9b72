"""Reading a row of a committee's roster: whose column says the role, whose the faction, whose the days, and which are nobody's business."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from publisher.sources.columns import Row, columns
from publisher.sources.pages_common import GROUP, Sheet, day

# What the head of a column says of it; the first that fits. Any other column holds telephones, mail, professions: withheld.
ROSTER = (
    ("since", re.compile(r"(?:mitglied(?:schaft)? )?(?:seit|von|ab|beginn|eintritt)\b")),
    ("until", re.compile(r"(?:mitglied(?:schaft)? )?(?:bis|ende|austritt)\b")),
    ("role", re.compile(r"art\b|rolle\b|mitgliedsart\b|art der mit|mitgliedschaft\b|mitarbeit\b|tätigkeit\b|besetzung\b")),
    ("group", re.compile(r"(?:\w+ )?(?:fraktion|partei|gruppe|wählergruppe|liste|zugehörigkeit)\b|entsandt")),
    ("function", re.compile(r"funktion\b|stellung\b|bemerkung")),
    ("name", re.compile(r"(?:vor- und nach|nach|familien)?name\b|mitglied(?:er)?\b|person\b")),
)
ROLE = re.compile(
    r"vorsitz|mitglied|stellv|\bstv\b|vertret|beisitz|schriftf|sprecher|beratend|sachkundig|protokoll|geschäftsf|schatzm|kassen|"
    r"präsid|bürgermeister|beigeordnet|delegiert|obmann|obfrau|gast|zugewählt|zubenannt|hinzugewählt|ältest|obleute|leitung|verwaltung",
    re.IGNORECASE,
)


def member(page: Sheet, heads: Sequence[str], row: Row, name: str) -> dict[str, Any]:
    """Return role, function, office, startDate and endDate of the member `name`; the row's pieces of text are booked.

    A column is what its head says. Where none fits the row a text is a role or a group by its own words; any other is withheld,
    for a roster's further columns tell where people live and work.
    """
    found: dict[str, str] = {}
    for head, pieces in columns(row, heads):
        if not pieces:
            continue
        text = " ".join(pieces)
        field = "name" if text == name or name in pieces else _field(head, text)
        page.book(pieces, "" if field else "withheld")
        if not field:
            page.note("withheld", "member", f"organization.{head or 'column'}", len(pieces))
        elif field != "name":
            found[field] = f"{found[field]} {text}" if field in found else text
    return _said(page, found, "role" in heads)


def _field(head: str, text: str) -> str:
    if head not in ("", "name"):
        return "" if head == "other" else head
    return "role" if says_role(text) else "group" if GROUP.search(text) else ""


@lru_cache(4096)  # a few words stand in every row
def says_role(text: str) -> bool:
    """Tell whether a text is a role by its own words; "SPD-Fraktion (Sprecher)" is a group, what stands in brackets aside."""
    return ROLE.search(text.split("(")[0]) is not None


def _said(page: Sheet, told: dict[str, str], role_told: bool) -> dict[str, Any]:
    """Return what the columns say together: a "Funktion" is a role where no column has the role, else a group or a further office."""
    function, group = told.get("function", ""), told.get("group", "")
    role = told.get("role", "")
    if function and not role and not role_told and says_role(function):
        role, function = function, ""
    days = {}
    for key, field in (("startDate", "since"), ("endDate", "until")):
        if text := told.get(field, ""):
            days[key] = day(text)
            if not days[key]:
                page.note("damage", "date", f"organization.{field}")
    return {"role": role, "function": group or function, "office": function if group else ""} | days
