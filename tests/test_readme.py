"""The README's first screen, as a newcomer runs it: its one-line commands in an environment with nothing but Python and pip."""

import os
import re
import select
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
COMMANDS = re.findall(r"(?m)^    (pip install .*)$", (ROOT / "README.md").read_text("utf-8"))


def test_the_first_screen_has_two_one_line_commands_and_ci_runs_the_second():
    first_screen = "\n".join((ROOT / "README.md").read_text("utf-8").splitlines()[:25])

    assert COMMANDS[:2] == ["pip install . && publisher demo", "pip install '.[test]' && pytest"]
    assert all(f"    {command}" in first_screen for command in COMMANDS[:2])
    assert "README.md" in (ROOT / ".ci" / "run").read_text("utf-8")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The first command, run in a copy of the project and an empty environment; yields what it printed once it is ready."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 8000)) == 0:
            pytest.skip("port 8000 is in use, and the README's command serves there")
    place = tmp_path_factory.mktemp("fresh")
    shutil.copytree(ROOT, place / "project", ignore=shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", "node_modules"))
    subprocess.run([sys.executable, "-m", "venv", str(place / "env")], check=True)
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PUBLISHER"))}
    environ |= {
        "PATH": f"{place / 'env' / 'bin'}:{environ['PATH']}",
        "VIRTUAL_ENV": str(place / "env"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    process = subprocess.Popen(
        ["sh", "-c", COMMANDS[0]],
        cwd=place / "project",
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        said = _until(process, "serving on", 300)
        if process.poll() is not None and "No matching distribution" in said:
            pytest.skip("no package index within reach")
        assert "serving on" in said, said[-3000:]
        yield said
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 15)
        process.wait(timeout=30)


def _until(process, word, seconds):
    said, end = b"", time.monotonic() + seconds
    while word.encode() not in said and time.monotonic() < end:
        if select.select([process.stdout], [], [], 1)[0]:
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                break
            said += chunk
    return said.decode("utf-8", "replace")


def fetched(url, accept="*/*"):
    for _ in range(100):
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept}), timeout=10) as answer:
                return answer.status, answer.headers.get_content_type(), answer.read()
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{url} does not answer")


def test_the_first_command_serves_and_prints_three_things_to_try_that_work(demo):
    record = re.search(r"curl (http://127\.0\.0\.1:8000/eli/dl/\S+)", demo)[1]
    query = re.search(r"(curl http://127\.0\.0\.1:8000/sparql .*)", demo)[1]

    assert fetched(record)[:2] == (200, "application/ld+json")
    assert b"Ratsinformationen" in fetched("http://127.0.0.1:8000/", "text/html")[2]
    rows = subprocess.run(["sh", "-c", query.replace("curl ", "curl -s ")], capture_output=True, text=True, check=True, timeout=60).stdout
    assert rows.splitlines()[0] == "name"
    assert len(rows.splitlines()) == 6


CURLS = re.findall(r"(?m)^    (curl .*)$", (ROOT / "README.md").read_text("utf-8"))


@pytest.mark.parametrize("command", CURLS)
def test_each_curl_line_of_the_readme_answers(demo, command):
    assert "http://127.0.0.1:8000/" in demo
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    fetched("http://127.0.0.1:8000/health")

    answer = subprocess.run(["sh", "-c", command.replace("curl ", "curl -s --fail ", 1)], capture_output=True, timeout=60, check=False)

    assert answer.returncode == 0, answer
    assert len(answer.stdout) > 100
