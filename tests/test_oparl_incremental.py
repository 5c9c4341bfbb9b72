"""Only what changed is asked for, where the server's stamps can be trusted and the last whole walk is not too old."""

import pytest

from publisher.config import Source
from publisher.journal import Journal, Run
from publisher.pipeline.incremental import is_window, state, turn
from publisher.record import Record
from publisher.sources.stamps import Stamps

GOOD = {"stamps": {"trustworthy": True, "words": ""}}
BAD = {"stamps": {"trustworthy": False, "words": "40 of 40 objects claim to be modified today"}}
TOWN = Source("town", "oparl", "https://ris.invalid/system", "05999016", full_every_days=7)


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "journal.sqlite") as opened:
        yield opened


def ran(journal, day, told, *, whole=True):
    at = f"2031-05-{day:02d}T03:00:00+00:00"
    run = journal.start("town", at)
    journal.finish(Run(run, "town", at, at, whole, {}, {}, [], told))


def since(source):
    return source.options.get("modified_since", "")


def test_the_first_harvest_is_whole(journal):
    assert turn(journal, TOWN, "2031-05-01T03:00:00+00:00") == TOWN


def test_after_a_whole_walk_only_what_changed_is_asked_for_with_a_day_of_overlap(journal):
    ran(journal, 1, GOOD)

    asked = turn(journal, TOWN, "2031-05-03T03:00:00+00:00")

    assert since(asked) == "2031-04-30T03:00:00+00:00" and is_window(asked)


def test_the_window_begins_at_the_last_run_that_succeeded(journal):
    ran(journal, 1, GOOD)
    ran(journal, 3, {"window": "2031-04-30T03:00:00+00:00"})
    ran(journal, 4, {"window": "2031-05-02T03:00:00+00:00", "failure": "town: nobody there"})
    ran(journal, 5, {"window": "2031-05-02T03:00:00+00:00"}, whole=False)

    assert since(turn(journal, TOWN, "2031-05-06T03:00:00+00:00")) == "2031-05-02T03:00:00+00:00"


@pytest.mark.parametrize(("day", "window"), [(7, True), (8, False), (20, False)])
def test_every_so_many_days_the_walk_is_whole_again(journal, day, window):
    ran(journal, 1, GOOD)
    ran(journal, 6, {"window": "2031-04-30T03:00:00+00:00"})

    assert is_window(turn(journal, TOWN, f"2031-05-{day:02d}T03:00:00+00:00")) is window


@pytest.mark.parametrize("told", [BAD, {}, {"failure": "x", **GOOD}])
def test_worthless_stamps_and_failed_walks_are_followed_by_whole_walks(journal, told):
    ran(journal, 1, told)

    assert not is_window(turn(journal, TOWN, "2031-05-02T03:00:00+00:00"))


def test_other_kinds_are_always_read_whole(journal):
    ran(journal, 1, GOOD)
    files = Source("town", "oparl-files", "crawl", "05999016")

    assert turn(journal, files, "2031-05-02T03:00:00+00:00") == files


def test_a_run_remembers_what_its_stamps_are_worth():
    stamps = Stamps()
    for at in range(60):
        stamps.add(Record("Paper", f"https://x.invalid/{at}", "", {"modified": f"2031-0{at % 4 + 1}-{at % 28 + 1:02d}T08:00:00+01:00"}))

    assert state(TOWN, stamps, "2031-05-02T03:00:00+00:00") == GOOD
    assert state(turned(), stamps, "2031-05-02T03:00:00+00:00") == {"window": "2031-05-01T00:00:00+00:00"}


def turned():
    return Source("town", "oparl", "https://ris.invalid/system", "05999016", options={"modified_since": "2031-05-01T00:00:00+00:00"})
