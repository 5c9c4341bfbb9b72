"""Journeys and rules in a real browser, on both widths, in both languages, with and without script."""

import csv
import io
import re

import pytest

from publisher.views import create_app

SIZES = ("wide", "phone")
ROUTES = (
    "/",
    "/search?q=haushalt",
    "/search?q=nichtsdergleichen",
    "/calendar",
    "/statistics",
    "/status",
    "/about",
    "/api",
    "/query",
    "/report",
    "/report/town",
    "/ontology",
    "/ontology/Paper",
    "/ontology/title",
    "/concept",
    "/concept/result",
    "/catalog",
    "/id/nobody",
)
CLASSES = (
    "Paper",
    "rivals",
    "gone",
    "Meeting",
    "AgendaItem",
    "Organization",
    "Person",
    "Body",
    "Location",
    "File",
    "Consultation",
    "report",
    "version",
)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
BUDGET = 60_000  # bytes of a record's page with its style


def opened(chromium, size, **options):
    from tests.browser import serving

    return serving.opened(chromium, size, **{"locale": "de-DE", **options})


def every(records):
    return (*ROUTES, *(records[name] for name in CLASSES if name in records))


# Each page at both widths and in both colours, but not all four ways: no rule of colour depends on the width here.
@pytest.mark.parametrize(("size", "scheme"), [("wide", "light"), ("phone", "dark")])
def test_axe_finds_nothing(chromium, address, records, axe, size, scheme):
    page = opened(chromium, size, color_scheme=scheme, bypass_csp=True)
    found = []
    for path in every(records):
        page.goto(address + path)
        if path == "/query" and page.query_selector("script[src*=yasgui]"):
            page.wait_for_selector("html[data-editor=ready]")
        page.evaluate(axe)
        # The editor is YASGUI's own; ours is what stands around it, and the plain form does the same without it.
        told = page.evaluate(f"axe.run({{exclude: ['#editor']}}, {{runOnly: {RULES}}})")
        found += [(path, one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in told["violations"]]
    page.context.close()

    assert found == []


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_asked_of_others_nothing_is_refused_and_nothing_hangs_over(chromium, address, records, size):
    page, outside, wrong = opened(chromium, size), [], []
    page.on("request", lambda request: outside.append(request.url) if not request.url.startswith((address, "data:")) else None)
    page.on(
        "console",
        lambda told: wrong.append(told.text) if told.type == "error" and "404" not in told.text and "410" not in told.text else None,
    )
    page.on("pageerror", lambda error: wrong.append(str(error)))
    wide = []
    for path in every(records):
        page.goto(address + path)
        page.wait_for_load_state("networkidle")
        room, shown = page.evaluate("[document.documentElement.clientWidth, document.documentElement.scrollWidth]")
        wide += [(path, shown)] if shown > room else []
    page.context.close()

    assert (outside, wrong, wide) == ([], [], [])


def test_a_record_s_page_is_light_and_does_not_shift(chromium, address, records):
    page, heavy, shifted = opened(chromium, "phone"), [], []
    for path in (records[name] for name in CLASSES if name in records):
        sizes = []
        page.on("response", lambda answer, sizes=sizes: sizes.append(len(answer.body())))
        page.goto(address + path)
        page.wait_for_load_state("networkidle")
        moved = page.evaluate(
            "new Promise(done => {let sum = 0; new PerformanceObserver(list => list.getEntries().forEach(e => sum += e.value))"
            ".observe({type: 'layout-shift', buffered: true}); setTimeout(() => done(sum), 150)})"
        )
        heavy += [(path, sum(sizes))] if sum(sizes) > BUDGET else []
        shifted += [(path, moved)] if moved > 0.01 else []
    page.context.close()

    assert (heavy, shifted) == ([], [])


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize(("size", "lang"), [("wide", "de"), ("phone", "en")])
def test_find_the_motion_read_where_it_stands_get_its_data(chromium, address, size, lang, script):
    page = opened(chromium, size, java_script_enabled=script)
    page.goto(f"{address}/?lang={lang}")
    page.fill("#big", "Freibad")
    page.press("#big", "Enter")
    page.click(".hits li:has(.stands) h2 a")

    standing = page.inner_text(".standing")
    with page.expect_navigation():
        page.click(".formats a >> text=Turtle")

    assert re.search(
        {"de": r"(beschlossen|abgelehnt|Liegt|Quelle|Am|Vertagt)", "en": r"(dopted|ejected|Lies|source|On|djourned)"}[lang], standing
    )
    assert "oparl:Paper" in page.content() or "schema.oparl.org/1.1/Paper" in page.content()
    page.context.close()


def test_ask_an_example_change_it_and_download_csv(chromium, address):
    page = opened(chromium, "wide")
    page.goto(f"{address}/query")
    if not page.query_selector("script[src*=yasgui]"):
        pytest.skip("the editor is not in this checkout: python hatch_build.py fetches it from npm")
    page.wait_for_selector("html[data-editor=ready]")
    page.click("text=Wie viele Vorlagen stammen von welcher Organisation?")
    page.wait_for_selector(".yasr_results tbody tr")
    page.evaluate("(editor => editor.setValue(editor.getValue() + '\\nLIMIT 2'))(document.querySelector('.CodeMirror').CodeMirror)")
    page.click(".yasqe_queryButton")
    page.wait_for_selector(".yasr_results tbody:not(:has(tr:nth-child(3))) tr:nth-child(2)")
    with page.expect_download() as waiting:
        page.click(".yasr_downloadIcon")
    rows = list(csv.reader(io.StringIO(waiting.value.path().read_text("utf-8"))))
    page.click(".select_chart")

    assert len(rows) == 3 and rows[0] == ["organization", "papers"]
    assert page.locator(".yasr_results svg.plot rect").count() == 2
    page.context.close()


def test_without_script_the_plain_form_answers(chromium, address):
    page = opened(chromium, "phone", java_script_enabled=False)
    page.goto(f"{address}/query?example=counts&lang=en")
    page.select_option("#format", "json")
    answer = page.request.get(f"{address}/sparql", params={"query": page.input_value("#query"), "format": page.input_value("#format")})

    assert {row["class"]["value"] for row in answer.json()["results"]["bindings"]} >= {"https://schema.oparl.org/1.1/Paper"}
    page.context.close()


@pytest.mark.parametrize("size", SIZES)
def test_subscribe_to_a_committee_s_calendar(chromium, address, records, size):
    page = opened(chromium, size)
    page.goto(address + records["Body"])
    page.click("text=Rat der Stadt")
    calendar = page.request.get(address + page.get_attribute("text=Kalender abonnieren", "href"))

    assert calendar.headers["content-type"].startswith("text/calendar") and "BEGIN:VEVENT" in calendar.text()
    page.context.close()


def test_the_keyboard_alone_reaches_everything(chromium, address, records):
    page = opened(chromium, "wide")
    page.goto(address + records["rivals"])
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.className")
    page.keyboard.press("Enter")
    inside = page.evaluate("document.activeElement.id")
    reached = set()
    for _ in range(300):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.getAttribute('href') || document.activeElement.tagName"))
        if page.evaluate("document.activeElement === document.body"):
            break
    links = set(page.evaluate("[...document.querySelectorAll('main a')].filter(a => a.checkVisibility()).map(a => a.getAttribute('href'))"))

    assert (first, inside) == ("skip", "main")
    assert links - reached == set()
    page.context.close()


def test_the_keyboard_leaves_the_editor_and_an_answer_is_announced(chromium, address):
    page = opened(chromium, "wide")
    page.goto(f"{address}/query")
    if not page.query_selector("script[src*=yasgui]"):
        pytest.skip("the editor is not in this checkout: python hatch_build.py fetches it from npm")
    page.wait_for_selector("html[data-editor=ready]")
    before = page.evaluate("document.querySelector('.CodeMirror').CodeMirror.getValue()")
    page.focus(".CodeMirror textarea")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('a[href*=\"example=counts\"]')"):
            break
    after = page.evaluate("document.querySelector('.CodeMirror').CodeMirror.getValue()")
    page.keyboard.press("Enter")
    page.locator("#told", has_text="Zeilen: ").wait_for(state="attached")
    labels = page.eval_on_selector_all("#editor button", "all => all.filter(one => one.checkVisibility()).map(one => one.ariaLabel)")
    page.evaluate("document.querySelector('.CodeMirror').CodeMirror.setValue('SELECT nonsense')")
    page.click(".yasqe_queryButton")
    page.locator("#told", has_text="nicht beantwortet").wait_for(state="attached")

    assert before == after
    assert {"Abfragen", "Tabelle", "Link zu dieser Abfrage"} <= set(labels)
    assert '{"type"' not in page.inner_text("#editor .reason")
    page.context.close()


def test_a_record_s_address_is_shared_by_the_device_or_copied(chromium, address, records):
    page = opened(chromium, "phone", permissions=["clipboard-read", "clipboard-write"])
    page.goto(address + records["Paper"])
    page.click("button[data-share]")
    page.locator("dd [role=status]", has_text="Adresse kopiert").wait_for(state="attached")

    assert page.evaluate("navigator.clipboard.readText()").endswith(records["Paper"])
    page.context.close()


def test_a_printed_paper_holds_its_text_and_no_controls(chromium, address, records):
    page = opened(chromium, "wide")
    page.goto(address + records["rivals"])
    page.emulate_media(media="print")

    assert page.is_visible("h1") and page.is_visible(".rival")
    assert not page.is_visible(".top nav") and not page.is_visible(".top .find")
    page.context.close()


def test_no_map_is_asked_for_before_consent(chromium, sample_home, records):
    from tests.browser import serving

    site = sample_home / "site.toml"
    site.write_text('[map]\ntiles = "https://tiles.example.org/{z}/{x}/{y}.png"\nattribution = "Somebody"\n', "utf-8")
    try:
        with serving.served(create_app(sample_home)) as address:
            page = opened(chromium, "phone")
            asked: list[str] = []
            page.route("https://tiles.example.org/**", lambda route: (asked.append(route.request.url), route.abort()))
            page.goto(address + records["Location"])
            if "/static/vendor/" not in page.content() and page.request.get(f"{address}/static/vendor/leaflet.css").status != 200:
                pytest.skip("the map library is not in this checkout: python hatch_build.py fetches it from npm")
            page.wait_for_load_state("networkidle")
            before = list(asked)
            page.click(".consent button")
            page.wait_for_selector(".leaflet-container")
            page.wait_for_timeout(500)
            page.context.close()
            page = opened(chromium, "wide")
            early: list[str] = []
            page.route("https://tiles.example.org/**", lambda route: (early.append(route.request.url), route.abort()))
            page.goto(f"{address}/query")
            if page.query_selector("script[src*=yasgui]"):
                page.wait_for_selector("html[data-editor=ready]")
                page.click("a[href*='example=places']")
                page.wait_for_selector(".yasr_results tbody tr")
                page.click(".select_places")
                page.wait_for_selector("#editor .map .outline")
                asked_early = list(early)
                page.click("#editor .consent button")
                page.wait_for_selector("#editor .leaflet-container path")
                page.wait_for_timeout(300)
                assert (asked_early, bool(early)) == ([], True)
            page.context.close()
    finally:
        site.unlink()

    assert before == []
    assert asked and all(url.startswith("https://tiles.example.org/") for url in asked)
