"""Releases: immutable directories under {home}/releases/, one of them in service by an atomic pointer."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
    """Return an empty directory in which to make release `number`; what killed commands left beside the releases is gone."""
    folder = home / "releases"
    for left in (*folder.glob("*.making"), *folder.glob("*.removed")):
        shutil.rmtree(left)
    path = folder / f"{number}.making"
    path.mkdir(parents=True)
    return path


def finished(home: Path, number: int, manifest: dict[str, Any]) -> Release:
    """Seal a staged directory: hash its files, write the manifest, and give it its name. It is not yet in service.

    Before it has its name all of it is on the disk, so that a power cut leaves a whole release or none.
    """
    making, path = home / "releases" / f"{number}.making", home / "releases" / str(number)
    known = _digests(home)
    files = {str(file.relative_to(making)): known.get(_identity(file)) or digest(file) for file in _files(making)}
    (making / MANIFEST).write_bytes(orjson.dumps(manifest | {"files": files}, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
    new = (file for file in _files(making) if _identity(file) not in known)  # what an earlier release holds has been on the disk since
    for one in (*new, *(folder for folder in making.rglob("*") if folder.is_dir()), making):
        _sync(one)
    _remove(path)
    making.rename(path)
    _sync(path.parent)
    return Release(number, path)


def damage(release: Release) -> list[str]:
    """Return what is wrong with a release's files, each path with what was found; [] if all are as the build hashed them."""
    try:
        told = release.manifest["files"]
    except (Malformed, KeyError) as error:
        return [str(error)]
    wrong = []
    for name, sealed in sorted(told.items()):
        path = release.path / name
        try:
            found = digest(path)
        except OSError as error:
            wrong.append(f"{path}: {error.strerror}")
            continue
        if found != sealed:
            wrong.append(f"{path}: {found['bytes']} bytes with SHA-256 {found['sha256'][:12]}..., the build wrote others")
    return wrong


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _digests(home: Path) -> dict[tuple[int, int], dict[str, Any]]:
    """Return what the releases say of the files they share: hashing a linked file again would call its damage right."""
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for release in retained(home):
        with suppress(Malformed):
            for name, told in release.manifest.get("files", {}).items():
                if (path := release.path / name).is_file() and path.stat().st_nlink > 1:
                    found[_identity(path)] = told
    return found


def digest(path: Path) -> dict[str, Any]:
    """Return size in bytes and SHA-256 (hex) of a file."""
    made = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            made.update(block)
    return {"bytes": path.stat().st_size, "sha256": made.hexdigest()}


def switch(home: Path, number: int) -> None:
    """Put a finished release into service: one rename, so a reader sees the old one or the new one, never neither."""
    beside = home / ".current"
    beside.unlink(missing_ok=True)
    beside.symlink_to(Path("releases") / str(number))
    beside.replace(home / "current")
    _sync(home)


def rolled_back(home: Path) -> Release:
    """Put the release before the one in service back into service and return it. Raises Refused if there is none."""
    now = current(home)
    older = [release for release in retained(home) if now and release.number < now.number and not damage(release)]
    if not older:
        raise Refused(f"{home}: no older release to go back to that is whole; retained: {[release.number for release in retained(home)]}")
    switch(home, older[-1].number)
    return older[-1]


def prune(home: Path, keep: int) -> list[int]:
    """Remove the oldest finished releases, never the one in service, until `keep` are left; return the numbers removed."""
    now = current(home)
    spare = [release for release in retained(home) if not now or release.number != now.number]
    surplus = spare[: max(0, len(spare) + 1 - max(keep, 1))]
    for release in surplus:
        _remove(release.path)
    return [release.number for release in surplus]


def dropped(home: Path, after: int, before: int) -> None:
    """Remove the finished releases between two: those that a rollback went back behind, which nothing can serve any more."""
    for release in retained(home):
        if after < release.number < before:
            _remove(release.path)


def removed(release: Release) -> None:
    """Remove a release that is not in service."""
    _remove(release.path)


def _remove(path: Path) -> None:
    """Remove a release; killed in the middle, what is left has no name of a release."""
    gone = path.with_name(f"{path.name}.removed")
    shutil.rmtree(gone, ignore_errors=True)
    if path.exists():
        path.rename(gone)
        shutil.rmtree(gone)


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


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
