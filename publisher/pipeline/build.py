"""Build: from the journal to a release, record by record where only some changed, put into service by one switch."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from shutil import rmtree
from typing import NamedTuple, TypeVar

import orjson

from publisher import release
from publisher.config import Settings
from publisher.errors import Misconfigured, Refused
from publisher.graph import vocabulary
from publisher.iris import class_of_iri
from publisher.journal import Journal
from publisher.journal.log import Log
from publisher.journal.serving import Foci, Serving
from publisher.pipeline import link
from publisher.pipeline.furnish import Furnishing, described, furnished
from publisher.pipeline.hands import Hands
from publisher.pipeline.inputs import Inputs, inputs, made_from
from publisher.pipeline.judging import judged
from publisher.pipeline.rebase import MOVED, moved
from publisher.pipeline.rendering import SEVERAL, All, Body, changed, texts
from publisher.pipeline.report import written
from publisher.store import Store, opened

BATCH = 250
MOST, FEW = 0.1, 500  # share of the records, and number, from which on asking about everything costs less
TAKEN_FROM = ("type", "deleted", "license", "oparlx:licenseText", "system", "legislativeTerm")
Thing = TypeVar("Thing")
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
    log: Log
    serving: Serving
    store: Store
    hands: Hands
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
        now, then = inputs(home, journal), made_from(served)
        if served and done == top and not full and now == then:
            return Built(served.number, 0, [], False, [])
        base, holds = journal.setting("base") or settings.base, home / "store.holds"
        if full or not done or now.program != then.program or not _is_ground(home, served, base):
            holds.unlink(missing_ok=True)
            rmtree(home / "store", ignore_errors=True)
            since, done = done, 0
        store = stack.enter_context(closing(opened(_store_url(journal, home), writable=True)))
        work = _Work(
            journal,
            Log(journal, serving.releases(), serving.rejected(number)),
            serving,
            store,
            stack.enter_context(Hands(home, number)),
            number,
            base,
            progress,
        )
        before = serving.live()
        serving.begin(filling=True)
        rejected, taken = _apply(work, done, top, since)
        _guard(before, serving.live(), settings.safety_share, force)
        foci = _foci(work, list(taken), first=not done)
        serving.finish(number, top, at)
        holds.unlink(missing_ok=True)  # until the release is in service, the store is that of none
        missing = _finish(work, home, top, at, list(taken), foci=foci, made_of=now, anew=not done)
        work.log.note(number, top, at, serving.rejected(number, since), taken.values())
        release.dropped(home, served.number if served else 0, number)
        release.switch(home, number)
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


def _apply(work: _Work, done: int, top: int, since: int) -> tuple[list[tuple[str, str]], dict[str, int]]:
    """Judge what changed; return what was kept out, and record -> seq of the newest version that may be published."""
    for seq, reason in work.log.kept_out(since):
        work.serving.reject(work.number, seq, reason)
    for seq in list(work.journal.superseded(max(since, work.log.top()), top)):  # what a release held is not superseded by a rollback
        work.serving.reject(work.number, seq, "superseded")
    taken: dict[str, int] = {}
    bad = first = _judged(work, _kept(work, done, top), taken)
    while bad:
        older = work.hands.desk.written.older([(iri, seq) for seq, iri, _ in bad])
        bad = _judged(work, older, taken)
    return [(iri, wrong) for _, iri, wrong in first], taken


def _judged(work: _Work, seqs: Iterable[int], taken: dict[str, int]) -> list[tuple[int, str, str]]:
    """Let the release serve those of the versions that may be published; return (seq, IRI, reason) of the others."""
    bad: list[tuple[int, str, str]] = []
    for answer in work.hands.map(judged, _batches(seqs, BATCH)):
        for one in answer:
            if one.wrong:
                if not work.log.was_served(one.seq):  # else the rules have changed, and the stream keeps what it told
                    work.serving.reject(work.number, one.seq, one.wrong)
                bad.append((one.seq, one.iri, one.wrong))
            else:
                work.serving.write(work.number, one.rows)
                work.serving.judged(one.iri, one.results)
                taken[one.iri] = one.seq
        work.progress("judged", len(taken) + len(bad))
    return bad


def _foci(work: _Work, taken: list[str], *, first: bool) -> Foci | None:
    """Return about what the rules across records must be asked again, by class: None for everything, as when very much changed."""
    near = {*taken, *work.serving.namesakes(work.number, taken)} if not first else set()
    if first or len(near) > MOST * work.serving.live() + FEW:
        return None
    alike = {iri for iri in taken if _is_alike(work, iri)}  # what only names these is not touched by what changed in them
    near |= alike | work.serving.touched(work.number, set(taken) - alike)
    return work.serving.subjects(work.number, sorted(near)) if len(near) <= 3 * MOST * work.serving.live() + FEW else None


def _is_alike(work: _Work, iri: str) -> bool:
    """Return whether a System or Body says what others take from it as it did in the release before; often its stamp alone is new."""
    if class_of_iri(iri) not in ("Body", "System"):
        return False
    seqs = work.serving.seqs(work.number, iri)
    before, now = (orjson.loads(work.hands.desk.written.json(seq)) if seq else {} for seq in seqs)
    return all(seqs) and all(before.get(key) == now.get(key) for key in TAKEN_FROM)


def _kept(work: _Work, done: int, top: int) -> Iterator[int]:
    """Yield the newest versions' seqs; those that only say that a record moved to another base end its service here."""
    for seq, iri, source in work.hands.desk.written.newest(done, top):
        if source == MOVED:
            work.serving.close(work.number, iri)
            work.serving.judged(iri, [])
        else:
            yield seq


def _mapped(work: _Work, path: Path, previous: Path | None, taken: list[str], *, first: bool) -> list[Body]:
    """Write the quads of what was taken, and of what depends on it, and the dumps of the bodies; return these.

    previous: the release whose unchanged dumps stay.
    """
    if first:
        everything = All(work.hands, work.serving, path / "dumps")
        work.store.load(everything)
        work.store.loaded(everything.counts, everything.shared)
        return list(everything.bodies.values())
    others = [iri for iri in taken if not _is_alike(work, iri)]
    if any(class_of_iri(iri) == "System" for iri in others):
        touched = set(work.serving.everyone())  # a licence passes down from it to all
    else:
        touched = {*taken, *work.serving.dependent(work.number, others)}
    answers = work.hands.map(texts, _batches(sorted(touched), SEVERAL))
    work.store.replace(text for answer in answers for text in answer)
    assert previous is not None
    return changed(work.hands, work.serving, path / "dumps", previous / "dumps", work.serving.places(work.number, sorted(touched)))


def _linked(work: _Work, home: Path, path: Path, previous: Path | None) -> None:
    """Put the confirmed links of {home}/linksets/*.csv into the release, and into their named graphs where they changed."""
    made = link.linksets(home, work.base)
    then = {one.stem: one.read_text("utf-8") for one in (previous / "linksets").glob("*.nq")} if previous else {}
    work.store.remove(f"{work.base}/linkset/{name}" for name in sorted(then.keys() - made.keys()))
    work.store.replace((f"{work.base}/linkset/{name}", text.encode()) for name, text in made.items() if then.get(name) != text)
    for name, text in made.items():
        (path / "linksets").mkdir(exist_ok=True)
        (path / "linksets" / f"{name}.nq").write_text(text, "utf-8")


def _finish(work: _Work, home: Path, top: int, at: str, taken: list[str], *, foci: Foci | None, made_of: Inputs, anew: bool) -> list[str]:
    """Load, freeze, furnish and seal the release; return what has to be configured for a catalogue.

    foci: about what the rules across records are asked again, None for everything. anew: nothing of the release before is
    changed, all is made again.
    """
    path, served = release.staged(home, work.number), release.current(home)
    previous = served.path if served and not (anew and release.damage(served)) else None  # nothing broken is linked on
    bodies = _mapped(work, path, previous, taken, first=anew)
    _linked(work, home, path, None if anew else previous)
    if anew:
        work.store.replace(vocabulary.graphs(work.base))
    work.progress("furnishing", 0)
    furnishing = Furnishing(path, home, previous, anew, taken)
    begun = furnished(work.hands, furnishing)
    work.store.release(path / "store")
    work.serving.begin()
    written(path, work.serving, work.journal, work.store, work.base, work.number, at, foci=foci)
    work.serving.commit()
    missing = described(work.hands.desk.reader, work.store, furnishing, bodies)
    for ended in begun:
        ended()
    manifest = {"release": work.number, "seq": top, "base": work.base, "made": at, "records": work.serving.live()}
    release.finished(home, work.number, manifest | {"inputs": made_of._asdict()})
    return missing


def _batches(things: Iterable[Thing], size: int) -> Iterator[list[Thing]]:
    stream = iter(things)
    while batch := list(islice(stream, size)):
        yield batch
