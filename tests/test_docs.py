"""The documents are true: links resolve, commands parse, addresses and files exist, units and front servers load, numbers are measured."""

import configparser
import json
import os
import re
import shlex
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import click
import pytest
import yaml
from click.testing import CliRunner

from publisher import config, release
from publisher.cli import main
from publisher.errors import Misconfigured
from publisher.pipeline import furnish
from publisher.sources.options import OPTIONS
from publisher.views import create_app
from publisher.views.pages import site

ROOT = Path(__file__).parent.parent
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "bench" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DEPLOY = ROOT / "docs" / "deploy"
UNITS = sorted([*DEPLOY.glob("*.service"), *DEPLOY.glob("*.timer")])
DISK = ("/var", "/opt", "/etc", "/path", "/backup", "/usr")
NUMBER = re.compile(
    r"(?<![\w:%./-])\d[\d,.]*\s?(?:times\b|ms\b|MB\b|GB\b|%|req/s|(?:quads|triples|objects|pages|queries|requests)(?:/s| a second))"
)


def text(path: Path) -> str:
    return path.read_text("utf-8")


def code(path: Path) -> list[str]:
    """Each piece of code in a document: indented lines, fenced lines, inline spans."""
    whole = text(path).replace("\\\n", " ")
    fenced = [line for block in re.findall(r"(?ms)^```\w*\n(.*?)^```", whole) for line in block.splitlines()]
    rest = re.sub(r"(?ms)^```.*?^```", "", whole)
    return [*fenced, *re.findall(r"(?m)^    (.+)$", rest), *re.findall(r"`([^`\n]+)`", rest)]


def commands(pieces: list[str]) -> list[list[str]]:
    """The arguments of each call of publisher in pieces of code."""
    found = []
    for piece in pieces:
        for part in re.split(r"&&|;|\|", piece):
            if told := re.match(r"\s*(?:/opt/publisher/bin/)?publisher +([a-z].*)", part):
                found.append(shlex.split(re.sub(r" >.*", "", told[1]).replace("'", ""), comments=True))
    return found


def refusal(arguments: list[str]) -> str:
    """Why the command line would not take these arguments, "" if it would; words in capitals stand for anything."""
    if arguments[0] not in main.commands:
        return f"no command {arguments[0]!r}"
    command = main.commands[arguments[0]]
    context = click.Context(command)
    try:
        told, rest, _ = command.make_parser(context).parse_args(args=arguments[1:])
        for one in command.params:
            value = told.get(one.name)
            if isinstance(one.type, click.Choice) and isinstance(value, str) and not value.isupper():
                one.type.convert(value, one, context)
    except click.BadOptionUsage as error:  # prose may name an option without its value
        return refusal([*arguments, "X"]) if arguments[-1] == error.option_name else error.format_message()
    except click.UsageError as error:
        return error.format_message()
    return f"too much: {rest}" if rest else ""


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file(path):
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text(path)) if not re.match(r"[a-z]+:|#", link)]

    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_parses(path):
    wrong = {" ".join(one): refusal(one) for one in commands(code(path))}

    assert {line: why for line, why in wrong.items() if why} == {}


def test_a_wrong_command_is_found():
    pieces = ["publisher harvest --kindd oparl", "publisher dump html", "publisher publish", "publisher forget IRI IRI"]

    assert all(refusal(one) for one in commands(pieces))
    assert len(commands(pieces)) == 4


def test_the_readme_names_every_command():
    named = {word for row in re.findall(r"(?m)^\| (`[a-z].*?) \|", text(ROOT / "README.md")) for word in re.findall(r"`([a-z-]+)", row)}

    assert set(main.commands) - named <= {"demo"}


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_named_exists(path):
    named = {
        name
        for piece in code(path)
        for name in re.findall(r"(?<![\w/{.])(?:docs|bench|publisher|tests|ontology|shapes|data)/[\w./*-]*", piece)
    }

    assert [name for name in sorted(named) if not list(ROOT.glob(name.rstrip("/.") or "."))] == []


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The demonstration's instance."""
    made = tmp_path_factory.mktemp("docs") / "home"
    ran = CliRunner().invoke(main, ["demo", "--no-serve", "--home", str(made), "--base", "http://127.0.0.1:8000"])
    assert ran.exit_code == 0, ran.output
    return made


@pytest.fixture(scope="module")
def app(home):
    return create_app(home)


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_address_named_has_a_route(path, app):
    routes = app.url_map.bind("127.0.0.1")
    named = {urlsplit(piece).path for piece in code(path) if re.fullmatch(r"/[a-z][^\s{}<>|]*", piece) and not piece.startswith(DISK)}

    virtuosos = {"/sparql-auth"}
    assert [place for place in sorted(named - virtuosos) if not routes.test(place)] == []


def curls(path: Path) -> list[str]:
    return [piece for piece in code(path) if piece.startswith("curl ") and "127.0.0.1:8000" in piece]


@pytest.mark.parametrize("line", sorted({line for path in DOCS for line in curls(path)}))
def test_every_example_to_copy_is_answered(line, app):
    words = shlex.split(line)
    url = urlsplit(next(word for word in words if word.startswith("http")))
    headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
    data = [words[at + 1].split("=", 1) for at, word in enumerate(words) if word == "--data-urlencode"]

    client, here = app.test_client(), {"base_url": "http://127.0.0.1:8000", "headers": headers}
    address = f"{url.path}?{url.query}"
    answer = client.post(address, data=dict(data), **here) if data else client.get(address, follow_redirects="-L" in words, **here)

    assert answer.status_code == 200, answer.get_data(as_text=True)[:300]
    assert answer.get_data()


@pytest.mark.parametrize("query", re.findall(r"(?ms)^```sparql\n(.*?)^```", text(ROOT / "docs" / "guide.md")))
def test_every_query_of_the_guide_finds_something(query, app):
    answer = app.test_client().get("/sparql", query_string={"query": query}, headers={"Accept": "application/json"})

    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.get_json(force=True)["results"]["bindings"]


def section(title: str) -> set[str]:
    """The words in the first column of the table below a heading of the handbook."""
    below = text(ROOT / "docs" / "handbook.md").split(f"\n## {title}", 1)[1].split("\n## ", 1)[0]
    return {word for row in re.findall(r"(?m)^\| (`.*?) \|", below) for word in re.findall(r"`(\w+)`", row)}


def test_the_handbook_explains_every_key_and_no_other():
    assert section("A council") == set(config.KEYS)
    assert section("The catalogue") == set(furnish.CATALOG_KEYS)
    assert section("The pages") == set(site.KEYS)
    handbook = text(ROOT / "docs" / "handbook.md")
    assert [key for key in OPTIONS if f"`{key}`" not in handbook] == ["modified_since"]  # set for a single walk, never in a TOML


def test_a_backup_of_both_databases_brings_back_the_stream_byte_for_byte(tmp_path):
    run, town = CliRunner(), shutil.copytree(ROOT / "data" / "sample", tmp_path / "town")
    source = ["--kind", "oparl-files", "--url", str(town), "--jurisdiction", "05999004", "--name", "sample"]
    for _ in range(2):
        assert run.invoke(main, ["harvest", *source, "--home", str(tmp_path / "home")]).exit_code == 0
        assert run.invoke(main, ["build", "--home", str(tmp_path / "home")]).exit_code == 0
        (town / "paper.json").write_text(text(town / "paper.json").replace('"name": "', '"name": "Neu: ', 1), "utf-8")
    before = streamed(tmp_path / "home")

    (tmp_path / "restored").mkdir()
    for name in ("serving.sqlite", "journal.sqlite"):
        with sqlite3.connect(tmp_path / "home" / name) as old, sqlite3.connect(tmp_path / "restored" / name) as new:
            old.backup(new)
    (tmp_path / "restored" / "current").symlink_to((tmp_path / "home" / "current").readlink())
    rebuilt = run.invoke(main, ["build", "--full", "--home", str(tmp_path / "restored")])

    assert "release 3 in service" in rebuilt.output
    assert streamed(tmp_path / "restored") == before
    assert any("Neu: " in page for page in before.values())


def streamed(place: Path) -> dict[str, str]:
    now = release.current(place)
    assert now
    return {str(path.relative_to(now.path)): text(path) for path in sorted((now.path / "stream").rglob("*")) if path.is_file()}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_parse_and_call_commands_that_exist(path):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(path, "utf-8")

    if path.suffix == ".timer":
        assert (DEPLOY / f"{path.stem}.service").is_file()
        assert unit["Timer"]["OnCalendar"]
        return
    [called] = commands([unit["Service"]["ExecStart"]])
    assert refusal(called) == ""
    assert unit["Service"]["ProtectSystem"] == "strict"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_takes_the_units(path, tmp_path):
    for unit in UNITS:
        (tmp_path / unit.name).write_text(text(unit).replace("/opt/publisher/bin/publisher", "/bin/true"), "utf-8")

    ran = subprocess.run(["systemd-analyze", "verify", str(tmp_path / path.name)], capture_output=True, text=True, check=False)
    if "Failed to" in ran.stderr and "unit" not in ran.stderr.lower():
        pytest.skip(f"systemd-analyze does not work here: {ran.stderr.strip()}")

    assert (ran.returncode, [line for line in ran.stderr.splitlines() if path.name in line]) == (0, [])


def test_the_container_copies_what_exists_and_its_package_holds_every_file_of_data(tmp_path):
    recipe = text(DEPLOY / "Containerfile")
    copied = [words[:-1] for words in (line.split()[1:] for line in re.findall(r"(?m)^COPY (?!--from).*$", recipe))]
    for name in (name for names in copied for name in names):
        source = ROOT / name
        assert source.exists(), name
        if source.is_dir():
            shutil.copytree(source, tmp_path / "src" / name, ignore=shutil.ignore_patterns("__pycache__", "vendor"), dirs_exist_ok=True)
        else:
            (tmp_path / "src").mkdir(exist_ok=True)
            shutil.copy(source, tmp_path / "src" / name)

    made = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path / "out"), str(tmp_path / "src")],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    if made.returncode and "No matching distribution" in made.stderr:
        pytest.skip("no package index within reach")
    assert made.returncode == 0, made.stderr[-2000:]
    [wheel] = (tmp_path / "out").glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    files = {
        path
        for room in ("ontology", "shapes", "data")
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {f"publisher/_data/{path.relative_to(ROOT)}" for path in files} - held == set()


def test_the_containers_commands_exist():
    told = yaml.safe_load(text(DEPLOY / "compose.yaml"))
    entry = json.loads(re.search(r"(?m)^CMD (\[.*\])$", text(DEPLOY / "Containerfile"))[1])

    assert refusal(entry) == ""
    assert [refusal(one["command"]) for one in told["services"].values() if "command" in one] == [""]
    assert all((DEPLOY / place.split(":")[0]).exists() for place in told["services"]["front"]["volumes"] if place.startswith("./"))
    build = told["x-publisher"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Containerfile"


@pytest.mark.skipif(not shutil.which("caddy"), reason="Caddy is not installed")
def test_caddy_takes_its_file(tmp_path):
    ran = subprocess.run(
        ["caddy", "validate", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile")],
        capture_output=True, text=True, check=False, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip

    assert ran.returncode == 0, ran.stderr[-500:]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def awaited(port: int) -> None:
    for _ in range(150):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"nothing listens on {port}")


@pytest.fixture(scope="module")
def front(home, tmp_path_factory):
    """nginx with our file before a running server; gives the port on which it speaks TLS."""
    if not (shutil.which("nginx") and shutil.which("openssl")):
        pytest.skip("nginx or openssl is not installed")
    place, inner, plain, outer = tmp_path_factory.mktemp("front"), free_port(), free_port(), free_port()
    certificate = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", place / "key.pem", "-out", place / "cert.pem"]
    subprocess.run([*certificate, "-days", "2", "-subj", "/CN=ris.example.org"], check=True, capture_output=True)
    ours = text(DEPLOY / "nginx.conf")
    for old, new in (
        ("127.0.0.1:8000;", f"127.0.0.1:{inner};"),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ", f"listen 127.0.0.1:{outer} "),
        ("/etc/letsencrypt/live/ris.example.org/fullchain.pem", f"{place}/cert.pem"),
        ("/etc/letsencrypt/live/ris.example.org/privkey.pem", f"{place}/key.pem"),
        ("/var/cache/nginx/publisher", f"{place}/cache"),
        ("/var/log/nginx/publisher.json", f"{place}/access.json"),
        ("client_header_timeout 10s", "client_header_timeout 1s"),
    ):
        assert old in ours, old
        ours = ours.replace(old, new)
    (place / "site.conf").write_text(ours, "utf-8")
    paths = "".join(f"{name}_temp_path {place}/{name}; " for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root; " if os.geteuid() == 0 else ""  # its workers would be nobody, who may not enter our folder
    logs = f"{user}pid {place}/pid; error_log {place}/error.log;"
    frame = f"daemon off; {logs} events {{}} http {{ access_log off; {paths} include {place}/site.conf; }}"
    (place / "nginx.conf").write_text(frame, "utf-8")
    call = ["nginx", "-p", str(place), "-c", str(place / "nginx.conf")]
    tested = subprocess.run([*call, "-t"], capture_output=True, text=True, check=False)
    assert tested.returncode == 0, tested.stderr
    serve = [sys.executable, "-m", "publisher", "serve", "--home", str(home), "--port", str(inner), "--workers", "1"]
    running = [subprocess.Popen(one, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for one in (serve, call)]
    try:
        awaited(inner)
        awaited(outer)
        yield outer
    finally:
        for one in reversed(running):
            one.terminate()
        for one in running:
            one.wait(timeout=20)


TRUSTING = ssl._create_unverified_context()


def asked(port, path, **headers):
    wanted = urllib.request.Request(
        f"https://127.0.0.1:{port}{path}", headers={key.replace("_", "-"): value for key, value in headers.items()}
    )
    try:
        with urllib.request.urlopen(wanted, timeout=30, context=TRUSTING) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_the_front_server_logs_json_without_addresses_and_searches(front, tmp_path_factory):
    asked(front, "/search?q=Erika+Mustermann", User_Agent='"a"')
    asked(front, "/eli/dl/05999004/vorlage/40?x=%22")
    asked(front, "/%22nirgends%0A")
    [path] = tmp_path_factory.getbasetemp().glob("front[0-9]/access.json")

    lines = [json.loads(line) for line in text(path).splitlines()]

    assert [(one["method"], one["path"], one["status"]) for one in lines[-3:]] == [
        ("GET", "/search", 200), ("GET", "/eli/dl/05999004/vorlage/40", 200), ("GET", '/"nirgends\n', 404),
    ]  # fmt: skip
    assert lines[-2]["release"] == "1"
    assert [word for word in ("127.0.0.1", "Mustermann", "?") if word in text(path)] == []


def test_the_front_server_caches_each_form_apart_and_compresses(front):
    record = "/eli/dl/05999004/vorlage/40"

    first, again = (asked(front, record, Accept="application/ld+json")[1]["X-Cache"] for _ in range(2))
    turtle = asked(front, record, Accept="text/turtle")
    packed = asked(front, "/id/05999004/paper", Accept_Encoding="gzip")

    assert (first, again, turtle[1]["X-Cache"], turtle[1].get_content_type()) == ("MISS", "HIT", "MISS", "text/turtle")
    assert packed[1]["Content-Encoding"] == "gzip"
    assert len(packed[2]) < len(asked(front, "/id/05999004/paper")[2]) / 4


def test_the_front_server_keeps_what_is_inside_inside_and_a_foreign_host_changes_nothing(front):
    page = asked(front, "/id/05999004", Host="evil.example")

    assert [asked(front, path)[0] for path in ("/health", "/health/live", "/metrics")] == [404, 404, 404]
    assert page[0] == 200
    assert b"evil.example" not in page[2]


def test_the_front_server_ends_a_slow_client_and_grants_each_a_share_of_queries(front):
    begin = time.monotonic()
    with TRUSTING.wrap_socket(socket.create_connection(("127.0.0.1", front))) as slow:
        slow.settimeout(10)
        slow.sendall(b"GET / HTTP/1.1\r\nHost: ris")
        said = slow.recv(1000)

    assert (said == b"" or b" 408 " in said) and time.monotonic() - begin < 8
    answers = [asked(front, f"/sparql?query=ASK%20%7B%3Fs%20%3Fp%20{number}%7D")[0] for number in range(40)]
    assert (answers[0], 429 in answers) == (200, True)


def unmeasured(claims: str, measured: str) -> list[str]:
    """The numbers with a unit in `claims` that do not stand so in `measured`."""
    known = {re.sub(r"\s", "", number) for number in NUMBER.findall(measured)}
    return [number for number in NUMBER.findall(claims) if re.sub(r"\s", "", number) not in known]


def test_the_readme_quotes_no_number_that_was_not_measured():
    measured = text(ROOT / "bench" / "README.md")

    assert unmeasured(text(ROOT / "README.md"), measured) == []
    assert unmeasured("maps 3,000,000 quads/s, 4711 times faster, 81 times ours", measured) == ["3,000,000 quads/s", "4711 times"]


def test_each_bench_is_told_of_and_the_runner_reads_what_it_prints():
    benches = {path.name for path in (ROOT / "bench").glob("*.py")} - {"__main__.py", "__init__.py"}
    ran = subprocess.run(
        [sys.executable, "-m", "bench", "--only", "search", "--json"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    told = json.loads(ran.stdout)

    assert [name for name in sorted(benches) if f"bench/{name}" not in text(ROOT / "bench" / "README.md")] == []
    assert (ran.returncode, told["failed"]) == (0, {})
    assert {"ours", "bare tantivy", "ratio to the plain query", "CONTAINS-like scan"} == {row["what"] for row in told["rows"]}
    assert all(row["lowest"] <= row["median"] <= row["highest"] and row["median"] > 0 for row in told["rows"])
    assert re.search(r"(?m)^bench: .*\n\t.*-m bench", text(ROOT / "Makefile"))


def test_a_probes_toml_is_a_source_once_the_key_it_did_not_find_is_filled_in(home):
    ran = CliRunner().invoke(main, ["probe", str(ROOT / "data" / "sample"), "--home", str(home)])

    assert ran.exit_code == 0
    table = {"name": "probed", **tomllib.loads(ran.stdout)}
    assert table["jurisdiction"] == ""
    with pytest.raises(Misconfigured, match="jurisdiction is missing"):
        config.source_of_table(table, "probe")
    assert config.source_of_table(table | {"jurisdiction": "05999004"}, "probe").kind == "oparl-files"
