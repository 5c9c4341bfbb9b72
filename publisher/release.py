"""Releases: immutable directories under {home}/releases/, one of them in service by an atomic pointer."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from publisher.errors import Busy, Malformed, Refused

MANIFEST = "manifest.json"


class Release(NamedTuple):
    """One finished release: its number and its directory."""

    number: int
    path: Path

    @property
    def manifest(self) -> dict[str, Any]:
        """What the release holds: number, seq, counts, files with size and SHA-256. Raises Malformed if it is damaged."""
        try:
            found: dict[str, Any] = orjson.loads((self.path / MANIFEST).read_bytes())
        except (OSError, ValueError) as error:
            raise Malformed(str(self.path / MANIFEST), f"expected a manifest: {error}; publisher rollback, or build anew") from error
        return found


def current(home: Path) -> Release | None:
    """Return the release in service, or None before the first one."""
    pointer = home / "current"
    if not pointer.is_symlink():
        return None
    target = pointer.readlink()
    return Release(int(target.name), home / "releases" / target.name)


def retained(home: Path) -> list[Release]:
    """Return every finished release, oldest first."""
    folder = home / "releases"
    numbers = sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit()) if folder.is_dir() else []
    return [Release(number, folder / str(number)) for number in numbers if (folder / str(number) / MANIFEST).is_file()]


def staged(home: Path, number: int) -> Path:
    """Return an empty directory in which to make release `number`; what a killed build left there is gone."""
    path = home / "releases" / f"{number}.making"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def finished(home: Path, number: int, manifest: dict[str, Any]) -> Release:
    """Seal a staged directory: hash its files, write the manifest, and give it its name. It is not yet in service."""
    making, path = home / "releases" / f"{number}.making", home / "releases" / str(number)
    files = {
        str(file.relative_to(making)): digest(file) for file in sorted(making.rglob("*")) if file.is_file() and "store" not in file.parts
    }
    (making / MANIFEST).write_bytes(orjson.dumps(manifest | {"files": files}, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
    shutil.rmtree(path, ignore_errors=True)
    making.rename(path)
    _sync(path.parent)
    return Release(number, path)


def digest(path: Path) -> dict[str, Any]:
    """Return size in bytes and SHA-256 (hex) of a file."""
    made = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            made.update(block)
    return {"bytes": path.stat().st_size, "sha256": made.hexdigest()}


def switch(home: Path, number: int) -> None:
    """Put a finished release into service: one rename, so a reader sees the old one or the new one, never neither."""
    beside = home / f".current-{os.getpid()}"
    beside.unlink(missing_ok=True)
    beside.symlink_to(Path("releases") / str(number))
    beside.replace(home / "current")
    _sync(home)


def rolled_back(home: Path) -> Release:
    """Put the release before the one in service back into service and return it. Raises Refused if there is none."""
    now = current(home)
    older = [release for release in retained(home) if now and release.number < now.number]
    if not older:
        raise Refused(f"{home}: no older release to go back to; retained: {[release.number for release in retained(home)]}")
    switch(home, older[-1].number)
    return older[-1]


def prune(home: Path, keep: int) -> list[int]:
    """Remove the oldest finished releases, never the one in service, until `keep` are left; return the numbers removed."""
    now = current(home)
    spare = [release for release in retained(home) if not now or release.number != now.number]
    surplus = spare[: max(0, len(spare) + 1 - max(keep, 1))]
    for release in surplus:
        shutil.rmtree(release.path)
    return [release.number for release in surplus]


def dropped(home: Path, after: int, before: int) -> None:
    """Remove the finished releases between two: those that a rollback went back behind, which nothing can serve any more."""
    for release in retained(home):
        if after < release.number < before:
            shutil.rmtree(release.path)


@contextmanager
def writing(home: Path) -> Iterator[None]:
    """Hold the home's one writer's lock. Raises Busy if another command holds it or the home cannot be written to."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = (home / "lock").open("w")
    except OSError as error:
        raise Busy(f"{home}: expected a directory that can be written to: {error.strerror}; choose another with --home") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Busy(f"{home}: another publisher command is writing there; wait until it ends") from error
        yield


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
