"""Logs: JSON lines on standard error when asked for, people's lines otherwise; no client's address, no search, no secret."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from publisher import views
from publisher.cli import main
from publisher.cli.saying import listen, say
from publisher.errors import Unreachable
from publisher.logs import JSON, TEXT, Lines
from publisher.pipeline.vendor_log import remarks
from publisher.views.access import Access

from .objects import PAPER, TOWN, obj

ROOT = Path(__file__).parent.parent
SECRET = "GEHEIM-4711"
NAMELESS = {**obj("Paper", "body/1/paper/66", name="Ohne Nummer"), "id": "http://["}


@pytest.fixture(autouse=True)
def people_again():
    yield
    listen(TEXT)


def told(text: str) -> list[dict[str, object]]:
    """The lines of a log, each with what all have."""
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        assert {"time", "level", "logger", "message"} <= line.keys()
        assert datetime.fromisoformat(line["time"]).utcoffset() is not None
    return lines


def harvest(folder: Path, home: Path, *more: str):
    arguments = ["--kind", "oparl-files", "--url", str(folder), "--jurisdiction", "05999004", "--name", "town", "--home", str(home)]
    return CliRunner().invoke(main, ["harvest", *arguments, *more])


def test_harvest_and_build_say_in_json_lines_what_was_read_refused_and_published(tmp_path, town):
    folder = town(**{**TOWN, "paper": [PAPER, NAMELESS]})

    read = harvest(folder, tmp_path / "home", "--log", "json")
    made = CliRunner().invoke(main, ["build", "--home", str(tmp_path / "home"), "--log", "json"])

    assert (read.exit_code, read.stdout, made.exit_code, made.stdout) == (1, "", 0, "")
    begun, ended, refused = told(read.stderr)
    assert (begun["source"], begun["url"]) == ("town", str(folder))
    assert (ended["level"], ended["source"], ended["counts"]["Paper"]["new"]) == ("info", "town", 1)
    assert (refused["level"], refused["source"], refused["url"]) == ("warning", "town", str(folder / "paper.json"))
    assert NAMELESS["id"] in refused["reason"]
    assert told(made.stderr)[-1]["release"] == 1


def test_update_and_rollback_take_the_form_from_the_environment_and_failures_are_lines_too(tmp_path, town):
    harvest(town(**TOWN), tmp_path / "home")
    environ = {"PUBLISHER_LOG": "json", "PUBLISHER_HOME": str(tmp_path / "home")}

    updated = CliRunner().invoke(main, ["update"], env=environ)
    refused = CliRunner().invoke(main, ["rollback"], env=environ)

    assert (updated.exit_code, updated.stdout) == (0, "")
    assert [line.get("source") for line in told(updated.stderr)][:2] == ["town", "town"]
    assert told(updated.stderr)[-1]["release"] == 1
    [line] = told(refused.stderr)
    assert (refused.exit_code, line["level"]) == (2, "error")
    assert "no older release" in line["message"]


def test_people_get_their_lines_unless_json_is_asked_for(tmp_path, town):
    read = harvest(town(**{**TOWN, "paper": [PAPER, NAMELESS]}), tmp_path / "home")
    made = CliRunner().invoke(main, ["build", "--home", str(tmp_path / "home")])
    wrong = CliRunner().invoke(main, ["build", "--home", str(tmp_path / "home"), "--log", "xml"])

    assert read.stdout.startswith("town ")
    assert read.stderr.startswith("refused: town: ")
    assert made.stdout.startswith("release 1 in service")
    assert (wrong.exit_code, "json" in wrong.stderr) == (2, True)


def test_what_a_walker_remarks_names_its_source_and_is_for_monitors_only(capsys):
    for form in (TEXT, JSON):
        listen(form)
        with remarks("town"):
            logging.getLogger("publisher.sources.oparl").warning("%s: odd", "https://ris.example")

    [line] = told(capsys.readouterr().err)
    assert (line["message"], line["source"], line["logger"]) == ("https://ris.example: odd", "town", "publisher.sources.oparl")


def test_no_line_tells_a_password_or_token_and_each_stays_json(capsys):
    address = f'https://nutzer:{SECRET}@ris.example/system?api_key={SECRET}"&x=1'
    listen(JSON)

    say(logging.ERROR, address, url=address, counts={"a": [address]})
    try:
        raise Unreachable("town", address, "expected")
    except Unreachable:
        logging.getLogger("publisher.views").exception("on a page")

    said = capsys.readouterr().err
    first, second = told(said)
    assert SECRET not in said
    assert first["url"].startswith("https://***@ris.example/system?api_key=***")
    assert "Unreachable" in second["trace"]


@pytest.fixture(scope="module")
def log(sample_home):
    """What a server with JSON logs says: from its start over some requests to its end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    call = [sys.executable, "-m", "publisher", "serve", "--home", sample_home, "--port", str(port), "--workers", "1", "--log", "json"]
    running = subprocess.Popen(call, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(150):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        for path in (
            "/",
            "/eli/dl/05999004/vorlage/40",
            "/search?q=Erika+Mustermann",
            "/nirgends%C3%A4",
            "/sparql?query=ASK%7B%3Fs+%3Fp+%3Fo%7D",
        ):
            asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"X-Forwarded-For": "192.0.2.77"})
            try:
                urllib.request.urlopen(asked, timeout=30).read()
            except urllib.error.HTTPError as error:
                error.read()
    finally:
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=30)
    assert out == ""
    return err


def test_the_server_logs_each_answer_with_path_status_time_and_release(log):
    answers = [line for line in told(log) if line["logger"] == "publisher.access"]

    assert [(line["method"], line["path"], line["status"], line["release"]) for line in answers] == [
        ("GET", "/", 200, 1),
        ("GET", "/eli/dl/05999004/vorlage/40", 200, 1),
        ("GET", "/search", 200, 1),
        ("GET", "/nirgendsä", 404, 1),
        ("GET", "/sparql", 200, 1),
    ]
    assert all(line["milliseconds"] > 0 for line in answers)


def test_no_line_of_the_server_tells_who_asked_or_what_was_searched_for(log):
    answers = [line for line in log.splitlines() if "publisher.access" in line]

    assert [word for word in ("192.0.2.77", "Mustermann", "ASK") if word in log] == []
    assert [line for line in answers if "127.0.0.1" in line] == []


def test_the_server_gives_no_warning_of_what_is_meant_so(log):
    assert {line["level"] for line in told(log)} == {"info"}


def test_a_request_costs_nothing_more_where_no_log_was_asked_for(sample_home, monkeypatch):
    monkeypatch.setenv("PUBLISHER_HOME", str(sample_home))
    monkeypatch.setattr(views, "settled", lambda app: app)  # it would freeze this process's memory and start query workers
    apps = {}
    for form in (TEXT, JSON):
        monkeypatch.setenv("PUBLISHER_LOG", form)
        apps[form] = views.served().wsgi_app

    assert (isinstance(apps[TEXT], Access), isinstance(apps[JSON], Access)) == (False, True)


def test_an_error_in_a_page_is_told_in_either_form():
    for form in (TEXT, JSON):
        listen(form)
        assert bool(logging.getLogger("publisher").handlers) == (form == JSON), "Flask writes by itself where nobody listens"


def test_a_line_holds_whatever_python_can_say():
    record = logging.makeLogRecord({"msg": "x", "name": "n", "levelname": "INFO", "fields": {"path": Path("a"), 1: None, "odd": "\ud800"}})

    assert json.loads(Lines().format(record)) | {"time": ""} == {
        "time": "", "level": "info", "logger": "n", "message": "x", "path": "a", "1": None, "odd": "?",
    }  # fmt: skip
    assert os.linesep not in Lines().format(logging.makeLogRecord({"msg": "two\nlines"}))
