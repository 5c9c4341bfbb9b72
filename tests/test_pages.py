"""Pages for people, rendered for real from instances that were harvested and built."""

import re
from datetime import date
from pathlib import Path
from urllib.parse import quote

import extruct
import orjson
import pytest
from selectolax.lexbor import LexborHTMLParser

from publisher.errors import Misconfigured
from publisher.views import create_app, words
from publisher.views.examples import examples
from publisher.views.pages.people import in_order
from publisher.views.pages.places import geometry, place
from publisher.views.pages.plots import KINDS, rounded
from publisher.views.pages.prose import paragraphs
from publisher.views.pages.site import contrast, site_of
from tests import town
from tests.conftest import built, files_source, harvested
from tests.objects import PAPER

HTML = {"Accept": "text/html"}
TODAY = date(2021, 6, 10)
PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</script><script>alert(1)</script>",
    "javascript:alert(1)",
    "{{7*7}}{% print 1 %}",
    "<!--<script>",
    "]]><iframe srcdoc='<script>alert(1)</script>'>",
    "‮abc\u2028</title><body onload=alert(1)>",
)
ADDRESSES = ("javascript:alert(1)", "data:text/html,<script>alert(1)</script>", 'https://a.example/"onmouseover="alert(1)')
KEPT = ("id", "type", "created", "modified", "date", "start", "end", "oparlVersion", "ags", "rgs", "body", "license", "order", "mimeType")


def app_of(home: Path, today: date = TODAY):
    app = create_app(home)
    app.config["TODAY"] = lambda: today
    return app


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return town.published(tmp_path_factory.mktemp("pages") / "home", town.objects())


@pytest.fixture(scope="module")
def client(home):
    return app_of(home).test_client()


def read(client, path, **headers):
    answer = client.get(path.removeprefix(town.BASE), headers=HTML | headers)
    assert answer.mimetype == "text/html", (path, answer.status_code, answer.get_data(as_text=True)[:300])
    return answer.get_data(as_text=True)


def shown(client, path, **headers):
    return LexborHTMLParser(read(client, path, **headers))


def text_of(page, css="main"):
    return " ".join(page.css_first(css).text(separator=" ").split())


def records(app, limit=5):
    """The path of some records of each class, tombstones too."""
    with app.app_context():
        reader = app.config["LIBRARY"].reader()
        return [one.iri.removeprefix(reader.base) for name in reader.counts() for one in reader.page(name, limit=limit, deleted=True)]


ROUTES = (
    "/",
    "/search",
    "/search?q=geb%C3%BChr",
    "/calendar",
    "/calendar?month=2021-06",
    "/statistics",
    "/status",
    "/about",
    "/query",
)


@pytest.mark.parametrize("lang", ["de", "en"])
def test_every_page_is_whole_in_both_languages(home, lang):
    app = app_of(home)
    client = app.test_client()
    for path in (*ROUTES, *records(app)):
        page = shown(client, f"{path}{'&' if '?' in path else '?'}lang={lang}")

        assert page.css_first("html").attributes["lang"] == lang, path
        assert len(page.css("h1")) == 1, path
        ids = [node.attributes["id"] for node in page.css("[id]")]
        assert len(ids) == len(set(ids)), (path, sorted(one for one in ids if ids.count(one) > 1))
        named = {node.attributes[key] for key in ("aria-labelledby", "for") for node in page.css(f"[{key}]")}
        assert named <= set(ids), (path, named - set(ids))


def test_no_text_is_missing_in_either_language():
    assert [key for key, (german, english) in words.TEXTS.items() if not german or (not english and key != "oclock")] == []


def test_every_text_that_a_template_asks_for_is_written():
    folder = Path(words.__file__).parent / "templates"
    asked = {key for path in folder.glob("*.html") for key in re.findall(r"\bt\('([a-z_]+)'[,)]", path.read_text("utf-8"))}

    assert asked - set(words.TEXTS) == set()


def test_the_browser_s_language_counts_where_the_address_names_none(client):
    assert shown(client, "/", **{"Accept-Language": "en-GB,en;q=0.9"}).css_first("html").attributes["lang"] == "en"
    assert shown(client, "/", **{"Accept-Language": "fr"}).css_first("html").attributes["lang"] == "de"
    assert shown(client, "/?lang=de", **{"Accept-Language": "en"}).css_first("html").attributes["lang"] == "de"


def test_the_chosen_language_goes_along(client):
    page = shown(client, "/?lang=en")

    inner = [node.attributes["href"] for node in page.css("main a") if node.attributes["href"].startswith("/")]
    assert inner
    assert [href for href in inner if "lang=en" not in href] == []


def test_the_seed_s_page_says_what_the_source_knows(seed_home):
    client = app_of(seed_home, date(2026, 11, 22)).test_client()

    german = text_of(shown(client, "/eli/dl/05334/vorlage/11098"))
    english = text_of(shown(client, "/eli/dl/05334/vorlage/11098?lang=en"))

    assert "Am 17. Juni 2021 zur Entscheidung im Städteregionsausschuss; die Quelle nennt kein Ergebnis." in german
    assert "On 17 June 2021 for decision in the Städteregionsausschuss; the source names no result." in english
    assert german.index("Mittwoch, 16. Juni 2021") < german.index("Donnerstag, 17. Juni 2021")
    assert "950170" in german and "Rechtslage" in german


def test_the_seed_s_page_shows_all_that_the_mirror_showed_and_more(seed_home):
    page = shown(app_of(seed_home, date(2026, 11, 22)).test_client(), "/eli/dl/05334/vorlage/11098")
    said, links = text_of(page), {node.attributes["href"] for node in page.css("a")}

    mirrored = (
        *(
            "Installation einer Sozialraumkoordination",
            "Donnerstag, 17. Juni 2021",
            "öffentlich",
            "A 58",
            "Amt für Inklusion und Sozialplanung",
        ),
        *("Sachlage", "Rechtslage", "Personelle Auswirkungen", "Finanzielle/bilanzielle Auswirkungen", "Soziale Auswirkungen", "Anlage"),
        *("Beratungsfolge", "Entscheidung", "Vorberatung", "Städteregionsausschuss", "Tagesordnung"),
    )
    assert [one for one in mirrored if one not in said] == []
    assert "http://gremieninfo.staedteregion-aachen.de/bi/vo020.asp?VOLFDNR=11098" in links
    assert {f"/eli/dl/05334/vorlage/11098.{suffix}" for suffix in ("jsonld", "ttl", "nt", "rdf")} <= links


def test_the_seed_s_proposals_stand_side_by_side_with_their_proposers(seed_home):
    client = app_of(seed_home, date(2026, 11, 22)).test_client()

    rivals = [" ".join(node.text(separator=" ").split()) for node in shown(client, "/eli/dl/05334/vorlage/11098").css(".rival")]

    assert [one.partition(" von ")[0] for one in rivals] == [
        "a) Beschlussvorschlag der SPD-Städteregionstagsfraktion",
        "b) Geänderter Beschlussvorschlag der Verwaltung",
    ]
    assert ["von SPD-Städteregionstagsfraktion" in rivals[0], "von Verwaltung geändert" in rivals[1]] == [True, True]


RESULTS = {
    "Variante b) mehrheitlich beschlossen": (["", "angenommen"], "Angenommen wurde Vorschlag b: das Ergebnis vom 16. Juni 2021 lautet"),
    "mehrheitlich beschlossen": (["", ""], "Das Ergebnis nennt keinen von ihnen."),
    "abweichend von Variante b) beschlossen": (["", ""], "steht nur dann hier, wenn die Quelle es sagt."),
}


@pytest.mark.parametrize(("result", "shown_as"), RESULTS.items())
def test_which_proposal_was_taken_is_said_only_where_the_result_names_it(tmp_path, result, shown_as):
    things = town.objects(1)
    for one in things:
        one |= orjson.loads(orjson.dumps(FILLED["Paper"]).replace(b"{id}", str(one["id"]).encode())) if "paperType" in one else {}
        for item in one.get("agendaItem", ()):
            item["result"] = result
        for step in one.get("consultation", ()):
            step |= {"role": "Entscheidung", "authoritative": True}
    client = app_of(town.published(tmp_path / "home", things)).test_client()

    page = shown(client, "/eli/dl/05334002/vorlage/1")

    assert [" ".join(node.text() for node in one.css(".chip")) for one in page.css(".rival")] == shown_as[0]
    assert shown_as[1] in text_of(page, "section:has(> .rivals)")


def test_the_embedded_document_equals_the_served_one(home):
    app = app_of(home)
    client = app.test_client()
    for path in records(app, 2):
        served = orjson.loads(client.get(path, headers={"Accept": "application/ld+json"}).data)

        embedded = extruct.extract(read(client, path), syntaxes=["json-ld"])["json-ld"]

        assert embedded == [served], path


def test_a_paper_s_page_names_its_formats_and_how_to_cite_it(client):
    page = shown(client, "/eli/dl/05334002/vorlage/1")

    iri = f"{town.BASE}/eli/dl/05334002/vorlage/1"
    alternates = {node.attributes["href"] for node in page.css('link[rel="alternate"]')}
    assert {f"{iri}.{suffix}" for suffix in ("jsonld", "ttl", "nt", "rdf")} <= alternates
    assert page.css_first('link[rel="canonical"]').attributes["href"] == iri
    assert "Musterstadt, „Gebührensatzung Nummer 1“, Beschlussvorlage 2021/0001, 2. Juni 2021" in text_of(page)
    assert page.css_first('a[href^="mailto:ris%40musterstadt.example"], a[href^="mailto:ris@musterstadt.example"]')


def test_a_meeting_shows_its_agenda_with_the_papers(client):
    said = text_of(shown(client, "/eli/dl/05334002/sitzung/1"))

    assert "Mittwoch, 16. Juni 2021, 17:00 –19:00 Uhr" in said or "Mittwoch, 16. Juni 2021, 17:00–19:00 Uhr" in said
    assert "Sozialraumkoordination" in said and "Ausschuss für Soziales" in said


def test_an_organization_shows_members_and_what_comes_next(client):
    said = text_of(shown(client, "/id/05334002/organization/soz"))

    assert "Mitglieder (1)" in said and "Jörg Weiß" in said and "Vorsitz" in said
    assert said.index("Nächste Sitzungen") < said.index("16. Juni 2021")


def test_home_shows_what_is_new_and_what_comes_next(client):
    said = text_of(shown(client, "/"))

    assert "Musterstadt" in said and "12 Vorlagen" in said
    assert "Liegt im Ausschuss für Soziales, nächste Beratung am 16. Juni 2021" in said
    assert "1. Sitzung des Ausschusses für Soziales" in said


def test_the_calendar_shows_a_month_and_leads_to_its_neighbours(client):
    page = shown(client, "/calendar?month=2021-06")

    assert [node.text(strip=True) for node in page.css(".month li a")] == [
        "1. Sitzung des Ausschusses für Soziales",
        "2. Sitzung des Ausschusses für Soziales",
    ]
    assert {"/calendar?month=2021-05", "/calendar?month=2021-07"} <= {node.attributes["href"] for node in page.css(".acts a")}


@pytest.mark.parametrize("odd", ["", "2021-13", "x", "99999-01", "2021-06-01", "<script>"])
def test_an_odd_month_is_this_month(client, odd):
    assert text_of(shown(client, f"/calendar?month={odd}"), "h1") == "Juni 2021"


def test_one_meeting_goes_into_a_calendar(client):
    answer = client.get(f"/meeting.ics?meeting={town.BASE}/eli/dl/05334002/sitzung/1")

    assert (answer.mimetype, answer.text.count("BEGIN:VEVENT")) == ("text/calendar", 1)
    assert client.get("/meeting.ics?meeting=nobody").status_code == 404


def test_search_finds_and_filters_and_pages(client):
    page = shown(client, "/search?q=geb%C3%BChrensatzungen&type=Paper")

    assert len(page.css(".hits > li")) == 12
    assert text_of(page, ".total").startswith("12 Treffer")
    assert len(shown(client, "/search?q=geb%C3%BChrensatzung&year=1999").css(".hits > li")) == 0
    found = orjson.loads(client.get("/search?q=2021/0007&format=json").data)
    assert found["data"][0]["iri"] == f"{town.BASE}/eli/dl/05334002/vorlage/7"


@pytest.mark.parametrize(
    "query", ["", "%22", "a" * 5000, "%F0%9F%92%A9", "*:*", "AND OR NOT (", "%00", "page=1&page=x", "x&page=-4", "x&page=9999999999"]
)
def test_odd_queries_give_a_page_that_says_what_to_do_next(client, query):
    page = shown(client, f"/search?q={query}")

    assert page.css(".hits > li") or "Hilfreich sind" in text_of(page)


def test_statistics_are_drawn_and_given_as_numbers(client):
    page = shown(client, "/statistics")

    assert all(node.attributes["aria-label"] for node in page.css("svg.plot"))
    rows = client.get("/statistics/papers-a-year.csv").text.splitlines()
    assert rows == ["Jahr,Beschlussvorlage", "2021,12"]
    assert client.get("/statistics/decided.csv").text.splitlines() == ["Jahr,mit Ergebnis,Quelle nennt keines", "2021,0,12"]
    assert client.get("/statistics/nothing.csv").status_code == 404


def test_the_desk_lists_sources_and_writes_to_the_vendor(client):
    said = text_of(shown(client, "/status"))

    assert "Musterstadt" in said and "12" in said
    mail = client.get("/status/musterstadt/mail.txt", follow_redirects=True)
    assert mail.mimetype == "text/plain" and mail.text.startswith("Betreff: Befunde in den Daten von Musterstadt")
    assert client.get("/status/report.json").get_json()["release"] == 1


def test_a_search_offers_the_town_s_committees_and_subscribes_to_itself_with_its_filters(client):
    page = shown(client, "/search?q=gebühr&type=Paper&year=2021")
    [committee] = [node.attributes["value"] for node in page.css("#organization option") if "Soziales" in node.text()][:1]
    feed = page.css_first("link[type='application/atom+xml']").attributes["href"]
    filtered = shown(client, f"/search?organization={committee}")

    assert "type=Paper" in feed and "year=2021" in feed
    assert client.get(feed).status_code == 200
    assert filtered.css_first("#organization option[selected]").attributes["value"] == committee
    assert "organization=" in filtered.css_first("link[type='application/atom+xml']").attributes["href"]


def test_a_record_can_be_shared_without_script_and_without_anybody_else(client):
    page = shown(client, "/eli/dl/05334002/vorlage/1")

    assert quote(f"{town.BASE}/eli/dl/05334002/vorlage/1", safe="/") in page.css_first("a[href^='mailto:?subject=']").attributes["href"]
    assert "hidden" in page.css_first("button[data-share]").attributes


def test_what_the_source_wrote_is_marked_as_german_on_an_english_page(client):
    page = shown(client, "/eli/dl/05334002/vorlage/1?lang=en")

    assert page.css_first("h1").attributes["lang"] == "de"
    assert {node.attributes.get("lang") for node in page.css("main [dir=auto]")} == {"de"}
    assert shown(client, "/eli/dl/05334002/vorlage/1?lang=de").css_first("h1").attributes.get("lang") is None


def test_a_vendor_s_extension_and_a_geometry_are_shown_in_words_not_as_json(tmp_path):
    place = town.thing("Location", 77, geojson={"type": "Feature", "geometry": {"type": "Point", "coordinates": [6.39, 50.72]}})
    extension = {"Status": "öffentlich", "Anlagen": ["eins", "zwei"]}
    things = [
        one | {"oparlx:extension": extension, "vendorKey": {"Anlass": "Sitzung"}, "location": [place]}
        if str(one["id"]).endswith("/meeting/1") else one
        for one in town.objects(1)
    ]  # fmt: skip
    home = town.published(tmp_path / "home", things)
    main = shown(app_of(home).test_client(), "/eli/dl/05334002/sitzung/1").css_first("main")

    assert "{" not in main.text() and "[" not in main.text()
    assert "Anlass" in main.text() and "Sitzung" in main.text()


@pytest.mark.parametrize(
    ("geojson", "told"),
    [
        ({"type": "Point", "coordinates": [6.395776, 50.722007]}, "50.72201, 6.39578"),
        ({"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[8, 51], [9, 51], [9, 52], [8, 51]]]}}, "Polygon (4)"),
        ({"type": "Point", "coordinates": "here"}, ""),
        ("nonsense", ""),
    ],
)
def test_a_geometry_is_told_in_words(geojson, told):
    assert geometry(geojson) == told


@pytest.mark.parametrize(
    ("result", "lang", "told"),
    [
        ("Einstimmig, 0 Enthaltungen", "de", ""),
        ("Einstimmig, 0 Enthaltungen", "en", "0 abstained"),
        ("14 Ja-Stimmen, 10 Nein-Stimmen, 0 Enthaltungen", "de", ""),
        ("14 Ja-Stimmen, 10 Nein-Stimmen, 0 Enthaltungen", "en", "14 in favour, 10 against, 0 abstained"),
    ],
)
def test_votes_are_told_where_they_are_known_and_not_twice(tmp_path, result, lang, told):
    things = town.objects(1)
    for one in things:
        for item in one.get("agendaItem", ()):
            item["result"] = result
    page = shown(app_of(town.published(tmp_path / "home", things)).test_client(), f"/eli/dl/05334002/sitzung/1?lang={lang}")

    assert {" ".join(node.text().split()) for node in page.css(".agenda .votes")} == ({told} if told else set())


def test_lines_of_classic_allris_are_paragraphs_and_those_of_a_list_are_lines():
    prose = "Die Verwaltung hat den Zustand des Beckens geprüft und dabei erhebliche Mängel gefunden, die zu beheben sind.\nSie berichtet."

    assert paragraphs(prose).count("<p") == 2
    assert paragraphs("eins\nzwei").count("<p") == 1
    assert paragraphs("eins\nzwei\n\ndrei").count("<p") == 2


def test_the_desk_does_not_say_where_on_the_machine_a_source_lies(sample_home):
    page = text_of(shown(create_app(sample_home).test_client(), "/status"))

    assert str(Path(words.__file__).parents[2]) not in page and "Adresse sample" in page
    assert "PaperSection" not in page and "Abschnitte von Vorlagen" in page


def test_a_town_whose_last_meetings_are_long_ago_shows_them(home):
    page = shown(app_of(home, date(2030, 1, 1)).test_client(), "/")

    assert "Zuletzt" in text_of(page)


def test_chairs_come_first_and_others_by_family_name():
    seats = [("Frau Anna Ziegler", "Mitglied"), ("Herr Bernd Adam", "Mitglied"), ("Herr Zeno Zander", "Ausschussvorsitzender")]

    ranked = sorted(seats, key=lambda seat: in_order(seat[1], {"name": seat[0]}))

    assert [name for name, _ in ranked] == ["Herr Zeno Zander", "Herr Bernd Adam", "Frau Anna Ziegler"]


def test_errors_are_pages_for_people_and_problems_for_programs(client):
    page = shown(client, "/id/05334002/person/nobody")

    assert "404" in text_of(page) and page.css_first('main a[href="/search"]')
    assert client.get("/id/05334002/person/nobody").mimetype == "application/problem+json"


def test_a_tombstone_is_gone_and_says_when(tmp_path):
    things = town.objects(3)
    home = town.published(tmp_path / "home", things)
    town.published(home, [one for one in things if not str(one["id"]).endswith("/paper/2")], "2026-11-05T10:00:00+00:00")
    client = app_of(home).test_client()

    answer = client.get("/eli/dl/05334002/vorlage/2", headers=HTML)

    assert answer.status_code == 410
    assert "am 5. November 2026 von der Quelle zurückgezogen" in answer.text and "Gebührensatzung" not in answer.text
    assert "Gebührensatzung Nummer 2" not in client.get("/", headers=HTML).text


def test_versions_say_what_changed(tmp_path):
    home = town.published(tmp_path / "home", town.objects(1))
    changed = [
        one | {"name": "Neue Gebühr", "paperType": "Antrag"} if str(one["id"]).endswith("/paper/1") else one for one in town.objects(1)
    ]
    town.published(home, changed, "2026-11-05T10:00:00+00:00")

    client = app_of(home).test_client()
    page = shown(client, "/eli/dl/05334002/vorlage/1")
    whole = shown(client, page.css_first(".versions li a[href*='from=']").attributes["href"])

    assert "Fassungen (2)" in text_of(page, ".versions")
    for one in (page.css_first(".versions"), whole):
        assert [node.text(separator="|") for node in one.css("del, ins")] == [
            *("entfallen: |Gebührensatzung Nummer 1", "neu: |Neue Gebühr", "entfallen: |Beschlussvorlage", "neu: |Antrag")
        ]


def hostile(value, key="", at=0):
    """Fill every text with a payload, every address of a file or page with a dangerous one; ids and links stay."""
    if isinstance(value, dict):
        return {name: hostile(item, name, at + number * 2) for number, (name, item) in enumerate(value.items())}
    if isinstance(value, list):
        return [hostile(item, key, at + number) for number, item in enumerate(value)]
    if key in ("accessUrl", "downloadUrl", "web", "website"):
        return ADDRESSES[at % len(ADDRESSES)]
    return PAYLOADS[at % len(PAYLOADS)] if isinstance(value, str) and key not in KEPT and not value.startswith("http") else value


OWN = "https://w3id.org/oparl-ld/ns#"
PROPOSALS = [{"type": OWN + "ResolutionProposal", "id": f"{{id}}/p/{one}", "name": "n", "text": "t", "oparlx:number": one} for one in "ab"]
SECTIONS = [{"type": OWN + "PaperSection", "id": "{id}/s/1", "name": "n", "text": "t"}]
FILLED = {
    "Paper": {"keyword": ["k"], "web": "w", "oparlx:section": SECTIONS, "oparlx:proposal": PROPOSALS},
    "Meeting": {"meetingState": "s", "web": "w"},
    "Organization": {"website": "w", "classification": "c"},
}


@pytest.mark.parametrize("shift", range(len(PAYLOADS)))
def test_no_text_of_a_source_becomes_markup(tmp_path, shift):
    filled = []
    for one in town.objects(2):
        more = FILLED.get(str(one["type"]).rsplit("/", 1)[-1], {})
        one |= orjson.loads(orjson.dumps(more).replace(b"{id}", str(one["id"]).encode()))
        for item in one.get("agendaItem", ()):
            item |= {"result": "r", "resolutionText": "t"}
        filled.append(hostile(one, at=shift))
    home = town.published(tmp_path / "home", filled)
    app = app_of(home)
    client = app.test_client()

    seen: set[str] = set()
    for path in (*ROUTES, "/search?q=alert", "/search?q=%3Cscript%3Ealert(1)%3C/script%3E", *records(app, 3)):
        answer = client.get(path, headers=HTML)
        page = LexborHTMLParser(answer.text)
        told = " ".join(node.text() for node in page.css("main h1, main h2, main h3, main a, main p"))
        seen |= {one for one in PAYLOADS if one[:20] in told}
        scripts = [
            node for node in page.css("script") if node.attributes.get("type") != "application/ld+json" and not node.attributes.get("src")
        ]
        acting = [
            (key, node.tag) for node in page.css("*") for key in node.attributes if key.startswith("on") or key in ("srcdoc", "style")
        ]
        unsafe = [
            value for node in page.css("[href], [src], [action]") for key in ("href", "src", "action")
            if (value := node.attributes.get(key)) and re.match(r"\s*(javascript|data|vbscript):", value, re.IGNORECASE)
        ]  # fmt: skip
        assert (scripts, acting, unsafe, page.css("iframe, img[src=x]")) == ([], [], [], []), path
        assert "49" not in (page.css_first("h1").text() if "{{7*7}}" in answer.text else "")
        assert len(page.css("title")) == 1 + len(page.css("svg title")), path
    assert len(seen) >= 6, seen


def test_pages_need_no_inline_code(client):
    answer = client.get("/eli/dl/05334002/vorlage/1", headers=HTML)

    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    page = LexborHTMLParser(answer.text)
    assert page.css("style") == [] and page.css("[style]") == []
    outside = [node.attributes.get("src") or node.attributes.get("href") for node in page.css("script[src], link[rel=stylesheet], img")]
    assert [one for one in outside if not one.startswith("/")] == []


def test_a_meeting_with_five_hundred_items_keeps_their_order(tmp_path):
    things = town.objects(1)
    meeting = next(one for one in things if str(one["id"]).endswith("/meeting/1"))
    meeting["agendaItem"] = [town.thing("AgendaItem", 1000 + at, number=str(at), order=at, name=f"Punkt {at}") for at in range(500, 0, -1)]
    client = app_of(town.published(tmp_path / "home", things)).test_client()

    numbers = [node.text() for node in shown(client, "/eli/dl/05334002/sitzung/1").css(".agenda .top")]

    assert numbers == [str(at) for at in range(1, 501)]


def test_a_meeting_without_a_date_and_a_paper_without_consultations_say_so(tmp_path):
    things = town.objects(1)
    for one in things:
        if str(one["id"]).endswith("/meeting/1"):
            del one["start"], one["end"], one["agendaItem"]
        if str(one["id"]).endswith("/paper/1"):
            del one["consultation"]
    client = app_of(town.published(tmp_path / "home", things)).test_client()

    meeting, paper = text_of(shown(client, "/eli/dl/05334002/sitzung/1")), text_of(shown(client, "/eli/dl/05334002/vorlage/1"))

    assert "Die Quelle nennt keinen Termin" in meeting and "Die Quelle nennt keine Tagesordnung." in meeting
    assert "Die Quelle nennt keine Beratung." in paper


def test_text_from_right_to_left_and_a_title_without_end_stay_readable(tmp_path):
    things = [one | {"name": "طلب لإنشاء حديقة"} if str(one["id"]).endswith("/paper/1") else one for one in town.objects(2)]
    things = [one | {"name": "Sehrlangestitelwort" * 300} if str(one["id"]).endswith("/paper/2") else one for one in things]
    client = app_of(town.published(tmp_path / "home", things)).test_client()

    heading = shown(client, "/eli/dl/05334002/vorlage/1").css_first("h1")

    assert (heading.text(), heading.attributes["dir"]) == ("طلب لإنشاء حديقة", "auto")
    assert "Sehrlangestitelwort" in read(client, "/eli/dl/05334002/vorlage/2")


def test_a_town_without_any_data_still_has_pages(tmp_path):
    things = [one for one in town.objects(0) if str(one["type"]).endswith(("System", "Body"))]
    client = app_of(town.published(tmp_path / "home", things)).test_client()

    assert "Noch keine Vorlagen." in text_of(shown(client, "/"))
    for path in ("/search", "/calendar", "/statistics", "/status", "/id/05334002"):
        assert shown(client, path).css_first("h1"), path


def test_before_the_first_release_the_front_page_says_what_to_do(tmp_path):
    answer = create_app(tmp_path).test_client().get("/", headers=HTML)

    assert (answer.status_code, "publisher demo" in answer.text) == (503, True)


def test_before_the_first_release_every_page_says_how_to_make_one(tmp_path):
    client = create_app(tmp_path).test_client()

    for path in ("/status", "/search", "/report", "/id/05334002"):
        answer = client.get(path, headers=HTML)
        assert (answer.status_code, "publisher update" in answer.text) == (503, True), path


def test_the_operator_s_name_colours_and_pages_come_from_site_toml(home):
    path = home / "site.toml"
    path.write_text('name = "Rat Musterstadt"\nimprint = {de = "Stadt <b>", en = "Town"}\n[colours]\naccent = "#7a0019"\n', "utf-8")
    try:
        client = app_of(home).test_client()

        page = shown(client, "/")

        assert "Rat Musterstadt" in text_of(page, ".brand") and page.css_first('a[href="/imprint"]')
        assert client.get("/theme.css").text == ":root{--accent:#7a0019;}\n"
        assert "Stadt <b>" in text_of(shown(client, "/imprint")) and "Town" in text_of(shown(client, "/imprint?lang=en"))
        assert client.get("/privacy").status_code == 404
    finally:
        path.unlink()


@pytest.mark.parametrize(
    ("toml", "named"),
    [
        ('[colours]\naccent = "#eeeeee"', "contrast"),
        ('[colours]\naccent = "red"', "colours.accent"),
        ("[colours]\nbackground = '#ffffff'", "colours"),
        ("nmae = 'x'", "nmae"),
        ("name = 3", "name"),
        ("logo = '../x.svg'", "logo"),
        ("[map]\ntiles = 'http://x/{z}/{x}/{y}'", "map.tiles"),
        ("name = ", "not TOML"),
    ],
)
def test_a_wrong_site_toml_is_refused_by_name(tmp_path, toml, named):
    (tmp_path / "site.toml").write_text(toml, "utf-8")

    with pytest.raises(Misconfigured, match=re.escape(named)):
        site_of(tmp_path)


def test_contrast_is_counted_as_wcag_does():
    assert (round(contrast("#000000", "#ffffff"), 1), round(contrast("#777777", "#ffffff"), 2)) == (21.0, 4.48)


@pytest.mark.parametrize(
    ("geojson", "lines"),
    [
        ({"type": "Feature", "geometry": {"type": "Point", "coordinates": [6.1, 50.7]}}, 1),
        ({"type": "LineString", "coordinates": [[6.1, 50.7], [6.2, 50.8]]}, 1),
        ({"type": "MultiPolygon", "coordinates": [[[[6, 50], [7, 50], [7, 51], [6, 50]]], [[[8, 50], [9, 50], [9, 51], [8, 50]]]]}, 2),
        ({"type": "FeatureCollection", "features": [{"geometry": {"type": "Point", "coordinates": [1, 2]}}] * 3}, 3),
        ({"type": "Point", "coordinates": ["a", "b"]}, 0),
        ({"type": "Point", "coordinates": [float("nan"), 1]}, 0),
        ({"type": "Point", "coordinates": [[[[[[[1, 2]]]]]]]}, 0),
        ("POINT(1 2)", 0),
        (None, 0),
    ],
)
def test_geometry_is_drawn_or_left_out(geojson, lines):
    assert len(place({"id": "x", "geojson": geojson}).lines) == lines


@pytest.mark.parametrize(("top", "round_top"), [(0, 4), (7, 8), (40, 40), (188, 200), (1999, 2000)])
def test_scales_end_at_round_numbers(top, round_top):
    assert rounded(top) == round_top


def test_there_are_examples_enough_with_titles_in_both_languages():
    assert len(examples()) >= 12
    assert {kind.query for kind in KINDS} <= {one.name for one in examples()}


@pytest.mark.parametrize("name", [one.name for one in examples()])
def test_each_example_answers_from_the_sample(sample_client, name):
    query = next(one.query for one in examples() if one.name == name)

    answer = sample_client.get("/sparql", query_string={"query": query, "format": "nt" if "CONSTRUCT" in query else "csv"})

    assert answer.status_code == 200, answer.text
    assert len(answer.text.strip().splitlines()) > 1, answer.text


@pytest.fixture(scope="module")
def sample_client(sample_home):
    return create_app(sample_home).test_client()


def test_a_page_of_a_record_is_light(sample_home):
    app = app_of(sample_home)
    client = app.test_client()
    css = len((Path(words.__file__).parent / "static" / "site.css").read_bytes())

    heavy = {path: size for path in records(app, 100) if (size := len(client.get(path, headers=HTML).data) + css) > 60_000}

    assert heavy == {}


def test_the_desk_tells_what_the_report_of_the_release_found(tmp_path):
    folder, home = tmp_path / "town", tmp_path / "home"
    folder.mkdir()
    (folder / "paper.json").write_bytes(orjson.dumps({"data": [{**PAPER, "date": None}]}))
    harvested(home, files_source(folder))
    built(home)
    desk = create_app(home).test_client()

    page, letter = desk.get("/status?lang=de").get_data(as_text=True), desk.get("/report/town.txt").get_data(as_text=True)

    assert "Die Regeln fanden nichts zu beanstanden" not in page
    assert "(date) ergänzen" in page
    assert "(date) ergänzen" in letter
