"""A small town's records, written for the tests, and an instance made of them by the real harvest and build."""

from pathlib import Path

import orjson

from publisher.config import Settings, Source
from publisher.fetch import Fetch
from publisher.journal import Journal
from publisher.pipeline.build import build
from publisher.pipeline.harvest import harvest

RIS = "https://ris.musterstadt.example/oparl"
BASE = "https://daten.musterstadt.example"
KEY = "05334002"
BODY = f"{BASE}/id/{KEY}"
SCHEMA = "https://schema.oparl.org/1.1/"
SOZ = f"{RIS}/organization/soz"
LICENSE = "https://www.govdata.de/dl-de/by-2-0"


def stamp(day: int) -> str:
    return f"2021-{1 + day // 28:02}-{1 + day % 28:02}T09:00:00+01:00"


def thing(cls: str, key: str | int, day: int = 1, **more: object) -> dict[str, object]:
    return {"type": SCHEMA + cls, "id": f"{RIS}/{cls.lower()}/{key}", "created": stamp(day), "modified": stamp(day)} | more


def objects(papers: int = 12) -> list[dict[str, object]]:
    """Return the town's objects: one body, three committees, two people, two meetings with an agenda, and papers."""
    body = f"{RIS}/body/1"
    lists = {key: f"{body}/{key}" for key in ("organization", "person", "meeting", "paper")}
    found = [
        thing("System", 1, oparlVersion=SCHEMA, body=f"{RIS}/body", name="RIS Musterstadt"),
        thing(
            "Body", 1, system=f"{RIS}/system/1", name="Musterstadt", shortName="MS", ags=KEY, license=LICENSE, legislativeTerm=[], **lists
        ),
    ]
    for key, name in (("rat", "Rat der Stadt"), ("soz", "Ausschuss für Soziales"), ("bau", "Bauausschuss")):
        found.append(thing("Organization", key, body=body, name=name, shortName=key.upper(), organizationType="Gremium"))
    member = thing("Membership", 1, person=f"{RIS}/person/1", organization=f"{RIS}/organization/soz", role="Vorsitz", votingRight=True)
    found.append(thing("Person", 1, body=body, name="Jörg Weiß", familyName="Weiß", givenName="Jörg", membership=[member]))
    found.append(thing("Person", 2, body=body, name="Anna Müller", familyName="Müller"))
    for key, day in ((1, 16), (2, 20)):
        item = thing(
            "AgendaItem", key, day, meeting=f"{RIS}/meeting/{key}", number="1", order=0, name="Sozialraumkoordination", public=True
        )
        found.append(
            thing(
                "Meeting", key, day, body=body, name=f"{key}. Sitzung des Ausschusses für Soziales", organization=[SOZ],
                start=f"2021-06-{day}T17:00:00+02:00", end=f"2021-06-{day}T19:00:00+02:00", agendaItem=[item],
                location=thing("Location", 7, description="Haus der StädteRegion, Zollernstraße 10"),
            )
        )  # fmt: skip
    return found + [paper(at) for at in range(1, papers + 1)]


def paper(at: int, **more: object) -> dict[str, object]:
    consultation = thing(
        "Consultation", at, at, paper=f"{RIS}/paper/{at}", meeting=f"{RIS}/meeting/1", agendaItem=f"{RIS}/agendaitem/1",
        organization=[f"{RIS}/organization/soz"], role="Vorberatung", authoritative=False,
    )  # fmt: skip
    file = thing("File", at, at, name=f"Vorlage {at}", mimeType="application/pdf", accessUrl=f"https://ris.musterstadt.example/{at}.pdf")
    return thing(
        "Paper", at, at, body=f"{RIS}/body/1", name=f"Gebührensatzung Nummer {at}", reference=f"2021/{at:04}", date="2021-06-02",
        paperType="Beschlussvorlage", mainFile=file, auxiliaryFile=[], consultation=[consultation],
    ) | more  # fmt: skip


SOURCE = Source(
    "musterstadt", "oparl-files", "", KEY, title="Musterstadt", publisher="Stadt Musterstadt", contact="ris@musterstadt.example",
    license=LICENSE, attribution="Stadt Musterstadt",
)  # fmt: skip


def harvested(home: Path, things: list[dict[str, object]], at: str, base: str = BASE) -> None:
    """Read the objects into the journal of `home`, as the source now holds them."""
    folder = home.parent / f"{home.name}-oparl"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for number, one in enumerate(things):
        folder.joinpath(f"{number:06}.json").write_bytes(orjson.dumps(one))
    source = Source(**{**{name: getattr(SOURCE, name) for name in SOURCE.__slots__}, "url": str(folder)})
    settings = Settings(home, base, True)
    with Journal(home / "journal.sqlite") as journal, Fetch(source, home) as fetch:
        outcome = harvest(journal, source, fetch, at, settings=settings, progress=lambda *_: None, force=True)
    assert not outcome.failure and not outcome.refusals, (outcome.failure, outcome.refusals)


def published(home: Path, things: list[dict[str, object]], at: str = "2026-11-01T10:00:00+00:00", base: str = BASE) -> Path:
    """Harvest and build; return `home`."""
    harvested(home, things, at, base)
    built = build(Settings(home, base, True), at, progress=lambda *_: None, force=True)
    assert not built.rejected, built.rejected
    return home
