"""Cuts N-Quads into records, and packs records into batches in which each is judged as if it stood alone."""

import re
from collections.abc import Iterable, Iterator

from publisher.shapes.files import BASE

# Measured on 2,555 records of Hürtgenwald: a call for each costs 0.3 ms on top; batches of thousands take three times as long
# as those of dozens, for the engine's results cost more the more there are.
LARGEST = 32
TYPED = b" <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> "
TYPE = re.escape(TYPED.strip())
SUBJECT = re.compile(rb"^(\S+) (" + TYPE + rb" )?", re.M)
# The same for lines in the mapper's order: one hit for all neighbouring lines of a subject, its class first.
RUN = re.compile(rb"^(\S+) (" + TYPE + rb" )?[^\n]*\n(?:\1 [^\n]*\n)*", re.M)
CLASS = re.compile(rb"^(\S+ " + TYPE + rb" )<[^>]*>", re.M)
DELETED = re.compile(rb'^(\S+) <https://schema\.oparl\.org/1\.1/deleted> "(?:true|1)"', re.M)
FOUR_TERMS = re.compile(rb'\S+ <[^>]*> (?:<[^>]*>|_:\S+|"(?:[^"\\]|\\.)*"(?:@[\w-]+|\^\^<[^>]*>)?) <([^>]*)> ?\.\s*')
TOMBSTONE = f"<{BASE}Deleted>".encode()

Record = tuple[str, bytes]


def records(data: bytes) -> Iterator[Record]:
    """Yield (graph, its lines) of N-Quads, in the order in which the graphs first come; triples without graph are one record ""."""
    found: dict[bytes, list[bytes]] = {}
    for line in data.splitlines(keepends=True):
        # The graph is what follows the last blank but one; a triple's last term is told from it only where a line has no graph.
        start = line.rfind(b" <")
        graph = line[start + 2 : line.rfind(b">")] if start > 0 else b""
        found.setdefault(graph, []).append(line)
    for graph, lines in found.items():
        if graph and FOUR_TERMS.fullmatch(lines[0]) is None:
            yield "", data
            return
        if graph or b"".join(lines).strip():
            yield graph.decode("utf-8", "replace"), b"".join(lines)


def batches(given: Iterable[Record]) -> Iterator[list[Record]]:
    """Yield the records in batches in which no record says anything of a subject that another one describes.

    A room or a file may stand in two records, with different words, and a file may name the papers it belongs to: judged
    together, their statements would melt into an object that nobody published.
    """
    batch: list[Record] = []
    described: set[bytes] = set()
    mentioned: set[bytes] = set()
    for record in given:
        own, all_of_it = subjects(record[1])
        if len(batch) >= LARGEST or not own.isdisjoint(mentioned) or not all_of_it.isdisjoint(described):
            yield batch
            batch, described, mentioned = [], set(), set()
        batch.append(record)
        described |= own
        mentioned |= all_of_it
    if batch:
        yield batch


def subjects(data: bytes) -> tuple[set[bytes], set[bytes]]:
    """Return the subjects whose class is said, and all subjects."""
    hits = RUN.findall(data)
    if sum(1 for _, typed in hits if typed) != data.count(TYPED):
        hits = SUBJECT.findall(data)
    return {subject for subject, typed in hits if typed}, {subject for subject, _ in hits}


def marked(data: bytes) -> bytes:
    """Return the data with :Deleted (shapes/common.ttl) in place of the class of what is deleted, for the engine's eyes only."""
    if b"/deleted> " not in data:
        return data
    deleted = set(DELETED.findall(data))
    return CLASS.sub(lambda hit: hit[1] + TOMBSTONE if hit[1].split(b" ", 1)[0] in deleted else hit[0], data)
