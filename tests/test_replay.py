"""The same town over HTTP and from files: one record, whatever way it came."""

import socket
import subprocess
import sys
import time

import pytest

from publisher import release
from publisher.config import source_of_table
from publisher.journal import Journal
from publisher.journal.reader import Reader
from publisher.pipeline.dump import dump

from .conftest import built, harvested, shared

PREFIX = "https://sdnetrim.kdvz-frechen.de/rim4220/webservice/oparl/v1.0"


@pytest.fixture
def replayed():
    crawl, tool = shared("realdata", "huertgenwald-sdnet"), shared("tools", "replay_oparl.py")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, str(tool), str(crawl), PREFIX, str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert server.stdout.readline().startswith(b"objects")
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def lines(home):
    return list(dump(Reader(home, release.current(home).number), "nquads"))


def test_a_town_harvested_over_http_and_from_files_is_the_same_dump(crawl_home, tmp_path, replayed):
    table = {"name": "live", "kind": "oparl", "url": f"{replayed}/system", "jurisdiction": "05358016", "pause": 0}

    outcome = harvested(tmp_path, source_of_table(table, "test"))
    built(tmp_path)
    seq = Journal(tmp_path / "journal.sqlite").last_seq()
    again = harvested(tmp_path, source_of_table(table, "test"))

    over_http = sorted(line.replace(replayed.encode(), PREFIX.encode()) for line in lines(tmp_path))
    assert (outcome.failure, outcome.refusals, outcome.whole) == ("", [], True)
    assert over_http == sorted(lines(crawl_home))
    assert Journal(tmp_path / "journal.sqlite").last_seq() == seq
    assert again.failure == ""
    assert not any(counter["new"] or counter["changed"] or counter["withdrawn"] for counter in again.counts.values())
