"""The unserAC mirror: what its pages say comes out once, whole and under lasting ids; what is damaged is told, not mended."""

import os
import re
import threading
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rdflib import Dataset, Graph, Literal, URIRef

from publisher.config import Source, source_of_table
from publisher.errors import Malformed, Misconfigured
from publisher.fetch import Fetch
from publisher.graph.mapper import quads
from publisher.iris import Iris, Space
from publisher.pipeline.localise import localised
from publisher.record import Record, Refusal, parts
from publisher.sources import records, unserac
from publisher.sources.normal import normalised
from publisher.sources.unserac_damage import damages
from publisher.sources.unserac_lines import Line, text_lines
from publisher.sources.unserac_page import mirror
from publisher.sources.unserac_records import commune_of, key_of, proposers

PAGES = Path(__file__).parent / "pages" / "unserac"
SEED = Path(os.environ.get("PUBLISHER_SHARED", Path(__file__).parents[2] / "shared")) / "seed" / "000_0d1454f875e5b780.txt"
needs_seed = pytest.mark.skipif(not SEED.exists(), reason=f"the seed page is not here: {SEED} (set PUBLISHER_SHARED)")


def source(url, jurisdiction="05334", **more) -> Source:
    return Source("region", "unserac", str(url), jurisdiction, **more)


def harvest(url, **more) -> list[Record | Refusal]:
    return list(unserac.records(source(url, **more), fetch=None))


def paper_of(found) -> Record:
    [paper] = [record for record in found if isinstance(record, Record) and record.type == "Paper"]
    return paper


def rules(record: Record) -> list[tuple[str, str]]:
    return [(note.kind, note.rule) for note in record.notes]


@pytest.fixture(scope="module")
def seed():
    return harvest(SEED)


@pytest.fixture
def site():
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(PAGES)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@needs_seed
def test_seed_gives_each_thing_once(seed):
    assert [(record.type, record.object.get("name")) for record in seed] == [
        ("Body", "StädteRegion Aachen"),
        ("Organization", "Städteregionsausschuss"),
        ("Organization", "Ausschuss für Soziales, Gesundheit, Senioren und demographische Vielfalt"),
        ("Organization", "Amt für Inklusion und Sozialplanung"),
        ("Organization", "SPD-Städteregionstagsfraktion"),
        ("Organization", "Verwaltung"),
        ("Meeting", "Sitzung des Städteregionsausschusses"),
        ("Meeting", "Sitzung des Ausschusses für Soziales, Gesundheit, Senioren und demographische Vielfalt"),
        ("Paper", "Installation einer Sozialraumkoordination - Antrag der SPD-Städteregionstagsfraktion vom 25.05.2021"),
    ]


@needs_seed
def test_seed_keeps_the_original_page_as_provenance_and_not_as_identity(seed):
    paper = paper_of(seed)
    original = "http://gremieninfo.staedteregion-aachen.de/bi/vo020.asp?VOLFDNR=11098"

    assert paper.id == "urn:ris:05334:paper/11098"
    assert (paper.object["web"], paper.object["prov:wasDerivedFrom"]) == (original, [original])
    assert "owl:sameAs" not in paper.object


@needs_seed
def test_seed_names_mover_and_lead_office(seed):
    paper, things = paper_of(seed).object, {record.id: record.object for record in seed}

    assert [things[url]["name"] for url in paper["originatorOrganization"]] == ["SPD-Städteregionstagsfraktion"]
    [office] = [things[url] for url in paper["underDirectionOf"]]
    assert (office["shortName"], office["name"], office["organizationType"]) == (
        "A 58",
        "Amt für Inklusion und Sozialplanung",
        "Verwaltungsbereich",
    )


@needs_seed
def test_seed_holds_two_rival_proposals_with_their_proposers(seed):
    first, second = paper_of(seed).object["oparlx:proposal"]

    assert (first["oparlx:number"], first["oparlx:amended"]) == ("a)", False)
    assert (second["oparlx:number"], second["oparlx:amended"]) == ("b)", True)
    assert first["oparlx:proposer"] == ["urn:ris:05334:organization/spd-staedteregionstagsfraktion"]
    assert second["oparlx:proposer"] == ["urn:ris:05334:organization/verwaltung"]
    assert (first["oparlx:alternativeTo"], second["oparlx:alternativeTo"]) == ([second["id"]], [first["id"]])
    assert first["text"].count("\n\n") == 3
    assert second["text"].endswith("in Höhe von 50.000 € ab.")


@needs_seed
def test_seed_keeps_all_sections_with_amounts_product_and_legal_reference_in_their_text(seed):
    sections = {section["name"]: section for section in paper_of(seed).object["oparlx:section"]}

    assert list(sections) == [
        "Beschlussvorschlag",
        "Sachlage",
        "Rechtslage",
        "Personelle Auswirkungen",
        "Finanzielle/bilanzielle Auswirkungen",
        "Soziale Auswirkungen",
        "Anlage",
    ]
    assert [section["order"] for section in sections.values()] == [1, 2, 3, 4, 5, 6, 7]
    assert sections["Personelle Auswirkungen"]["text"] == "Keine"
    assert "§ 12 Buchstabe b)" in sections["Rechtslage"]["text"]
    assert all(text in sections["Finanzielle/bilanzielle Auswirkungen"]["text"] for text in ("50.000 €", "950170", "531860"))
    assert "Die Verwaltung nimmt zum Sachverhalt wie folgt Stellung:" in sections["Sachlage"]["text"]
    assert sections["Sachlage"]["id"] == "urn:ris:05334:paper/11098/section/sachlage"


@needs_seed
def test_seed_route_has_role_day_and_committee_and_no_invented_time(seed):
    things = {record.id: record.object for record in seed}
    stations = [(things[one["meeting"]], one) for one in paper_of(seed).object["consultation"]]

    assert [(meeting["oparlx:day"], one["role"], things[one["organization"][0]]["name"]) for meeting, one in stations] == [
        ("2021-06-17", "Entscheidung", "Städteregionsausschuss"),
        ("2021-06-16", "Vorberatung", "Ausschuss für Soziales, Gesundheit, Senioren und demographische Vielfalt"),
    ]
    assert all("start" not in meeting and "end" not in meeting for meeting, _ in stations)


@needs_seed
def test_seed_damage_is_told_and_the_text_left_as_it_is(seed):
    paper = paper_of(seed)
    text = "\n".join(section["text"] for section in paper.object["oparlx:section"])

    assert [rule for kind, rule in rules(paper) if kind == "damage"] == [
        "dead_link", "lost_currency", "glued_words", "lost_hyphen", "lost_hyphen", "glued_words", "lost_start",
    ]  # fmt: skip
    for trace in (
        "50.000, die",
        "16.06.2021sowie",
        "2017und",
        "Mitwirkung und gestaltung",
        "Sozialberichterstattung und planung",
        "r die derzeit",
    ):
        assert trace in text
        assert any(trace.split()[0] in line for line in paper.object["oparlx:damage"]), trace


@needs_seed
def test_seed_line_ledger_is_exact_and_nothing_is_unmapped():
    text = SEED.read_text("utf-8")
    count = unserac.booked(text)

    assert count["total"] == sum(1 for line in text.split("\n") if line.strip("\xa0 \t"))
    assert count["used"] + count["withheld"] + sum(count["boilerplate"].values()) + count["unmapped"] == count["total"]
    assert (count["unmapped"], count["withheld"]) == (0, 2)


@needs_seed
def test_seed_publishes_neither_the_clerk_nor_the_portal(seed):
    published = str([record.object for record in seed])

    assert not re.search(r"Ziemons|gez\.|Im Auftrag|Mapbox|Teilen|haftet|si010\.asp\?YY=2021&MM=05&DD=25 ", published)


@needs_seed
def test_seed_passes_the_door_without_anything_unknown(seed):
    raised = [record for one in seed for record in normalised(one, source(SEED))]

    assert {note.kind for record in raised for note in record.notes} <= {"damage", "withheld"}
    assert all("oparlx:extension" not in record.object for record in raised)
    assert len(raised) == len(seed)


@pytest.mark.parametrize("name", ["spielmobil.txt", "region/spielmobil.html"])
def test_html_and_text_export_of_a_page_say_the_same(name):
    paper = paper_of(harvest(PAGES / name)).object

    assert paper == paper_of(harvest(PAGES / "spielmobil.txt")).object
    assert len(paper["oparlx:section"]) == 6
    assert [proposal["oparlx:number"] for proposal in paper["oparlx:proposal"]] == ["a)", "b)"]
    assert "1. Der bisherige Umfang bleibt erhalten;\n\n2. die" in paper["oparlx:section"][1]["text"]


def test_html_link_to_the_agenda_is_kept_as_page_of_the_meeting():
    [meeting] = [record.object for record in harvest(PAGES / "region" / "spielmobil.html") if record.type == "Meeting"]

    assert meeting["web"] == "http://gremieninfo.staedteregion-aachen.de/bi/to010.asp?SILFDNR=801"


@pytest.mark.parametrize("page", sorted(PAGES.rglob("*.*")), ids=lambda page: page.name)
def test_every_line_of_a_page_is_accounted_for(page):
    count = unserac.booked(page.read_text("utf-8"))

    assert count["used"] + count["withheld"] + sum(count["boilerplate"].values()) + count["unmapped"] == count["total"] > 0
    assert page.parent.name != "region" or count["left"] == []


def test_page_without_route_is_a_paper_without_consultation_or_meeting():
    found = harvest(PAGES / "region" / "ohne-beratungsfolge.html")

    assert "consultation" not in paper_of(found).object
    assert {record.type for record in found} == {"Body", "Organization", "Paper"}
    assert "Beispiel" not in str([record.object for record in found])


def test_planned_station_without_a_day_has_no_meeting_and_no_made_up_day():
    open_one, planned, past = paper_of(harvest(PAGES / "region" / "geplant.html")).object["consultation"]

    assert "meeting" not in open_one and open_one["id"].endswith("/staedteregionstag/ohne-termin/entscheidung")
    assert planned["oparlx:state"] == "geplant"
    assert past["role"] == "Beschluss"


def test_wrong_weekday_is_told():
    assert ("damage", "weekday") in rules(paper_of(harvest(PAGES / "region" / "geplant.html")))


def test_folder_is_read_page_by_page_and_each_bad_page_refused_by_name():
    found = harvest(PAGES)
    refused = {Path(one.url).name: one.reason for one in found if isinstance(one, Refusal)}

    assert sorted(refused) == ["anderes-produkt.html", "wuerselen.html"]
    assert "Originaldokument" in refused["anderes-produkt.html"] and "Sachlage" in refused["anderes-produkt.html"]
    assert "05334036" in refused["wuerselen.html"] and "05334" in refused["wuerselen.html"]
    ids = [one.id for one in found if isinstance(one, Record)]
    assert len(ids) == len(set(ids)) > 10


def test_other_commune_is_read_by_a_source_of_its_own():
    found = harvest(PAGES / "region" / "wuerselen.html", jurisdiction="05334036")

    assert paper_of(found).id == "urn:ris:05334036:paper/kvonr-4711"
    assert (found[0].object["name"], found[0].object["ags"]) == ("Stadt Würselen", "05334036")


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("http://gremieninfo.staedteregion-aachen.de/bi/vo020.asp?VOLFDNR=1", "05334"),
        ("https://ratsinfo.aachen.de/bi/vo020?VOLFDNR=1", "05334002"),
        ("https://rat.eschweiler.de/bi/vo0050.php?__kvonr=1", "05334012"),
        ("https://ratsinfo.koeln.example/vo0050.asp?__kvonr=1", None),
        ("http://[", None),
    ],
)
def test_commune_is_told_by_the_host_of_its_own_system(url, key):
    try:
        found = commune_of(url)
    except ValueError:
        found = None

    assert (found and found[0]) == key


@pytest.mark.parametrize(("jurisdiction", "key"), [("053340002002", "05334002"), ("053340000000", "05334"), ("05334", "05334")])
def test_regional_keys_of_any_length_name_one_commune(jurisdiction, key):
    assert key_of(jurisdiction) == key


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Radweg - Antrag der SPD-Städteregionstagsfraktion vom 25.05.2021", ["SPD-Städteregionstagsfraktion"]),
        ("Gemeinsamer Antrag der Fraktionen CDU, Bündnis 90/Die Grünen und FDP zum Haushalt",
         ["Fraktion CDU", "Fraktion Bündnis 90/Die Grünen", "Fraktion FDP"]),
        ("Bürgerantrag von Frau Muster vom 1.2.2020 zur Linde", []),
        ("Anfrage der Fraktion DIE LINKE vom 01.02.2020: Kitas", ["Fraktion DIE LINKE"]),
        ("Neubau der Feuerwache", []),
        ("Ratsantrag der CDU-Fraktion und der SPD-Fraktion vom 3.4.2022", ["CDU-Fraktion", "SPD-Fraktion"]),
    ],
)  # fmt: skip
def test_movers_are_factions_named_in_the_title_and_never_persons(text, names):
    assert proposers(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "Seit 1990er Jahren gilt § 12. Die Kosten in Höhe von 50.000 € trägt die Stadt.",
        "Rat und Verwaltung haben gerungen und gewonnen; Alt und errungen ist nichts.",
        "Die StädteRegion fördert bis zu 3.500 Kinder in Höhe von 1.200 Euro je Kind.",
        "Planungs- und Steuerungstreffen sowie Bau-, Planungs- und Umweltausschuss tagen am 16.06.2021 sowie später.",
        "Kommunikation und konstruktive Zusammenarbeit, Vernetzung und zielgerichtete Beteiligung",
    ],
)
def test_sound_text_is_not_called_damaged(text):
    assert list(damages([Line(1, "Vorher."), Line(2, text)])) == []


def test_list_items_in_lower_case_are_no_lost_starts():
    lines = [Line(1, "Vorgesehen sind:"), Line(2, "eine Bank,"), Line(3, "ein Baum."), Line(4, "Fertig.")]

    assert list(damages(lines)) == []


def test_link_over_two_lines_becomes_its_words():
    [line, rest] = text_lines('Antrag vom [25.05.2021](si010.asp?YY=2021 "Kalender"\n) -')

    assert (line.text, rest.text, line.links[0].target) == ("Antrag vom 25.05.2021", "-", "si010.asp?YY=2021")


@pytest.mark.parametrize(
    "signature",
    ["Im Auftrag:\n\ngez. Dr. Musterfrau", "gez. A. Beispiel, Dezernent", "i. V.\n\nErika Musterfrau", "Das war es. gez. Dr. Musterfrau"],
)
def test_signature_never_gets_out(signature):
    text = (PAGES / "spielmobil.txt").read_text("utf-8").replace("Im Auftrag:\n\ngez. Dr. Musterfrau", signature)

    published = str([section.lines for section in mirror(text, "x").sections])

    assert not re.search(r"Muster|Beispiel|gez\.", published)
    assert unserac.booked(text)["withheld"] >= 1 or signature.startswith("Das")


def test_clerk_in_the_head_is_withheld():
    text = (PAGES / "spielmobil.txt").read_text("utf-8").replace("Federführend", "Bearbeiterin\nFrau Musterfrau\nFederführend")
    page = mirror(text, "x")

    assert "Musterfrau" not in str((page.title, page.facts, page.sections))
    assert [entry.rule for entry in unserac.ledger(text) if entry.text == "Frau Musterfrau"] == ["clerk"]


def test_two_things_under_one_natural_key_are_reported(tmp_path):
    text = (PAGES / "spielmobil.txt").read_text("utf-8")
    (tmp_path / "1.txt").write_text(text, "utf-8")
    (tmp_path / "2.txt").write_text(
        text.replace("VOLFDNR=90017", "VOLFDNR=90018").replace("Sitzung des Jugendhilfeausschusses", "Sondersitzung am Abend"), "utf-8"
    )

    refused = [one for one in harvest(tmp_path) if isinstance(one, Refusal)]

    assert [(one.type, one.id) for one in refused] == [("Meeting", "urn:ris:05334:meeting/jugendhilfeausschuss/2024-03-14")]
    assert "Sondersitzung" in refused[0].reason


@pytest.mark.parametrize(
    ("line", "heads"),
    [
        ("Finanzielle/bilanzielle Auswirkungen:", True),
        ("Finanzielle und personelle Auswirkungen:", True),
        ("Auswirkungen auf das Klima:", True),
        ("Sach- und Rechtslage:", True),
        ("Dies hätte die folgenden Auswirkungen:", False),
        ("Die Verwaltung nimmt zum Sachverhalt wie folgt Stellung:", False),
        ("Rechtslage", False),
    ],
)
def test_only_headings_open_a_section(line, heads):
    text = (PAGES / "spielmobil.txt").read_text("utf-8").replace("Personelle Auswirkungen:", line)

    assert (line.rstrip(":") in [section.name for section in mirror(text, "x").sections]) is (heads or line == "Rechtslage")
    assert len(mirror(text, "x").sections) == (6 if heads else 5)


@pytest.mark.parametrize("spelling", ["Ausschuß", "Ausschuss", "Gremium", "AUSSCHUSS:"])
def test_committee_label_is_known_in_every_spelling(spelling):
    text = (PAGES / "spielmobil.txt").read_text("utf-8").replace("Ausschuß\n", f"{spelling}\n")

    assert mirror(text, "x").stations[0].facts["committee"] == "Jugendhilfeausschuss"


def test_listing_is_walked_over_its_pages_and_each_paper_read_once(site):
    walked = source(f"{site}/liste/liste-1.html", pause=0.0)
    with Fetch(walked) as fetch:
        found = list(unserac.records(walked, fetch))

    assert [one.id for one in found if one.type == "Paper" and isinstance(one, Record)] == [
        "urn:ris:05334:paper/90017", "urn:ris:05334:paper/90033", "urn:ris:05334:paper/90021",
    ]  # fmt: skip
    assert [one.url for one in found if isinstance(one, Refusal)] == [f"{site}/region/weg.html"]


def test_one_address_of_a_paper_gives_that_paper_and_the_mirror_as_provenance(site):
    walked = source(f"{site}/region/spielmobil.html", pause=0.0)
    with Fetch(walked) as fetch:
        paper = paper_of(list(unserac.records(walked, fetch))).object

    assert paper["prov:wasDerivedFrom"] == [paper["web"], f"{site}/region/spielmobil.html"]


def test_empty_folder_says_what_was_expected(tmp_path):
    with pytest.raises(Malformed, match=r"expected a page of the unserAC mirror, or a folder of \.txt"):
        harvest(tmp_path)


ID = re.compile(r"urn:ris:05334:(?:body|organization|meeting|consultation|paper)/[a-z0-9]+(?:[-/][a-z0-9]+)*")
WHOLE = (PAGES / "spielmobil.txt").read_text("utf-8"), (PAGES / "region" / "spielmobil.html").read_text("utf-8")
SCRAPS = st.sampled_from(
    ["", "\n", "<", "</main>", "[", "](", "Beratungsfolge\n", "a)", "gez. ", "\x00", "\x03", "\ufffd", "31. Februar 2024\n", "Art\n", "€"]
)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(WHOLE), st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 300), SCRAPS), max_size=6))
def test_a_broken_page_never_crashes_and_never_gives_a_bogus_id(tmp_path_factory, text, cuts):
    for at, length, scrap in cuts:
        text = text[:at] + scrap + text[at + length :]
    place = tmp_path_factory.mktemp("fuzz") / "page.txt"
    place.write_bytes(text.encode("utf-8", "surrogatepass"))

    for one in harvest(place):
        if isinstance(one, Record):
            assert ID.fullmatch(one.id), one.id
            assert all(ID.fullmatch(part["id"]) for _, part in parts(one.object))
            assert one.object.get("name") or one.type == "Meeting"
        else:
            assert one.reason
    count = unserac.booked(text)
    assert count["used"] + count["withheld"] + sum(count["boilerplate"].values()) + count["unmapped"] == count["total"]


GOLDEN = Path(__file__).parent / "golden" / "seed.ttl"
TEXT = URIRef("https://schema.oparl.org/1.1/text")


def graph_of(found: list[Record], base: str) -> Graph:
    """Return the records' graphs as published under `base`; long texts stand as their SHA-256, for the page's prose is not ours to keep."""
    space = Space("05334", ("urn:ris:05334:",), body="urn:ris:05334:body/05334")
    iris, whole, shown = Iris(base, [space]), Dataset(default_union=True), Graph()
    for record in found:
        for raised in normalised(record, source(SEED)):
            whole.parse(data=quads(localised(raised.object, iris)), format="nquads")
    for subject, predicate, value in whole.triples((None, None, None)):
        told = Literal("sha256:" + sha256(value.encode()).hexdigest()) if predicate == TEXT else value
        shown.add((subject, predicate, told))
    return shown


@needs_seed
def test_golden_graph_of_the_seed(seed):
    expected, actual = Graph().parse(GOLDEN), graph_of(seed, "https://ris.example.org")

    assert sorted(map(str, actual - expected)) == sorted(map(str, expected - actual)) == []


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("unserac", {"paper": "/vorlagen/"}, "options.paper: unknown; known: papers, robots"),
        ("unserac", {"papers": "("}, "a pattern"),
        ("allris3", {"calender": "si010_e"}, "options.calender: unknown"),
        ("allris3", {"since": "2009"}, "a month"),
        ("allris4", {"papers": "yes"}, "true or false"),
    ],
)
def test_a_wrong_option_is_refused_by_name(kind, options, words):
    table = {"name": "t", "kind": kind, "url": "http://127.0.0.1:9/", "jurisdiction": "05334012", "options": options}

    with pytest.raises(Misconfigured, match=re.escape(words)):
        list(records(source_of_table(table, "test"), None))


PLAIN = (PAGES / "spielmobil.txt").read_text("utf-8")
OTHERWISE = {
    "short weekdays": lambda text: re.sub(r"(?m)^(Mo|Di|Mi|Do|Fr)\w+tag, |^Mittwoch, ", lambda hit: f"{hit[0][:2]}., ", text),
    "days in figures": lambda text: re.sub(r"(\d\d?)\. März 2024", r"\1.03.2024", text),
    "short months": lambda text: re.sub(r"(\d\d?)\. März 2024", r"\1. Mär. 2024", text),
    "days as ISO writes them": lambda text: re.sub(r"(\d\d)\. März 2024", r"2024-03-\1", text),
    "headings in Markdown": lambda text: re.sub(r"(?m)^(Sachlage|Rechtslage|Beschlussvorschlag|Beratungsfolge):?$", r"## \1", text),
    "other labels": lambda text: re.sub(r"(?m)^Ausschuß$", "Gremium", text.replace("Federführend", "Federführung")),
    "indented": lambda text: re.sub(r"(?m)^", "   ", text),
}


@pytest.mark.parametrize("how", sorted(OTHERWISE))
def test_a_page_written_otherwise_says_the_same(tmp_path, how):
    def told(text: str):
        (tmp_path / "page.txt").write_text(text, "utf-8")
        return [(record.type, record.id, record.object) for record in harvest(tmp_path / "page.txt")]

    before, after = told(PLAIN), told(OTHERWISE[how](PLAIN))

    assert OTHERWISE[how](PLAIN) != PLAIN
    assert after == before


def test_a_station_whose_year_leaves_its_century_open_is_a_station_without_a_day_and_reported(tmp_path):
    page = tmp_path / "page.txt"
    page.write_text(re.sub(r"(\d\d?)\. März 2024", r"\1.03.24", PLAIN), "utf-8")

    paper = paper_of(harvest(page))

    before = paper_of(harvest(PAGES / "spielmobil.txt")).object["consultation"]
    assert len(paper.object["consultation"]) == len(before)
    assert [station["role"] for station in paper.object["consultation"]] == [station["role"] for station in before]
    assert not any("meeting" in station or "oparlx:day" in station for station in paper.object["consultation"])
    assert ("damage", "no_such_day") in rules(paper)
