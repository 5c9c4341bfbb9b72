"""Dumps: everything a release serves, sorted, the same bytes for the same journal."""

import heapq
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

import orjson

from publisher.concepts import concepts
from publisher.errors import Misconfigured
from publisher.journal.reader import Reader
from publisher.pipeline.layers import Served, layers

CHUNK = 400_000
DUMPS = ("nquads", "ntriples", "jsonl")


def dump(reader: Reader, form: str) -> Iterator[bytes]:
    """Yield the lines of a dump: N-Quads (all graphs), N-Triples (record graphs' union) or JSON lines of OParl.

    Sorted by bytes and without duplicates; sorted on disk, so memory stays flat. Raises Misconfigured for another form.
    """
    if form == "jsonl":
        return (orjson.dumps(orjson.loads(found.json), option=orjson.OPT_SORT_KEYS) + b"\n" for found in reader.owners(deleted=True))
    if form == "nquads":
        return ordered(_quads(reader))
    if form == "ntriples":
        return ordered(_without_graph(line) for line in _quads(reader))
    raise Misconfigured(f"dump format {form!r}: expected one of {', '.join(DUMPS)}")


def _quads(reader: Reader) -> Iterator[bytes]:
    lookup, known = Served(reader), concepts(reader.base)
    for found in reader.owners(deleted=True):
        yield from layers(orjson.loads(found.json), lookup, known).splitlines(keepends=True)


def _without_graph(line: bytes) -> bytes:
    return line[: line.rindex(b"<")] + b".\n"


def ordered(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines sorted by bytes, each once, holding no more than CHUNK of them in memory."""
    with ExitStack() as stack:
        runs: list[Iterable[bytes]] = []
        chunk: list[bytes] = []
        for line in lines:
            chunk.append(line)
            if len(chunk) >= CHUNK:
                runs.append(_spilled(sorted(set(chunk)), stack))
                chunk = []
        runs.append(sorted(set(chunk)))
        yield from (line for line, _ in groupby(heapq.merge(*runs)))


def _spilled(lines: list[bytes], stack: ExitStack) -> BinaryIO:
    file: BinaryIO = stack.enter_context(TemporaryFile())  # noqa: SIM115 - the stack closes it
    file.writelines(lines)
    file.seek(0)
    return file


def written(lines: Iterable[bytes], output: Path) -> int:
    """Write lines to a file that appears only when it is whole; return its size in bytes."""
    part = output.with_name(output.name + ".part")
    with part.open("wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    part.replace(output)
    return output.stat().st_size
