"""A browser and a served sample, once for all browser tests; a clear word where either is missing."""

import json
import shutil
import subprocess
import tarfile
from datetime import date

import pytest

from publisher.views import create_app

AXE = "axe-core@4.14.1"


@pytest.fixture(scope="session")
def chromium():
    pytest.importorskip("playwright", reason="no playwright: pip install '.[browser]'")
    from tests.browser import serving

    if not serving.CHROMIUM:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with serving.browser() as found:
        yield found


@pytest.fixture(scope="session")
def address(sample_home):
    pytest.importorskip("playwright", reason="no playwright: pip install '.[browser]'")
    from tests.browser import serving

    app = create_app(sample_home)
    app.config["TODAY"] = lambda: date(2026, 11, 22)
    with serving.served(app) as found:
        yield found


@pytest.fixture(scope="session")
def records(sample_home):
    """Class -> the path of its newest record."""
    app = create_app(sample_home)
    with app.app_context():
        reader = app.config["LIBRARY"].reader()
        newest = {name: reader.latest(name, 1) for name, (live, _) in reader.counts().items() if live}
        rivals = [one for one in reader.latest("Paper", 100) if len(json.loads(one.json).get("oparlx:proposal", ())) > 1]
        gone = reader.page("Paper", limit=1000, deleted=True)
    found = {name: one[0].iri.removeprefix(reader.base) for name, one in newest.items()}
    return found | {
        "report": f"/report/record?iri={newest['Paper'][0].iri}",
        "version": newest["Paper"][0].iri.removeprefix(reader.base) + "/v",
        "rivals": rivals[0].iri.removeprefix(reader.base),
        "gone": next(o for o in gone if o.deleted).iri.removeprefix(reader.base),
    }


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """The source of axe-core, from npm."""
    if not (npm := shutil.which("npm")):
        pytest.skip("no npm on this machine: axe-core comes from there")
    folder = tmp_path_factory.mktemp("axe")
    made = subprocess.run([npm, "pack", AXE, "--silent", "--ignore-scripts"], cwd=folder, capture_output=True, timeout=120)
    if made.returncode:
        pytest.skip(f"npm gives no {AXE}: {made.stderr.decode()[:200]}")
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()
