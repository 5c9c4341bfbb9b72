"""The walk-through of two councils that share a paper: its commands as they stand, both publishers running on loopback."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import orjson
import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "two-councils.md").read_text("utf-8")


def free_port():
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def awaited(port):
    for _ in range(300):
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", int(port))) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"nothing answers on port {port}")


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """Each command of the page -> what it printed, on free ports and in a folder of the test's; the servers end with it."""
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    place, ports = tmp_path_factory.mktemp("two"), {"8001": free_port(), "8002": free_port()}
    shutil.copytree(ROOT / "docs", place / "docs")
    here = {**os.environ, "PYTHONPATH": str(ROOT), **{f"PUBLISHER_{name}": "" for name in ("HOME", "BASE")}}

    def moved(text):
        for old, new in ports.items():
            text = text.replace(old, new)
        return text

    for path in (*(place / "docs" / "two-councils").glob("*/*.json"),):
        path.write_text(moved(path.read_text("utf-8")), "utf-8")
    said, servers = {}, []
    try:
        for command in re.findall(r"(?m)^    (\S.*)$", PAGE):
            line = re.sub(r"^publisher ", f"exec {sys.executable} -m publisher ", moved(command)).replace("curl ", "curl -sS --fail ", 1)
            if " serve " in line:
                servers.append(subprocess.Popen(line, shell=True, cwd=place, env=here, stderr=subprocess.DEVNULL))
                awaited(ports[re.search(r"--port (\d+)", command)[1]])
                continue
            ran = subprocess.run(["sh", "-c", line], cwd=place, env=here, capture_output=True, timeout=120)
            assert ran.returncode == 0, (command, ran.stdout[-500:], ran.stderr[-2000:])
            said[command] = ran.stdout.decode().replace(ports["8001"], "8001").replace(ports["8002"], "8002")
        yield said
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait(timeout=30)


def told(walked, start):
    [found] = [text for command, text in walked.items() if command.startswith(start)]
    return found


TOWNS_PAPER = "http://127.0.0.1:8002/eli/dl/05334020/vorlage/7"
REGIONS_PAPER = "http://127.0.0.1:8001/eli/dl/05334/vorlage/~x1~paper_7"


def test_what_belongs_to_the_other_server_keeps_its_id(walked):
    council = orjson.loads(told(walked, "curl http://127.0.0.1:8001/id/05334/organization/monschau"))
    report = orjson.loads(told(walked, "curl http://127.0.0.1:8001/eli/dl/05334/vorlage/30"))
    assert council["externalBody"] == "http://127.0.0.1:8002/id/05334020"
    assert report["relatedPaper"] == [TOWNS_PAPER]


def test_the_shared_paper_and_the_council_abroad_are_proposed_and_nothing_else(walked):
    lines = told(walked, "cat var/region/linksets").splitlines()[1:]
    assert [line.split(",")[:5] for line in lines] == [
        [REGIONS_PAPER, "owl:sameAs", TOWNS_PAPER, "same original: https://ris.monschau.example/oparl/paper/7", "proposed"],
        [
            "http://127.0.0.1:8001/id/05334/organization/monschau",
            "skos:exactMatch",
            "http://127.0.0.1:8002/id/05334020/organization/rat",
            "same name in the same municipality",
            "proposed",
        ],
    ]


def test_what_somebody_confirmed_is_answered_by_look_up_linkset_document_and_query(walked):
    assert [one["id"] for one in orjson.loads(told(walked, "curl 'http://127.0.0.1:8001/lookup"))["data"]] == [REGIONS_PAPER]
    triple = f"<{REGIONS_PAPER}> <http://www.w3.org/2002/07/owl#sameAs> <{TOWNS_PAPER}> <http://127.0.0.1:8001/linkset/town> ."
    assert triple in told(walked, "curl http://127.0.0.1:8001/linkset/town").splitlines()
    assert f'<{TOWNS_PAPER}>; rel="http://www.w3.org/2002/07/owl#sameAs"' in told(walked, "curl -I")
    assert told(walked, "curl http://127.0.0.1:8001/sparql").splitlines() == ["ours,theirs", f"{REGIONS_PAPER},{TOWNS_PAPER}"]
