"""The remote store: an index of the builder's own, published to a SPARQL 1.1 engine generation by generation."""

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple, cast

import orjson
import pyoxigraph as ox

from publisher.errors import Malformed, Misconfigured, QueryRefused, Refused, Unreachable
from publisher.store.engine import JSON, NTRIPLES, Address, Engine, address, findings
from publisher.store.gate import Query, checked
from publisher.store.oxigraph import GRAPH_FORMATS, RESULT_FORMATS, Embedded
from publisher.store.partitions import Mark, Partitions, Signature

PUBLICATION = "engine.json"
CURRENT = "urn:publisher:current"
HOLDS, SHOWS = "urn:publisher:holds", "urn:publisher:shows"
GENERATION = "urn:publisher:generation:"
KEPT = 3
SAMPLE = 40
LAYERS = ("records", "eli")


class Publication(NamedTuple):
    """A release on an engine: where it is asked, and the graphs that are its default graph."""

    where: Address
    graphs: tuple[str, ...]


class Remote:
    """A Store whose release is a generation on an engine: two graphs, records and derived layer, never touched once shown.

    load, replace and remove change the builder's own index (`work`), which the journal can rebuild; `release` loads a new
    generation, verifies it, shows it, and drops all but the last KEPT. `query` and `describe` see the generation shown.
    """

    def __init__(self, url: str, writable: bool = False) -> None:
        self.where = address(url)
        self.engine = Engine(self.where)
        self.findings: dict[str, str] = {}
        if writable:
            if not self.where.work:
                raise Misconfigured(f"store {self.where.query}: expected #work=DIR, the folder for the builder's own index")
            self.findings = findings(self.engine)
            self._refuse_the_open()
            self._index = Embedded(self.where.work, writable=True)

    def _refuse_the_open(self) -> None:
        open_to = [name for name in ("anonymous-update", "update-by-get") if self.findings[name] == "yes"]
        if open_to and not self.where.loopback:
            raise Refused(
                f"{self.where.query}: this engine takes updates from anybody ({', '.join(open_to)}); give its updates a password, "
                "or let it listen on a loopback address behind this server"
            )

    @property
    def counts(self) -> Partitions | None:
        """How often each class and property is used, as the index counted along."""
        return self._index.counts

    def loaded(self, found: Counter[Signature], shared: Iterable[Mark]) -> None:
        """Take over what was counted while the records were made for `load`."""
        self._index.loaded(found, shared)

    def load(self, nquads: Path | Iterable[bytes]) -> None:
        """Add N-Quads to the index."""
        self._index.load(nquads)

    def replace(self, records: Iterable[tuple[str, bytes]]) -> int:
        """Put each (record IRI, its N-Quads) in the index in the place of what the record's graphs held."""
        return self._index.replace(records)

    def remove(self, iris: Iterable[str]) -> int:
        """Remove the records' graphs from the index."""
        return self._index.remove(iris)

    def query(self, sparql: str, media_type: str = JSON) -> bytes:
        """Return the whole answer of the generation shown, as `media_type`. Raises QueryRefused, LimitMet, Unreachable."""
        with tempfile.SpooledTemporaryFile(max_size=1 << 20) as out:
            shown = self._shown()
            answered(self.engine, checked(sparql), media_type, out, graphs=shown, named=shown)
            out.seek(0)
            return out.read()

    def describe(self, iri: str) -> bytes:
        """Return the triples about `iri` in the generation shown, as N-Triples; engines disagree on DESCRIBE, so it is a CONSTRUCT."""
        subject = ox.NamedNode(iri)
        return self.query(f"CONSTRUCT {{ {subject} ?p ?o }} WHERE {{ {subject} ?p ?o }}", NTRIPLES)

    def _shown(self) -> list[str]:
        shown = self._numbers(SHOWS)
        if not shown:
            raise Unreachable("engine", self.where.query, "expected a published generation; publisher build makes one")
        return [f"{GENERATION}{shown[-1]}:{layer}" for layer in LAYERS]

    def release(self, path: Path) -> None:
        """Publish the index as a new generation, verified before it is shown, and note in `path` where readers find it.

        A killed release leaves a generation that nothing shows; the next one drops it. Raises Refused if the engine did not keep
        what it was given.
        """
        held = self._numbers(HOLDS)
        shown = max(self._numbers(SHOWS), default=0)
        for number in held:
            if number > shown:
                self._drop(number)
        number = max(held, default=0) + 1
        name = f"{GENERATION}{number}"
        self.engine.update(f"INSERT DATA {{ GRAPH <{CURRENT}> {{ <{CURRENT}> <{HOLDS}> <{name}> }} }}")
        for layer in LAYERS:
            count = self.engine.insert(f"{name}:{layer}", self._lines(layer))
            self._verify(f"{name}:{layer}", layer, count)
        # One added triple shows the generation: no engine can be seen halfway (Virtuoso 7 ignored DELETE/INSERT with OPTIONAL here).
        self.engine.update(f"INSERT DATA {{ GRAPH <{CURRENT}> {{ <{CURRENT}> <{SHOWS}> <{name}> }} }}")
        path.mkdir(parents=True)
        notice = {"where": self.where._asdict(), "graphs": [f"{name}:{layer}" for layer in LAYERS], "findings": self.findings}
        file = path / PUBLICATION
        file.touch(0o600)  # it may hold a password
        file.write_bytes(orjson.dumps(notice, option=orjson.OPT_INDENT_2))
        for old in sorted(n for n in held if n <= shown)[: -(KEPT - 1)]:
            self._drop(old)

    def _numbers(self, predicate: str) -> list[int]:
        rows = self.engine.rows(f"SELECT ?g {{ GRAPH <{CURRENT}> {{ <{CURRENT}> <{predicate}> ?g }} }}")
        return sorted(int(row["g"].removeprefix(GENERATION)) for row in rows)

    def _drop(self, number: int) -> None:
        for layer in LAYERS:
            self.engine.update(f"DROP SILENT GRAPH <{GENERATION}{number}:{layer}>")
        for predicate in (SHOWS, HOLDS):
            self.engine.update(f"DELETE DATA {{ GRAPH <{CURRENT}> {{ <{CURRENT}> <{predicate}> <{GENERATION}{number}> }} }}")

    def _lines(self, layer: str) -> Iterator[bytes]:
        for triple in self._index.triples(eli=layer == "eli"):
            yield f"{triple.subject} {triple.predicate} {triple.object} .\n".encode()

    def _verify(self, graph: str, layer: str, expected: int) -> None:
        """Compare the number of triples, and what is said about SAMPLE subjects spread over the graph. Raises Refused."""
        found = self.engine.count(graph)
        if found != expected:
            raise Refused(
                f"{self.where.query}: {graph}: expected {expected} triples, the engine holds {found}; the generation is not shown"
            )
        step = max(1, expected // SAMPLE)
        triples = enumerate(self._index.triples(eli=layer == "eli"))
        subjects = {triple.subject for at, triple in triples if at % step == 0 and isinstance(triple.subject, ox.NamedNode)}
        for subject in sorted(subjects, key=str):
            here = {essence(triple) for triple in self._index.about(subject, eli=layer == "eli")}
            if here != (there := set(self._about(subject, graph))):
                differ = sorted(here ^ there)[:3]
                raise Refused(f"{self.where.query}: {graph}: {subject} came back changed: {differ}; the generation is not shown")

    def _about(self, subject: ox.NamedNode, graph: str) -> Iterator[tuple[str, str]]:
        construct = f"CONSTRUCT {{ {subject} ?p ?o }} WHERE {{ GRAPH <{graph}> {{ {subject} ?p ?o }} }}"
        with self.engine.ask(construct, NTRIPLES) as body:
            yield from (essence(triple) for triple in ox.parse(body, format=ox.RdfFormat.N_TRIPLES))

    def close(self) -> None:
        """Close the index and the connections."""
        self.engine.close()
        if hasattr(self, "_index"):
            self._index.close()


def essence(triple: ox.Triple | ox.Quad) -> tuple[str, str]:
    """Return predicate and object as every engine keeps them: of numbers, dates and geometry only that they are there."""
    term = triple.object
    portable = not isinstance(term, ox.Literal) or term.language or term.datatype.value.endswith("#string")
    return triple.predicate.value, str(term) if portable else "typed"


def publication(path: Path) -> Publication | None:
    """Return the publication noted in a release's store folder; None if the folder is an embedded store. Raises Malformed."""
    file = path / PUBLICATION
    if not file.exists():
        return None
    try:
        notice: dict[str, Any] = orjson.loads(file.read_bytes())
        return Publication(Address(**notice["where"]), tuple(notice["graphs"]))
    except (ValueError, KeyError, TypeError) as error:
        raise Malformed(str(file), f"expected where and graphs: {error}; build again") from error


def answered(engine: Engine, query: Query, media_type: str, out: IO[bytes], *, graphs: Iterable[str] = (), **limits: Any) -> None:
    """Write the engine's answer to `out` as `media_type`.

    The answer is asked for in the one form whose end can be recognised, parsed to that end, and only then written in the form
    wanted: an answer that was cut raises Unreachable, whatever its status was. limits: named, seconds, size as in Engine.ask.
    """
    default = [] if query.dataset else list(graphs)
    if query.dataset:  # its own FROM and FROM NAMED speak
        limits["named"] = ()
    graph = query.kind == "graph"
    formats = GRAPH_FORMATS if graph else RESULT_FORMATS
    if media_type not in formats:
        raise QueryRefused(f"{media_type}: expected one of {', '.join(formats)}", 406)
    with engine.ask(query.text, NTRIPLES if graph else JSON, default, **limits) as body:
        try:
            if graph:
                ox.serialize(ox.parse(body, format=ox.RdfFormat.N_TRIPLES), out, format=GRAPH_FORMATS[media_type])
            elif query.form == "ASK":
                _boolean(body.read()).serialize(out, RESULT_FORMATS[media_type])
            else:
                results = ox.parse_query_results(cast(BinaryIO, body), format=ox.QueryResultsFormat.JSON)
                results.serialize(out, RESULT_FORMATS[media_type])
        except (SyntaxError, ValueError, KeyError) as error:
            raise Unreachable("engine", engine.where.query, f"expected a whole answer: {error}") from error


def _boolean(body: bytes) -> ox.QueryBoolean:
    # Virtuoso 7.2.5.1 answers ASK as a SELECT of one row, __ASK_RETVAL (seen 2026-11 on Debian's package).
    found = orjson.loads(body)
    truth = found["boolean"] if "boolean" in found else any(row["__ASK_RETVAL"]["value"] == "1" for row in found["results"]["bindings"])
    return cast(ox.QueryBoolean, ox.Store().query("ASK {}" if truth else "ASK { FILTER(false) }"))
