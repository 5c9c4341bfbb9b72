"""Whatever bytes come as an answer: no crash, no invented id, each object a record or a refusal."""

import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publisher.errors import Malformed
from publisher.record import CLASSES, Record, Refusal
from publisher.sources.oparl_page import Origin, is_oparl, is_url, json_of, listed, record
from publisher.sources.probe import _told
from publisher.sources.repairs import REPAIRS
from publisher.sources.seen import Seen

SHARED = Path(os.environ.get("PUBLISHER_SHARED", Path(__file__).parent.parent.parent / "shared")) / "realdata"
PAGE = {
    "data": [
        {
            "id": "https://ris.example/oparl/papers?id=1",
            "type": "https://schema.oparl.org/1.1/Paper",
            "name": "Überplanung der Straße",
            "date": "2031-02-03",
            "created": "2000-01-01T00:00:00+01:00",
            "mainFile": {
                "id": "https://ris.example/oparl/files?id=2",
                "type": "https://schema.oparl.org/1.1/File",
                "mimeType": "pdf",
                "size": 0,
            },
            "consultation": [{"id": "https://ris.example/c/3", "type": "https://schema.oparl.org/1.1/Consultation", "role": "Anhörung\n"}],
        },
        {"id": "https://ris.example/oparl/meetings?id=4", "deleted": True},
        {
            "id": "https://ris.example/body/1",
            "type": "https://schema.oparl.org/1.0/Body",
            "ags": "5999016",
            "location": {
                "id": "https://ris.example/l/1",
                "geojson": {"type": "Feature", "geometry": {"type": "Point", "coordinates": [50.7, 6.4]}},
            },
        },
    ],
    "pagination": {"totalElements": 3, "currentPage": 1, "totalPages": 1},
    "links": {"self": "https://ris.example/list?page=1"},
}
ODD: tuple[Any, ...] = (
    None,
    "",
    " ",
    0,
    -1,
    1e300,
    True,
    [],
    {},
    [[]],
    "N/A",
    "0000-00-00",
    "\u0000",
    "https://",
    "x" * 5000,
    ["a", None],
    {"id": 7},
    "9999-99-99T99:99:99Z",
)


def taken(body: bytes, dialect: str) -> list[Record | Refusal]:
    """What a walk makes of an answer; Malformed counts as one refusal of the page."""
    try:
        told, notes = json_of(body, "page")
    except Malformed as error:
        return [Refusal("page", error.expected)]
    if not is_oparl(told):
        return []
    seen = Seen()
    items = [record(obj, Origin("page", dialect=dialect, notes=notes)) for obj in listed(told).objects]
    return [once for item in items for once in seen.once(item, "page")]


def judged(body: bytes, dialect: str) -> None:
    items = taken(body, dialect)
    for item in items:
        if isinstance(item, Record):
            assert item.type in CLASSES and is_url(item.id) and item.object["id"] == item.id
            assert json.dumps(item.id)[1:-1] in json.dumps(json_of(body, "")[0]), "no id that was not sent"
        else:
            assert item.reason
    _told("https://ris.example/", "oparl", items, Counter(), "2031-05-02")


def mutated(value: Any, dice: random.Random) -> Any:
    """The value with a few keys and items changed, lost, doubled or exchanged."""
    if dice.random() < 0.06:
        return dice.choice(ODD)
    if isinstance(value, dict):
        changed = {key: mutated(item, dice) for key, item in value.items() if dice.random() > 0.05}
        if changed and dice.random() < 0.05:
            changed[dice.choice(list(changed))] = dice.choice(list(changed.values()))
        return changed
    if isinstance(value, list):
        return [mutated(item, dice) for item in value for _ in range(1 if dice.random() > 0.05 else 2)]
    if isinstance(value, str) and value and dice.random() < 0.06:
        at = dice.randrange(len(value))
        return value[:at] + dice.choice(("", "\x00", "\ufffd", "\u00a0", '"', "é", "\n")) + value[at + 1 :]
    return value


@pytest.mark.parametrize("seed", range(60))
def test_changed_objects_never_crash_a_walk(seed):
    dice = random.Random(seed)

    for dialect in sorted(REPAIRS):
        judged(json.dumps(mutated(PAGE, dice)).encode(), dialect)


@given(st.data())
def test_changed_bytes_never_crash_a_walk(data):
    body = bytearray(json.dumps(PAGE, ensure_ascii=False).encode())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))

    judged(bytes(body), "allris4")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real answers lie in ../shared, which is absent")
def test_changed_real_answers_never_crash_a_walk():
    dice = random.Random(7)
    pages = sorted((SHARED / "oparl-dialects").glob("*.json")) + sorted((SHARED / "huertgenwald-sdnet" / "body" / "1").glob("*=1*.json"))

    for path in pages:
        told = json.loads(path.read_text("utf-8"))
        for dialect in ("", "sternberg", "allris4", "sessionnet"):
            judged(json.dumps(mutated(told, dice)).encode(), dialect)
    assert len(pages) > 3
