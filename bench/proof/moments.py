"""Random moments: commands and the server die at any time, again and again on one instance; and clocks that are wrong."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from bench.proof import Row
from bench.proof.instance import DAYS, command, first_day, forked, harvest, second_day, state, whole, written
from bench.proof.kills import told
from publisher import release
from publisher.journal.reader import Reader
from tests.town import BASE, KEY, paper

ACTS = ("harvest", "build", "switch", "serve")
PATHS = (f"/id/{KEY}", f"/eli/dl/{KEY}/vorlage/1", f"/eli/dl/{KEY}/vorlage/1.ttl", f"/id/{KEY}/paper")


def rows(folder: Path, _made: dict[str, Path], short: bool) -> Iterator[Row]:
    """Yield a row an act that is killed at random, and one of wrong clocks."""
    if not short:
        yield from killed_at_random(folder / "random", 100)
    yield wrong_clocks(folder / "clocks", short)


def alarm(seconds: float) -> None:
    """Let this process end without another instruction after so many seconds."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def killed_at_random(folder: Path, rounds: int) -> Iterator[Row]:
    """Yield a row an act. One instance goes through all rounds; at the end it must hold what an undisturbed one holds."""
    source, home, random = folder / "source", folder / "home", Random(20211117)
    for words in (harvest(written(source, first_day())), ("build",), ("build", "--full")):
        assert command(home, *words, at=DAYS[0]).code == 0
    wrong: dict[str, dict[Any, list[str]]] = {act: {} for act in ACTS}
    times = dict.fromkeys(ACTS, 0)
    took = {"harvest": 0.5, "build": 2.5, "switch": 0.1}
    for number in range(rounds):
        act = ACTS[number % len(ACTS)]
        written(source, second_day(more=4 + number // 8))
        words = {"harvest": harvest(source), "build": ("build", "--force"), "switch": ("rollback",)}.get(act, ())
        if words:
            begun = time.monotonic()
            ran = command(home, *words, at=DAYS[1], first=lambda act=act: alarm(random.uniform(0, 1.3 * took[act])))
            took[act] = max(took[act], time.monotonic() - begun) if ran.code == 0 else took[act]
            found = [] if ran.code in (0, -signal.SIGALRM) or "no older release" in ran.said else [ran.said[-300:]]
            random.random()
        else:
            found = killed_server(home, random.uniform(0, 1.5))
        seen = forked(lambda: (whole(home), state(home)))
        found += [seen.said[-300:]] if seen.told is None else seen.told[0]
        times[act] += 1
        wrong[act] |= {number: found} if found else {}
    plain = folder / "plain"
    written(source, first_day())
    ran = [command(plain, *harvest(source), at=DAYS[0])]
    written(source, second_day(more=4 + (rounds - 1) // 8))
    ran += [command(one, *words, at=DAYS[1]) for one in (plain, home) for words in (harvest(source), ("build", "--force"))]
    both = [forked(lambda one=one: state(one)).told for one in (home, plain)]
    if any(one.code for one in ran) or None in both or both[0].dump != both[1].dump:
        wrong["build"]["at the end"] = ["does not hold what an undisturbed instance holds"]
    for act in ACTS:
        said = (
            "whole after each; at the end as undisturbed"
            if act != "serve"
            else "each answer whole and right, or none; started again at once"
        )
        yield Row(f"killed at random, {act}", times[act], len(wrong[act]), told(wrong[act], said))


def killed_server(home: Path, after: float) -> list[str]:
    """Start the server, ask it all the time, kill it after so many seconds, start it again; return what was wrong."""
    reader = forked(lambda: release.current(home).number)  # type: ignore[union-attr]
    wrong = [] if reader.told else ["no release"]
    for kill in (True, False):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        words = [sys.executable, "-m", "publisher", "serve", "--workers", "1", "--port", str(port), "--home", str(home)]
        server = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            wrong += _until_ready(port)
            asking = os.fork()
            if not asking:
                os._exit(_asked(port, after + 0.5 if kill else 0.2))
            if kill:
                time.sleep(after)
                os.killpg(server.pid, signal.SIGKILL)
            if os.waitstatus_to_exitcode(os.waitpid(asking, 0)[1]):
                wrong.append("a wrong answer")
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()
    return wrong


def _until_ready(port: int) -> list[str]:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if _answer(port, "/health/ready")[0] == 200:
            return []
        time.sleep(0.05)
    return ["the server does not come up"]


def _answer(port: int, path: str) -> tuple[int, bytes]:
    """Return status and whole body, 0 if there is no whole answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers={"Host": BASE.removeprefix("https://")})
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException):
        return 0, b""
    finally:
        connection.close()


def _asked(port: int, seconds: float) -> int:
    """Ask for so long; return 1 if an answer was neither the same as ever, nor none."""
    until, known = time.monotonic() + seconds, dict[str, bytes]()
    while time.monotonic() < until:
        for path in PATHS:
            status, body = _answer(port, path)
            if status not in (0, 200) or (status and known.setdefault(path, body) != body):
                return 1
    return 0


def wrong_clocks(folder: Path, short: bool) -> Row:
    """Return the row of harvests at times that jump: a day back, ten years on, twice the same; order and content do not depend on it."""
    source, wrong = folder / "source", {}
    right = ("2026-11-01T10:00:00+00:00", "2026-11-02T10:00:00+00:00", "2026-11-03T10:00:00+00:00", "2026-11-04T10:00:00+00:00")
    jumping = ("2026-11-01T10:00:00+00:00", "2026-10-31T10:00:00+00:00", "2036-11-01T10:00:00+00:00", "2036-11-01T10:00:00+00:00")
    found: dict[str, Any] = {}
    for name, times in (("right", right), ("jumping", jumping), ("standing", right[:1] * 4))[: 2 if short else 3]:
        home = folder / name
        for number, at in enumerate(times[: 2 if short else 4]):
            written(source, [*first_day(), paper(20, name=f"Fassung {number}")])
            for words in (harvest(source), ("build",)):
                ran = command(home, *words, at=at)
                if ran.code:
                    wrong[f"{name} {number}"] = [ran.said[-300:]]
        found[name] = forked(lambda home=home: (state(home).dump, _order(home))).told
    wrong |= {name: ["content or order differ"] for name in found if found[name] != found["right"] or found[name] is None}
    return Row(
        "wrong clocks", 4 if short else 3 * len(right), len(wrong), told(wrong, "same content, same order of the stream and of versions")
    )


def _order(home: Path) -> list[tuple[int, str, str, bytes]]:
    served = release.current(home)
    assert served is not None
    return [(event.seq, event.iri, event.kind, event.json) for event in Reader(home, served.number).events(0, 1000)]
