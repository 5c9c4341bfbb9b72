"""The fact ledger: the sum is exact, nothing is lost, and what is unmapped is named."""

from publisher.config import source_of_table
from publisher.pipeline.coverage import KINDS, coverage

from .conftest import files_source, shared
from .objects import PAPER, TOWN


def test_every_leaf_of_the_real_crawl_has_one_fate_and_none_is_unmapped():
    book = coverage(files_source(shared("realdata", "huertgenwald-sdnet"), "05358016"), None)

    assert book.total == sum(book.kinds[kind] for kind in KINDS) == 125133
    assert (book.kinds["unmapped"], book.kinds["lost"], book.kinds["refused"]) == (0, 0, 0)
    assert book.kinds["withheld"] == 39


def test_every_line_of_the_seed_has_one_fate_and_none_is_unmapped():
    page = shared("seed", "000_0d1454f875e5b780.txt")
    table = {"name": "seed", "kind": "unserac", "url": str(page), "jurisdiction": "05334"}

    book = coverage(source_of_table(table, "test"), None)

    assert book.total == sum(book.kinds.values()) == len([line for line in page.read_text("utf-8").splitlines() if line.strip("\xa0 ")])
    assert book.kinds["unmapped"] == 0


def test_unknown_keys_and_wrong_values_are_counted_by_name(town):
    folder = town(**{**TOWN, "paper": [{**PAPER, "nmae": "x", "date": "irgendwann", "web": ""}]})

    book = coverage(files_source(folder), None)

    assert book.rules["unmapped", "unknown key Paper.nmae"] == 1
    assert book.rules["unmapped", "Paper.date: no date"] == 1
    assert book.rules["normalised", "empty"] == 1
    assert book.kinds["lost"] == 0
    assert book.total == sum(book.kinds.values())
