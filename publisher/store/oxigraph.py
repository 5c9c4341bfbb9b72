"""The embedded store: Oxigraph on RocksDB in a directory, one writer, released as hard-linked read-only copies."""

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from math import inf
from pathlib import Path
from typing import Any, cast

import pyoxigraph as ox

from publisher.errors import Busy, Malformed, Misconfigured, QueryRefused
from publisher.store.gate import checked
from publisher.store.partitions import Facts, Mark, Partitions, Signature, added, facts

LAYERS = ("", "/eli")
BATCH_RECORDS, BATCH_BYTES = 1000, 8_000_000
PORTION = 100_000_000  # bytes of N-Quads of one bulk load, which keeps up to three million quads in memory if it gets as many
COMPACT_AFTER, SCATTERED = 5_000, 0.1  # records changed, and share of the quads, from which on a store is compacted
RESULT_FORMATS = {
    "application/sparql-results+json": ox.QueryResultsFormat.JSON,
    "application/sparql-results+xml": ox.QueryResultsFormat.XML,
    "text/csv": ox.QueryResultsFormat.CSV,
    "text/tab-separated-values": ox.QueryResultsFormat.TSV,
}
GRAPH_FORMATS = {
    "text/turtle": ox.RdfFormat.TURTLE,
    "application/n-triples": ox.RdfFormat.N_TRIPLES,
    "application/ld+json": ox.RdfFormat.JSON_LD,
    "application/rdf+xml": ox.RdfFormat.RDF_XML,
    "application/n-quads": ox.RdfFormat.N_QUADS,
    "application/trig": ox.RdfFormat.TRIG,
}


def database(path: str | Path, *, writable: bool) -> ox.Store:
    """Return the RocksDB store in a directory. Raises Busy (locked by another writer), Misconfigured (not a store)."""
    try:
        if not writable:
            return ox.Store.read_only(str(path))
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return ox.Store(str(path))
    except OSError as error:
        if "/LOCK:" in str(error):
            raise Busy(f"{path}: another process writes to this store; wait for it to end") from error
        raise Misconfigured(
            f"{path}: no usable store ({error}); remove the directory and build again: the journal holds everything"
        ) from error


class Embedded:
    """A Store in a directory. `release` leaves the working directory open for more; copies are opened with writable=False."""

    def __init__(self, path: str, writable: bool = False) -> None:
        self.path, self.writable = Path(path), writable
        self._store: ox.Store | None = database(path, writable=writable)
        self._changes, self._quads = 0, 0.0
        self._noted = self.path.with_name(self.path.name + ".counts.json")
        self.counts = self._counts() if writable else None

    def _counts(self) -> Partitions | None:
        """Return the counts as of the last release; None where the store was changed and not released since, by a build that was killed."""
        if self._noted.is_file():
            return Partitions.of_json(self._noted.read_bytes())
        return None if any(True for _ in self._open().quads_for_pattern(None, None, None, None)) else Partitions()

    def _open(self) -> ox.Store:
        if self._store is None:
            raise Misconfigured(f"{self.path}: this store was closed")
        return self._store

    def load(self, nquads: Path | Iterable[bytes]) -> None:
        """Add N-Quads by RocksDB's bulk path, chunks in constant memory. Raises Malformed naming the line, of a chunk's in its portion.

        A blank node is one in a file, and in chunks one in a portion only: in what we publish there are none. Nothing is
        counted here: who makes the quads can do so at less cost, and sets `counts`, None until then.
        """
        self._changes, self._quads, self.counts = COMPACT_AFTER, inf, None
        self._noted.unlink(missing_ok=True)
        try:
            if isinstance(nquads, Path):
                self._open().bulk_load(path=str(nquads), format=ox.RdfFormat.N_QUADS)
            else:
                for portion in portions(nquads, PORTION):
                    self._open().bulk_load(Chunks(portion), format=ox.RdfFormat.N_QUADS)  # type: ignore[arg-type]
        except SyntaxError as error:
            raise Malformed(str(nquads) if isinstance(nquads, Path) else str(self.path), f"N-Quads; {error}") from error

    def replace(self, records: Iterable[tuple[str, bytes]]) -> int:
        """Put each (record IRI, its N-Quads) in the place of what the record's graphs held; returns how many records."""
        return sum(self._replaced(batch) for batch in batches(records))

    def _replaced(self, batch: list[tuple[str, bytes]]) -> int:
        iris = [iri for iri, _ in batch]
        before = self._facts(iris)
        self._removed(iris)
        try:
            self._open().load(b"".join(nquads for _, nquads in batch), format=ox.RdfFormat.N_QUADS)
        except SyntaxError as error:
            raise Malformed(batch[0][0], f"N-Quads in its batch of {len(batch)} records; {error}") from error
        self._recounted(iris, before)
        return len(batch)

    def remove(self, iris: Iterable[str]) -> int:
        """Remove the records' graphs; returns how many records were named."""
        named = list(iris)
        before = self._facts(named)
        self._removed(named)
        self._recounted(named, before)
        return len(named)

    def _removed(self, iris: list[str]) -> None:
        store = self._open()
        self._noted.unlink(missing_ok=True)
        for iri in iris:
            for layer in LAYERS:
                store.remove_graph(ox.NamedNode(iri + layer))
        self._changes += len(iris)

    def _facts(self, iris: Iterable[str]) -> Facts | None:
        """Return what the records' graphs say now, if somebody counts."""
        if self.counts is None:
            return None
        found = Facts(Counter(), set())
        for iri in dict.fromkeys(iris):
            said = facts("".join(f"{quad} .\n" for layer in LAYERS for quad in self._graph(iri + layer)))
            found.counts.update(said.counts)
            found.marks.update(said.marks)
        return found

    def _graph(self, iri: str) -> Iterator[ox.Quad]:
        yield from self._open().quads_for_pattern(None, None, None, ox.NamedNode(iri))

    def _recounted(self, iris: list[str], before: Facts | None) -> None:
        after = self._facts(iris)
        if self.counts is not None and before is not None and after is not None:
            mine = {f"<{iri}{layer}>" for iri in iris for layer in LAYERS}
            self._quads += max(sum(said.counts["t", eli] for eli in (False, True)) for said in (before, after))
            self.counts.replaced(before, after, lambda mark: any(graph not in mine for graph in self._graphs(mark)))

    def _graphs(self, mark: Mark) -> set[str]:
        """Return the graphs of its layer in which a mark stands."""
        eli, *terms = mark
        subject, predicate, kind = (_node(term) for term in terms)
        found = {str(quad.graph_name) for quad in self._open().quads_for_pattern(subject, predicate, kind, None)}
        return {graph for graph in found if graph.endswith("/eli>") == eli}

    def loaded(self, found: Counter[Signature], shared: Iterable[Mark]) -> None:
        """Take over what was counted while the records were made for `load`; shared: what may have been counted more than once."""
        self.counts = Partitions(added(found).items())
        self.counts.settle(shared, lambda mark: len(self._graphs(mark)))

    def query(self, sparql: str, media_type: str = "application/sparql-results+json") -> bytes:
        """Return the whole answer as `media_type`; the default graph is the union of all graphs, or what FROM says. Raises QueryRefused."""
        try:
            answer = self._open().query(sparql, use_default_graph_as_union=not checked(sparql).dataset)
        except SyntaxError as error:
            raise QueryRefused(f"not a SPARQL 1.1 query: {error}") from error
        formats = GRAPH_FORMATS if isinstance(answer, ox.QueryTriples) else RESULT_FORMATS
        if media_type not in formats:
            raise QueryRefused(f"{media_type}: expected one of {', '.join(formats)}", 406)
        return answer.serialize(None, formats[media_type]) or b""  # type: ignore[arg-type]

    def describe(self, iri: str) -> bytes:
        """Return the triples about `iri` in all graphs, blank nodes followed (CBD), as N-Triples."""
        return self.query(f"DESCRIBE <{ox.NamedNode(iri).value}>", "application/n-triples")

    def triples(self, *, eli: bool) -> Iterator[ox.Triple]:
        """Yield the distinct triples of one layer, in the order of the index."""
        layer = f'SELECT DISTINCT ?s ?p ?o {{ GRAPH ?g {{ ?s ?p ?o }} FILTER(STRENDS(STR(?g), "/eli") = {str(eli).lower()}) }}'
        for solution in cast(ox.QuerySolutions, self._open().query(layer)):
            yield ox.Triple(cast(ox.NamedNode, solution["s"]), cast(ox.NamedNode, solution["p"]), cast(ox.NamedNode, solution["o"]))

    def about(self, subject: ox.NamedNode, *, eli: bool) -> Iterator[ox.Quad]:
        """Yield the quads about a subject in one layer."""
        for quad in self._open().quads_for_pattern(subject, None, None, None):
            if str(quad.graph_name).endswith("/eli>") == eli:
                yield quad

    def release(self, path: Path) -> None:
        """Freeze what the store holds as a read-only copy in the fresh directory `path`.

        Files are hard links, so the copy is cheap, and immutable, so it outlives every later change. Much written means much
        scattered (a range query on 10 million triples took eight times as long): then the store is compacted first, which
        costs as much as all of it, and so is left to a change that is a fair share of it.
        A killed release leaves only `{path}.part`, which the next one clears.
        """
        store = self._open()
        store.flush()
        if self._is_scattered():
            del store
            self._compact()
        part = path.with_name(path.name + ".part")
        shutil.rmtree(part, ignore_errors=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._open().backup(str(part))
        part.rename(path)
        if self.counts is not None:
            beside = self._noted.with_name(self._noted.name + ".part")
            beside.write_bytes(self.counts.json())
            beside.replace(self._noted)

    def _is_scattered(self) -> bool:
        held = sum(self.counts.counts["t", eli] for eli in (False, True)) if self.counts else 0
        return self._changes >= COMPACT_AFTER and self._quads >= SCATTERED * held

    def _compact(self) -> None:
        # optimize() right after bulk_load, on the same handle, does nothing: RocksDB wants the directory opened anew.
        for _ in range(2):
            self._store = None
            self._store = database(self.path, writable=True)
            self._store.optimize()
        self._changes, self._quads = 0, 0.0

    def close(self) -> None:
        """Let go of the directory and its lock."""
        self._store = None


def _node(term: str) -> Any:
    return ox.NamedNode(term[1:-1]) if term[:1] == "<" else ox.BlankNode(term[2:]) if term else None


class Chunks:
    """A binary stream read from chunks of bytes."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes (all when negative); empty at the end."""
        if size < 0:
            return b"".join(chain((self._rest,), self._chunks))
        if not self._rest:
            self._rest = memoryview(next((chunk for chunk in self._chunks if chunk), b""))
        head, self._rest = self._rest[:size], self._rest[size:]
        return bytes(head)


def portions(chunks: Iterable[bytes], size: int) -> Iterator[Iterator[bytes]]:
    """Yield the chunks in portions of whole lines and some `size` bytes; each is to be read to its end before the next is asked for."""
    waiting = filter(None, chunks)
    rest = b""

    def portion(first: bytes) -> Iterator[bytes]:
        nonlocal rest
        taken, rest = len(first), b""
        yield first
        for chunk in waiting:
            taken += len(chunk)
            end = chunk.rfind(b"\n") + 1
            if taken >= size and end:
                rest = chunk[end:]
                yield chunk[:end]
                return
            yield chunk

    while first := rest or next(waiting, b""):
        yield portion(first)


def batches(records: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    """Yield lists of records bounded by number and bytes; the last version of an IRI that occurs twice in a list wins."""
    batch: dict[str, bytes] = {}
    size = 0
    for iri, nquads in records:
        batch[iri] = nquads
        size += len(nquads)
        if len(batch) >= BATCH_RECORDS or size >= BATCH_BYTES:
            yield list(batch.items())
            batch, size = {}, 0
    if batch:
        yield list(batch.items())
