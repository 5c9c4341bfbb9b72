"""Makes batches of N-Quads in which every record is judged as if it stood alone."""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from publisher.ontology import ontology
from publisher.shapes.files import BASE

TYPED = re.compile(rb"^(<[^>]*>) <http://www\.w3\.org/1999/02/22-rdf-syntax-ns#type> (<[^>]*>)(?: (<[^>]*>))? ?\.$", re.M)
DELETED = re.compile(rb'^(<[^>]*>) <https://schema\.oparl\.org/1\.1/deleted> "(?:true|1)"', re.M)
GRAPH = re.compile(rb" (<[^>]*>) ?\.\s*$")
TOMBSTONE = f"<{BASE}Deleted>".encode()


class Batch(NamedTuple):
    """data: N-Quads. typed: subject -> the graphs that say its class, None where a line names no graph."""

    data: bytes
    typed: dict[bytes, list[bytes | None]]

    def records_of(self, focus: str) -> list[str]:
        """Return the records (IRIs) that describe a focus node given in N-Triples syntax."""
        node = focus.encode()
        graphs = self.typed.get(node) or [graph_of(line) for line in self.data.splitlines() if line.startswith(node + b" ")]
        return sorted({(graph or node).decode().strip("<>") for graph in graphs}) or [focus.strip("<>")]

    def graphs(self) -> list[str]:
        """Return the records in the batch, in their order; a subject stands for itself where no graph is named."""
        found = dict.fromkeys(_owner(line) for line in self.data.splitlines() if line.strip())
        return [graph.decode("utf-8", "replace").strip("<>") for graph in found]


def graph_of(line: bytes) -> bytes | None:
    """Return the graph of a line of N-Quads, None for a triple."""
    found = GRAPH.search(line)
    # A triple ends in an IRI too; a quad has four terms, so what stands before must still hold three.
    return found[1] if found and _three(line[: found.start()]) else None


def _three(head: bytes) -> bool:
    return re.fullmatch(rb"\S+ <[^>]*> (?:<[^>]*>|_:\S+|\".*\"(?:@[\w-]+|\^\^<[^>]*>)?)", head, re.S) is not None


def _owner(line: bytes) -> bytes:
    return graph_of(line) or line.split(b" ", 1)[0]


def batches(data: bytes) -> Iterator[Batch]:
    """Yield the records of `data` in as few batches as keep them apart.

    Two records may describe one embedded object (a room, a file). Where they say the same, one batch holds both; where
    they differ, the later record goes into a batch of its own, or its two descriptions would melt into one that neither gave.
    """
    typed = _typed(data)
    data = _marked(_own(data, typed))
    rounds = _rounds(data, typed)
    if not rounds:
        yield Batch(data, typed)
        return
    parts: dict[int, list[bytes]] = defaultdict(list)
    for line in data.splitlines(keepends=True):
        parts[rounds.get(_owner(line), 0)].append(line)
    for at in sorted(parts):
        part = b"".join(parts[at])
        yield Batch(part, _typed(part))


def _typed(data: bytes) -> dict[bytes, list[bytes | None]]:
    found: dict[bytes, list[bytes | None]] = {}
    for subject, _, graph in TYPED.findall(data):
        found.setdefault(subject, []).append(graph or None)
    return found


@cache
def _reverse() -> re.Pattern[bytes]:
    """Return what finds the lines that a record may write about a foreign subject: File.paper, Location.meetings ..."""
    uses = [use for terms in ontology().uses.values() for use in terms.values() if use.reverse]
    names = "|".join(re.escape(name) for name in sorted({use.predicate for use in uses}))
    return re.compile(rf"^(<[^>]*>) <(?:{names or '-'})> <[^>]*> (<[^>]*>) ?\.\n".encode(), re.M)


def _own(data: bytes, typed: dict[bytes, list[bytes | None]]) -> bytes:
    """Return the data without what records say about subjects of other records: it is judged where the subject is described."""
    pattern = _reverse()
    if any(graph not in typed.get(subject, ()) for subject, graph in pattern.findall(data)):
        return pattern.sub(lambda hit: hit[0] if hit[2] in typed.get(hit[1], ()) else b"", data)
    return data


def _marked(data: bytes) -> bytes:
    """Return the data with :Deleted (shapes/common.ttl) in place of the class of what is deleted, for the engine's eyes only."""
    deleted = set(DELETED.findall(data))
    if not deleted:
        return data
    return TYPED.sub(lambda hit: hit[0].replace(hit[2], TOMBSTONE, 1) if hit[1] in deleted else hit[0], data)


def _rounds(data: bytes, typed: dict[bytes, list[bytes | None]]) -> dict[bytes, int]:
    """Return graph -> number of its batch, for those that must not be in the first one."""
    shared = {subject for subject, graphs in typed.items() if len(set(graphs)) > 1}
    if not shared:
        return {}
    said: dict[bytes, dict[bytes, list[bytes]]] = defaultdict(lambda: defaultdict(list))
    for line in data.splitlines():
        subject = line[: line.find(b">") + 1]
        if subject in shared and (graph := graph_of(line)):
            said[graph][subject].append(line[: -len(graph) - 2])
    placed: list[dict[bytes, list[bytes]]] = []
    rounds = {}
    for graph, about in said.items():
        here = {subject: sorted(lines) for subject, lines in about.items()}
        at = next((at for at, taken in enumerate(placed) if all(taken.get(s, lines) == lines for s, lines in here.items())), len(placed))
        if at == len(placed):
            placed.append({})
        placed[at] |= here
        rounds[graph] = at
    return {graph: at for graph, at in rounds.items() if at}


def halves(batch: Batch) -> list[Batch]:
    """Return the batch's records in two batches, or the batch alone if it holds one record."""
    lines: dict[bytes, list[bytes]] = defaultdict(list)
    for line in batch.data.splitlines(keepends=True):
        if line.strip():
            lines[_owner(line)].append(line)
    owners = list(lines)
    if len(owners) < 2:
        return [batch]
    middle = len(owners) // 2
    parts = [b"".join(line for owner in part for line in lines[owner]) for part in (owners[:middle], owners[middle:])]
    return [Batch(part, _typed(part)) for part in parts]
