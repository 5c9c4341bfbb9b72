"""Long queries are read in a process of low priority: what it tells is what the gate tells here, and its end is nobody else's."""

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict

import pytest

from publisher.errors import LimitMet, QueryRefused
from publisher.store.aside import LOWER, Aside
from publisher.store.gate import checked
from publisher.store.limits import Limits
from publisher.store.textsearch import searches

TRAP = f"ASK {{ FILTER({'1<2 || ' * 13_000}true # from service\n) }}"
SEARCH = 'PREFIX x: <https://w3id.org/oparl-ld/ns#> SELECT * { ?a x:matches ("Straße" ?s 5) . ?b a ?c }' + " #" * 5_000


@pytest.fixture
def aside() -> Iterator[Aside]:
    found = Aside(Limits())
    yield found
    found.close()


@pytest.mark.parametrize("text", [TRAP, SEARCH, "SELECT ?from FROM <urn:ü> { ?from ?a (NOW()) }", "CONSTRUCT { ?a ?b 'ä\n' } { ?a ?b ?c }"])
def test_a_text_read_aside_is_the_same_query(aside, text):
    assert aside.checked(text) == checked(text)
    assert aside.searches(text) == searches(text)


@pytest.mark.parametrize("text", ["DROP ALL", "no query", "SELECT * { SERVICE <urn:x> { ?a ?b ?c } }"])
def test_a_text_refused_aside_is_refused_in_the_same_words(aside, text):
    with pytest.raises(QueryRefused) as here:
        checked(text)
    with pytest.raises(QueryRefused) as there:
        aside.checked(text)

    assert (str(there.value), there.value.status) == (str(here.value), here.value.status)


def spent(read) -> float:
    """Return the seconds of processor that this process spends on reading the trap five times."""
    begin = time.process_time()
    for _ in range(5):
        read(TRAP)
    return time.process_time() - begin


def test_a_long_text_costs_this_process_a_fraction_of_reading_it_and_is_read_at_low_priority(aside):
    aside.checked(TRAP)  # starts the process

    assert spent(aside.checked) < spent(checked) / 4
    assert os.getpriority(os.PRIO_PROCESS, aside._line.process.pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + LOWER)


def test_a_reading_process_that_was_killed_costs_one_answer():
    aside = Aside(Limits())
    aside.checked("ASK {}")
    aside._line.process.kill()

    with pytest.raises(LimitMet):
        aside.checked("ASK {}")

    assert aside.checked("ASK {}").form == "ASK"
    aside.close()


def test_more_long_texts_than_may_wait_are_told_to_come_later():
    aside, told = Aside(Limits(**asdict(Limits()) | {"reading": 2})), []

    def ask() -> None:
        try:
            told.append(aside.checked(TRAP).form)
        except LimitMet as limit:
            told.append(limit.limit)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    aside.close()

    assert sorted(told) == ["ASK"] * 2 + ["workers"] * 6
