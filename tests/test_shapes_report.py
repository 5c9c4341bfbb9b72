"""The report counts what was found, says it in two languages, and is the same data in every form."""

import csv
import io
import re
from pathlib import Path

import orjson
import pyoxigraph as ox
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publisher.shapes import Result, Tally, class_of, named, sentence, shapes, tally_of, triples, turtle
from publisher.shapes.report import sentences

BASE = "https://ris.example.org"
RULES = shapes().rules
PAPER = f"{BASE}/eli/dl/05358016/vorlage/"
SHACL = "http://www.w3.org/ns/shacl#"


def result(name: str, focus: str, value: str = "", component: str = "MinCount") -> Result:
    rule = RULES["https://w3id.org/oparl-ld/shapes/1.0#" + name]
    return Result(focus, rule.path, value, rule.iri, rule.severity, component, rule.messages, focus)


def town() -> Tally:
    tally = Tally()
    tally.judged("musterwald", "Paper", 4)
    tally.found("musterwald", [result("Paper-date-missing", PAPER + "60"), result("Paper-date-missing", PAPER + "61")])
    tally.found("musterwald", [result("Paper-name-blanks", PAPER + "60", '"=HYPERLINK(1)\\n"@de', "Pattern")])
    tally.noted("musterwald", "normalised", "ags_of_eight_digits")
    return tally


def report(tally: Tally):
    return tally.report(12, BASE, "2026-11-22T19:00:00+01:00")


def quads(text: str, form: ox.RdfFormat) -> list[str]:
    return sorted(str(quad) for quad in ox.parse(text.encode(), format=form))


def test_a_line_counts_results_objects_and_their_share_of_what_was_judged():
    line = report(town()).lines[0]

    assert (line.rule.iri.split("#")[1], line.source, line.cls, line.times, line.objects, line.share) == (
        "Paper-date-missing", "musterwald", "Paper", 2, 2, 0.5,
    )  # fmt: skip


def test_two_faults_of_one_rule_in_one_object_are_two_results_and_one_object():
    tally = Tally()
    tally.found("a", [result("Paper-name", PAPER + "60", value, "Datatype") for value in ('"1"', '"2"')])

    assert [(line.times, line.objects) for line in report(tally).lines] == [(2, 1)]


@pytest.mark.parametrize(
    ("names", "code"),
    [([], 0), (["Paper-name-blanks"], 0), (["Paper-date-missing"], 1), (["Paper-name", "Paper-name-blanks"], 2)],
)
def test_the_exit_code_tells_the_heaviest_severity(names, code):
    tally = Tally()
    tally.found("a", [result(name, PAPER + "60") for name in names])

    assert report(tally).code == code


def test_a_record_kept_out_counts_as_a_violation_for_scripts():
    tally = Tally()
    tally.refuse("a", PAPER + "60", "two dates")

    assert (report(tally).code, "two dates" in report(tally).text()) == (2, True)


def test_the_text_says_in_both_languages_what_to_do_and_what_was_repaired():
    german, english = report(town()).text("de"), report(town()).text("en")

    assert "„Datum“ (date) ergänzen." in german
    assert "AGS ohne führende Null ergänzt: 1" in german
    assert 'Add "date" (date).' in english
    assert "Leading zero of the municipality key (AGS) restored: 1" in english
    assert "0 Verstöße, 2 Warnungen, 1 Hinweis." in german


def test_all_forms_tell_the_same_counts():
    told = report(town())
    lines = orjson.loads(told.json())["rules"]
    rows = list(csv.DictReader(io.StringIO(told.csv())))

    assert [(line["rule"], line["count"]) for line in lines] == [(row["rule"], int(row["count"])) for row in rows]
    assert [(line["rule"], line["count"]) for line in lines] == [("Paper-date-missing", 2), ("Paper-name-blanks", 1)]


def test_turtle_and_triples_are_the_same_graph_without_blank_nodes():
    told = report(town())
    lines = "".join(triples(told))

    assert quads(turtle(told), ox.RdfFormat.TURTLE) == quads(lines, ox.RdfFormat.N_TRIPLES)
    assert "_:" not in lines


def test_the_same_report_gives_the_same_bytes():
    again = Tally()
    again.noted("musterwald", "normalised", "ags_of_eight_digits")
    again.found("musterwald", [result("Paper-name-blanks", PAPER + "60", '"=HYPERLINK(1)\\n"@de', "Pattern")])
    again.found("musterwald", [result("Paper-date-missing", PAPER + "60"), result("Paper-date-missing", PAPER + "61")])
    again.judged("musterwald", "Paper", 4)

    assert (turtle(report(again)), report(again).json(), report(again).csv()) == (
        turtle(report(town())), report(town()).json(), report(town()).csv(),
    )  # fmt: skip


def test_a_result_keeps_its_iri_from_release_to_release_while_the_fault_stays():
    old = dict(named(BASE, [result("Paper-date-missing", PAPER + number) for number in ("60", "61")]))
    new = dict(named(BASE, [result("Paper-date-missing", PAPER + number) for number in ("59", "61", "62")]))

    stays = f"{BASE}/report/result/Paper-date-missing/eli/dl/05358016/vorlage/61"
    assert old[stays].focus == new[stays].focus == PAPER + "61"


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["60", "60/2", "6?0", "6#0", "ä"]), st.text(max_size=3)), max_size=8))
def test_no_two_results_share_an_iri(faults):
    results = [result("Paper-name", PAPER + key, f'"{value}"', "Datatype") for key, value in faults]

    iris = [iri for iri, _ in named(BASE, results)]

    assert len(set(iris)) == len(iris) == len(results)


def test_a_result_is_a_standard_validation_result():
    [node] = [
        quad.subject for quad in ox.parse("".join(triples(report(town()))).encode(), format=ox.RdfFormat.N_TRIPLES)
        if quad.predicate.value == SHACL + "focusNode" and "name-blanks" in quad.subject.value
    ]  # fmt: skip
    facts = {
        quad.predicate.value.split("#")[-1]
        for quad in ox.parse("".join(triples(report(town()))).encode(), format=ox.RdfFormat.N_TRIPLES)
        if quad.subject == node and SHACL in quad.predicate.value
    }

    assert facts == {"focusNode", "resultPath", "value", "sourceShape", "sourceConstraintComponent", "resultSeverity", "resultMessage"}


def test_no_cell_of_a_table_is_a_formula_to_a_spreadsheet():
    rows = list(csv.DictReader(io.StringIO(report(town()).results_csv())))

    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_a_tally_keeps_a_few_results_and_counts_them_all():
    tally = Tally(examples=2)
    tally.found("a", [result("Paper-date-missing", f"{PAPER}{number}") for number in range(50)])
    told = report(tally)

    assert (len(told.results), told.lines[0].times) == (2, 50)


def test_a_report_says_what_changed_since_an_earlier_one():
    before = orjson.loads(report(town()).json())
    tally = Tally()
    tally.found("musterwald", [result("Paper-date-missing", PAPER + "60")])

    assert report(tally).against(before) == {
        ("Paper-date-missing", "musterwald", "Paper"): -1,
        ("Paper-name-blanks", "musterwald", "Paper"): -1,
    }


def test_results_kept_as_dicts_give_the_same_report():
    found = [result("Paper-date-missing", PAPER + number) for number in ("60", "61")]
    tally = Tally()
    tally.found("a", found)

    assert report(tally_of([("a", one.record, [one._asdict()]) for one in found])) == report(tally)


@pytest.mark.parametrize(
    ("iri", "cls"),
    [
        (PAPER + "60", "Paper"), (f"{BASE}/id/05358016", "Body"), (f"{BASE}/id/05358016/term/1", "LegislativeTerm"),
        (PAPER + "60/abschnitt/sachlage", "PaperSection"), (PAPER + "60/vorschlag/a", "ResolutionProposal"),
        (f"{BASE}/eli/dl/05358016/sitzung/~~x", "Meeting"), ("https://example.org/x", ""),
    ],
)  # fmt: skip
def test_an_iri_tells_its_class(iri, cls):
    assert class_of(iri) == cls


def test_each_rule_of_repair_in_the_code_has_a_sentence_in_both_languages():
    sources = Path(__file__).parent.parent / "publisher" / "sources"
    code = "\n".join(path.read_text("utf-8") for path in sorted(sources.rglob("*.py")))
    named_there = set(re.findall(r'(?:Note|note)\(\s*"(?:normalised|damage|withheld)",\s*"([a-z_0-9]+)"', code))
    named_there |= set(re.findall(r"(?:Repair|Finding)\((?:[a-z]+)\.([a-z_0-9]+)", code))

    assert len(named_there) > 30
    assert sorted(named_there - set(sentences())) == []


def test_a_rule_without_a_sentence_is_shown_by_its_name():
    assert sentence("new_repair", "de") == "new repair"


def test_a_result_of_a_rule_that_is_no_more_stays_in_the_report():
    tally = Tally()
    bygone = result("Paper-date-missing", PAPER + "60")._replace(shape="https://w3id.org/oparl-ld/shapes/1.0#Paper-colour")
    tally.found("a", [bygone])

    assert [(line.rule.iri.split("#")[1], line.rule.severity) for line in report(tally).lines] == [("Paper-colour", "Warning")]
    assert "Paper-colour" in turtle(report(tally))
