"""Disks that are full, read-only, failing or wrong: what was published stays in service, and one command mends what is damaged."""

import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from bench.proof import Row
from bench.proof.instance import DAYS, command, copied, forked, harvest, state, whole
from bench.proof.kills import ACTS, Trial, told
from publisher.views import create_app
from tests.town import BASE, KEY

# What is damaged -> where it lies in an instance with two releases; the first file that fits is taken, or each of them in turn.
FILES = {
    "serving.sqlite": "serving.sqlite",
    "store of the release": "releases/2/store/*.sst",
    "store's list of files": "releases/2/store/MANIFEST-*",
    "search index": "releases/2/search/*.store",
    "dump": "releases/2/dumps/*/*.nq.gz",
    "event stream": "releases/2/stream/*.nq",
    "report": "releases/2/report.json",
    "manifest": "releases/2/manifest.json",
    "older release": "releases/1/report.json",
}
PAGE = 4096


def rows(folder: Path, made: dict[str, Path], short: bool) -> Iterator[Row]:
    """Yield a row a fault."""
    yield from damaged_files(folder, made, short)
    yield damaged_journal(folder, made, short)
    yield from refused_writes(folder, made, short)
    if os.geteuid() == 0 and not short:
        yield from full_disk(folder, made)
        yield read_only(folder, made)


def flipped(path: Path, random: Random, at: int | None = None, count: int = 64) -> None:
    """Invert some bytes in the middle of a file, or where it is said; hard links to it see the same."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        start = random.randrange(0, max(1, size - count)) if at is None else at
        while at is None and os.pread(file.fileno(), count, start).count(0) > count // 2:  # in a database much is unused
            start = random.randrange(0, max(1, size - count))
        file.seek(start)
        held = file.read(count)
        file.seek(start)
        file.write(bytes(byte ^ 0xFF for byte in held))


def damaged_files(folder: Path, made: dict[str, Path], short: bool) -> Iterator[Row]:
    """Yield a row a kind of file: flipped bytes, then a truncated file, then none at all."""
    before, random = forked(lambda: state(made["two"])).told, Random(1)
    for what, pattern in list(FILES.items())[: 1 if short else None]:
        wrong: dict[Any, list[str]] = {}
        ways: dict[str, Callable[[Path], None]] = {
            "flipped": lambda path: flipped(path, random),
            "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
            "gone": Path.unlink,
        }
        for way, damage in list(ways.items())[: 1 if short else None]:
            home = copied(made["two"], folder / "trial")
            path = sorted(home.glob(pattern))[-1]
            damage(path)
            wrong |= {way: found} if (found := mended(home, path, before)) else {}
        yield Row(f"damaged {what}", 1 if short else 3, len(wrong), told(wrong, "named by check, made anew by check --repair"))


def mended(home: Path, path: Path, before: Any) -> list[str]:
    """Return what is wrong with naming and mending a damaged file."""
    named = command(home, "check", "--full", at=DAYS[2])
    if named.code != 2 and forked(lambda: (whole(home), state(home))).told == ([], before):
        return []  # those bytes were of no use
    wrong = [] if named.code == 2 and str(path.relative_to(home).name) in named.said else [f"check said {named.code} {named.said[-200:]}"]
    ran = command(home, "check", "--repair", at=DAYS[2])
    if ran.code:
        return [*wrong, f"--repair: {ran.said[-300:]}"]
    seen = forked(lambda: (whole(home), state(home)))
    if seen.told is None:
        return [*wrong, seen.said[-300:]]
    wrong += seen.told[0]
    wrong += [f"{key} differs" for key in ("journal", "dump") if getattr(seen.told[1], key) != getattr(before, key)]
    again = command(home, "check", "--full", at=DAYS[2])
    return wrong + ([f"check again: {again.said[-300:]}"] if "damaged" in again.said else [])


def damaged_journal(folder: Path, made: dict[str, Path], short: bool) -> Row:
    """Return the row of pages of the journal flipped one after the other: what is lost is said, and read again at the next update."""
    before = forked(lambda: state(made["two"])).told
    pages = range((made["two"] / "journal.sqlite").stat().st_size // PAGE)
    chosen = pages[8:9] if short else pages
    wrong: dict[Any, list[str]] = {}
    lost = 0
    for page in chosen:
        home = copied(made["two"], folder / "trial")
        flipped(home / "journal.sqlite", Random(page), page * PAGE + PAGE // 2 if page else 20)
        named = command(home, "check", "--full", at=DAYS[2])
        if named.code != 2 or "journal.sqlite" not in named.said:
            if forked(lambda home=home: (whole(home), state(home))).told != ([], before):  # else the bytes were those of free space
                wrong[page] = [f"check said {named.code}: {named.said[-200:]}"]
            continue
        ran = command(home, "check", "--repair", at=DAYS[2])
        lost += ran.said.count("lost: version")
        again = command(home, *harvest(made["source"]), at=DAYS[3])
        built = command(home, "build", at=DAYS[3])
        seen = forked(lambda home=home: (whole(home), state(home)))
        bad = [one.said[-200:] for one in (ran, again, built) if one.code]
        if seen.told is None or bad:
            wrong[page] = [*bad, seen.said[-200:]]
        elif seen.told[0] or seen.told[1].dump != before.dump:
            wrong[page] = seen.told[0] or ["the dump differs after the next harvest"]
    said = f"named; {lost} versions lost in all, each told, each record read again by the next harvest"
    return Row("damaged journal page", len(chosen), len(wrong), told(wrong, said))


def refused_writes(folder: Path, made: dict[str, Path], short: bool) -> Iterator[Row]:
    """Yield a row a command: no file may grow over a bound (as on a full disk), and, where strace is there, the Nth write or sync fails."""
    for act in ACTS:
        if short and act.name != "harvest":
            continue
        trial, wrong, times = Trial(folder, made, act), {}, 0
        for bound in (8_192, 40_000, 65_536, 100_000, 150_000, 200_000)[2 if short else 0 : 3 if short else None]:
            times += 1
            wrong |= _gone_on(trial, f"at most {bound} bytes", first=lambda bound=bound: _bound(bound))
        yield Row(f"no file may grow, {act.name}", times, len(wrong), told(wrong, "said so; afterwards the same result"))
        if not short and shutil.which("strace"):
            yield _failing(trial)


def _bound(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _failing(trial: Trial) -> Row:
    times, wrong = 0, {}
    for call, error, step in (("fsync", "EIO", 2), ("fdatasync", "EIO", 9), ("pwrite64", "ENOSPC", 17), ("rename", "EROFS", 1)):
        for at in range(1, 2000, step):
            name = f"{call} {at}: {error}"
            found = _gone_on(trial, name, traced=(f"inject={call}:error={error}:when={at}",))
            times += 1
            wrong |= found
            if trial.ended_well:
                break
    return Row(f"failing disk, {trial.name}", times, len(wrong), told(wrong, "said so; afterwards the same result"))


def _gone_on(trial: Trial, name: str, **options: Any) -> dict[str, list[str]]:
    ran = trial.run(**options)
    trial.ended_well = ran.code == 0
    wrong = [] if ran.code in (0, 2) else [f"exit code {ran.code}: {ran.said.strip()[-300:]}"]
    if ran.code and "Traceback" in ran.said:
        wrong.append("a traceback")
    if not (ran.code == 0 and trial.name in ("rollback", "forget")):
        wrong += trial.judged()
    return {name: wrong} if wrong else {}


@contextmanager
def mounted(folder: Path, size: int) -> Iterator[Path]:
    """Give a disk of so many KB in memory."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def full_disk(folder: Path, made: dict[str, Path]) -> Iterator[Row]:
    """Yield a row a command: it runs on a disk with less and less room, then again with enough."""
    disk = folder / "disk"
    disk.mkdir()
    for act in (one for one in ACTS if one.name != "dump"):
        wrong, times = {}, 0
        for room in (40, 200, 600, 1200, 2500):
            used = sum(path.lstat().st_blocks // 2 for path in made[act.start].rglob("*")) + 200
            with mounted(disk, used + 60_000) as place:
                trial = Trial(place, made, act)
                trial.clean()
                free = shutil.disk_usage(place).free
                ballast = place / "ballast"
                ballast.write_bytes(bytes(max(0, free - room * 1024)))
                ran = command(trial.home, *trial.arguments, at=DAYS[trial.day])
                ballast.unlink()
                times += 1
                bad = ["a traceback"] if "Traceback" in ran.said else []
                if ran.code or act.name not in ("rollback", "forget"):
                    bad += trial.judged()
                wrong |= {f"{room} KB free": bad} if bad else {}
        yield Row(f"full disk, {act.name}", times, len(wrong), told(wrong, "said so; with room again the same result"))


def read_only(folder: Path, made: dict[str, Path]) -> Row:
    """Return the row of a disk that became read-only: the server starts and answers, commands say what is wrong."""
    disk, wrong = folder / "disk", {}
    with mounted(disk, 60_000) as place:
        home = copied(made["two"], place / "home")
        for at, options in enumerate(("ro", "rw")):
            subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)
            answers = forked(lambda: _answers(home))
            if answers.told != [200, 200, 200]:
                wrong[f"serve, {options}"] = [str(answers)]
            for words in (harvest(made["source"]), ("build", "--full"), ("rollback",), ("check",), ("status",)):
                ran = command(home, *words, at=DAYS[2])
                if "Traceback" in ran.said or (ran.code not in (0, 1)) != (not at and words[0] not in ("check", "status")):
                    wrong[f"{words[0]}, {options}"] = [ran.said[-300:]]
    return Row("read-only disk", 12, len(wrong), told(wrong, "served on; writing commands say so; writable again, all go on"))


def _answers(home: Path) -> list[int]:
    client = create_app(home).test_client()
    return [client.get(path, base_url=BASE).status_code for path in (f"/id/{KEY}", "/health/ready", f"/eli/dl/{KEY}/vorlage/1.ttl")]
