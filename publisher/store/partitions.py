"""How many triples, subjects and things of each property and class a store holds: counted while records come and go, not by queries."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import orjson

TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
ELI = "/eli> ."
Mark = tuple[bool, str, str, str]
"""Whether in the derived layer, subject, property, and the class where the property is rdf:type: what is counted once a layer."""


class Facts(NamedTuple):
    """What some graphs say. counts: what may be added graph by graph. marks: which subjects have which properties and classes."""

    counts: Counter[tuple[Any, ...]]
    marks: set[Mark]


class Partitions:
    """The counts of both layers. Keys: ("t", eli), ("p", eli, property), ("s", eli, property): subjects, ("c", eli, class), ("cp", ...)."""

    def __init__(self, counts: Iterable[tuple[tuple[Any, ...], int]] = ()) -> None:
        self.counts: Counter[tuple[Any, ...]] = Counter(dict(counts))

    def add(self, counts: Counter[tuple[Any, ...]]) -> None:
        """Add what further graphs say, counted as if no other said anything of the same subjects."""
        self.counts.update(counts)

    def replaced(self, before: Facts, after: Facts, elsewhere: Callable[[Mark], bool]) -> None:
        """Take some graphs' old facts away and add their new ones. elsewhere: whether a mark stands in any other graph of its layer."""
        self.counts.subtract(before.counts)
        self.counts.update(after.counts)
        for sign, marks in ((1, after.marks - before.marks), (-1, before.marks - after.marks)):
            for mark in marks:
                if not elsewhere(mark):
                    self.counts[_key(mark)] += sign

    def settle(self, marks: Iterable[Mark], graphs: Callable[[Mark], int]) -> None:
        """Count a mark once that was counted for each of several graphs. graphs: in how many graphs of its layer it stands."""
        for mark in marks:
            self.counts[_key(mark)] -= graphs(mark) - 1

    def rows(self, kind: str, eli: bool) -> Iterator[tuple[Any, ...]]:
        """Yield (names..., count) of one kind of key in one layer, sorted; what there is none of is left out."""
        yield from sorted((*key[2:], count) for key, count in self.counts.items() if key[:2] == (kind, eli) and count)

    def json(self) -> bytes:
        return orjson.dumps(sorted((key, count) for key, count in self.counts.items() if count))

    @classmethod
    def of_json(cls, text: bytes) -> "Partitions":
        return cls((tuple(key), count) for key, count in orjson.loads(text))


def _key(mark: Mark) -> tuple[Any, ...]:
    eli, _, predicate, kind = mark
    return ("c", eli, kind) if kind else ("s", eli, predicate)


def facts(nquads: str) -> Facts:
    """Return what the graphs of one record say, `{iri}` and `{iri}/eli`, from their N-Quads."""
    layers: tuple[list[tuple[str, str]], list[tuple[str, str]]] = [], []
    types: tuple[dict[str, list[str]], dict[str, list[str]]] = {}, {}
    for line in set(nquads.split("\n")):  # a store is a set of quads, a text need not be
        if line:
            subject, predicate, rest = line.split(" ", 2)
            eli = line.endswith(ELI)
            layers[eli].append((subject, predicate))
            if predicate == TYPE:
                types[eli].setdefault(subject, []).append(rest.split(" ", 1)[0])
    return _facts(layers, types)


def _facts(layers: tuple[list[tuple[str, str]], ...], types: tuple[dict[str, list[str]], ...]) -> Facts:
    counts: Counter[tuple[Any, ...]] = Counter()
    marks: set[Mark] = set()
    for at, pairs in enumerate(layers):
        eli, classes = bool(at), types[at]
        if pairs:
            counts["t", eli] += len(pairs)
        for (subject, predicate), times in Counter(pairs).items():
            counts["p", eli, predicate] += times
            marks.add((eli, subject, predicate, ""))
            for cls in classes.get(subject, ()):
                counts["cp", eli, cls, predicate] += times
        marks.update((eli, subject, TYPE, cls) for subject, found in classes.items() for cls in found)
    return Facts(counts, marks)


def counted(record: Facts, own: Iterable[str]) -> tuple[Counter[tuple[Any, ...]], set[Mark]]:
    """Return a record's counts for `add`, and the marks to `settle` once all is there: of subjects that another record may speak of, too.

    own: IRIs of the record and of the parts that it alone describes.
    """
    counts, mine = Counter(record.counts), {f"<{iri}" for iri in own}
    foreign = {mark for mark in record.marks if not _is_of(mark[1][:-1], mine)}
    counts.update(_key(mark) for mark in record.marks)
    return counts, foreign


def _is_of(subject: str, mine: set[str]) -> bool:
    """Return whether a subject is one of these or a node derived from one: `{iri}/deu`, `{iri}/beschluss/1`."""
    head = subject.rpartition("/")[0]
    return subject in mine or head in mine or ("/beschluss" in head and head.rpartition("/")[0] in mine)
