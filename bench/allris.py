"""How long a page of ALLRIS takes beside the HTML parser alone, in one run; what is found on each page; what a large town needs.

usage: PYTHONPATH=. python bench/allris.py [--fields] [--rounds N] [--town PAPERS]

The pages are the real ones of ../shared (allris-classic-hamburg) where they are, else those of the tests. "Alone" is: decode the bytes
and build the tree, by the same library. --town walks an invented town of so many papers without a socket and tells time and memory.
"""

import argparse
import os
import re
import resource
import time
from collections import Counter
from pathlib import Path
from typing import Any

from selectolax.lexbor import LexborHTMLParser

from publisher.config import Source
from publisher.errors import Unreachable
from publisher.fetch import Page
from publisher.record import Record
from publisher.sources import allris3, allris4
from tests import allris_site as site

HAMBURG = Path(os.environ.get("PUBLISHER_SHARED", Path(__file__).parent.parent.parent / "shared")) / "realdata" / "allris-classic-hamburg"
NAMES = {"au020": "AULFDNR", "fr020": "FRLFDNR"}
MONTHS = ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember")
Sample = tuple[str, bytes, str]


def classic_pages() -> list[Sample]:
    """Return (name, bytes, address) of each classic page."""
    found = []
    for path in sorted(HAMBURG.rglob("*.html")):
        raw, name = path.read_bytes(), path.stem
        key = re.search(rb'objectID" content="(\d+)', raw)
        query = f"?{NAMES[name]}={key[1].decode()}" if name in NAMES and key else ""
        found.append((str(path.relative_to(HAMBURG)), raw, f"https://ris.example.org/bi/{name}.asp{query}"))
    own = {key: body for key, body in site.classic_town().items() if isinstance(body, bytes) and key[:5] in allris3.PARSERS}
    return found or [
        (key, body, f"https://ris.example.org/bi/{key}") for key, body in own.items() if b"<table" in body and len(body) > 1500
    ]


def dressed(raw: bytes) -> bytes:
    """Return a page of the tests with what a real one carries around it: scripts, style sheets and menus of some 13 kB."""
    call = 'Wicket.Ajax.ajax({{"u":"./vo020?7-1.0-panel-{0}","c":"id{0}"}});'
    script = "".join(f'<script type="text/javascript">{call.format(at)}</script>' for at in range(40))
    sheets = "".join(f'<link rel="stylesheet" type="text/css" href="./wicket/resource/de.cce.allris/style-{at}.css" />' for at in range(30))
    entry = '<li class="menu-item"><a role="menuitem" tabindex="-1" id="menu{0}" href="./si010?menu={0}"><span>Punkt {0}</span></a></li>'
    menu = "".join(entry.format(at) for at in range(45))
    return raw.replace(b"</head>", (sheets + script + "</head>").encode()).replace(b"</ul></nav>", (menu + "</ul></nav>").encode())


def pages_of_four() -> list[Sample]:
    """Return the pages of ALLRIS 4 written for the tests, dressed as real ones are."""
    names = {"vo020": "VOLFDNR", "to010": "SILFDNR", "to020": "TOLFDNR", "gr020": "GRLFDNR", "kp020": "KPLFDNR"}
    found = []
    for path in sorted((site.PAGES / "allris4").glob("*_*.html")):
        code, key = path.stem.split("_")
        if code in names and key.isdigit():
            found.append((path.name, dressed(path.read_bytes()), f"https://ris.example.org/public/{code}?{names[code]}={key}"))
    return found


def fields(pages: list[Sample], read: Any) -> None:
    """Print what was found on each page, and where each piece of its text went."""
    for name, raw, url in pages:
        facts = read(raw, url)
        lines, notes = facts.pop("lines"), facts.pop("notes")
        told = [f"{key} {len(value)}" if isinstance(value, list) else key for key, value in facts.items() if key != "kind"]
        deep = Counter(key for value in facts.values() if isinstance(value, list) for row in value if isinstance(row, dict) for key in row)
        print(f"{name}: {', '.join(told)}")
        if deep:
            print("    of these: " + ", ".join(f"{key} {count}" for key, count in deep.items()))
        print(
            f"    pieces of text {lines['total']} = used {lines['used']} + withheld {lines['withheld']} + boilerplate "
            f"{sum(lines['boilerplate'].values())} {lines['boilerplate']} + unmapped {lines['unmapped']}; "
            f"notes {dict(Counter(f'{note.kind} {note.rule}' for note in notes))}"
        )


def timed(title: str, pages: list[Sample], read: Any, charset: str, rounds: int) -> None:
    """Print the ratio of reading the pages to parsing them alone: the best of so many rounds of each, page by page."""
    alone, ours = [9.0] * len(pages), [9.0] * len(pages)
    for _ in range(rounds):
        for at, (_, raw, url) in enumerate(pages):
            begin = time.perf_counter()
            LexborHTMLParser(raw.decode(charset, "replace"))
            middle = time.perf_counter()
            read(raw, url)
            alone[at], ours[at] = min(alone[at], middle - begin), min(ours[at], time.perf_counter() - middle)
    print(
        f"{title}: {len(pages)} pages, {sum(len(raw) for _, raw, _ in pages) / 1000:,.0f} kB; parser alone {sum(alone) * 1000:.2f} ms, "
        f"read whole {sum(ours) * 1000:.2f} ms, {len(pages) / sum(ours):,.0f} pages/s: {sum(ours) / sum(alone):.2f} times"
    )


class Town:
    """Answers for an invented town of so many papers, twelve an agenda; pages are made when asked for."""

    def __init__(self, papers: int) -> None:
        self.papers, self.meetings, self.asked = papers, -(-papers // 12), 0

    def __call__(self, url: str, *, check: Any, **_: Any) -> Page:
        self.asked += 1
        body = self.body(url.rsplit("/", 1)[-1])
        if body is None:
            raise Unreachable("town", url, "a page")
        page = Page(url, 200, "text/html", body, {})
        check(page)
        return page

    def body(self, name: str) -> bytes | None:
        code, _, query = name.partition("?")
        key = int(query.rpartition("=")[2] or 0) if code in ("vo020.asp", "to010.asp") else 0
        if code == "vo020.asp":
            meeting = (key - 1) // 12 + 1
            row = site.detail("Erledigt", "06.03.2024", meeting, key, "Sitzung des Hauptausschusses", "ungeändert beschlossen")
            return site.simple(
                key,
                f"2024/{key}",
                f"Bebauungsplan Nr. {key}",
                site.stations(site.station("Erledigt", "Hauptausschuss", "Entscheidung", row)),
            )
        if code == "to010.asp":
            first = (key - 1) * 12 + 1
            rows = [
                site.item(f"Ö&nbsp;{at - first + 1}", at, f"Bebauungsplan Nr. {at}", None, (at, f"2024/{at}"), key)
                for at in range(first, first + 12)
            ]
            return site.agenda(key, "Sitzung des Hauptausschusses", site.HAUPT, "Mi, 06.03.2024", "17:30 - 19:00", *rows)
        if code.startswith("si010"):
            return self.month(query)
        return None

    def month(self, query: str) -> bytes:
        told = dict(part.split("=") for part in query.split("&")) if query else {"MM": "3", "YY": "2024"}
        back = (2024 - int(told["YY"])) * 12 + 3 - int(told["MM"])
        keys = range(back * 30 + 1, min((back + 1) * 30, self.meetings) + 1) if back >= 0 else ()
        rows = "".join(site.entry(("Mi", "6"), "17:30", "Sitzung des Hauptausschusses", key, True) for key in keys)
        return site.month(f"{MONTHS[int(told['MM']) - 1]}&nbsp;{told['YY']}", rows)


def town(papers: int) -> None:
    """Walk an invented town and print time, objects and memory."""
    source = Source(
        name="town",
        kind="allris3",
        url="http://127.0.0.1/bi/",
        jurisdiction="99999001",
        options={"lists": False, "persons": False, "since": "1900-01"},
    )
    answers, counts, begin = Town(papers), Counter[str](), time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for record in allris3.records(source, answers):  # type: ignore[arg-type]
        counts[record.type if isinstance(record, Record) else "Refusal"] += 1
    took = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"town: {dict(counts)}; {answers.asked:,} pages made and read in {took:.1f} s; memory {peak:.0f} MB at most, {before:.0f} MB before"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fields", action="store_true")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--town", type=int, default=0)
    told = parser.parse_args()
    classic, four = classic_pages(), pages_of_four()
    if told.fields:
        fields(classic, allris3.page_of)
        fields(four, allris4.page_of)
    timed("ALLRIS classic", classic, allris3.page_of, "cp1252", told.rounds)
    timed("ALLRIS 4", four, allris4.page_of, "utf-8", told.rounds)
    if told.town:
        town(told.town)


if __name__ == "__main__":
    main()
