"""Build: from the journal to a release, record by record where only some changed, put into service by one switch."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from functools import lru_cache
from itertools import islice
from pathlib import Path
from shutil import rmtree
from typing import Any, NamedTuple

from publisher import release
from publisher.concepts import concepts
from publisher.config import Settings
from publisher.errors import Misconfigured, Refused
from publisher.graph import vocabulary
from publisher.graph.mapper import quads
from publisher.iris import class_of_iri
from publisher.journal import Journal, Version
from publisher.journal.reader import readable
from publisher.journal.serving import Serving, stored
from publisher.pipeline import link
from publisher.pipeline.furnish import furnished
from publisher.pipeline.layers import layers
from publisher.pipeline.rebase import MOVED, moved
from publisher.pipeline.report import written
from publisher.record import parts
from publisher.shapes import Result, Shapes, judge, shapes
from publisher.store import Store, opened

BATCH = 1000
MANY = 2000  # changed records from which on asking about everything costs less
Progress = Callable[[str, int], None]


class Built(NamedTuple):
    """What a build did. changed: records taken; rejected: kept out, with their reasons; number: release now in service.

    missing: what has to be configured before there can be a catalogue for harvesters.
    """

    number: int
    changed: int
    rejected: list[tuple[str, str]]
    new: bool
    missing: list[str]


class _Work(NamedTuple):
    journal: Journal
    serving: Serving
    store: Store
    shapes: Shapes
    number: int
    base: str
    progress: Progress


def build(
    settings: Settings, at: str, *, progress: Progress, full: bool = False, force: bool = False, rebase: str = "", engine: str = ""
) -> Built:
    """Make and serve a release of all that the journal holds; nothing new to publish makes no release.

    engine: URL of another store to publish to from now on, kept with the instance: "sparql+https://...", or "oxigraph:" for ours.

    A record that breaks a Violation of the core shapes stays out and its previous version stays in. Raises Refused if
    the release would lose more records than the safety share (unless forced), Misconfigured for a broken shape file.
    """
    home = settings.home
    with release.writing(home), ExitStack() as stack:
        journal = stack.enter_context(Journal(home / "journal.sqlite"))
        serving = stack.enter_context(Serving(home / "serving.sqlite"))
        if engine:
            journal.set("store", engine.removesuffix("oxigraph:"))
            full = True
        if rebase:
            full = moved(journal, rebase, at) > 0 or full  # no graph may stay at an address that is ours no more
        served = release.current(home)
        done = serving.return_to(served.number if served else 0)
        top, number, since = journal.last_seq(), _next(home, served), done
        if not top:
            raise Misconfigured(f"{home}: nothing was harvested yet; publisher harvest SOURCE comes first")
        if served and done == top and not full:
            return Built(served.number, 0, [], False, [])
        base, holds = journal.setting("base") or settings.base, home / "store.holds"
        if full or not done or not _is_ground(home, served, base):
            holds.unlink(missing_ok=True)
            rmtree(home / "store", ignore_errors=True)
            since, done = done, 0
        store = stack.enter_context(closing(opened(_store_url(journal, home), writable=True)))
        work = _Work(journal, serving, store, shapes(), number, base, progress)
        before = serving.live()
        serving.begin()
        rejected, taken = _apply(work, done, top, since)
        _guard(before, serving.live(), settings.safety_share, force)
        holds.unlink(missing_ok=True)  # until the release is in service, the store is that of none
        _mapped(work, taken, first=done == 0)
        missing = _finish(work, home, top, at, foci=_foci(work, taken, first=not done), anew=not done)
        holds.write_text(f"{number} {base}", "utf-8")
        release.prune(home, settings.retention)
        kept = release.retained(home)
        serving.prune(kept[0].number if kept else number)
        return Built(number, len(taken), rejected, True, missing)


def _is_ground(home: Path, served: release.Release | None, base: str) -> bool:
    """Return whether the store holds exactly what the release in service does: not after a kill, a rollback, a move."""
    try:
        held = (home / "store.holds").read_text("utf-8") if (home / "store").is_dir() else ""
        return served is not None and held == f"{served.number} {base}"
    except (OSError, UnicodeDecodeError):
        return False


def _store_url(journal: Journal, home: Path) -> str:
    """Return the store to build: ours in the home, or the engine that the instance names, which keeps its own index there as well."""
    url = journal.setting("store")
    if not url:
        return f"oxigraph:{home / 'store'}"
    return url if "work=" in url else f"{url}{'&' if '#' in url else '#'}work={home / 'store'}"


def _next(home: Path, served: release.Release | None) -> int:
    return max([served.number if served else 0, *(one.number for one in release.retained(home))]) + 1


def _guard(before: int, after: int, share: float, force: bool) -> None:
    if before and before - after > share * before and not force:
        raise Refused(
            f"this release would lose {before - after} of {before} records, more than the safety share of {share:.0%}; "
            "the one in service stays. If that is right: publisher build --force"
        )


def _apply(work: _Work, done: int, top: int, since: int) -> tuple[list[tuple[str, str]], list[str]]:
    """Judge what changed; return what was kept out, and the records taken."""
    for seq in list(work.journal.superseded(since, top)):
        work.serving.reject(work.number, seq, "superseded")
    rejected: list[tuple[str, str]] = []
    taken: list[str] = []
    for batch in _batches(_kept(work, done, top), BATCH):
        for version, obj in _judged(work, batch, rejected):
            work.serving.put(work.number, version, obj)
            taken.append(version.iri)
        work.progress("judged", len(taken) + len(rejected))
    return rejected, taken


def _foci(work: _Work, taken: list[str], *, first: bool) -> list[str] | None:
    """Return about what the rules across records must be asked again: None for everything, as when a Body or very much changed."""
    if first or len(taken) > MANY or any(class_of_iri(iri) in ("Body", "System") for iri in taken):
        return None
    near = {*taken, *work.serving.touched(work.number, taken), *work.serving.namesakes(work.number, taken)}
    foci = work.serving.subjects(work.number, sorted(near))
    return foci if len(foci) <= 10 * MANY else None


def _kept(work: _Work, done: int, top: int) -> Iterator[Version]:
    """Yield the newest versions; those that only say that a record moved to another base end its service here."""
    for version in work.journal.heads(done, top):
        if version.source == MOVED:
            work.serving.close(work.number, version.iri)
            work.serving.judged(version.iri, [])
        else:
            yield version


def _judged(work: _Work, batch: list[Version], rejected: list[tuple[str, str]]) -> Iterator[tuple[Version, dict[str, Any]]]:
    """Yield what may be published, and keep what the shapes said of each; a Violation keeps the version out."""
    objects = [(version, stored(version)) for version in batch]
    found: dict[str, list[Result]] = {}
    for result in judge("".join(quads(obj) for _, obj in objects), work.shapes):
        found.setdefault(result.record, []).append(result)
    for version, obj in objects:
        results = found.get(version.iri, [])
        wrong = sorted({result.messages.get("de") or result.shape for result in results if result.severity == "Violation"})
        if wrong:
            work.serving.reject(work.number, version.seq, "; ".join(wrong))
            rejected.append((version.iri, "; ".join(wrong)))
        else:
            work.serving.judged(version.iri, [result._asdict() for result in results])
            yield version, obj


def _mapped(work: _Work, taken: list[str], *, first: bool) -> None:
    """Write the quads of what was taken, and of what it touches: a derived layer looks into other records."""
    lookup, known = Lookup(work.journal, work.serving), concepts(work.base)
    every = work.serving.everyone() if first else sorted({*taken, *work.serving.touched(work.number, taken)})
    texts = ((iri, layers(lookup.record(iri), lookup, known)) for iri in every)
    if first:
        work.store.load(text for _, text in texts)
    else:
        work.store.replace(texts)


class Lookup:
    """Records and parts by IRI, as the release being built serves them; called like a function, None for the unknown."""

    def __init__(self, journal: Journal, serving: Serving) -> None:
        self.journal, self.serving, self.held_elsewhere = journal, serving, serving.held_elsewhere
        self._read = lru_cache(2000)(self._owner)

    def _owner(self, seq: int) -> dict[str, dict[str, Any]]:
        obj = stored(self.journal.at(seq))
        return {obj["id"]: obj, **{part["id"]: part for _, part in parts(obj)}}

    def __call__(self, iri: str) -> dict[str, Any] | None:
        found = self.serving.holder(iri)
        return self._read(found[1]).get(iri) if found else None

    def record(self, iri: str) -> dict[str, Any]:
        """Return a record that is known to be there."""
        found = self(iri)
        assert found is not None, iri
        return found


def _linked(work: _Work, home: Path) -> dict[str, str]:
    """Put the vocabulary, and the confirmed links of {home}/linksets/*.csv, into their named graphs; return linkset -> N-Quads."""
    made = {
        path.stem: link.quads(work.base, path.stem, link.read(path.read_text("utf-8"), str(path)))
        for path in sorted((home / "linksets").glob("*.csv"))
    }
    work.store.replace((f"{work.base}/linkset/{name}", text.encode()) for name, text in made.items())
    work.store.replace(vocabulary.graphs(work.base))
    return made


def _finish(work: _Work, home: Path, top: int, at: str, *, foci: list[str] | None, anew: bool) -> list[str]:
    """Freeze the release, furnish and seal it, and switch: whatever happens before the switch, the old one stays in service.

    foci: about what the rules across records are asked again, None for everything. anew: dumps are written even where no
    record changed.
    """
    path, served = release.staged(home, work.number), release.current(home)
    previous = served.path if served and not (anew and release.damage(served)) else None  # nothing broken is linked on
    for name, text in _linked(work, home).items():
        (path / "linksets").mkdir(exist_ok=True)
        (path / "linksets" / f"{name}.nq").write_text(text, "utf-8")
    work.store.release(path / "store")
    written(path, work.serving, work.journal, work.store, work.base, work.number, at, foci=foci)
    work.serving.finish(work.number, top, at)
    with closing(readable(home, work.number)) as reader:
        work.progress("furnishing", 0)
        missing = furnished(path, reader, work.store, home, previous, anew=anew)
    manifest = {"release": work.number, "seq": top, "base": work.base, "made": at, "records": work.serving.live()}
    release.finished(home, work.number, manifest)
    release.dropped(home, served.number if served else 0, work.number)
    release.switch(home, work.number)
    return missing


def _batches(versions: Iterable[Version], size: int) -> Iterator[list[Version]]:
    stream = iter(versions)
    while batch := list(islice(stream, size)):
        yield batch
