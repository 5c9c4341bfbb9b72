"""What can be mailed to a vendor names each fault, how often it was met, and where."""

import logging
import re

import pytest
from click.testing import CliRunner

from publisher.cli import main
from publisher.errors import Misconfigured
from publisher.journal import Run
from publisher.pipeline.vendor_log import letter, remarks
from publisher.sources.repairs import DAMAGE, REPAIRS, explained

from .conftest import built, files_source, harvested
from .objects import TOWN

RUN = Run(
    1,
    "town",
    "2031-05-02T03:00:00+00:00",
    "2031-05-02T03:09:00+00:00",
    True,
    {},
    {
        "normalised": {"ags_of_eight_digits": [1, 1, ["https://ris.example/body/1 ags"]], "parent_link": [900, 900, ["https://x ours"]]},
        "damage": {"end_before_start": [7, 7, ["https://ris.example/meeting/3 end"]]},
    },
    [
        {
            "url": "https://ris.example/paper?page=9",
            "reason": "a page of this list is missing: expected an answer 200, got 500",
            "type": "",
            "id": "",
        }
    ],
    {"remarks": ["https://ris.example/paper: links.next has lost the filter; it is put back"]},
)


def test_a_letter_names_each_fault_with_count_and_place():
    text = letter({"title": "Stadt Musterstadt", "url": "https://ris.example/system"}, RUN)

    for words in (
        "Stadt Musterstadt", "https://ris.example/system", "1 x Give back the AGS's leading zero", "https://ris.example/body/1 ags",
        "7 x Report an end before its start", "paper?page=9: a page of this list is missing", "links.next has lost the filter",
    ):  # fmt: skip
        assert words in text
    assert "parent_link" not in text and "900" not in text, "what we add is no fault of theirs"


def test_each_repair_and_finding_explains_itself():
    rules = [row.rule.__name__ for rows in REPAIRS.values() for row in rows] + [row.rule.__name__ for row in DAMAGE]

    assert all(len(explained(rule)) > 30 for rule in rules) and explained("no_rule_of_ours") == ""


def test_remarks_of_walkers_are_kept_while_a_harvest_runs():
    with remarks() as kept:
        logging.getLogger("publisher.sources.oparl").warning("%s: odd", "https://ris.example")
        logging.getLogger("publisher.sources.oparl").info("not worth a letter")
    logging.getLogger("publisher.sources.oparl").warning("too late")

    assert kept == ["https://ris.example: odd"]


def test_a_walk_that_brings_fewer_than_the_toml_expects_says_so_in_summary_status_and_letter(tmp_path, town):
    source = files_source(town(**TOWN), expected={"Paper": 3, "AgendaItem": 1, "Person": 1, "Membership": 5})

    outcome = harvested(tmp_path / "home", source)
    built(tmp_path / "home")
    told = CliRunner().invoke(main, ["status", "--home", str(tmp_path / "home")])
    mailed = CliRunner().invoke(main, ["status", "--letter", "town", "--home", str(tmp_path / "home")])

    assert outcome.short == {"Membership": [5, 1], "Paper": [3, 2]} and outcome.exit_code == 0
    assert "  fewer than expected: Membership 1 of 5\n  fewer than expected: Paper 2 of 3\n" in told.output
    assert "Weniger als erwartet (fewer than expected)\n  Membership: 1 of 5\n  Paper: 2 of 3\n" in mailed.output


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("withheld", ["phone"], "withheld names 'phone': expected a name such as 'Person.phone'"),
        ("expired", ["Paper.name"], "expected a name such as 'Person.email'"),
        ("ignored", ["web"], "expected a name such as 'Paper.web'"),
        ("expected", {"papers": 3}, "expected a name such as 'Paper'"),
        ("expected", {"Paper": "many"}, "expected.Paper = 'many': expected a number of objects"),
        ("expired_after_days", -1, "expired_after_days = -1: expected a number of 0 or more"),
    ],
)
def test_a_name_that_would_do_nothing_is_refused(key, value, words):
    with pytest.raises(Misconfigured, match=re.escape(words)):
        files_source("x", **{key: value})
