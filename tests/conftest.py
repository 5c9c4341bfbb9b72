"""What several tests share: where the real data lies, and small instances built for real."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from publisher.config import Settings, Source, project_file, source_of_table
from publisher.fetch import Fetch
from publisher.journal import Journal
from publisher.pipeline.build import build
from publisher.pipeline.harvest import Outcome, harvest

# How fast examples are made says something about the machine, nothing about a promise.
hypothesis_settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("any machine")

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("PUBLISHER_SHARED") or ROOT / ".." / "shared").resolve()
AT = "2026-11-22T12:00:00+00:00"
BASE = "https://ris.example.org"


def shared(*names: str) -> Path:
    """A file or folder of the real data beside the project, or a skip that says so."""
    path = SHARED.joinpath(*names)
    if not path.exists():
        pytest.skip(f"real data not here: {path} (set PUBLISHER_SHARED)")
    return path


def quiet(_name: str, _count: int) -> None:
    """Progress that nobody watches."""


def harvested(home: Path, source: Source, base: str = BASE, **options: Any) -> Outcome:
    """Harvest one source into a home as the command does."""
    with Journal(home / "journal.sqlite") as journal, Fetch(source, home) as fetch:
        return harvest(journal, source, fetch, AT, settings=Settings(home, base), progress=quiet, **options)


def built(home: Path, **options: Any) -> Any:
    return build(Settings(home, BASE), AT, progress=quiet, **options)


def files_source(path: Path, jurisdiction: str = "05999004", **more: Any) -> Source:
    return source_of_table({"name": "town", "kind": "oparl-files", "url": str(path), "jurisdiction": jurisdiction, **more}, "test")


def once(factory: pytest.TempPathFactory, name: str, source: Callable[[], Source]) -> Path:
    """An instance of a source that nobody writes to, harvested and built by the first of all test processes that asks for it."""
    root = factory.getbasetemp().parent if "PYTEST_XDIST_WORKER" in os.environ else factory.getbasetemp()
    one = source()
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / name / "current").exists():
            outcome = harvested(root / name, one)
            assert (outcome.failure, outcome.refusals) == ("", [])
            built(root / name)
    return root / name


@pytest.fixture(scope="session")
def sample_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance of the sample, harvested and built once."""
    return once(tmp_path_factory, "sample", lambda: files_source(project_file("data", "sample")))


@pytest.fixture(scope="session")
def crawl_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance of the complete real crawl, harvested and built once."""
    return once(tmp_path_factory, "crawl", lambda: files_source(shared("realdata", "huertgenwald-sdnet"), "05358016"))


@pytest.fixture(scope="session")
def seed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance of the seed page alone."""
    page = shared("seed", "000_0d1454f875e5b780.txt")
    table = {"name": "unserac", "kind": "unserac", "url": str(page), "jurisdiction": "05334"}
    return once(tmp_path_factory, "seed", lambda: source_of_table(table, "test"))


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """A folder writer: town(body=..., paper=[...]) writes OParl list pages and returns the folder."""

    def write(**lists: Any) -> Path:
        folder = tmp_path / "town"
        folder.mkdir(exist_ok=True)
        for name, objects in lists.items():
            (folder / f"{name}.json").write_text(json.dumps({"data": objects, "links": {}}), "utf-8")
        return folder

    yield write
