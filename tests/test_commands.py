"""The command line as a user meets it: real processes, exit codes, clear errors, and nothing lost when one is killed."""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from publisher import release
from publisher.cli import main
from publisher.journal import Journal
from publisher.journal.reader import Reader
from publisher.pipeline.dump import dump

from .objects import PAPER, TOMBSTONE, TOWN, obj

BASE = "https://ris.example.org"


def publisher(*arguments: object, home: Path | None = None, **environ: str) -> subprocess.CompletedProcess[str]:
    options = ["--home", str(home)] if home else []
    return subprocess.run(
        [sys.executable, "-m", "publisher", *map(str, arguments), *options],
        capture_output=True,
        text=True,
        timeout=180,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), **environ},
        check=False,
    )


def harvest(folder: Path, home: Path, *more: str) -> subprocess.CompletedProcess[str]:
    arguments = ("--kind", "oparl-files", "--url", folder, "--jurisdiction", "05999004", "--name", "town")
    return publisher("harvest", *arguments, *more, home=home)


def many(count: int) -> dict[str, list[dict[str, object]]]:
    return {
        **TOWN,
        "paper": [
            PAPER,
            TOMBSTONE,
            *(obj("Paper", f"body/1/paper/{number}", name=f"Vorlage {number}") for number in range(10, 10 + count)),
        ],
    }


def test_harvest_prints_each_class_and_ends_with_0(tmp_path, town):
    ran = harvest(town(**TOWN), tmp_path / "home", "--base", BASE)

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.split()[:7] == ["town", "seen", "new", "changed", "unchanged", "withdrawn", "refused"]
    assert "Paper                     2          2          0          0          0          0" in ran.stdout


def test_a_refused_record_is_one_line_and_exit_code_1_and_the_rest_goes_on(tmp_path, town):
    folder = town(**TOWN)
    (folder / "broken.json").write_text("<html>Wartung</html>", "utf-8")
    (folder / "strange.json").write_text(
        json.dumps([{"id": "https://x.example/1", "type": "https://schema.oparl.org/1.1/Spaceship"}]), "utf-8"
    )

    ran = harvest(folder, tmp_path / "home")

    assert ran.returncode == 1
    refused = [line for line in ran.stderr.splitlines() if line.startswith("refused: ")]
    assert any("broken.json" in line for line in refused)
    assert any("Spaceship" in line for line in refused)
    assert Journal(tmp_path / "home" / "journal.sqlite").last_seq() == 7


@pytest.mark.parametrize("what", ["missing", "empty"])
def test_a_source_without_anything_is_exit_code_2_and_says_what_was_expected(tmp_path, what):
    folder = tmp_path / what
    if what == "empty":
        folder.mkdir()

    ran = harvest(folder, tmp_path / "home")

    assert ran.returncode == 2
    assert str(folder) in ran.stderr
    assert "expected" in ran.stderr


def test_wrong_settings_are_refused_with_a_sentence_and_change_nothing(tmp_path, town):
    home = tmp_path / "home"
    harvest(town(**TOWN), home, "--base", BASE)
    before = Journal(home / "journal.sqlite").last_seq()

    other_base = harvest(town(**TOWN), home, "--base", "https://other.example")
    no_source = publisher("harvest", "nowhere", home=home)
    not_described = publisher("harvest", "--kind", "oparl", home=home)
    outside = harvest(town(**TOWN), home, "--name", "../outside")
    wrong_key = publisher("harvest", "--kind", "oparl", "--url", "x", "--jurisdiction", "99", home=home)

    assert [ran.returncode for ran in (other_base, no_source, not_described, wrong_key)] == [2, 2, 2, 2]
    assert "--rebase" in other_base.stderr
    assert "nowhere" in no_source.stderr
    assert "--url" in not_described.stderr
    assert "12 digits" in wrong_key.stderr
    assert (outside.returncode, "without '/'" in outside.stderr) == (2, True)
    assert Journal(home / "journal.sqlite").last_seq() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_home_is_a_clear_error(tmp_path, town):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)

    ran = harvest(town(**TOWN), locked / "home")

    assert ran.returncode == 2
    assert "can be written" in ran.stderr


def test_a_home_that_is_a_file_is_a_clear_error(tmp_path, town):
    (tmp_path / "file").write_text("")

    ran = harvest(town(**TOWN), tmp_path / "file")

    assert ran.returncode == 2
    assert "can be written" in ran.stderr


def test_a_port_in_use_is_a_clear_error(tmp_path, town):
    home = tmp_path / "home"
    harvest(town(**TOWN), home)
    publisher("build", home=home)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        ran = publisher("serve", "--port", taken.getsockname()[1], home=home)

    assert ran.returncode == 2
    assert "--port" in ran.stderr


def test_commands_before_the_first_release_say_what_to_do(tmp_path):
    for command in (["serve"], ["status"], ["dump", "nquads"]):
        ran = publisher(*command, home=tmp_path / "home")
        assert (ran.returncode, "publisher build" in ran.stderr) == (2, True), command


def test_build_update_dump_status_and_rollback_do_what_they_say(tmp_path, town):
    home = tmp_path / "home"
    harvest(town(**TOWN), home, "--base", BASE)

    assert re.search(r"^source \w+ \(oparl-files, .*: whole at 20", publisher("status", home=home).stdout), "told before the first release"
    assert json.loads(publisher("status", "--json", home=home).stdout)["release"] is None
    assert "release 1 in service: 7 records changed" in publisher("build", home=home).stdout
    assert "nothing new" in publisher("build", home=home).stdout
    first = publisher("dump", "nquads", home=home).stdout
    town(paper=[{**PAPER, "name": "Neu"}])
    updated = publisher("update", home=home)
    assert "release 2 in service" in updated.stdout
    assert publisher("dump", "nquads", home=home).stdout != first
    assert json.loads(publisher("status", "--json", home=home).stdout)["counts"]["Body"] == [1, 0]
    publisher("rollback", home=home)
    assert publisher("dump", "nquads", home=home).stdout == first


def test_forget_leaves_nothing_behind_in_a_small_town_and_names_the_records_that_hold_a_copy(tmp_path, town):
    home, person = tmp_path / "home", f"{BASE}/id/05999004/person/1"
    file = {**PAPER["mainFile"], "name": "Geheimwort"}
    harvest(town(**TOWN), home, "--base", BASE)
    publisher("build", home=home)
    alone = {key: value for key, value in PAPER.items() if key != "mainFile"}
    town(person=[{**TOWN["person"][0], "web": "https://ris.talheim.example/geheim"}], paper=[alone, TOMBSTONE], file=[file])
    publisher("update", home=home)

    ran = publisher("forget", person, home=home)
    copied = publisher("forget", f"{BASE}/id/05999004/file/1", home=home)

    assert (ran.returncode, "still there" in ran.stderr) == (0, False)
    assert f"still there: {BASE}/eli/dl/05999004/vorlage/1" in copied.stderr
    assert json.loads(publisher("status", "--json", home=home).stdout)["counts"]["Person"] == [0, 1]
    assert [path for path in home.glob("*.sqlite*") if b"example/geheim" in path.read_bytes()] == []


def test_a_move_to_what_is_no_address_is_refused(tmp_path, town):
    harvest(town(**TOWN), tmp_path / "home", "--base", BASE)

    ran = publisher("build", "--rebase", "neu.example.org", home=tmp_path / "home")
    publisher("build", "--rebase", "https://neu.example.org/ris/", home=tmp_path / "home")

    assert (ran.returncode, "expected an http(s) address" in ran.stderr) == (2, True)
    assert "base https://neu.example.org/ris\n" in publisher("status", home=tmp_path / "home").stdout


def test_a_dump_to_a_place_that_is_none_is_a_clear_error(tmp_path, sample_home):
    ran = publisher("dump", "jsonl", "--output", tmp_path / "no" / "where", home=sample_home)

    assert (ran.returncode, "choose another with --output" in ran.stderr) == (2, True)


def test_a_dump_to_a_file_equals_the_one_to_standard_output(tmp_path, town):
    home = tmp_path / "home"
    harvest(town(**TOWN), home)
    publisher("build", home=home)

    publisher("dump", "jsonl", "--output", tmp_path / "all.jsonl", home=home)

    assert (tmp_path / "all.jsonl").read_text("utf-8") == publisher("dump", "jsonl", home=home).stdout


def killed(arguments: list[object], home: Path, after: float) -> None:
    """Start a command and kill it, hard, after so many seconds."""
    process = subprocess.Popen(
        [sys.executable, "-m", "publisher", *map(str, arguments), "--home", str(home)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()


def served(home: Path) -> list[bytes]:
    now = release.current(home)
    assert now is not None
    return list(dump(Reader(home, now.number), "nquads"))


def test_killing_harvest_and_build_at_any_moment_loses_nothing_and_serves_nothing_half_written(tmp_path, town):
    random.seed(20211117)
    folder, home, undisturbed = town(**TOWN), tmp_path / "home", tmp_path / "undisturbed"
    harvest(folder, home, "--base", BASE)
    publisher("build", home=home)
    before = served(home)
    town(**many(1200))
    arguments: list[object] = ["harvest", "--kind", "oparl-files", "--url", folder, "--jurisdiction", "05999004", "--name", "town"]

    for _ in range(3):
        killed(arguments, home, random.uniform(0.3, 1.6))
        assert served(home) == before
    assert harvest(folder, home).returncode == 0
    for _ in range(4):
        killed(["build"], home, random.uniform(0.4, 2.5))
        assert served(home) in (before, None) or len(served(home)) > len(before)
    publisher("build", home=home)
    harvest(folder, undisturbed, "--base", BASE)
    publisher("build", home=undisturbed)

    assert served(home) == served(undisturbed)


def test_interrupting_says_how_to_go_on(tmp_path, town):
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "publisher",
            "harvest",
            "--kind",
            "oparl-files",
            "--url",
            str(town(**many(4000))),
            "--jurisdiction",
            "05999004",
        ]
        + ["--home", str(tmp_path / "home")],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    journal = tmp_path / "home" / "journal.sqlite"
    while not journal.exists():
        time.sleep(0.01)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)

    assert process.returncode in (130, 0)
    assert process.returncode == 0 or "goes on where this one stopped" in said


def test_help_names_every_command_and_option():
    text = publisher("--help").stdout

    for command in ("harvest", "build", "update", "check", "serve", "dump", "status", "rollback", "demo", "coverage", "probe", "sources"):
        assert command in text
        assert "Usage" in CliRunner().invoke(main, [command, "--help"]).output
