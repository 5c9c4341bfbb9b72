"""Fuzzing led by coverage (atheris): each target in a process of its own that sees which bytes reach new lines, and goes on from them.

`python -m bench.proof.guided [--seconds N] [--only TARGET]` runs them by themselves; what breaks a promise is kept in build/fuzz.
"""

import argparse
import ctypes
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from bench.proof import Row
from bench.proof.service import ROOT

TARGETS = "bench.proof.targets"
KEPT = ROOT / "build" / "fuzz"
LONGEST, MOST_BYTES, MOST_MB = 10, 40_000, 2_000  # seconds and bytes of one input; memory of the process
NEW_NETWORK, NEW_USER = 0x40000000, 0x10000000  # CLONE_NEWNET, CLONE_NEWUSER of sched.h
NO_NETWORK_OF_ITS_OWN = 3
ODD = (b"http://[", b"//[1]/x", "\u2100".encode(), "\u00b2".encode(), b"9" * 100, b"\\ud800", b"null", b"[]", b"{}", b"0000-00-00", b"-1")
WORD = re.compile(rb"</?\w+|[A-Za-z_][\w:@]{3,30}|[?$@][a-z]+|\\u[0-9a-f]{4}|&\w+;")


def rows(short: bool, only: str = "", seconds: int = 0) -> Iterator[Row]:
    """Yield a row a target; short: for some seconds each, otherwise five minutes."""
    if importlib.util.find_spec("atheris") is None:
        yield Row("fuzzing led by coverage", 0, 0, "atheris is not installed: pip install '.[attack]'")
        return
    for name in import_module(TARGETS).TARGETS:
        if only in name:
            yield fuzzed(TARGETS, name, seconds or (10 if short else 300))


def fuzzed(module: str, name: str, seconds: int, kept: Path = KEPT, *, times: int = 0) -> Row:
    """Return the row of one target of a module: how many inputs it was given, and the first one that broke a promise.

    times: give it so many inputs, the same ones at each run; 0 gives as many as come in so many seconds, others each time.
    """
    kept.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        command = ("--inside", module, "--only", name, "--seconds", seconds, "--corpus", folder, "--kept", kept, "--times", times)
        call = [sys.executable, "-m", "bench.proof.guided", *map(str, command)]
        environ = os.environ | ({"PYTHONHASHSEED": "0"} if times else {})
        done = subprocess.run(call, cwd=ROOT, env=environ, capture_output=True, timeout=seconds + 300, check=False)
    said, what = (done.stdout + done.stderr).decode("utf-8", "replace"), f"fuzzing led by coverage: {name}"
    if done.returncode == NO_NETWORK_OF_ITS_OWN:
        return Row(what, 0, 0, "not here: it runs strangers' texts, and this user may make no process without a network")
    counts = re.findall(r"(?m)^#(\d+)\s.*?\bcov: (\d+)", said)
    times, reached = map(int, counts[-1]) if counts else (0, 0)
    if done.returncode == 0 and times:
        return Row(what, times, 0, f"every promise held; {reached:,} edges reached")
    broken = re.findall(r"(?m)^(\w[\w.]*(?:Error|Exception|Malformed)\b.*)$", said) or [said.strip()[-300:].replace("\n", " ")]
    return Row(what, max(times, 1), 1, "; ".join([broken[0], *re.findall(r"Test unit written to (\S+)", said)]))


def inside(module: str, name: str, seconds: int, times: int, corpus: Path, kept: Path) -> None:
    """Fuzz one target in this process, which ends with it. It gets no network first: whatever a text asks for, nobody is called."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_NETWORK) and libc.unshare(NEW_NETWORK | NEW_USER):
        sys.exit(NO_NETWORK_OF_ITS_OWN)
    atheris = import_module("atheris")
    with atheris.instrument_imports(include=["publisher", module]):
        target = import_module(module).TARGETS[name]
    seeds = target.seeds()
    begun = corpus / "begun"
    begun.mkdir()
    for at, seed in enumerate(seeds):
        (begun / f"seed-{at}").write_bytes(seed)
    known = sorted({*ODD, *(word for seed in seeds for word in WORD.findall(seed))})
    words = corpus / "words"
    words.write_text("".join(f'"{escaped(word)}"\n' for word in known), "ascii")
    ending = f"-runs={times} -seed=1" if times else f"-max_total_time={seconds}"
    bounds = f"{ending} -max_len={MOST_BYTES} -timeout={LONGEST} -rss_limit_mb={MOST_MB}"
    call = [sys.argv[0], *bounds.split(), f"-artifact_prefix={kept}/", f"-dict={words}", str(begun)]
    atheris.Setup(call, target.judged)
    atheris.Fuzz()


def escaped(word: bytes) -> str:
    """Return bytes as libFuzzer's list of words writes them."""
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--seconds", type=int, default=300)
    told.add_argument("--only", default="")
    told.add_argument("--inside", help=argparse.SUPPRESS)
    told.add_argument("--times", type=int, default=0, help="so many inputs, the same at each run, instead of so many seconds")
    told.add_argument("--corpus", type=Path, help=argparse.SUPPRESS)
    told.add_argument("--kept", type=Path, help=argparse.SUPPRESS)
    given = told.parse_args()
    if given.inside:
        inside(given.inside, given.only, given.seconds, given.times, given.corpus, given.kept)
    for row in rows(False, given.only, given.seconds):
        print(f"| {row.what} | {row.rounds:,} | {row.wrong} | {row.outcome} |", flush=True)
