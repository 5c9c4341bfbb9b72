"""Building the package with and without npm."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run_hook(folder: Path, path: str) -> subprocess.CompletedProcess[str]:
    """Run the build's fetch in a copy of the checkout's outline."""
    (folder / "publisher" / "views" / "static").mkdir(parents=True)
    shutil.copy(ROOT / "hatch_build.py", folder)
    home = {"HOME": str(Path.home())}
    return subprocess.run(
        [sys.executable, "-S", "hatch_build.py"], cwd=folder, env={"PATH": path, **home}, capture_output=True, text=True, timeout=120
    )


def test_without_npm_the_package_is_built_all_the_same(tmp_path):
    done = run_hook(tmp_path, str(tmp_path))

    assert (done.returncode, "plain query form" in done.stderr) == (1, True)
    assert not (tmp_path / "publisher" / "views" / "static" / "vendor").exists()


def test_with_npm_the_editor_and_the_map_are_in_the_package(tmp_path):
    npm = shutil.which("npm")
    if not npm or not (ROOT / "hatch_build.py").is_file():
        pytest.skip("no npm on this machine")

    done = run_hook(tmp_path, f"{Path(npm).parent}:/usr/bin:/bin")

    if done.returncode:
        pytest.skip(f"npm gives no packages: {done.stderr[:200]}")
    found = {path.name for path in (tmp_path / "publisher" / "views" / "static" / "vendor").iterdir()}
    assert {"yasgui.min.js", "yasgui.min.css", "leaflet-src.esm.js", "leaflet.css", "NOTICE.txt"} <= found


def test_a_failing_npm_leaves_nothing_half_done(tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "npm").write_text("#!/bin/sh\nexit 1\n")
    (folder / "npm").chmod(0o755)

    done = run_hook(tmp_path / "checkout", f"{folder}:/usr/bin:/bin")

    assert (done.returncode, "plain form" in done.stderr) == (1, True)
    assert not (tmp_path / "checkout" / "publisher" / "views" / "static" / "vendor").exists()
