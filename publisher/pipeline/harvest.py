"""Harvest: from a source through the door into the journal; versions are appended only where the content differs."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from shutil import rmtree
from typing import Any

import orjson

from publisher import sources
from publisher.config import Settings, Source
from publisher.errors import PublisherError, Refused
from publisher.fetch import Fetch, cache_folder
from publisher.iris import Iris, Space
from publisher.journal import Journal, Run, Version
from publisher.pipeline import expire, mirror
from publisher.pipeline.aliases import aliases
from publisher.pipeline.incremental import is_window, replayed, turn
from publisher.pipeline.incremental import state as window_state
from publisher.pipeline.localise import PAGES, localised, prefix_of, space_of
from publisher.pipeline.rebase import carried
from publisher.pipeline.vendor_log import remarks
from publisher.record import Record, Refusal, content, content_hash
from publisher.sources.normal import normalised
from publisher.sources.pages_walk import CLOSED
from publisher.sources.stamps import Stamps

BATCH = 500
SAMPLE = 2000
COLUMNS = ("seen", "new", "changed", "unchanged", "withdrawn", "refused")
MIRRORS = mirror.KINDS
FROZEN = ("kind", "jurisdiction", "namespace")
Progress = Callable[[str, int], None]


@dataclass
class Outcome:
    """What a harvest did. counts: class -> COLUMNS. notes: kind -> rule -> (times, leaves, first places).

    former: the source's ids of former members of whom something was withheld; erased: IRIs of those whose old versions held it.
    """

    source: str
    whole: bool = True
    failure: str = ""
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    notes: dict[str, dict[str, list[Any]]] = field(default_factory=lambda: defaultdict(dict))
    refusals: list[Refusal] = field(default_factory=list)
    kept: str = ""
    former: set[str] = field(default_factory=set)
    erased: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 all well, 1 some records refused, 2 the source failed; nothing that was published is lost in any case."""
        return 2 if self.failure else 1 if self.refusals else 0

    def refuse(self, refusal: Refusal) -> None:
        self.refusals.append(refusal)
        self.counts[refusal.type or "?"]["refused"] += 1
        self.whole = self.whole and bool(refusal.id)

    def run(self, number: int, at: str, state: dict[str, Any]) -> Run:
        """Return the harvest as the journal keeps it."""
        counts = {name: dict(counter) for name, counter in sorted(self.counts.items())}
        notes = {kind: dict(rules) for kind, rules in self.notes.items()}
        return Run(number, self.source, at, at, self.whole, counts, notes, [asdict(refusal) for refusal in self.refusals], state)

    def take_notes(self, record: Record) -> None:
        for note in record.notes:
            row = self.notes[note.kind].setdefault(note.rule, [0, 0, []])
            row[0] += 1
            row[1] += note.leaves
            if len(row[2]) < 5:
                row[2].append(f"{record.id} {note.path}")


def established(journal: Journal, wanted: Settings) -> str:
    """Return the instance's base: what was stored at the first harvest. Raises Refused if another one is given now."""
    stored = journal.setting("base")
    if stored is None:
        journal.set("base", wanted.base)
        return wanted.base
    if wanted.base_given and stored != wanted.base:
        raise Refused(f"{wanted.home} publishes under {stored}, not {wanted.base}: publisher build --rebase {wanted.base} moves it")
    return stored


def harvest(
    journal: Journal, source: Source, fetch: Fetch, at: str, *, settings: Settings, progress: Progress, force: bool = False
) -> Outcome:
    """Read one source into the journal and return what happened. `at`: time of reading, RFC 3339 in UTC.

    Interrupted at any moment, what was appended stays and the next harvest goes on; nothing is withdrawn then.
    """
    settings = mirror.settled(journal, source, fetch, settings) if source.kind in MIRRORS else settings
    base, outcome = established(journal, settings), Outcome(source.name)
    replay = isinstance(fetch, Fetch) and fetch.replay
    asked, stamps, run = source if replay else turn(journal, source, at), Stamps(), journal.start(source.name, at)
    seen: set[str] = set()
    late: dict[str, tuple[Record, Iris]] = {}
    with remarks() as remarked:
        try:
            read = replayed(journal, source, fetch) if replay else sources.records(asked, fetch)
            arrivals = _placed(journal, source, read, base, settings.home)
            for count, (item, iris) in enumerate(arrivals):
                if isinstance(item, Refusal):
                    outcome.refuse(item)
                    seen.update(_still_there(item, iris))
                else:
                    stamps.add(item)
                    record, *strays = [item] if source.kind in MIRRORS else normalised(item, source)
                    _accept(journal, source, record, iris, at, outcome, seen)
                    for stray in strays:
                        late.setdefault(stray.id, (stray, iris))
                progress(source.name, count + 1)
                if count % BATCH == BATCH - 1:
                    journal.commit()
        except PublisherError as error:
            outcome.failure, outcome.whole = str(error), False
    complete = outcome.whole and not is_window(asked)
    for stray, iris in late.values():  # what stood where a URL is due is often but a part of the thing: its own record goes first
        iri = iris.mint(stray.id, stray.type)
        if iri not in seen and (complete or iri is None or journal.head(iri) is None):
            _accept(journal, source, stray, iris, at, outcome, seen)
    if complete and _lists_all(source):
        _withdraw(journal, source, seen, at, outcome, settings.safety_share if not force else 1.0)
    if source.kind not in MIRRORS:
        erased = expire.expire(journal, source, at)
        outcome.erased += erased
        outcome.former.update(*erased.values())
    journal.commit()
    if source.kind in MIRRORS and outcome.erased:
        rmtree(cache_folder(settings.home, source.name), ignore_errors=True)
    if isinstance(fetch, Fetch):
        fetch.withhold(outcome.former, source.expired)
    told = {"failure": outcome.failure, "kept": outcome.kept, "remarks": remarked, **window_state(asked, stamps, at, replay=replay)}
    journal.finish(outcome.run(run, at, told))
    return outcome


def _lists_all(source: Source) -> bool:
    """Tell whether a whole walk of this source sees all of its objects, so that a missing one is gone."""
    return source.kind not in ("unserac", *MIRRORS) and not (source.kind == "oparl-files" and Path(source.url).suffix == ".json")


def _still_there(refusal: Refusal, iris: Iris) -> set[str]:
    """Return the IRI of a refused object, which the source still has even if we cannot read it; none if the source says it is gone."""
    iri = iris.mint(refusal.id, refusal.type) if refusal.id and refusal.reason not in CLOSED else None
    return {iri} if iri else set()


def _placed(
    journal: Journal, source: Source, items: Iterable[Record | Refusal], base: str, home: Path
) -> Iterator[tuple[Record | Refusal, Iris]]:
    """Yield each item with the Iris to use for it; the source's id space is found from its first records and then frozen."""
    stream = iter(items)
    held: list[Record | Refusal] = []
    registered = journal.sources()
    if source.name not in registered and source.kind not in MIRRORS:
        for item in stream:
            held.append(item)
            kinds = {one.type for one in held if isinstance(one, Record)}
            if len(held) >= SAMPLE or ("Body" in kinds and kinds - {"Body", "System"}):
                break
    space = _registered(journal, source, [item for item in held if isinstance(item, Record)])
    iris = Iris(base, spaces(journal), aliases(home))
    for item in chain(held, stream):
        if isinstance(item, Record) and source.kind not in (*PAGES, *MIRRORS) and iris.mint(item.id, item.type) is None:
            space = space._replace(prefixes=(*space.prefixes, prefix_of(item.id)))
            _describe(journal, source, space)
            iris = Iris(base, spaces(journal), aliases(home))
        yield item, iris


def _registered(journal: Journal, source: Source, sample: list[Record]) -> Space:
    found = journal.sources().get(source.name)
    if found:
        for key in FROZEN:
            if found[key] != getattr(source, key):
                raise Refused(
                    f"source {source.name}: {key} was {found[key]!r} at its first harvest and stays; use another name for a new source"
                )
        space = Space(**found["space"])._replace(prefixes=tuple(found["space"]["prefixes"]))
    else:
        space = Space(source.jurisdiction, ()) if source.kind in MIRRORS else space_of(source, sample)
        rivals = [
            other
            for name, other in journal.sources().items()
            if (other["jurisdiction"], other["namespace"]) == (space.jurisdiction, space.namespace)
            and not set(other["space"]["prefixes"]) & set(space.prefixes)
        ]
        if rivals and space.prefixes:
            raise Refused(
                f"source {source.name}: jurisdiction {space.jurisdiction} is already published from {rivals[0]['name']}; "
                'give one of them a namespace in its TOML, e.g. namespace = "allris", so that their keys cannot collide'
            )
    _describe(journal, source, space)
    return space


def _describe(journal: Journal, source: Source, space: Space) -> None:
    journal.register(source.name, {**asdict(source), "space": {**space._asdict(), "prefixes": list(space.prefixes)}})


def spaces(journal: Journal) -> list[Space]:
    """Return the id spaces of all registered sources."""
    found = (one["space"] for one in journal.sources().values())
    return [Space(**{**space, "prefixes": tuple(space["prefixes"])}) for space in found]


def _accept(journal: Journal, source: Source, record: Record, iris: Iris, at: str, outcome: Outcome, seen: set[str]) -> None:
    """Append the record if its content is new."""
    if record.type == "Person" and source.kind not in MIRRORS:
        left = expire.former(record, source, at, expire.mark(journal, iris.mint(record.id, "Person") or ""))
        outcome.former |= {record.id, str(record.object.get("web", ""))} if left is not record else set()
        record = left
    outcome.take_notes(record)
    obj = record.object if source.kind in MIRRORS else localised(record.object, iris)
    if obj is None:
        outcome.refuse(
            Refusal(record.url, f"id {record.id!r} names no class that we know; expected one such as .../paper/1", record.type, record.id)
        )
        return
    carried(journal, obj)
    iri, digest, count = obj["id"], content_hash(obj), outcome.counts[record.type]
    head = journal.head(iri)
    if head and head.source != source.name and head.hash != digest and not head.deleted:
        outcome.refuse(Refusal(record.url, f"{iri} is already published from {head.source}; its record stays", record.type, record.id))
        return
    count["seen"] += 1
    seen.add(iri)
    if journal.setting(f"forgotten {iri}"):
        outcome.notes["withheld"].setdefault("forgotten", [0, 0, []])[0] += 1
        return
    if head and (head.hash == digest or (source.kind in MIRRORS and mirror.passed(journal, record))):
        count["unchanged"] += 1
        return
    if source.kind in MIRRORS and mirror.erased(journal, record):
        outcome.erased.append(iri)
    count["changed" if head else "new"] += 1
    body = record.body if source.kind in MIRRORS else iris.mint(record.body, "Body") if record.body else None
    body = (
        body
        or (obj.get("body") if record.type not in ("Body", "System") else iri if record.type == "Body" else "")
        or _main_body(iris, source)
    )
    modified = str(obj.get("modified", ""))
    journal.append(
        Version(0, iri, record.type, source.name, record.url, str(body), modified, at, bool(record.deleted), digest, orjson.dumps(obj))
    )


def _main_body(iris: Iris, source: Source) -> str:
    space = next((space for space in iris.spaces if (space.jurisdiction, space.namespace) == (source.jurisdiction, source.namespace)), None)
    return (space and space.body and iris.mint(space.body, "Body")) or ""


def _withdraw(journal: Journal, source: Source, seen: set[str], at: str, outcome: Outcome, share: float) -> None:
    """Make tombstones of what a whole walk no longer showed, unless so much is missing that the source must be broken."""
    living = list(journal.live(source.name))
    gone = [(iri, kind) for iri, kind, _ in living if iri not in seen]
    if len(gone) > share * len(living):
        outcome.kept = (
            f"{len(gone)} of {len(living)} records are missing, more than the safety share of {share:.0%}: all kept; --force withdraws them"
        )
        return
    for iri, kind in gone:
        last = journal.latest(iri)
        assert last is not None
        kept = {key: value for key, value in orjson.loads(last.json).items() if key in ("type", "id", "owl:sameAs", "created")}
        obj = {**kept, "modified": at, "deleted": True}
        journal.append(last._replace(seq=0, modified=at, recorded=at, deleted=True, hash=content_hash(obj), json=content(obj)))
        outcome.counts[kind]["withdrawn"] += 1
