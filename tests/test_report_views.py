"""The quality report as people and programs read it, from instances that were harvested, judged and built for real."""

import csv
import io

import orjson
import pytest
import rdflib
from selectolax.lexbor import LexborHTMLParser

from publisher.config import Source
from publisher.pipeline import findings
from publisher.shapes import Result, Tally, shapes, turtle
from publisher.views import create_app
from publisher.views.report_record import _line, text_of
from tests import town

from .conftest import built as built_again
from .conftest import harvested

HTML = {"Accept": "text/html"}
SH = rdflib.Namespace("http://www.w3.org/ns/shacl#")
PAPER = f"{town.BASE}/eli/dl/{town.KEY}/vorlage/3"


def flawed():
    """The town with a paper whose name is empty, one without a type, and a meeting that ends before it starts."""
    things = town.objects()
    for one in things:
        if one["id"].endswith("/paper/3"):
            one.pop("paperType")
            one["date"] = "02.06.2021"
        if one["id"].endswith("/meeting/2"):
            one["start"], one["end"] = one["end"], one["start"]
    return things


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Two releases: in the first, three papers have a consultation without role; in the second only one is left."""
    place = tmp_path_factory.mktemp("report") / "home"
    town.published(place, [without_role(one, ("1", "2", "3")) for one in flawed()])
    return town.published(place, [without_role(one, ("3",)) for one in flawed()], at="2026-11-02T10:00:00+00:00")


def without_role(one, keys):
    if one["type"].endswith("/Paper") and one["id"].rsplit("/", 1)[-1] in keys:
        [consultation] = one["consultation"]
        one |= {
            "consultation": [{key: value for key, value in consultation.items() if key != "role"}],
            "modified": town.stamp(50 + len(keys)),
        }
    return one


@pytest.fixture(scope="module")
def client(home):
    return create_app(home).test_client()


def told(client, path="/report.json"):
    return client.get(path).get_json()


def line_of(report, rule):
    return next(line for line in report["rules"] if line["rule"] == rule)


def text(client, path):
    answer = client.get(path, headers=HTML)
    assert answer.mimetype == "text/html", answer.get_data(as_text=True)[:300]
    return " ".join(LexborHTMLParser(answer.get_data(as_text=True)).css_first("main").text(separator=" ").split())


ROLE = "Consultation-role-missing"


@pytest.mark.parametrize(("accept", "media"), [("*/*", "application/json"), ("text/turtle", "text/turtle"), ("text/csv", "text/csv")])
def test_the_report_comes_in_each_form_and_says_which(client, accept, media):
    for path in ("/report", "/report/musterstadt", "/report/1"):
        answer = client.get(path, headers={"Accept": accept})

        assert (answer.status_code, answer.mimetype) == (200, media)
        assert client.get(answer.headers["Content-Location"].removeprefix(town.BASE)).data == answer.data
        assert 'rel="alternate"; type="text/html"' in answer.headers["Link"]


def test_the_turtle_of_a_source_counts_what_its_json_counts(client):
    graph = rdflib.Graph().parse(data=client.get("/report/musterstadt.ttl").data, format="turtle")
    me = rdflib.URIRef(f"{town.BASE}/report/musterstadt")

    assert len(list(graph.objects(me, SH.result))) == sum(line["count"] for line in told(client, "/report/musterstadt.json")["rules"])


def test_each_result_answers_at_its_own_address(client):
    graph = rdflib.Graph().parse(data=client.get("/report.ttl").data, format="turtle")
    results = sorted(graph.subjects(rdflib.RDF.type, SH.ValidationResult))

    for iri in results[:: max(1, len(results) // 25)]:
        answer = client.get(str(iri).removeprefix(town.BASE), headers={"Accept": "text/turtle"})
        mine = rdflib.Graph().parse(data=answer.data, format="turtle")

        assert set(mine.predicate_objects(iri)) == set(graph.predicate_objects(iri)), iri


def test_a_fault_that_is_gone_is_not_found(client):
    assert client.get(f"/report/result/{ROLE}/eli/dl/{town.KEY}/beratung/1").status_code == 404
    assert client.get(f"/report/result/{ROLE}/eli/dl/{town.KEY}/beratung/3").status_code == 200


def test_a_document_leads_to_its_report(client):
    link = client.get(PAPER.removeprefix(town.BASE)).headers["Link"]
    address = next(part for part in link.split(", ") if 'rel="describedby"' in part).partition(">")[0].strip("< ")
    report = client.get(address.removeprefix(town.BASE), headers={"Accept": "application/ld+json"}).get_json(force=True)

    assert report["subject"] == PAPER
    assert any(one["id"] == f"{town.BASE}/report/result/{ROLE}/eli/dl/{town.KEY}/beratung/3" for one in report["result"])
    assert report["conforms"] is False


def test_the_json_ld_of_a_record_says_the_same_as_its_turtle(client):
    address = f"/report/record?iri={PAPER}"
    graphs = [
        rdflib.Graph().parse(data=client.get(address, headers={"Accept": media}).data, format=form)
        for media, form in (("application/ld+json", "json-ld"), ("text/turtle", "turtle"))
    ]

    assert len(graphs[0]) > 10
    assert set(graphs[0]) == set(graphs[1])


def test_all_faults_of_all_records_are_found_one_by_one(client):
    every = csv.DictReader(io.StringIO(client.get("/report/results.csv").get_data(as_text=True)))
    expected = sorted((row["rule"], row["focus"]) for row in every)

    with client.application.app_context():
        owners = [one.iri for one in client.application.config["LIBRARY"].reader().owners(deleted=True)]
    found = [
        (one["sourceShape"].rpartition("#")[2], one["focusNode"])
        for owner in owners
        for one in client.get("/report/record", query_string={"iri": owner}, headers={"Accept": "application/json"}).get_json()["result"]
    ]

    assert sorted(found) == expected
    assert {rule for rule, _ in expected} >= {ROLE, "Paper-paperType-missing"}


def test_the_page_shows_counts_and_their_course(client):
    assert [line_of(told(client, f"/report/{number}.json"), ROLE)["count"] for number in (1, 2)] == [3, 1]
    page = LexborHTMLParser(client.get("/report?lang=de", headers=HTML).get_data(as_text=True))
    row = next(row for row in page.css("#findings ~ div tbody tr") if ROLE in row.html)
    cells = [" ".join(cell.text().split()) for cell in row.css("td")]

    assert cells[3:6] == ["1", "8,3 %", "−2"]


@pytest.mark.parametrize(("lang", "words"), [("de", "Prüfbericht"), ("en", "Quality report")])
def test_the_pages_speak_both_languages(client, lang, words):
    for path in ("/report", "/report/musterstadt", "/report/1", f"/report/record?iri={PAPER}", f"/report/musterstadt?rule={ROLE}"):
        assert words in text(client, f"{path}{'&' if '?' in path else '?'}lang={lang}")


def test_a_rule_leads_to_its_records_and_to_the_originals(client):
    page = LexborHTMLParser(client.get(f"/report/musterstadt?rule={ROLE}", headers=HTML).get_data(as_text=True))
    links = [link.attributes["href"] for link in page.css("main table a")]

    assert f"/eli/dl/{town.KEY}/beratung/3" in links
    assert f"{town.RIS}/consultation/3" in links


def test_the_plot_has_its_numbers_as_a_table(client):
    page = LexborHTMLParser(client.get("/report", headers=HTML).get_data(as_text=True))
    rows = [[cell.text() for cell in row.css("th, td")] for row in page.css("#course ~ details tbody tr")]
    totals = [told(client, f"/report/{number}.json")["totals"] for number in (1, 2)]

    assert [row[:4] for row in rows] == [
        [str(at), *(str(one[name]) for name in ("Violation", "Warning", "Info"))] for at, one in enumerate(totals, start=1)
    ]
    assert all(svg.attributes["role"] == "img" and svg.attributes["aria-label"] for svg in page.css("main svg"))


def test_the_mail_names_each_rule_its_count_and_addresses_of_the_source(client):
    answer = client.get("/report/musterstadt.txt")
    mail, report = answer.get_data(as_text=True), told(client, "/report/musterstadt.json")

    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert mail.startswith("Betreff: Befunde in den Daten von Musterstadt (Stand 2, 2. November 2026)")
    for line in report["rules"]:
        assert line["message"]["de"] in mail and f"   {line['count']} Mal" in mail
    assert f"{town.RIS}/consultation/3" in mail


def test_the_desk_leads_to_the_report(client):
    page = LexborHTMLParser(client.get("/status", headers=HTML).get_data(as_text=True))

    assert "/report" in [link.attributes["href"] for link in page.css("main a")]


def test_what_was_repaired_is_shown(client):
    notes = told(client)["notes"]

    assert any(note["kind"] == "normalised" for note in notes)
    assert all(note["de"] in text(client, "/report?lang=de") for note in notes if note["kind"] == "normalised")


def test_councils_stand_side_by_side(tmp_path):
    for number, key in enumerate(("05999004", "05999005"), start=1):
        folder = tmp_path / key
        folder.mkdir()
        for at, one in enumerate(town.objects(number * 2)):
            renamed = orjson.dumps(one).replace(town.RIS.encode(), f"https://{key}.example/oparl".encode())
            (folder / f"{at:06}.json").write_bytes(renamed.replace(town.KEY.encode(), key.encode()))
        harvested(tmp_path / "home", Source(f"stadt {number}", "oparl-files", str(folder), key, title=f"Stadt {number}"))
    built_again(tmp_path / "home")
    client = create_app(tmp_path / "home").test_client()

    page = LexborHTMLParser(client.get("/report", headers=HTML).get_data(as_text=True))
    rows = page.css("#compared ~ div tbody tr")

    assert [row.css_first("a").attributes["href"] for row in rows] == ["/report/stadt%201", "/report/stadt%202"]
    assert "Stadt 2" in text(client, "/report/stadt%202")
    assert {line["source"] for line in told(client, "/report/stadt%201.json")["rules"]} == {"stadt 1"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/report/9", 404),
        ("/report/nowhere", 404),
        ("/report/nowhere.txt", 404),
        ("/report/1.txt", 404),
        ("/report/%2e%2e%2freport.json", 404),
        ("/report/..", 404),
        ("/report/nowhere/results.csv", 404),
        ("/report/record", 400),
        ("/report/record?iri=https://nowhere.example/", 404),
        ("/report?rule=nothing", 404),
        ("/report/result/x/id/y;99999999999", 404),
        ("/report/source/musterstadt", 303),
        ("/report/2/broken/musterstadt/Paper/x", 303),
    ],
)
def test_nonsense_is_answered_with_a_problem(client, path, status):
    assert client.get(path, headers=HTML).status_code == status


def test_an_unwanted_format_is_refused(client):
    assert client.get("/report", headers={"Accept": "image/png"}).status_code == 406


def test_the_report_is_kept_by_clients_until_the_next_release(client):
    for path in ("/report.json", f"/report/record.ttl?iri={PAPER}", "/report/musterstadt.txt"):
        tag = client.get(path).headers["ETag"]

        assert client.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_every_line_is_found_by_bisection(tmp_path):
    names = [f"https://x.example/{'a' * (number % 7)}{number:03}" for number in range(200)]
    results = [(name, [Result(name, "", "", "s#r", "Info", "MinCount", {}, name)] * (1 + len(name) % 3)) for name in sorted(names)]
    findings.by_record(tmp_path / "records.tsv", results, [])

    for name, several in results:
        assert len(_line(tmp_path / "records.tsv", name)) == len(several)
    assert _line(tmp_path / "records.tsv", "https://x.example/b") == _line(tmp_path / "records.tsv", "") == []


def test_results_of_both_kinds_stand_in_one_line(tmp_path):
    def one(shape):
        return Result("https://x.example/a", "", "", shape, "Info", "SPARQL", {}, "https://x.example/a")

    findings.by_record(tmp_path / "records.tsv", [("https://x.example/a", [one("s#1")])], [("https://x.example/a", one("s#2"))])

    assert [row["rule"] for row in _line(tmp_path / "records.tsv", "https://x.example/a")] == ["s#1", "s#2"]


def test_the_whole_report_is_what_its_sources_say_and_what_is_of_no_source(tmp_path):
    tally, rules = Tally(), [rule for rule in shapes().rules.values() if rule.severity != "Violation"][:4]
    for source in ("b", "", "a"):
        for at, rule in enumerate(rules):
            focus = f"https://x.example/eli/dl/05358016/vorlage/{source}{at // 2}"
            result = Result(
                focus, rule.path, '"1"^^<http://www.w3.org/2001/XMLSchema#date>', rule.iri, rule.severity, "Datatype", {}, focus
            )
            tally.found(source, [result._replace(messages=rule.messages)] * (1 + at % 2))
    report = tally.report(7, "https://x.example", "2026-01-01T00:00:00+00:00")

    findings.detailed(tmp_path, report)

    assert (tmp_path / "report.ttl").read_text() == turtle(report)
    assert (tmp_path / "results.csv").read_bytes() == report.results_csv().encode()
    assert {file.name.split(".")[0] for file in (tmp_path / "report").iterdir()} == {"a", "b"}
    assert (tmp_path / "report" / "a.ttl").read_text().count("a sh:ValidationResult") == 6


@pytest.mark.parametrize(
    ("term", "shown"),
    [
        ("<https://x.example/a>", "https://x.example/a"),
        ('"a \\"b\\"\\n"', 'a "b"\n'),
        ('"ä\\u00e4"@de', "ää"),
        ('"2021-06-02"^^<http://www.w3.org/2001/XMLSchema#date>', "2021-06-02"),
    ],
)
def test_terms_are_shown_as_people_read_them(term, shown):
    assert text_of(term) == shown
