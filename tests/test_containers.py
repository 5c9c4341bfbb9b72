"""The compose file's steps, executed on this machine in the order in which its head tells them: no container engine runs here."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "docs" / "deploy"
FILES = ((DEPLOY / "compose.yaml").read_text("utf-8"), (DEPLOY / "Containerfile").read_text("utf-8"))
GRACE = 10  # seconds that an engine waits after SIGTERM


class Machine(NamedTuple):
    """What stands in for an engine: the folder for each path of the container, the port for the one inside, the image and the services."""

    place: Path
    port: int
    image: dict[str, Any]
    services: dict[str, Any]

    def here(self, word: str, service: str) -> str:
        """Return a word of a command or setting with its paths, its port and its address as they are on this machine."""
        for path in (*self.volumes(service), "/opt/publisher"):
            word = re.sub(rf"(?<![\w/]){path}(?![\w-])", f"{self.place}{path}", word)
        return re.sub(r"\b8000\b", str(self.port), word).replace("0.0.0.0", "127.0.0.1")

    def volumes(self, service: str) -> list[str]:
        return [told.split(":")[1] for told in self.services[service]["volumes"]]

    def environ(self, service: str) -> dict[str, str]:
        """Return all that a process of the container finds in its environment; nothing of this machine's."""
        told = self.image["environ"] | self.services[service].get("environment", {})
        shared = {"PATH": os.environ["PATH"], "HOME": f"{self.place}/var/lib/publisher", "TMPDIR": f"{self.place}/tmp"}
        return shared | {key: self.here(str(value), service) for key, value in told.items()}

    def call(self, service: str, words: list[str]) -> list[str]:
        assert self.services[service]["image"] == "publisher"
        return [
            self.here(word, service)
            for word in (*self.image["entry"], *(words or self.services[service].get("command", self.image["cmd"])))
        ]

    def run(self, service: str, words: list[str]) -> subprocess.CompletedProcess[str]:
        folder, environ = self.place / "work", self.environ(service)
        return subprocess.run(self.call(service, words), cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False)

    def healthy(self) -> bool:
        call = [self.here(word, "serve") for word in self.image["health"]]
        return (
            subprocess.run(
                call, cwd=self.place / "work", env=self.environ("serve"), capture_output=True, timeout=30, check=False
            ).returncode
            == 0
        )

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def image(recipe: str) -> dict[str, Any]:
    """Return what the last stage of a Containerfile sets for whoever runs it."""
    stage = recipe.rpartition("\nFROM ")[2]
    entry, cmd, health = (json.loads(re.search(rf"(?m)^{key} (\[.*\])$", stage)[1]) for key in ("ENTRYPOINT", "CMD", r"HEALTHCHECK .*?CMD"))
    environ = dict(word.split("=", 1) for line in re.findall(r"(?m)^ENV (.*)$", stage) for word in shlex.split(line))
    return {"entry": entry, "cmd": cmd, "health": health, "environ": environ}


def machine(compose: str, recipe: str, place: Path) -> Machine:
    """Lay out the folders, the package's programs, and the sample as the council's source."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        made = Machine(place, probe.getsockname()[1], image(recipe), yaml.safe_load(compose)["services"])
    for name in ("opt/publisher/bin", "var/lib/publisher/sources", "tmp", "work"):
        (place / name).mkdir(parents=True)
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    starts = {name: f" -c 'import sys; from {told.replace(':', ' import ')} as main; sys.exit(main())'" for name, told in scripts.items()}
    for name, start in ({"python": ""} | starts).items():
        program = place / "opt/publisher/bin" / name
        program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable}{start} "$@"\n', "utf-8")
        program.chmod(0o755)
    told = (ROOT / "data" / "sample" / "source.toml").read_text("utf-8")
    (place / "var/lib/publisher/sources/council.toml").write_text(f'url = "{ROOT / "data" / "sample"}"\n{told}', "utf-8")
    return made


def steps(compose: str) -> list[list[str]]:
    """Return the calls of `docker compose` in the head of the file, without what all begin with."""
    lines = re.findall(r"(?m)^# +docker compose -f docs/deploy/compose\.yaml (.*)$", compose)
    return [shlex.split(line, comments=True) for line in lines]


def executed(compose: str, recipe: str, place: Path) -> list[str]:
    """Execute every step; return what each said. AssertionError names the one that failed."""
    on, said, running = machine(compose, recipe, place), [], None
    try:
        for step in steps(compose):
            if step[0] == "up":
                running = _started(on, "serve")
                continue
            assert step[:2] == ["run", "--rm"], step
            ran = on.run(step[2], step[3:])
            assert ran.returncode == 0, (step, ran.stdout, ran.stderr)
            said.append(ran.stdout)
        assert running is not None and on.healthy(), "nothing serves in the end"
        said.append(urllib.request.urlopen(f"http://127.0.0.1:{on.port}/health", timeout=10).read().decode())
        running.send_signal(signal.SIGTERM)
        assert running.wait(GRACE) == 0
        assert list((place / "work").iterdir()) == [], "the container's own disk is read-only"
        return said
    finally:
        if running is not None and running.poll() is None:
            running.kill()
            running.wait()


def _started(on: Machine, service: str) -> subprocess.Popen[bytes]:
    """Start a service that stays; it must listen and then be found healthy, and must not have been before."""
    assert not on.healthy()
    with (on.place / "log").open("wb") as log:
        running = subprocess.Popen(on.call(service, []), cwd=on.place / "work", env=on.environ(service), stdout=log, stderr=log)
    end = time.monotonic() + 60
    while not on.listens() and running.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
    if not on.healthy():
        running.kill()
        running.wait()
        raise AssertionError(f"{service} is not healthy: {(on.place / 'log').read_text('utf-8')}")
    return running


def test_the_steps_of_the_compose_file_end_with_a_service_that_is_healthy_and_updates(tmp_path):
    compose, recipe = FILES

    harvest, build, update, health = executed(compose, recipe, tmp_path)

    assert [step[0] for step in steps(compose)] == ["run", "run", "up", "run"]
    assert re.search(r"(?m)^  Paper +41 +41 ", harvest)
    assert build.startswith("release 1 in service")
    assert update.endswith("nothing new; release 1 stays in service\n")
    assert json.loads(health)["release"] == 1


def test_the_services_find_each_other_and_the_home_is_a_volume():
    compose, recipe = FILES
    services = yaml.safe_load(compose)["services"]
    name, port = services["front"]["environment"]["PUBLISHER_UPSTREAM"].split(":")

    assert port in services[name]["expose"]
    assert re.findall(r"(?m)^EXPOSE (\d+)$", recipe) == [port]
    assert image(recipe)["cmd"][1:] == ["--host", "0.0.0.0", "--port", port]
    for service in ("serve", "update"):
        assert image(recipe)["environ"]["PUBLISHER_HOME"] in [told.split(":")[1] for told in services[service]["volumes"]]


WRONG = {
    "a source that is nowhere": (0, "sources/council.toml", "source/council.toml"),
    "a command that is none": (0, "update build", "update bild"),
    "an address that is none": (0, "PUBLISHER_BASE: https://", "PUBLISHER_BASE: "),
    "a timer's command that is none": (0, "command: [update]", "command: [refresh]"),
    "a program that is not in the package": (1, 'ENTRYPOINT ["/opt/publisher/bin/publisher"]', 'ENTRYPOINT ["/opt/publisher/bin/publish"]'),
    "an option that is none": (1, '"--host", "0.0.0.0"', '"--bind", "0.0.0.0"'),
    "health asked at the wrong port": (1, "127.0.0.1:8000/health", "127.0.0.1:8001/health"),
    "health asked at the wrong address": (1, ":8000/health", ":8000/healthy"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_step_is_found(wrong, tmp_path):
    files, (which, right, instead) = list(FILES), WRONG[wrong]
    assert right in files[which]
    files[which] = files[which].replace(right, instead)

    with pytest.raises((AssertionError, FileNotFoundError)):
        executed(*files, tmp_path)
