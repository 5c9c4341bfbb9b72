"""What can be mailed to a vendor names each fault, how often it was met, and where."""

import logging

from publisher.journal import Run
from publisher.pipeline.vendor_log import letter, remarks
from publisher.sources.repairs import DAMAGE, REPAIRS, explained

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
