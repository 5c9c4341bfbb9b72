"""The RDF dataset behind five verbs, chosen by the scheme of its URL: embedded Oxigraph, or any SPARQL 1.1 engine."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

import orjson

from publisher.errors import Misconfigured
from publisher.store.oxigraph import Embedded
from publisher.store.partitions import Mark, Partitions, Signature
from publisher.store.remote import Remote

__all__ = ["KINDS", "Embedded", "Remote", "Store", "opened", "rows"]

RESULTS = "application/sparql-results+json"


class Store(Protocol):
    """An RDF dataset in which each record owns the named graphs of LAYERS: `{iri}` and, derived from it, `{iri}/eli`.

    Every verb is idempotent: whoever was killed in the middle opens the store again and applies the same batch, or, since the
    journal is the truth and a store only an index of it, removes the store and loads it anew.
    """

    @property
    def counts(self) -> Partitions | None:
        """How often each class and property is used, as counted along; None where nobody could."""

    def loaded(self, found: Counter[Signature], shared: Iterable[Mark]) -> None:
        """Take over what was counted while the records were made for `load`; shared: what may have been counted more than once."""

    def load(self, nquads: Path | Iterable[bytes]) -> None:
        """Add N-Quads (a file, or chunks of bytes cut anywhere) by the engine's fastest path; meant for the first build."""

    def replace(self, records: Iterable[tuple[str, bytes]]) -> int:
        """Put each (record IRI, its N-Quads) in the place of what the record's graphs held; returns how many records."""

    def remove(self, iris: Iterable[str]) -> int:
        """Remove the records' graphs; returns how many records were named."""

    def query(self, sparql: str, media_type: str = RESULTS) -> bytes:
        """Return the whole answer as `media_type`; the default graph is the union of all graphs. Raises QueryRefused."""

    def describe(self, iri: str) -> bytes:
        """Return the triples about `iri` in all graphs, blank nodes followed (CBD), as N-Triples."""

    def release(self, path: Path) -> None:
        """Freeze what the store holds now as a fresh read-only copy at `path`, and make it what readers see."""

    def close(self) -> None:
        """Let go of files, locks and connections."""


KINDS: dict[str, Callable[[str, bool], Store]] = {
    "oxigraph": Embedded,
    "sparql+http": lambda rest, writable: Remote(f"http:{rest}", writable),
    "sparql+https": lambda rest, writable: Remote(f"https:{rest}", writable),
}


def opened(url: str, *, writable: bool = False) -> Store:
    """Return the store of a URL such as `oxigraph:var/store`.

    Raises Misconfigured (unknown kind, unusable directory), Busy (another process writes to it), Unreachable (remote engine),
    Refused (a remote engine that takes updates from anybody).
    """
    scheme, _, rest = url.partition(":")
    if scheme not in KINDS or not rest:
        raise Misconfigured(f"store {url!r}: expected one of {', '.join(f'{kind}:...' for kind in KINDS)}")
    return KINDS[scheme](rest, writable)


def rows(results: bytes) -> Iterator[dict[str, str]]:
    """Yield the solutions of SPARQL 1.1 results JSON as name -> lexical value; unbound names are absent."""
    for solution in orjson.loads(results)["results"]["bindings"]:
        yield {name: term["value"] for name, term in solution.items()}
