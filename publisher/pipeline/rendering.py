"""Records rendered once: their N-Quads for the store, the chunks of their body's dumps, and how often they use each class and property."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import orjson

from publisher.feeds import dumps
from publisher.journal.reader import Reader
from publisher.journal.serving import Serving
from publisher.pipeline.hands import Desk, Hands
from publisher.pipeline.layers import written
from publisher.record import parts
from publisher.store.partitions import Mark, Signature, signatures

SEVERAL = 64  # records of a task, at least


class Task(NamedTuple):
    """Neighbouring records of a body, tombstones too. dumped: make chunks of them. loaded: give their N-Quads and counts."""

    iris: list[str]
    dumped: bool
    loaded: bool


class Rendered(NamedTuple):
    """What became of a task. shared: marks that other records may have, too (see Partitions.settle)."""

    nquads: bytes
    chunks: list[dumps.Chunk]
    counts: Counter[Signature]
    shared: set[Mark]


class Body(NamedTuple):
    """A live body, and its files in the release being made."""

    iri: str
    name: str
    license: str
    files: list[dumps.Dump]


def rendered(desk: Desk, task: Task | None) -> Rendered | None:
    """Render a task's records; None for None, which marks where the tasks of one file end."""
    if task is None:
        return None
    texts: list[str] = []
    counts: Counter[Signature] = Counter()
    shared: set[Mark] = set()
    chunks: list[dumps.Chunk] = []
    pending: list[tuple[bytes, str]] = []
    for iri in task.iris:
        found = desk.reader.get(iri)
        assert found is not None, iri
        obj = orjson.loads(found.json)
        held = desk.held_elsewhere(iri)
        text = written(obj, desk, desk.known, held)
        if task.loaded:
            texts.append(text)
            own = {iri, *(part["id"] for _, part in parts(obj))}.difference(held)
            more, foreign = signatures(text, own)
            counts.update(more)
            shared |= foreign
        if task.dumped and not found.deleted:
            if pending and dumps.opens(iri):
                chunks.append(dumps.chunk(pending))
                pending = []
            pending.append((found.json, text))
    if pending:
        chunks.append(dumps.chunk(pending))
    return Rendered("".join(texts).encode(), chunks, counts, shared)


def texts(desk: Desk, iris: list[str]) -> list[tuple[str, bytes]]:
    """Return (IRI, N-Quads of both graphs) of some records."""
    found = ((iri, desk(iri)) for iri in iris)
    return [(iri, written(obj, desk, desk.known, desk.held_elsewhere(iri)).encode()) for iri, obj in found if obj]


def cut(records: Iterable[tuple[str, bool]], *, dumped: bool, loaded: bool) -> Iterator[Task]:
    """Yield tasks of (IRI, deleted) by IRI: cut where a chunk begins, so that no chunk belongs to two of them."""
    iris: list[str] = []
    for iri, deleted in records:
        if len(iris) >= SEVERAL and not deleted and dumps.opens(iri):
            yield Task(iris, dumped, loaded)
            iris = []
        if loaded or not deleted:
            iris.append(iri)
    if iris:
        yield Task(iris, dumped, loaded)


def bodies(reader: Reader) -> list[Body]:
    """Return the live bodies, their files not made yet."""
    found = ((body, orjson.loads(body.json)) for body in reader.bodies())
    return [Body(body.iri, str(obj.get("name", _key(reader.base, body.iri))), str(obj.get("license", "")), []) for body, obj in found]


def _key(base: str, iri: str) -> str:
    return iri.removeprefix(f"{base}/id/").replace("/", "-")


class All:
    """Renders every record: iterate for the N-Quads, while the dumps of each body are written; then the rest is known."""

    def __init__(self, hands: Hands, serving: Serving, folder: Path) -> None:
        self.hands, self.serving, self.folder = hands, serving, folder
        self.bodies = {body.iri: body for body in bodies(hands.desk.reader)}
        self.counts: Counter[Signature] = Counter()
        self.shared: set[Mark] = set()

    def __iter__(self) -> Iterator[bytes]:
        self.folder.mkdir()
        every = sorted({*self.serving.bodies(), *self.bodies})
        answers = self.hands.map(rendered, self._tasks(every))
        for iri in every:
            body = self.bodies.get(iri)
            files = dumps.Files(self.folder / _key(self.hands.desk.reader.base, iri)) if body else None
            for one in _until(answers):
                if files:
                    for chunk in one.chunks:
                        files.add(chunk)
                self.counts.update(one.counts)
                self.shared |= one.shared
                yield one.nquads
            if body and files:
                body.files.extend(files.close(body.license))

    def _tasks(self, every: list[str]) -> Iterator[Task | None]:
        for iri in every:
            yield from cut(self.serving.records(iri), dumped=iri in self.bodies, loaded=True)
            yield None


def _until(answers: Iterator[Rendered | None]) -> Iterator[Rendered]:
    while (one := next(answers)) is not None:
        yield one


Span = tuple[str, str]
Plan = list[dumps.Chunk | Span]


def changed(hands: Hands, serving: Serving, folder: Path, previous: Path, places: Mapping[str, Mapping[str, bool]]) -> list[Body]:
    """Make each body's dumps from the previous release's: linked where nothing changed, else with the touched chunks made anew.

    previous: its folder of dumps. places: body -> record touched -> whether it is there.
    """
    folder.mkdir()
    base, found, plans = hands.desk.reader.base, bodies(hands.desk.reader), dict[str, Plan]()
    kept: dict[str, list[dumps.Chunk]] = {}
    for body in found:
        key = _key(base, body.iri)
        files = None if body.iri in places else dumps.linked(folder / key, previous / key, body.license)
        body.files.extend(files or ())
        if files is None:
            kept[body.iri] = dumps.chunks(previous / key)
            plans[body.iri] = list(spans(kept[body.iri], places.get(body.iri, {})))
    answers = hands.map(rendered, _tasks(serving, plans))
    for body in found:
        if body.iri in plans:
            key = _key(base, body.iri)
            anew = dumps.Files(folder / key, previous / key, kept[body.iri])
            body.files.extend(_remade(anew, plans[body.iri], answers).close(body.license))
    return found


def _tasks(serving: Serving, plans: Mapping[str, Plan]) -> Iterator[Task | None]:
    for iri, plan in plans.items():
        for one in plan:
            if not isinstance(one, dumps.Chunk):
                yield from cut(serving.records(iri, *one), dumped=True, loaded=False)
                yield None


def _remade(files: dumps.Files, plan: Plan, answers: Iterator[Rendered | None]) -> dumps.Files:
    for one in plan:
        for chunk in (one,) if isinstance(one, dumps.Chunk) else (chunk for answer in _until(answers) for chunk in answer.chunks):
            files.add(chunk)
    return files


def spans(chunks: list[dumps.Chunk], touched: Mapping[str, bool]) -> Iterator[dumps.Chunk | Span]:
    """Yield, by IRI, the chunks that stay and (start, end) of what is to be cut anew; "" is before the first and after the last record.

    touched: record -> whether it is there.
    """
    starts = [chunk.start for chunk in chunks]
    anew = set() if chunks else {0}
    for iri, live in touched.items():
        at = max(0, bisect_right(starts, iri) - 1)
        anew |= {at} if live or at == 0 or starts[at] != iri else {at - 1, at}  # a chunk without its first record joins the one before
    for at in range(max(1, len(chunks))):
        if at not in anew:
            yield chunks[at]
        elif at == 0 or at - 1 not in anew:
            end = next((later for later in range(at, len(chunks)) if later not in anew), None)
            yield "" if at == 0 else starts[at], "" if end is None else starts[end]
