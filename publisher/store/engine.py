"""A thin client of one SPARQL 1.1 engine over HTTP: whole answers or an error, updates in batches, and what its dialect is."""

import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import ip_address
from itertools import islice
from typing import IO, NamedTuple
from urllib.parse import parse_qsl, urldefrag, urljoin, urlsplit, urlunsplit

import httpx
import orjson
import pyoxigraph as ox

from publisher.errors import LimitMet, Misconfigured, QueryRefused, Unreachable

JSON, NTRIPLES = "application/sparql-results+json", "application/n-triples"
# Virtuoso 7.2.5.1 refuses INSERT DATA of some 5,000 triples (SP030, seen 2026-11 on Debian's package); nobody refuses 1,000.
INSERT_TRIPLES = 1_000
POST_BYTES = 4_000_000
PROBE = "urn:publisher:probe"
PROBED = {
    "language": '"x"@de',
    "integer": '"5"^^<http://www.w3.org/2001/XMLSchema#nonNegativeInteger>',
    "decimal": '"1.50"^^<http://www.w3.org/2001/XMLSchema#decimal>',
    "boolean": '"true"^^<http://www.w3.org/2001/XMLSchema#boolean>',
    "date": '"2024-03-01"^^<http://www.w3.org/2001/XMLSchema#date>',
    "dateTime": '"2024-03-01T18:00:00+01:00"^^<http://www.w3.org/2001/XMLSchema#dateTime>',
    "wktLiteral": '"POINT(7.1 51.2)"^^<http://www.opengis.net/ont/geosparql#wktLiteral>',
}


class Address(NamedTuple):
    """Where an engine is asked, updated and loaded (Graph Store Protocol, may be empty), and how it knows us."""

    query: str
    update: str
    store: str = ""
    auth: str = ""
    user: str = ""
    secret: str = ""
    work: str = ""

    @property
    def loopback(self) -> bool:
        """Whether the engine can only be reached from this machine."""
        host = urlsplit(self.query).hostname or ""
        try:
            return host == "localhost" or ip_address(host).is_loopback
        except ValueError:
            return False


def address(url: str) -> Address:
    """Return the address that `http(s)://[user:secret@]host/query#update=...&store=...&auth=...&work=...` describes.

    update and store are relative to the query address; auth is basic (default with a user), digest, or bearer (the secret is the
    token); work is the folder of the builder's own index. Raises Misconfigured.
    """
    bare, fragment = urldefrag(url)
    parts, options = urlsplit(bare), dict(parse_qsl(fragment, keep_blank_values=True))
    unknown = sorted(set(options) - {"update", "store", "auth", "work"})
    if unknown or not parts.hostname:
        raise Misconfigured(f"store sparql+{parts.scheme}: expected //host/path#update=...&store=...&auth=...&work=...; not {unknown}")
    host = parts.hostname if ":" not in parts.hostname else f"[{parts.hostname}]"
    query = urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path, parts.query, ""))
    auth = options.get("auth", "basic" if parts.username else "")
    if auth not in ("", "basic", "digest", "bearer"):
        raise Misconfigured(f"store {query}: auth={auth}: expected basic, digest or bearer")
    return Address(
        query,
        urljoin(query, options.get("update", query)),
        urljoin(query, options["store"]) if options.get("store") else "",
        auth,
        parts.username or "",
        parts.password or "",
        options.get("work", ""),
    )


class Engine:
    """An engine at an address. Queries are form POSTs, updates direct POSTs: the two forms every engine tried takes."""

    def __init__(self, where: Address, *, anonymous: bool = False) -> None:
        self.where = where
        auth: httpx.Auth | None = None
        headers = {}
        if where.auth == "bearer" and not anonymous:
            headers["Authorization"] = f"Bearer {where.secret}"
        elif where.auth and not anonymous:
            auth = (httpx.DigestAuth if where.auth == "digest" else httpx.BasicAuth)(where.user, where.secret)
        self._http = httpx.Client(auth=auth, headers=headers, timeout=httpx.Timeout(60, connect=10), follow_redirects=False)

    def ask(
        self, sparql: str, accept: str, graphs: Sequence[str] = (), *, named: Sequence[str] = (), seconds: float = 300, size: int = 1 << 40
    ) -> IO[bytes]:
        """Return the engine's answer, received to its end, as a file at its start.

        Raises QueryRefused (400), LimitMet (time, bytes, rows), Unreachable.
        """
        form = {"query": sparql, "default-graph-uri": list(graphs), "named-graph-uri": list(named)}
        end, received, spool = time.monotonic() + seconds, 0, tempfile.SpooledTemporaryFile(max_size=1 << 20)  # noqa: SIM115
        try:
            with self._http.stream(
                "POST", self.where.query, data=form, headers={"Accept": accept}, timeout=httpx.Timeout(seconds, connect=10)
            ) as answer:
                for chunk in answer.iter_bytes():
                    received += len(chunk)
                    if time.monotonic() > end:
                        raise LimitMet("time", f"{self.where.query}: more than {seconds:g} seconds")
                    if received > size:
                        raise LimitMet("bytes", f"{self.where.query}: more than {size} bytes", 422)
                    spool.write(chunk)
        except httpx.TimeoutException as error:
            raise LimitMet("time", f"{self.where.query}: more than {seconds:g} seconds") from error
        except httpx.HTTPError as error:
            raise Unreachable("engine", self.where.query, f"expected an answer, got: {error}") from error
        spool.seek(0)
        self._judge(answer, spool)
        return spool

    def _judge(self, answer: httpx.Response, body: IO[bytes]) -> None:
        # Virtuoso cuts at ResultSetMaxRows, says 200, and tells only in this header.
        if "x-sparql-maxrows" in answer.headers:
            raise LimitMet("rows", f"{self.where.query}: the engine cuts answers at {answer.headers['x-sparql-maxrows']} rows", 422)
        if answer.status_code == 200:
            return
        text = body.read(500).decode("utf-8", "replace").strip()
        if answer.status_code == 400:
            raise QueryRefused(f"{self.where.query}: {text}")
        if answer.status_code in (408, 429, 503, 504):
            raise LimitMet("time", f"{self.where.query}: {answer.status_code} {text}")
        raise Unreachable("engine", self.where.query, f"expected 200, got {answer.status_code} {text}")

    def rows(self, sparql: str, graphs: Sequence[str] = ()) -> Iterator[dict[str, str]]:
        """Yield the solutions as name -> lexical value. An answer cut short raises Unreachable, whatever its status was."""
        with self.ask(sparql, JSON, graphs) as body:
            try:
                solutions = orjson.loads(body.read())["results"]["bindings"]
            except (ValueError, KeyError) as error:
                raise Unreachable("engine", self.where.query, "expected whole SPARQL results JSON") from error
        for solution in solutions:
            yield {name: term["value"] for name, term in solution.items()}

    def update(self, sparql: str) -> None:
        """Run an update. Raises Unreachable with what the engine says."""
        self._sent("POST", self.where.update, sparql.encode(), "application/sparql-update")

    def insert(self, graph: str, triples: Iterable[bytes]) -> int:
        """Add N-Triples lines to a graph, by Graph Store Protocol if the engine has it, else in updates; returns how many lines."""
        lines, count = iter(triples), 0
        while batch := list(islice(lines, INSERT_TRIPLES * (10 if self.where.store else 1))):
            count += len(batch)
            if self.where.store:
                self._sent("POST", f"{self.where.store}?{httpx.QueryParams(graph=graph)}", b"".join(batch), "text/turtle")
            else:
                self.update(f"INSERT DATA {{ GRAPH <{graph}> {{\n{b''.join(batch).decode()}}} }}")
        return count

    def count(self, graph: str) -> int:
        """Return how many triples a graph holds."""
        [row] = self.rows(f"SELECT (COUNT(*) AS ?n) WHERE {{ GRAPH <{graph}> {{ ?s ?p ?o }} }}")
        return int(float(row["n"]))

    def _sent(self, method: str, url: str, data: bytes, media_type: str) -> None:
        try:
            answer = self._http.request(method, url, content=data, headers={"Content-Type": media_type}, timeout=600)
        except httpx.HTTPError as error:
            raise Unreachable("engine", url, f"expected the update to be taken, got: {error}") from error
        if answer.status_code // 100 != 2:
            raise Unreachable("engine", url, f"expected the update to be taken, got {answer.status_code}: {answer.text[:300].strip()}")

    def takes_update_by_get(self, sparql: str) -> bool:
        """Tell whether the query address accepts an update as `query` of a GET. Only ever called with an update of the probe graph."""
        try:
            return self._http.get(self.where.query, params={"query": sparql}, timeout=20).status_code // 100 == 2
        except httpx.HTTPError:
            return False

    def close(self) -> None:
        """Close the connections."""
        self._http.close()


def findings(engine: Engine) -> dict[str, str]:
    """Return what the engine's dialect is, tried out in a graph of its own that is removed again.

    Keys: anonymous-update, update-by-get, ask, union-default-graph, literals (those that come back changed). Raises Refused never:
    what to refuse is for `store.remote` to decide.
    """
    stranger = Engine(engine.where, anonymous=True)
    found = {"anonymous-update": "no", "update-by-get": "no"}
    try:
        engine.update(f"CLEAR SILENT GRAPH <{PROBE}>")
        for key, attempt in (("anonymous-update", stranger.update), ("update-by-get", stranger.takes_update_by_get)):
            try:
                attempt(f"INSERT DATA {{ GRAPH <{PROBE}> {{ <{PROBE}> <{PROBE}:{key}> 1 }} }}")
            except Unreachable:
                continue
            finally:
                if any(row["p"] == f"{PROBE}:{key}" for row in engine.rows(f"SELECT ?p {{ GRAPH <{PROBE}> {{ ?s ?p ?o }} }}")):
                    found[key] = "yes"
        found["ask"] = "boolean" if _boolean_shape(engine) else "as SELECT"
        found["literals"] = ", ".join(_changed(engine)) or "kept"
        [row] = engine.rows(f"SELECT (COUNT(*) AS ?n) {{ <{PROBE}:language> ?p ?o }}")
        found["union-default-graph"] = "yes" if row["n"] != "0" else "no"
    finally:
        engine.update(f"DROP SILENT GRAPH <{PROBE}>")
        stranger.close()
    return found


def _boolean_shape(engine: Engine) -> bool:
    with engine.ask("ASK { ?s ?p ?o }", JSON) as body:
        return b'"boolean"' in body.read()


def _changed(engine: Engine) -> Iterator[str]:
    engine.insert(PROBE, [f"<{PROBE}:{name}> <{PROBE}:value> {literal} .\n".encode() for name, literal in PROBED.items()])
    with engine.ask(f"CONSTRUCT {{ ?s <{PROBE}:value> ?o }} WHERE {{ GRAPH <{PROBE}> {{ ?s <{PROBE}:value> ?o }} }}", NTRIPLES) as body:
        kept = {str(triple.subject)[1:-1]: str(triple.object) for triple in ox.parse(body, format=ox.RdfFormat.N_TRIPLES)}
    for name, literal in PROBED.items():
        if kept.get(f"{PROBE}:{name}") != literal:
            yield f"{name} -> {kept.get(f'{PROBE}:{name}', 'lost')}"
