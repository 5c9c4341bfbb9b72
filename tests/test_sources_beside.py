"""Several sources: hosts side by side, one request at a time to each, one journal, and nothing lost when they are interrupted."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from publisher.config import Settings, Source
from publisher.fetch import Cache, cache_folder
from publisher.journal import Journal
from publisher.pipeline.beside import Errand, harvests

from .conftest import AT, BASE, quiet
from .hostile import Ask, Town, serving


class Slow(Town):
    """A town that takes its time, and knows how many asked it at once; all towns together know how many were asked at once."""

    everywhere, most_everywhere = 0, 0
    lock = threading.Lock()

    def __init__(self, seconds=0.02):
        super().__init__()
        self.seconds, self.here, self.most = seconds, 0, 0

    def __call__(self, ask: Ask) -> None:
        with Slow.lock:
            self.here, Slow.everywhere = self.here + 1, Slow.everywhere + 1
            self.most, Slow.most_everywhere = max(self.most, self.here), max(Slow.most_everywhere, Slow.everywhere)
        time.sleep(self.seconds)
        with Slow.lock:
            self.here, Slow.everywhere = self.here - 1, Slow.everywhere - 1
        super().__call__(ask)


def source(name, base, key, **more):
    return Source(name, "oparl", f"{base}/system", key, pause=0, ids="body/1/{class}/{key}", **more)


def heads(journal):
    return {version.iri: version.json for version in journal.heads()}


def harvested(home, chosen, progress=quiet, **options):
    with Journal(home / "journal.sqlite") as journal:
        outcomes = harvests(journal, chosen, Errand(Settings(home, BASE), lambda: AT, **options), progress)
        return outcomes, heads(journal)


def test_hosts_are_asked_side_by_side_and_each_by_one_request_at_a_time(tmp_path):
    towns = [Slow(), Slow(), Slow()]
    Slow.most_everywhere = 0
    with ExitStack() as stack:
        bases = [stack.enter_context(serving(town))[0] for town in towns]
        chosen = [source(f"town{at}", base, f"0599900{at}") for at, base in enumerate(bases)]
        chosen.insert(1, source("again", bases[0], "05999009", namespace="again"))
        seen = []
        outcomes, together = harvested(tmp_path / "together", chosen, lambda name, _: seen.append(name))
        _, alone = harvested(tmp_path / "alone", chosen[2:3])

    assert [outcome.source for outcome in outcomes] == ["town0", "again", "town1", "town2"]
    assert {outcome.exit_code for outcome in outcomes} == {0} and set(seen) == {one.name for one in chosen}
    assert [town.most for town in towns] == [1, 1, 1] and Slow.most_everywhere > 1
    assert alone.items() <= together.items() and len(together) == 4 * towns[0].size


def test_what_ends_one_walk_in_an_unexpected_way_ends_all_and_is_raised(tmp_path):
    def broken(name, count):
        if name == "town1" and count == 5:
            raise OSError("no space left on the disk")

    with serving(Slow()) as (one, _), serving(Slow()) as (two, _):
        chosen = [source("town0", one, "05999000"), source("town1", two, "05999001")]
        with pytest.raises(OSError, match="no space left"):
            harvested(tmp_path, chosen, broken)
        outcomes, _ = harvested(tmp_path, chosen)

    assert [outcome.exit_code for outcome in outcomes] == [0, 0]


def test_remarks_about_a_server_stand_with_its_own_source(tmp_path):
    def lists_again(ask: Ask) -> None:
        told = Town().told(ask.path, f"http://{ask.handler.headers['Host']}")
        ask.send(json.dumps(told | {"links": {}}).encode() if told else b"", 200 if told else 404)

    with serving(lists_again) as (one, _), serving(Slow()) as (two, _), Journal(tmp_path / "journal.sqlite") as journal:
        chosen = [source("odd", one, "05999000"), source("even", two, "05999001")]
        harvests(journal, chosen, Errand(Settings(tmp_path, BASE), lambda: AT), quiet)
        remarks = {name: journal.runs(name)[0].state["remarks"] for name in ("odd", "even")}

    assert remarks["even"] == [] and all(one in line for line in remarks["odd"]) and remarks["odd"]


def test_an_interrupt_ends_all_walks_at_once_and_the_same_command_goes_on(tmp_path):
    slow = [Slow(0.1), Slow(0.1)]
    with serving(slow[0]) as (one, asked), serving(slow[1]) as (two, _):
        for at, base in enumerate((one, two)):
            folder = tmp_path / "sources"
            folder.mkdir(exist_ok=True)
            (folder / f"town{at}.toml").write_text(
                f'kind = "oparl"\nurl = "{base}/system"\njurisdiction = "0599900{at}"\npause = 0\nids = "body/1/{{class}}/{{key}}"\n'
            )
        arguments = [sys.executable, "-m", "publisher", "harvest", "town0", "town1", "--home", str(tmp_path)]
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
        heard = signal.signal(signal.SIGINT, signal.default_int_handler)  # else it is deaf to it where these tests run in the background
        first = subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ)
        signal.signal(signal.SIGINT, heard)
        for _ in range(1000):
            if len(asked) > 3:
                break
            time.sleep(0.02)
        first.send_signal(signal.SIGINT)
        _, words = first.communicate(timeout=10)
        before = len(asked)
        for town in slow:
            town.seconds = 0
        again = subprocess.run(arguments, capture_output=True, text=True, env=environ, timeout=60, check=False)

    with Journal(tmp_path / "journal.sqlite") as journal:
        assert len(heads(journal)) == 2 * slow[0].size
    assert (first.returncode, words.startswith("Interrupted.")) == (130, True)
    assert again.returncode == 0 and {*asked[: before - 1]} & {*asked[before:]} == {"/robots.txt"}


def test_pages_that_no_walk_reads_any_more_leave_the_cache(tmp_path):
    with serving(Town(papers=35)) as (base, _):
        town = source("town", base, "05999000", options={"limit": 10})
        harvested(tmp_path, [town])
        kept = Cache(cache_folder(tmp_path, "town"))
        before = len(list(kept._all()))
        harvested(tmp_path, [town], prune=0.0)

    assert before > 5 and list(kept._all()) == []
