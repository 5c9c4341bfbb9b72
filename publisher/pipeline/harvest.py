"""Harvest: from a source through the door into the journal; versions are appended only where the content differs."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
from publisher.journal import Head, Journal, Run, Version
from publisher.pipeline import expire, mirror
from publisher.pipeline.aliases import aliases
from publisher.pipeline.incremental import is_window, replayed, turn
from publisher.pipeline.incremental import state as window_state
from publisher.pipeline.localise import PAGES, localised, prefix_of, space_of
from publisher.pipeline.rebase import carried
from publisher.pipeline.vendor_log import remarks
from publisher.record import Record, Refusal, content, content_hash, parts
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
    expected: class -> objects, as the source's TOML states them; met: the same, hashes of the IRIs that came.
    """

    source: str
    whole: bool = True
    complete: bool = False
    failure: str = ""
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    notes: dict[str, dict[str, list[Any]]] = field(default_factory=lambda: defaultdict(dict))
    refusals: list[Refusal] = field(default_factory=list)
    kept: str = ""
    former: set[str] = field(default_factory=set)
    erased: list[str] = field(default_factory=list)
    expected: dict[str, int] = field(default_factory=dict)
    met: dict[str, set[int]] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 all well, 1 some records refused, 2 the source failed; nothing that was published is lost in any case."""
        return 2 if self.failure else 1 if self.refusals else 0

    @property
    def short(self) -> dict[str, list[int]]:
        """Class -> how many objects were expected and how many came, for each class of which a whole walk brought fewer."""
        came = {name: len(self.met.get(name, ())) for name in sorted(self.expected)} if self.complete else {}
        return {name: [self.expected[name], count] for name, count in came.items() if count < self.expected[name]}

    def meet(self, obj: dict[str, Any]) -> None:
        """Count an object under our IRIs, and what it embeds, if anything is expected."""
        for one in (obj, *(part for _, part in parts(obj))) if self.expected else ():
            name = one["type"].rpartition("/")[2]
            if name in self.expected:
                self.met.setdefault(name, set()).add(hash(one["id"]))

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
            rows = self.notes[note.kind]
            row = rows.get(note.rule) or rows.setdefault(note.rule, [0, 0, []])
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
    base, outcome = established(journal, settings), Outcome(source.name, expected=dict(source.expected))
    replay = isinstance(fetch, Fetch) and fetch.replay
    asked, run = source if replay else turn(journal, source, at), journal.start(source.name, at)
    intake = Intake(journal, source, at, outcome)
    with remarks(source.name) as remarked:
        try:
            read = replayed(journal, source, fetch) if replay else sources.records(asked, fetch)
            arrivals = _placed(journal, source, read, base, settings.home)
            for count, (item, iris) in enumerate(arrivals):
                intake.take(item, iris)
                progress(source.name, count + 1)
                if count % BATCH == BATCH - 1:
                    journal.commit()
        except PublisherError as error:
            outcome.failure, outcome.whole = str(error), False
    intake.flush()
    complete = outcome.complete = outcome.whole and not is_window(asked)
    intake.take_strays(complete)
    if complete and _lists_all(source):
        _withdraw(journal, source, intake.seen, at, outcome, settings.safety_share if not force else 1.0)
    if source.kind not in MIRRORS:
        erased = expire.expire(journal, source, at)
        outcome.erased += erased
        outcome.former.update(*erased.values())
    journal.commit()
    if source.kind in MIRRORS and outcome.erased:
        rmtree(cache_folder(settings.home, source.name), ignore_errors=True)
    if isinstance(fetch, Fetch):
        fetch.withhold(outcome.former, source.expired)
    state = window_state(asked, intake.stamps, at, replay=replay)
    told = {"failure": outcome.failure, "kept": outcome.kept, "short": outcome.short, "remarks": remarked, **state}
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


class Intake:
    """Takes what a source yields into the journal, a batch at a time: appended is what differs from the journal's newest version.

    seen: IRIs that the source still has. stamps: what its `modified` are worth.
    """

    def __init__(self, journal: Journal, source: Source, at: str, outcome: Outcome) -> None:
        self.seen, self.stamps = set[str](), Stamps()
        self._journal, self._source, self._at, self._outcome = journal, source, at, outcome
        self._mirror = source.kind in MIRRORS
        self._waiting: list[tuple[Record | Refusal, Iris]] = []
        self._strays: dict[str, tuple[Record, Iris]] = {}
        self._forgotten, self._moved = journal.settings("forgotten "), journal.setting("bases") is not None

    def take(self, item: Record | Refusal, iris: Iris) -> None:
        self._waiting.append((item, iris))
        if self._mirror or len(self._waiting) == BATCH:  # a stream tells versions of one record one after the other
            self.flush()

    def flush(self) -> None:
        """Append what was taken."""
        self._append([(self._raised(item, iris) if isinstance(item, Record) else item, iris) for item, iris in self._waiting])
        self._waiting = []

    def _raised(self, record: Record, iris: Iris) -> Record:
        self.stamps.add(record)
        if self._mirror:
            return record
        raised, *strays = normalised(record, self._source)
        for stray in strays:
            self._strays.setdefault(stray.id, (stray, iris))
        return raised

    def _left(self, record: Record, iris: Iris) -> Record:
        """Return the record without what is withheld of a former member."""
        if record.type != "Person" or self._mirror:
            return record
        mark = expire.mark(self._journal, iris.mint(record.id, "Person") or "")
        left = expire.former(record, self._source, self._at, mark)
        self._outcome.former |= {record.id, str(record.object.get("web", ""))} if left is not record else set()
        return left

    def take_strays(self, complete: bool) -> None:
        """Take objects that stood where a URL is due and had no record of their own: often they are but a part of the thing."""
        absent: dict[str, tuple[Record, Iris]] = {}
        for stray, iris in self._strays.values():
            iri = iris.mint(stray.id, stray.type)
            if iri not in self.seen and (complete or iri is None or self._journal.head(iri) is None):
                absent.setdefault(iri or stray.id, (stray, iris))
        self._append(list(absent.values()))

    def _append(self, items: Sequence[tuple[Record | Refusal, Iris]]) -> None:
        items = [(self._left(item, iris) if isinstance(item, Record) else item, iris) for item, iris in items]
        objects = [self._object(item, iris) if isinstance(item, Record) else None for item, iris in items]
        heads = self._journal.newest([obj["id"] for obj in objects if obj])
        made: list[Version] = []
        for (item, iris), obj in zip(items, objects, strict=True):
            if isinstance(item, Refusal):
                self._outcome.refuse(item)
                self.seen.update(_still_there(item, iris))
            elif version := self._accepted(item, obj, iris, heads):
                heads[version.iri] = Head(0, version.hash, version.deleted, version.source)
                made.append(version)
        self._journal.extend(made)

    def _object(self, record: Record, iris: Iris) -> dict[str, Any] | None:
        obj = record.object if self._mirror else localised(record.object, iris)
        if obj and self._moved:
            carried(self._journal, obj)
        return obj

    def _accepted(self, record: Record, obj: dict[str, Any] | None, iris: Iris, heads: Mapping[str, Head]) -> Version | None:
        """Return the version to append; None if the record's content is not new or must not come in."""
        outcome = self._outcome
        outcome.take_notes(record)
        if obj is None:
            reason = f"id {record.id!r} names no class that we know; expected one such as .../paper/1"
            outcome.refuse(Refusal(record.url, reason, record.type, record.id))
            return None
        iri, digest, count = obj["id"], content_hash(obj), outcome.counts[record.type]
        head = heads.get(iri)
        if head and head.source != self._source.name and head.hash != digest and not head.deleted:
            reason = f"{iri} is already published from {head.source}; its record stays"
            outcome.refuse(Refusal(record.url, reason, record.type, record.id))
            return None
        count["seen"] += 1
        self.seen.add(iri)
        outcome.meet(obj)
        if f"forgotten {iri}" in self._forgotten:
            outcome.notes["withheld"].setdefault("forgotten", [0, 0, []])[0] += 1
            return None
        if head and (head.hash == digest or (self._mirror and mirror.passed(self._journal, record))):
            count["unchanged"] += 1
            return None
        if self._mirror and mirror.erased(self._journal, record):
            outcome.erased.append(iri)
        count["changed" if head else "new"] += 1
        body, modified = self._body(record, obj, iris), str(obj.get("modified", ""))
        return Version(
            0, iri, record.type, self._source.name, record.url, body, modified, self._at, bool(record.deleted), digest, orjson.dumps(obj)
        )

    def _body(self, record: Record, obj: dict[str, Any], iris: Iris) -> str:
        listed = record.body if self._mirror else iris.mint(record.body, "Body") if record.body else None
        own = obj.get("body") if record.type not in ("Body", "System") else obj["id"] if record.type == "Body" else ""
        return str(listed or own or _main_body(iris, self._source))


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
