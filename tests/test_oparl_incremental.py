"""Only what changed is asked for, where the server's stamps can be trusted and the last whole walk is not too old."""

import pytest

from publisher.config import Settings, Source
from publisher.fetch import Fetch
from publisher.journal import Journal, Run
from publisher.pipeline.harvest import harvest
from publisher.pipeline.incremental import is_window, state, turn
from publisher.record import Record
from publisher.sources.stamps import Stamps

from .hostile import Town, serving

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


def test_a_replay_tells_what_all_walks_told_without_the_server_and_moves_no_window(tmp_path):
    class Renamed(Town):
        def object(self, kind, key, base):
            return super().object(kind, key, base) | ({"name": "Neu", "modified": "2031-05-02T08:00:00+01:00"} if key == 7 else {})

        def modified(self, key):
            return "2031-05-02" if key == 7 else super().modified(key)

    towns, days = [Town(), Renamed()], iter(("2031-05-01", "2031-05-03", "2031-05-04"))
    wanted = Settings(tmp_path / "home", "https://daten.example")
    with Journal(tmp_path / "journal.sqlite") as journal:

        def walk(replay=False):
            with Fetch(source, tmp_path, replay=replay) as fetch:
                return harvest(journal, source, fetch, f"{next(days)}T03:00:00+00:00", settings=wanted, progress=lambda *_: None)

        with serving(lambda ask: towns[0](ask)) as (base, asked):
            source = Source("town", "oparl", f"{base}/system", "05999016", pause=0, ids="body/1/{class}/{key}")
            walk()
            del towns[0]
            window = walk()
            before, last = len(asked), journal.last_seq()
        again = walk(replay=True)
        following = turn(journal, source, "2031-05-05T03:00:00+00:00")

    assert any("modified_since=2031-04-30" in path for path in asked) and window.counts["Paper"]["changed"] == 1
    assert (again.exit_code, len(asked), journal_seq(tmp_path)) == (0, before, last)
    assert {count for counter in again.counts.values() for count in (counter["new"], counter["changed"], counter["withdrawn"])} == {0}
    assert since(following) == "2031-05-02T03:00:00+00:00"


def journal_seq(home):
    with Journal(home / "journal.sqlite") as journal:
        return journal.last_seq()
