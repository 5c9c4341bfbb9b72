"""The described interface is the whole and the real one; what an operator asks of a process."""

import re
import shlex
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from selectolax.lexbor import LexborHTMLParser
from werkzeug.serving import make_server

from publisher.views import create_app
from publisher.views.interface import addresses, curl, shape
from publisher.views.interface_ways import QUERY, TAGS, ways
from tests import town


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The app of a town, served on the port that its base names."""
    home = tmp_path_factory.mktemp("interface") / "home"
    server = make_server("127.0.0.1", 0, lambda *call: server.own(*call), threaded=True)
    base = f"http://127.0.0.1:{server.server_port}"
    town.published(home, town.objects(), base=base)
    server.own = app = create_app(home)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield app
    server.shutdown()


@pytest.fixture(scope="module")
def client(served):
    return served.test_client()


@pytest.fixture(scope="module")
def document(client):
    return client.get("/openapi.json").get_json()


def test_the_description_is_valid(document):
    assert document["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_every_address_is_described_and_every_description_has_its_address(served, document):
    routes = {shape(rule.rule) for rule in served.url_map.iter_rules()}

    assert {shape(path) for path in document["paths"]} == routes
    assert set(ways()) == routes


def test_no_two_paths_differ_only_in_the_names_of_their_parameters(document):
    assert len({shape(path) for path in document["paths"]}) == len(document["paths"])


def test_every_method_described_is_allowed(client, document):
    for path, operations in document["paths"].items():
        allowed = client.options(re.sub(r"\{[^}]*\}", "x", path)).headers.get("Allow", "")
        if allowed:
            assert {method.upper() for method in operations} <= set(allowed.replace(" ", "").split(",")), path


def test_every_word_of_the_table_is_known():
    for path, way in ways().items():
        assert way.tag in TAGS and way.german and way.media, path
        assert [name for name in way.query if name not in QUERY] == [], path
        assert all("/" in media for media in way.media), path


@pytest.mark.parametrize("path", [path for path, way in ways().items() if way.example])
def test_each_command_runs_as_it_stands(served, path):
    if not shutil.which("curl"):
        pytest.skip("no curl on this machine: apt-get install curl")
    with served.test_request_context("/openapi"):
        command = curl(ways()[path])
    assert command, f"{path}: the example speaks of what this instance lacks"
    code = ["-s", "-o", "/dev/null", "-w", "%{http_code} %{content_type}"]

    done = subprocess.run([*shlex.split(command), *code], capture_output=True, text=True, timeout=60, check=True)

    status, _, media = done.stdout.partition(" ")
    assert int(status) in {200, *(other for other in ways()[path].statuses if other < 400)}, done.stdout
    wanted = (ways()[path].accept,) if ways()[path].accept else ways()[path].media
    assert media.partition(";")[0] in wanted, done.stdout


def test_no_generated_request_breaks_the_service(served, tmp_path):
    schemathesis = Path(sys.executable).with_name("schemathesis")
    if not schemathesis.is_file():
        pytest.skip("no schemathesis: pip install '.[attack]'")
    checks = "not_a_server_error,content_type_conformance,response_schema_conformance,status_code_conformance"
    # /health?release=N answers 503 on purpose while the process serves an earlier release.
    options = "--exclude-path /health --phases examples,fuzzing --max-examples 4 --seed 7 --suppress-health-check all --continue-on-failure"
    options += f" --checks {checks}"

    address = f"{served.config['BASE']}/openapi.json"
    done = subprocess.run([schemathesis, "run", address, *options.split()], capture_output=True, text=True, timeout=300, cwd=tmp_path)

    assert done.returncode == 0, done.stdout[-6000:]


def test_most_addresses_have_a_command(document):
    samples = [path for path, one in document["paths"].items() if "x-codeSamples" in one["get"]]

    assert len(samples) > 60


@pytest.mark.parametrize("lang", ["de", "en"])
def test_the_page_shows_every_address_with_its_command(served, client, lang):
    page = LexborHTMLParser(client.get(f"/openapi.html?lang={lang}", headers={"Accept": "text/html"}).text).css_first("main").text()

    with served.test_request_context("/openapi"):
        for one in addresses():
            assert one.path in page and curl(one.way) in page
    assert client.get("/openapi", headers={"Accept": "text/html"}).mimetype == "text/html"


def test_each_answer_bears_the_headers_that_protect(client, document):
    for path, one in document["paths"].items():
        for answer in (client.get(re.sub(r"\{[^}]*\}", "x", path), headers={"Accept": "text/html"}), client.get("/nowhere/x")):
            headers = answer.headers
            assert headers["X-Content-Type-Options"] == "nosniff", path
            assert headers["Referrer-Policy"] == "strict-origin-when-cross-origin", path
            assert headers["Access-Control-Allow-Origin"] == "*", path
            assert "Set-Cookie" not in headers, path
            if answer.mimetype == "text/html":
                policy = [part.strip() for part in headers["Content-Security-Policy"].split(";")]
                assert [part for part in policy if "unsafe" in part and not part.startswith("style-src")] == [], path
                assert {"object-src 'none'", "default-src 'none'"} & set(policy), path
        assert "default" in one["get"]["responses"]


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "Forwarded"])
def test_no_answer_repeats_the_host_that_a_client_names(client, document, header):
    value = "host=evil.example" if header == "Forwarded" else "evil.example"
    for path in document["paths"]:
        plain = re.sub(r"\{[^}]*\}", "x", path)
        for address in (plain, plain.replace("/", "//"), f"{plain}/"):
            for accept in ("*/*", "text/html"):
                answer = client.get("/", headers={header: value, "Accept": accept}, environ_overrides={"PATH_INFO": address})
                assert b"evil.example" not in answer.data and "evil.example" not in str(answer.headers), address


def test_the_security_policy_names_tests_that_exist():
    root = Path(__file__).parent.parent
    named = set(re.findall(r"`(tests/[a-z_0-9]+\.py)`", (root / "SECURITY.md").read_text("utf-8")))

    assert len(named) > 5
    assert [name for name in sorted(named) if not (root / name).is_file()] == []


def test_a_process_lives_before_it_is_ready(tmp_path, client):
    early = create_app(tmp_path / "nothing").test_client()

    assert early.get("/health/live").status_code == 200
    assert (early.get("/health/ready").status_code, early.get("/health/ready").headers["Retry-After"]) == (503, "10")
    assert "publisher_release 0\n" in early.get("/metrics").text
    assert client.get("/health/ready").get_json() == {"status": "ready", "release": 1, "seq": client.get("/health/ready").get_json()["seq"]}


SAMPLE = re.compile(r'[a-z_]+(\{([a-z_]+="(\\.|[^"\\])*",?)+\})? -?[0-9.]+(e[+-]?[0-9]+)?')


def test_metrics_count_what_was_answered(client):
    def counted():
        text = client.get("/metrics").text
        found = re.search(r'publisher_http_answers_total\{route="report.report",method="GET",status="200",process="\d+"\} (\d+)', text)
        return int(found[1]) if found else 0

    before = counted()
    for _ in range(3):
        client.get("/report.json")

    assert counted() == before + 3


def test_metrics_are_the_text_format(client):
    client.get("/nowhere")
    answer = client.get("/metrics")
    lines = answer.text.splitlines()

    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert [line for line in lines if not line.startswith("# ") and not SAMPLE.fullmatch(line)] == []
    assert 'publisher_objects{class="Paper",state="live"} 12' in lines
    assert "publisher_release 1" in lines
    names = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(names) == len(set(names)) > 6
    buckets = [line for line in lines if line.startswith('publisher_http_answer_seconds_bucket{route="none",le="+Inf"')]
    counts = [line for line in lines if line.startswith('publisher_http_answer_seconds_count{route="none"')]
    assert [line.split()[-1] for line in buckets] == [line.split()[-1] for line in counts]
