"""A reduced round of every attack; `make proof` runs the long one."""

import importlib.util
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bench.proof import attack_harvest, attack_web, attacks, guided, redos
from bench.proof.attack_web import Target
from bench.proof.service import serving
from bench.proof.targets import TARGETS
from publisher.errors import LimitMet, QueryRefused
from publisher.fetch.guard import is_public
from publisher.store.gate import checked
from publisher.store.textsearch import rewritten

SERVER_LOG = "server.log"
led = pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="atheris is not installed: pip install '.[attack]'")


@pytest.fixture(scope="module")
def attacked() -> Iterator[tuple[Target, Path]]:
    """A server with a town full of hostile texts; and the folder of its home and log."""
    with tempfile.TemporaryDirectory() as folder:
        home = attack_web.planted(Path(folder))
        with serving(home, "--workers", 1, "--proxies", 1, log=Path(folder) / SERVER_LOG) as (port, _):
            yield attack_web.target(port, home), Path(folder)


@pytest.mark.parametrize("attack", attack_web.ATTACKS, ids=lambda attack: attack.__name__)
def test_an_attack_on_the_web_side_is_withstood(attacked, attack):
    row = attack(attacked[0], short=True)

    assert (row.wrong, row.rounds > 10) == (0, True), row


def test_slow_clients_and_smuggled_requests_end_at_the_front_servers(attacked):
    for row in attacks.fronts(*attacked, short=True):
        assert row.wrong == 0, row


def test_the_log_of_an_attacked_server_tells_nothing_from_inside(attacked):
    target, folder = attacked

    assert attacks.unsaid(target.home, folder / SERVER_LOG).wrong == 0


@pytest.mark.parametrize("attack", attack_harvest.ATTACKS, ids=lambda attack: attack.__name__)
def test_an_attack_by_a_source_is_withstood(attack):
    row = attack(True)

    assert (row.wrong, row.rounds > 1) == (0, True), row


def test_no_regular_expression_takes_longer_than_its_text_grows():
    assert [(pattern.where, text[:80]) for pattern, _, text in redos.slow(2_000)] == []


@pytest.mark.parametrize("expression", [r"(a+)+$", r"\s*x", r"(a|aa)+b", r"\w*ung\b"])
def test_a_slow_expression_is_found(expression):
    pattern = redos.Pattern("here", redos.re.compile(expression), ("fullmatch", "search"))

    assert redos.found_slow(pattern, 8_000)


@pytest.mark.parametrize("name", TARGETS)
def test_what_fuzzing_begins_with_keeps_each_promise(name):
    target = TARGETS[name]
    seeds = [seed for seed in target.seeds() if name != "queries" or b"SERVICE" not in seed.upper()]

    assert len(seeds) > 0
    for seed in (*seeds, b"", b"\x00", b"\xff\xfe<"):
        target.judged(seed)


@led
@pytest.mark.parametrize("name", TARGETS)
def test_fuzzing_led_by_coverage_breaks_no_promise(name, tmp_path):
    row = guided.fuzzed(guided.TARGETS, name, 60, tmp_path, times=200)

    assert row.wrong == 0, row


@led
def test_fuzzing_led_by_coverage_finds_a_fault_that_chance_would_not(tmp_path):
    row = guided.fuzzed("tests.planted", "planted", 60, tmp_path)

    assert (row.wrong, row.outcome.partition(";")[0]) == (1, "AssertionError: planted")
    assert [path.read_bytes()[:4] for path in tmp_path.glob("crash-*")] == [b"Rat!"]


HEAVY = [
    "ASK { SERVICE" + ":" * 99_000,
    "ASK{" + "SERVICE:" * 12_000,
    "ASK{ SERVICE:" + "#" * 99_000,
    "ASK{" + "SERVICE #" * 11_000,
    "ASK{" + "SERVICE:" * 199 + "#" * 90_000,
    "ASK{} #matches" + "#PREFIX" * 14_000,
    "ASK {" + "oparlx:matches " * 6_000,
    "ASK {" + "<" * 19_000 + " SERVICE:x {",
]


@pytest.mark.parametrize("text", HEAVY, ids=range(len(HEAVY)))
def test_a_query_made_to_hold_a_thread_is_looked_at_within_a_second(text):
    begin = time.process_time()

    with suppress(QueryRefused, LimitMet):
        rewritten(checked(text), lambda _words, _limit: ([], 0))

    assert time.process_time() - begin < 1


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("64:ff9b::808:808", True),
        ("64:ff9b::7f00:1", False),
        ("2002:808:808::1", True),
        ("2002:a00:1::1", False),
        ("fec0::1", False),
        ("::7f00:1", False),
    ],
)
def test_an_ipv6_address_is_judged_by_where_it_leads(address, public):
    assert is_public(address) is public
