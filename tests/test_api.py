"""The described interface is the real one: every example runs, every way and media type is there."""

import shlex
import shutil
import subprocess
import threading

import pytest
from openapi_spec_validator import validate
from werkzeug.serving import make_server

from publisher.views import create_app
from publisher.views.pages.api import WAYS, curl


@pytest.fixture(scope="module")
def app(sample_home):
    return create_app(sample_home)


@pytest.fixture(scope="module")
def served(app):
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_the_description_is_valid_openapi(app):
    validate(app.test_client().get("/openapi.json").get_json())


def test_every_described_path_has_a_route(app):
    matched = app.url_map.bind("localhost")
    for way in WAYS:
        path = way.path
        for one in way.parameters:
            path = path.replace(f"{{{one.name}}}", one.example)
        assert matched.match(path, method="GET"), way.path


@pytest.mark.parametrize("way", [way for way in WAYS if way.example], ids=lambda way: way.path)
def test_each_example_runs_as_it_stands(app, served, way):
    if not shutil.which("curl"):
        pytest.skip("no curl on this machine")
    with app.test_request_context("/api"):
        command = curl(way)
    assert command, way.example

    # The base of the sample is no server: redirects to it are not followed but checked.
    base, shell = app.config["BASE"], [*shlex.split(command), "-s", "-w", "\n%{http_code} %{content_type}"]
    shell = [word.replace(base, served) for word in shell if word != "-L"]
    done = subprocess.run(shell, capture_output=True, text=True, timeout=60)

    status, _, media = done.stdout.rsplit("\n", 1)[1].partition(" ")
    if "reference" in way.example:
        assert (status, done.stdout.count(base + "/eli/dl/") > 0) == ("302", True)
    else:
        assert (status, media.partition(";")[0]) == ("200", way.accept or way.media[0]), done.stdout[:300]


def test_the_page_shows_every_way(app):
    page = app.test_client().get("/api?lang=en", headers={"Accept": "text/html"}).text

    assert [way.path for way in WAYS if way.path not in page] == []
