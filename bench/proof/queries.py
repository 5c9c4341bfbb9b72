"""Hostile queries against a served town, and what others notice of it: `python -m bench.proof.queries [--seconds 600] [--papers 2000]`.

Each attacker comes from an address of its own, so no client's purse stops it; what must hold is the pool. Meanwhile a client asks for
documents at a steady pace, before and under fire. Attackers take what others leave: those on other machines would take no processor here.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from bench.proof import Row
from bench.proof.service import serving
from publisher.store.limits import Limits
from publisher.store.worker import LOWEST, stand_back
from tests.town import KEY, objects, published

PACE = 0.01  # seconds between two requests for documents
PATIENCE = 60.0
FORM = "application/x-www-form-urlencoded"
CROSS = "?a ?b ?c . ?d ?e ?f . ?g ?h ?i"
HONEST = {200, 400, 403, 413, 422, 429, 503}


class Attack(NamedTuple):
    """A way to hurt: its name, how many do it at once, and what one does once; it returns the outcome in a word."""

    name: str
    crowd: int
    act: Callable[[int, str], str]


def posted(query: str) -> Callable[[int, str], str]:
    """Return an attack that asks one query and reads the whole answer."""
    return lambda port, address: asked(port, address, query)


def asked(port: int, address: str, query: str) -> str:
    """Ask as a client of an address; return the status with the limit named, or what is wrong with the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("POST", "/sparql", urlencode({"query": query}), {"Content-Type": FORM, "X-Forwarded-For": address})
        answer = connection.getresponse()
        status, body = answer.status, answer.read()
    except (BrokenPipeError, ConnectionResetError):
        return "closed by the server" if len(query) > 300_000 else "WRONG closed"
    except (OSError, http.client.HTTPException) as error:
        return f"WRONG {type(error).__name__}"
    finally:
        connection.close()
    try:
        told = json.loads(body)
    except ValueError:
        return f"WRONG {status} that is not whole"
    return f"{status} {told.get('limit', '')}".strip() if status in HONEST else f"WRONG {status}"


def slow_reader(port: int, address: str) -> str:
    """Ask for much and read a kilobyte a second for ten seconds."""
    query = urlencode({"query": f"SELECT ?a ?c ?f {{ ?a ?b ?c . ?d ?e ?f }} LIMIT 200000 # {address}", "format": "csv"})
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as line:
        line.sendall(f"GET /sparql?{query} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {address}\r\n\r\n".encode())
        head = line.recv(1024)
        for _ in range(10):
            time.sleep(1)
            if not line.recv(1024):
                break
    return head[9:12].decode() or "WRONG closed"


def slow_sender(port: int, address: str) -> str:
    """Announce a query and send a byte of it a second, for ten seconds."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as line:
        head = f"POST /sparql HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {address}\r\nContent-Type: {FORM}\r\nContent-Length: 1000\r\n\r\n"
        line.sendall(head.encode())
        for _ in range(10):
            line.sendall(b"q")
            time.sleep(1)
    return "given up by the sender"


TRAP = "1<2 || " * 12_000 + "true # from service"
ATTACKS = (
    Attack("cross join, sorted", 2, posted(f"SELECT * {{ {CROSS} }} ORDER BY ?c ?f ?i")),
    Attack("cross join, counted", 1, posted(f"SELECT (COUNT(*) AS ?n) {{ {CROSS} }}")),
    Attack("exponential path", 2, posted("SELECT (COUNT(*) AS ?n) { ?a (!<urn:x>|^!<urn:x>)* ?b . ?b (!<urn:x>|^!<urn:x>)* ?c }")),
    Attack("huge regex", 2, posted(f"SELECT * {{ {CROSS} FILTER(REGEX(CONCAT(STR(?c), STR(?f)), '^((.?){{80}}){{8}}x$')) }}")),
    Attack("all in one string", 1, posted(f"SELECT (GROUP_CONCAT(?c) AS ?x) {{ {CROSS} }}")),
    Attack("a million rows", 1, posted("SELECT * { ?a ?b ?c . ?d ?e ?f }")),
    Attack("nested 5,000 deep", 1, posted("ASK { " + "{" * 5_000 + "}" * 5_000 + " }")),
    Attack("5,000 columns", 1, posted("SELECT " + " ".join(f"(?a AS ?a{n})" for n in range(5_000)) + " { ?a ?b ?c . ?d ?e ?f }")),
    Attack("1 MB of query", 1, posted(f"ASK {{ VALUES ?x {{ {'1 ' * 500_000} }} }}")),
    Attack("90 kB of query", 1, posted(f"ASK {{ VALUES ?x {{ {'1 ' * 45_000} }} }}")),
    Attack("text made for the gate", 2, posted(f"ASK {{ FILTER({TRAP}) }}")),
    Attack("update, SERVICE, LOAD", 1, posted("SELECT * { SERVICE <http://127.0.0.1:1/> { ?a ?b ?c } }")),
    Attack("flood of small queries", 2, posted("SELECT ?p { ?p a <https://schema.oparl.org/1.1/Paper> } LIMIT 10")),
    Attack("slow reader", 6, slow_reader),
    Attack("slow sender", 6, slow_sender),
)  # fmt: skip


def crowd(port: int, seconds: float, told: Any) -> None:
    """Attack from many threads until `seconds` are over; send (name, outcome) -> how often."""
    stand_back(0, LOWEST)
    outcomes: Counter[tuple[str, str]] = Counter()
    end, numbers = time.monotonic() + seconds, count()

    def one(attack: Attack) -> None:
        while time.monotonic() < end:
            number = next(numbers)
            try:
                outcomes[attack.name, attack.act(port, f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")] += 1
            except OSError as error:
                outcomes[attack.name, f"WRONG {type(error).__name__}"] += 1

    threads = [threading.Thread(target=one, args=(attack,)) for attack in ATTACKS for _ in range(attack.crowd)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told.put(dict(outcomes))


def documents(port: int, seconds: float) -> list[float]:
    """Return the sorted milliseconds in which documents came that were asked for at a steady pace, each from when it was due.

    Who asks stands for one on another machine, who has a processor when an answer comes: it goes before all others where it may.
    """
    try:
        with suppress(AttributeError, PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        return _asked_steadily(port, seconds)
    finally:
        with suppress(AttributeError, PermissionError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _asked_steadily(port: int, seconds: float) -> list[float]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    found, due, end = [], time.monotonic(), time.monotonic() + seconds
    for number in count():
        due += PACE
        if due > end:
            return sorted(found)
        time.sleep(max(0.0, due - time.monotonic()))
        connection.request("GET", f"/eli/dl/{KEY}/vorlage/{number % 50 + 1}", headers={"Accept": "application/ld+json"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, answer.status
        found.append((time.monotonic() - due) * 1000)
    return []


def loops() -> Iterator[multiprocessing.Process]:
    """Yield what stands for busy queries without being any: endless loops that stand back as queries do, one for each place in the pool."""
    for _ in range(2 * Limits().workers):
        loop = multiprocessing.Process(target=spin, daemon=True)
        loop.start()
        yield loop


def spin() -> None:
    stand_back(0, LOWEST)
    while True:
        pass


def beside_loops(port: int, seconds: float) -> list[float]:
    """Return what `documents` returns on a machine that is busy with something else: what its system makes of that, not we."""
    busy = list(loops())
    try:
        return documents(port, seconds)
    finally:
        for loop in busy:
            loop.kill()
            loop.join()


def percentile(sorted_: list[float], share: float) -> float:
    return sorted_[int(len(sorted_) * share)]


def fire(home: Path, seconds: float) -> Iterator[Row]:
    """Yield a row for each attack, and one for the documents meanwhile: wrong if their p99 is more than twice the calm one."""
    told: Any = multiprocessing.Queue()
    with serving(home, "--proxies", "1") as (port, _):
        documents(port, 1)
        calm = documents(port, max(5.0, min(60.0, seconds / 5)))
        busy = beside_loops(port, max(3.0, min(30.0, seconds / 10)))
        attackers = multiprocessing.Process(target=crowd, args=(port, seconds, told))
        attackers.start()
        hot = documents(port, seconds)
        outcomes: dict[tuple[str, str], int] = told.get(timeout=3 * PATIENCE)
        attackers.join()
        again = asked(port, "10.255.0.1", "ASK { ?a ?b ?c }")
    for attack in ATTACKS:
        mine = {outcome: times for (name, outcome), times in sorted(outcomes.items()) if name == attack.name}
        wrong = sum(times for outcome, times in mine.items() if outcome.startswith("WRONG"))
        yield Row(attack.name, sum(mine.values()), wrong, ", ".join(f"{outcome}: {times}" for outcome, times in mine.items()))
    ratio = percentile(hot, 0.99) / percentile(calm, 0.99)
    words = ", ".join(
        f"{name}: median {percentile(found, 0.5):.1f} ms, p99 {percentile(found, 0.99):.1f} ms"
        for name, found in (("calm", calm), ("beside endless loops", busy), ("under fire", hot))
    )
    yield Row("documents meanwhile", len(hot), int(ratio > 2), f"{words}, {ratio:.1f} times")
    yield Row("a query afterwards", 1, int(again != "200"), again)


def rows(short: bool, seconds: float = 0.0, papers: int = 0) -> Iterator[Row]:
    """Yield the rows: of fifteen seconds on a small town in short, else of ten minutes."""
    with tempfile.TemporaryDirectory() as folder:
        home = published(Path(folder) / "home", objects(papers or (100 if short else 2000)))
        yield from fire(home, seconds or (15 if short else 600))


def main() -> None:
    """Run and print the table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=600)
    options.add_argument("--papers", type=int, default=2000)
    chosen = options.parse_args()
    print("| attack | times | wrong | outcomes |\n|---|---:|---:|---|")
    for row in rows(False, chosen.seconds, chosen.papers):
        print(f"| {row.what} | {row.rounds:,} | {row.wrong:,} | {row.outcome} |", flush=True)


if __name__ == "__main__":
    main()
