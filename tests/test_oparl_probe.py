"""A first look at an address: kind, product, faults, counts, and a TOML that a harvest takes."""

import json
import os
import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from publisher.cli import main
from publisher.config import Source, project_file, source_of_table
from publisher.errors import Malformed, Misconfigured, Unreachable
from publisher.fetch import Clock, Fetch
from publisher.record import Record
from publisher.sources import KINDS
from publisher.sources.municipalities import meant, places
from publisher.sources.probe import Probe, probe, saved_pages, slug, toml
from publisher.sources.repairs import REPAIRS
from publisher.sources.stamps import Stamps
from tests.allris_site import classic_town
from tests.hostile import SCHEMA, Ask, Town, serving

SHARED = Path(os.environ.get("PUBLISHER_SHARED", Path(__file__).parent.parent.parent / "shared")) / "realdata"
ENTRIES = sorted(project_file("data", "sources").glob("*.toml"))


def looked(base, path="/system"):
    with Fetch(Source("probe", "oparl", base + path, "00000", pause=0), clock=Clock(lambda: 0.0, lambda _: None)) as fetch:
        return probe(base + path, fetch)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Hürtgenwald", "05358016"),
        ("Gemeinde Hürtgenwald", "05358016"),
        ("HUERTGENWALD", "05358016"),
        ("5358016", "05358016"),
        ("05358016", "05358016"),
        ("053580016016", "05358016"),
        ("053340002002", "05334002"),
        ("053340000000", "05334"),
        ("5334", "05334"),
        ("051140000", "05114000"),
        ("StädteRegion Aachen", "05334"),
        ("Stadt Aachen", "05334002"),
        ("Kreis Düren", "05358"),
        ("Düren", "05358008"),
        ("Kreisverwaltung Euskirchen", "05366"),
        ("Landeshauptstadt München", "09162000"),
        ("Köln", "05315000"),
        ("https://ris.huertgenwald.de/webservice/oparl", "05358016"),
        ("http://gremieninfo.staedteregion-aachen.de/bi/vo020.asp?VOLFDNR=1", "05334"),
        ("www.bonn.sitzung-online.de", "05314000"),
        ("https://x.example.de/bad-muenstereifel/", "05366004"),
    ],
)
def test_a_place_is_found_by_key_name_or_address(text, key):
    assert places(text)[0].key == key


@pytest.mark.parametrize("text", ["", "99999999", "Entenhausen", "https://127.0.0.1/oparl", "12"])
def test_what_is_no_place_is_none(text):
    assert places(text) == []


def test_a_name_of_several_places_gives_them_all():
    assert len(places("Neustadt")) > 3


def test_a_probe_tells_what_answers_and_how_much():
    with serving(Town()) as (base, asked):
        found = looked(base)

    assert (found.kind, found.title, found.jurisdiction) == ("oparl", "Musterstadt", "")
    assert found.counts == {"System": 1, "Body": 1, "Organization": 3, "Person": 5, "Meeting": 12, "Paper": 35}
    assert not any("page=2" in path for path in asked), "one page a list is enough"
    assert any("keine Lizenz" in remark for remark in found.remarks)


def test_a_body_without_keys_is_known_by_its_web_site():
    class Unkeyed(Town):
        def body(self, base):
            return {**super().body(base), "name": "Rat und Verwaltung", "ags": None, "website": "https://www.huertgenwald.de/rathaus/"}

    with serving(Unkeyed()) as (base, _):
        assert looked(base).jurisdiction == "05358016"


def test_the_toml_of_a_probe_is_a_source():
    with serving(Town()) as (base, _):
        found = looked(base)

    source = source_of_table({"name": "x", **tomllib.loads(found.toml), "jurisdiction": "05999016"}, "probe")
    assert (source.kind, source.url, source.expected["Paper"]) == ("oparl", f"{base}/system", 35)


@pytest.mark.parametrize(
    ("told", "key"),
    [
        ("05358016", "05358016"), ("5358016", "05358016"), ("Hürtgenwald", "05358016"), ("Gemeinde Huertgenwald", "05358016"),
        ("053580160016", "053580160016"), ("https://ris.krefeld.de/webservice", "05114000"), ("Braunschweig", "03101000"),
        ("Kreis Düren", "05358"), ("Stadt Düren", "05358008"), ("Stadt Leipzig", "14713000"), ("StädteRegion Aachen", "05334"),
        ("Aachen", "05334002"), ("00000", "00000"),
    ],
)  # fmt: skip
def test_a_jurisdiction_is_given_by_key_name_or_address(told, key):
    assert source_of_table({"name": "x", "kind": "oparl", "url": "u", "jurisdiction": told}, "x.toml", meant).jurisdiction == key


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ("Düren", r"may mean 05358008 \(Düren, Stadt\), 05358 \(Düren\): write the key"),
        ("Mühlhausen", r"08226054 .*16064046"),
        ("Musterstadt", "expected 12 digits .* or the name or web address"),
        ("5334999", "expected 12 digits"),
    ],
)
def test_a_jurisdiction_that_may_mean_several_places_or_none_is_refused_with_the_candidates(told, words):
    with pytest.raises(Misconfigured, match=words):
        source_of_table({"name": "x", "kind": "oparl", "url": "u", "jurisdiction": told}, "x.toml", meant)


@pytest.mark.parametrize("title", ['Rat "Süd"', "Zeile\nzwei", "back\\slash", "\x7f\x01", "'''"])
def test_no_title_breaks_the_toml(title):
    found = Probe("https://x.example/system", "oparl", "", "unknown", title, "05334", "", {}, {}, (title,), {}, "")

    assert tomllib.loads(toml(found))["title"] == title


def test_a_page_of_the_ris_leads_to_its_oparl():
    town = Town()

    def ris(ask: Ask) -> None:
        base = f"http://{ask.handler.headers['Host']}"
        if ask.path == "/start":
            ask.send(b"<html><body>SessionNet</body></html>", Content_Type="text/html")
        elif ask.path == "/public/oparl/system":
            ask.send(json.dumps(town.told("/system", base)).encode())
        else:
            town(ask)

    with serving(ris) as (base, _):
        found = looked(base, "/start")

    assert (found.kind, found.url, found.counts["Paper"]) == ("oparl", f"{base}/public/oparl/system", 35)


@pytest.mark.parametrize(
    ("html", "kind"),
    [
        (b'<meta name="description" content="ALLRIS net Version 3.9.5 (221117m)"><title>Drucksache</title>', "allris3"),
        (b'<meta name="description" content="ALLRIS net Version 4.1.7 (4170041)">', "allris4"),
        (b"<html><title>unserAC.de</title>", "unserac"),
    ],
)
def test_pages_tell_their_product(html, kind):
    with serving(lambda ask: ask.send(html, 404 if "robots" in ask.path else 200)) as (base, _):
        assert looked(base, "/bi/vo020.asp").kind == kind


@pytest.mark.parametrize(("html", "words"), [(b"<html>SessionNet", "SessionNet"), (b"<html>Hallo", "no product we know")])
def test_a_page_of_another_product_is_named(html, words):
    answers = lambda ask: ask.send(html, 404 if "robots" in ask.path or "oparl" in ask.path else 200)  # noqa: E731

    with serving(answers) as (base, _), pytest.raises(Malformed, match=words):
        looked(base, "/start")


def test_nothing_there_is_unreachable():
    with serving(Town()) as (base, _):
        pass

    with pytest.raises(Unreachable):
        looked(base)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real crawl lies in ../shared, which is absent")
def test_a_probe_of_huertgenwald():
    with Fetch(Source("probe", "oparl-files", "x", "00000")) as fetch:
        found = probe(str(SHARED / "huertgenwald-sdnet"), fetch)

    assert (found.dialect, found.title, found.jurisdiction, slug(found)) == (
        "sternberg",
        "Gemeinde Hürtgenwald",
        "05358016",
        "huertgenwald",
    )
    assert found.counts == {"System": 1, "Body": 1, "Organization": 22, "Person": 49, "Meeting": 367, "Paper": 2115}
    assert found.faults["type_from_url"] == 39 and found.faults["ags_of_eight_digits"] == 1


@pytest.mark.parametrize("path", ENTRIES, ids=[path.stem for path in ENTRIES])
def test_each_source_that_ships_can_be_harvested(path):
    source = source_of_table({"name": path.stem, **tomllib.loads(path.read_text("utf-8"))}, str(path))

    assert source.kind in KINDS and source.url.startswith("http") and source.pause >= 1
    assert source.options.get("dialect", "") in REPAIRS
    assert places(source.jurisdiction)[0].key == source.jurisdiction
    assert source.title.split()[-1] in places(source.jurisdiction)[0].name


def stamped(*moments):
    stamps = Stamps()
    for at, moment in enumerate(moments):
        stamps.add(Record("Paper", f"https://x.example/{at}", "", {"modified": moment} if moment else {}))
    return stamps.verdict("2031-05-02")


@pytest.mark.parametrize(
    ("moments", "trustworthy", "words"),
    [
        ([f"2031-0{at % 4 + 1}-{at % 28 + 1:02d}T08:00:00+01:00" for at in range(60)], True, ""),
        (["2000-01-01T00:00:00+01:00"] * 60, False, "all modified at 2000-01-01"),
        ([f"2031-05-02T08:{at % 60:02d}:00+02:00" for at in range(60)], False, "modified today"),
        ([""] * 60, False, "no modified"),
        (
            [f"2030-03-03T08:{at:02d}:00+02:00" for at in range(50)] + [f"2031-04-{at + 1:02d}T08:00:00+02:00" for at in range(10)],
            True,
            "bulk restamp: 50",
        ),
        (["2031-01-01T00:00:00+01:00"] * 5, False, "too few"),
    ],
)  # fmt: skip
def test_stamps_are_judged(moments, trustworthy, words):
    verdict = stamped(*moments)

    assert verdict.trustworthy is trustworthy and (words in verdict.words) and bool(words) == bool(verdict.words)


def test_stamps_are_judged_as_the_server_sent_them():
    stamps = Stamps()
    for at in range(40):
        stamps.add(
            Record("Paper", f"https://x.example/{at}", "", {}, raw={"type": SCHEMA + "Paper", "modified": "2000-01-01T00:00:00+01:00"})
        )

    assert "2000-01-01" in stamps.verdict("2031-05-02").words


def test_a_folder_of_saved_pages_is_told_field_by_field(tmp_path):
    (tmp_path / "to010.html").write_bytes(classic_town()["to010.asp?SILFDNR=501"])
    (tmp_path / "vo020.html").write_bytes(b"<html>Wartung</html>")
    (tmp_path / "start.html").write_bytes(b"<html></html>")

    ran = CliRunner().invoke(main, ["probe", str(tmp_path)])

    start, agenda, paper = ran.output.splitlines()
    assert (ran.exit_code, "expected a page named" in start) == (1, True) and "classic ALLRIS" in paper, paper
    assert agenda.split()[:2] == ["to010.html", "meeting"] and {"name", "day", "agendaItem"} <= set(re.split(r"[ ,]+", agenda))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real answers lie in ../shared, which is absent")
def test_every_saved_page_of_hamburg_has_fields():
    rows = list(saved_pages(SHARED / "allris-classic-hamburg"))

    assert len(rows) > 20 and [name for name, _, found in rows if not found] == []
