"""How many triples, subjects and things of each property and class a store holds: counted while records come and go, not by queries."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import orjson

TYPE = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type>"
ELI = "/eli> ."
Mark = tuple[bool, str, str, str]
"""Whether in the derived layer, subject, property, and the class where the property is rdf:type: what is counted once a layer."""


Signature = tuple[bool, tuple[str, ...], tuple[str, ...]]
"""Whether in the derived layer, the classes of a subject, and the property of each of its triples there, sorted."""


class Facts(NamedTuple):
    """What some graphs say. counts: what may be added graph by graph. marks: which subjects have which properties and classes."""

    counts: Counter[tuple[Any, ...]]
    marks: set[Mark]


class Partitions:
    """The counts of both layers. Keys: ("t", eli), ("p", eli, property), ("s", eli, property): subjects, ("c", eli, class), ("cp", ...)."""

    def __init__(self, counts: Iterable[tuple[tuple[Any, ...], int]] = ()) -> None:
        self.counts: Counter[tuple[Any, ...]] = Counter(dict(counts))

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


def signatures(nquads: str, own: Iterable[str]) -> tuple[Counter[Signature], set[Mark]]:
    """Return how often a record describes a subject with which classes and properties, and the marks to `settle` once all is there.

    Those marks are of subjects that another record may speak of, too. own: IRIs of the record and of the parts that it alone
    describes. Subjects are alike by the thousand: so their counts are few, and cheap to add up.
    """
    lines = nquads.split("\n")
    if len(set(lines)) < len(lines):
        lines = list(dict.fromkeys(lines))  # a store is a set of quads, a text need not be
    said: tuple[dict[str, list[str]], dict[str, list[str]]] = {}, {}
    classes: tuple[dict[str, list[str]], dict[str, list[str]]] = {}, {}
    for line in lines:
        if line:
            subject, predicate, rest = line.split(" ", 2)
            eli = line.endswith(ELI)
            said[eli].setdefault(subject, []).append(predicate)
            if predicate == TYPE:
                classes[eli].setdefault(subject, []).append(rest.split(" ", 1)[0])
    found: Counter[Signature] = Counter()
    foreign: set[Mark] = set()
    mine = {f"<{iri}" for iri in own}
    for eli in (False, True):
        for subject, predicates in said[eli].items():
            types = classes[eli].get(subject, [])
            found[eli, tuple(sorted(types)), tuple(sorted(predicates))] += 1
            if not _is_of(subject[:-1], mine):
                foreign.update((eli, subject, predicate, "") for predicate in predicates)
                foreign.update((eli, subject, TYPE, cls) for cls in types)
    return found, foreign


def added(found: Counter[Signature]) -> Counter[tuple[Any, ...]]:
    """Return the counts of signatures, each subject counted for every graph that describes it."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for (eli, types, predicates), times in found.items():
        counts["t", eli] += times * len(predicates)
        for predicate, uses in Counter(predicates).items():
            counts["p", eli, predicate] += times * uses
            counts["s", eli, predicate] += times
            for cls in types:
                counts["cp", eli, cls, predicate] += times * uses
        for cls in types:
            counts["c", eli, cls] += times
    return counts


def _is_of(subject: str, mine: set[str]) -> bool:
    """Return whether a subject is one of these or a node derived from one: `{iri}/deu`, `{iri}/beschluss/1`."""
    head = subject.rpartition("/")[0]
    return subject in mine or head in mine or ("/beschluss" in head and head.rpartition("/")[0] in mine)
