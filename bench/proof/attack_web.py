"""Attacks of those who ask the web side, each over a raw socket against a running server with a town full of hostile texts."""

import re
import socket
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import orjson
from selectolax.lexbor import LexborHTMLParser

from bench.proof import Row
from bench.proof.service import Said, asked, raw
from tests import town

SECRET = "GEHEIM-4711-wer-dies-liest-war-draussen"
SCRIPTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "</title><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "</script><script>alert(1)</script>",
    "{{7*7}}${7*7}<%= 7*7 %>",
    '<a href="javascript:alert(1)">x</a>',
    "<!--<iframe src=//evil.example>",
    "\u2028</style><script>alert(1)//",
    '" autofocus onfocus=alert(1) x="',
    "]]><x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>",
)
CLIMBS = (
    "../secret.txt",
    "..%2fsecret.txt",
    "%2e%2e%2fsecret.txt",
    "%2e%2e/secret.txt",
    "%252e%252e%252fsecret.txt",
    "..%5csecret.txt",
    "..\\secret.txt",
    "....//secret.txt",
    "..%c0%afsecret.txt",
    "%c0%ae%c0%ae/secret.txt",
    "..%00/secret.txt",
    "secret.txt%00.json",
    "..;/secret.txt",
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "//etc/passwd",
    "file:%2f%2f%2fetc%2fpasswd",
    "..%ef%bc%8fsecret.txt",
    "../../../../../../../../etc/passwd",
    "%2e%2e%2f%2e%2e%2f%2e%2e%2fjournal.sqlite",
    "..%2f..%2f..%2fsources%2ftown.toml",
    "~root",
    "%20",
    ".",
    "..",
)
INSIDE = (SECRET.encode(), b"root:x:0:0", b"SQLite format 3", b"[build-system]", b"Traceback (most recent")
CRLF = (
    "%0d%0aX-Evil:%20yes",
    "%0aX-Evil:yes",
    "%0d%0a%0d%0a<html>",
    "%E5%98%8A%E5%98%8DX-Evil:yes",
    "%0d%0aSet-Cookie:%20a=b",
    "\\r\\nX-Evil:yes",
)
NAMES = (
    "Host",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Forwarded-Server",
    "X-Forwarded-Prefix",
    "X-Forwarded-Port",
    "Forwarded",
    "X-Original-URL",
    "X-Rewrite-URL",
    "X-Host",
    "X-HTTP-Method-Override",
    "Origin",
    "Referer",
    "User-Agent",
    "Cookie",
    "Via",
)
KEPT = (200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501)  # what a cache may keep unasked: RFC 9110, 15.1
ACCEPTS = ("*/*", "text/html", "text/turtle", "application/json", "application/ld+json", "application/rdf+xml", "text/csv")


class Target(NamedTuple):
    """A running server. paths: addresses of the interface with names filled in; templates: those with {} left in; listener: see SSRF."""

    port: int
    home: Path
    paths: tuple[str, ...]
    templates: tuple[str, ...]
    parameters: dict[str, tuple[str, ...]]


Attack = Callable[[Target, bool], Row]


def hostile_town() -> list[dict[str, object]]:
    """Return a small town in which every text that a person typed is script, and every address leads astray."""
    turn = 0

    def soiled(value: object, key: str = "") -> object:
        nonlocal turn
        if isinstance(value, dict):
            return {name: soiled(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [soiled(inner, key) for inner in value]
        if key in (
            "name",
            "shortName",
            "description",
            "reference",
            "role",
            "paperType",
            "number",
            "familyName",
            "givenName",
            "organizationType",
        ):
            turn += 1
            return SCRIPTS[turn % len(SCRIPTS)] + ("" if key != "reference" else str(turn))
        return "javascript:alert(document.domain)//.pdf" if key in ("accessUrl", "downloadUrl", "web") else value

    return [
        {**one, **(soiled({**one, "web": "x"}) if "/system/" not in str(one["id"]) else {})}  # type: ignore[dict-item]
        for one in town.objects(6)
    ]


def planted(folder: Path) -> Path:
    """Return a home built from the hostile town, with a file beside everything that must never come out."""
    home = town.published(folder / "home", hostile_town())
    for place in (folder, home, home / "releases", home / "current", home / "current" / "dumps"):
        (place / "secret.txt").write_text(SECRET, "utf-8")
    return home


def target(port: int, home: Path) -> Target:
    """Return what is to be attacked, as its own OpenAPI description tells."""
    told = orjson.loads(asked(port, "/openapi.json").body)
    body = f"/id/{town.KEY}"
    filled = {path: re.sub(r"^/id/\{[^}]*\}", body, path) for path in told["paths"]}
    parameters = {
        path: tuple(one["name"] for one in ways["get"].get("parameters", ()) if one.get("in") == "query")
        for path, ways in told["paths"].items()
    }
    known = [path for path in filled if "{" not in path] + [
        body,
        f"{body}/paper",
        f"/eli/dl/{town.KEY}/vorlage/1",
        f"/eli/dl/{town.KEY}/sitzung/1",
    ]
    templates = tuple(path for path in filled if "{" in path)
    return Target(port, home, tuple(known), templates, {path: names for path, names in parameters.items() if names and "{" not in path})


def counted(what: str, answers: Iterator[tuple[str, str]], held: str) -> Row:
    """Return the row of an attack from (request, "" or what went wrong)."""
    told = list(answers)
    wrong = [f"{request}: {fault}" for request, fault in told if fault]
    return Row(what, len(told), len(wrong), "; ".join(wrong[:5]) or held)


def fault(said: Said) -> str:
    """Return what is wrong with any answer: none, an error of ours, something from inside, a header that a client has made."""
    if said.status == 0 or said.status >= 500 and said.status != 503:
        return f"status {said.status}"
    if leaked := [mark for mark in INSIDE if mark in said.head + said.body]:
        return f"says {leaked[0]!r}"
    return "a header of the client's" if re.search(rb"(?i)\r\n(x-evil|set-cookie):", said.head) else ""


def climbing(at: Target, short: bool) -> Row:
    """Paths that climb out of a release."""
    templates = [*at.templates, "/static/{x}", "/dumps/{x}/{y}", "/{x}"]

    def answers() -> Iterator[tuple[str, str]]:
        for template, climb in product(templates, CLIMBS[:: 4 if short else 1]):
            names = len(re.findall(r"\{[^}]*\}", template))
            for place in {0, names - 1}:
                parts = iter([climb if at_ == place else "x" for at_ in range(names)])
                path = re.sub(r"\{[^}]*\}", lambda _, parts=parts: next(parts), template)
                yield path, fault(asked(at.port, path))

    return counted("paths out of the release, encoded once, twice, with NUL and backslash", answers(), "404 or 400, nothing from inside")


def headers_injected(at: Target, short: bool) -> Row:
    """Line ends in parameters, paths, IRIs and filters."""

    def answers() -> Iterator[tuple[str, str]]:
        for path, names in at.parameters.items():
            for name, end in product(names, CRLF[:: 3 if short else 1]):
                for value in (f"x{end}", f"{town.BODY}{end}") if not short else (f"{town.BODY}{end}",):
                    yield f"{path}?{name}={value}", fault(asked(at.port, f"{path}?{name}={value}"))
        for template, end in product(at.templates, CRLF[:: 3 if short else 1]):
            path = re.sub(r"\{[^}]*\}", f"x{end}", template)
            yield path, fault(asked(at.port, path))

    return counted("line ends in parameters, paths and IRIs", answers(), "no header made by a client, no error of ours")


def caches_poisoned(at: Target, short: bool) -> Row:
    """Headers by which a client could put its own words into a shared cache."""

    def answers() -> Iterator[tuple[str, str]]:
        for path in at.paths:
            for name in NAMES[:: 5 if short else 1]:
                value = "host=poison.example;proto=ftp" if name == "Forwarded" else "poison.example"
                said = asked(
                    at.port, path, *([f"{name}: {value}"] if name != "Host" else []), host=value if name == "Host" else "127.0.0.1"
                )
                named = b"poison.example" in said.head + said.body
                yield f"{path} with {name}", fault(said) or ("repeats it" if named else "")

    return counted("forged Host, X-Forwarded-*, Forwarded and other headers", answers(), "no answer repeats them")


def kept_apart(at: Target, short: bool) -> Row:
    """Whatever header changes an answer must be named by Vary, or a cache hands one client's form to another."""

    def answers() -> Iterator[tuple[str, str]]:
        choices = {"Accept": ACCEPTS[:: 3 if short else 1], "Accept-Language": ("de", "en"), "Accept-Encoding": ("identity", "gzip")}
        for path in (path for path in at.paths if path != "/metrics"):
            for name, values in choices.items():
                also = ["Accept: text/html"] if name == "Accept-Language" else []
                said = [asked(at.port, path, f"{name}: {value}", *also) for value in values]
                forms = {(one.status, one.header("Content-Type"), one.header("Content-Language"), one.body) for one in said}
                kept = [one for one in said if one.status in KEPT and "no-store" not in one.header("Cache-Control")]
                unnamed = [one for one in kept if name.lower() not in one.header("Vary").lower()]
                yield (
                    f"{path} by {name}",
                    "differs, but Vary is silent" if len(forms) > 1 and unnamed else next(filter(None, map(fault, said)), ""),
                )

    return counted("answers that differ by Accept, Accept-Language, Accept-Encoding", answers(), "each named by Vary")


def scripts_stored(at: Target, short: bool) -> Row:
    """A town whose every text is script: no page may hold a script, handler or address that would run it."""

    def answers() -> Iterator[tuple[str, str]]:
        bodies = ("vorlage/1", "vorlage/2", "vorlage/3", "sitzung/1", "top/1", "beratung/1")
        things = [f"/eli/dl/{town.KEY}/{one}" for one in bodies] + [
            f"/id/{town.KEY}/{one}" for one in ("person/1", "organization/soz", "file/1", "location/7")
        ]
        searched = [f"/search?q={quote(script)}" for script in SCRIPTS[:: 4 if short else 1]]
        searched += [f"/query?query={quote(script)}" for script in SCRIPTS[:: 4 if short else 1]]
        for path in [*at.paths, *things, *searched]:
            for lang in ("de",) if short else ("de", "en"):
                said = asked(at.port, path, "Accept: text/html", f"Accept-Language: {lang}")
                yield path, fault(said) or (running_script(said) if said.header("Content-Type").startswith("text/html") else "")

    return counted("script in every text and address of a town, and in searches", answers(), "no page runs any of it")


def running_script(said: Said) -> str:
    """Return what in an HTML page would run a stored script, "" if nothing would."""
    page = LexborHTMLParser(said.body.decode("utf-8", "replace"))
    policy = said.header("Content-Security-Policy")
    if "'unsafe-inline'" in re.sub(r"style-src[^;]*", "", policy) or not policy:
        return f"policy {policy!r}"
    for node in page.css("*"):
        if (
            node.tag == "script"
            and not (node.attributes.get("src") or "").startswith("/")
            and "json" not in (node.attributes.get("type") or "")
        ):
            return f"script {node.html[:80] if node.html else ''}"
        for name, value in node.attributes.items():
            if name.startswith("on") or (
                name in ("href", "src", "action", "formaction") and re.match(r"\s*(javascript|data|vbscript):", value or "")
            ):
                return f"{name}={value}"
    return "evaluated" if re.search(rb"\D4949|\D49\$\{", said.body) else ""


def protected(at: Target, short: bool) -> Row:
    """The headers that protect, on every address, of answers and of errors; no word about what runs here."""
    del short
    wanted = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "strict-origin", "Access-Control-Allow-Origin": "*"}

    def answers() -> Iterator[tuple[str, str]]:
        for path, method in product([*at.paths, "/nowhere", "/static/nowhere"], ("GET", "OPTIONS", "POST", "BREW")):
            said = asked(at.port, path, "Accept: text/html", method=method)
            missing = [name for name, value in wanted.items() if not said.header(name).startswith(value)]
            loud = next(filter(re.compile(r"\d").search, (said.header("Server"), said.header("X-Powered-By"))), "")
            yield (
                f"{method} {path}",
                fault(said) or (f"no {missing}" if missing and said.status != 400 else "") or (f"tells {loud}" if loud else ""),
            )

    return counted("headers that protect, on every address and error", answers(), "all there; none tells what runs")


SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
FRAMES = (
    b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
    b"Content-Length: 44, 0\r\n\r\n",
    b"Content-Length: -1\r\n\r\n",
    b"Content-Length: +0\r\n\r\n",
    b"Content-Length: 0x0\r\n\r\n",
    b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n\r\n0\r\n\r\n",
    b"X: y\nContent-Length: 0\r\n\r\n",
    b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff0\r\n",
    b"Transfer-Encoding: chunked\r\n\r\n5\r\nquery\r\n",
    b"Content-Length: 99999999999999999999\r\n\r\n",
)


def smuggled(at: Target, short: bool, tls: bool = False) -> Row:
    """Requests whose end two servers could see at different places: the one behind must never be answered as its own."""

    def answers() -> Iterator[tuple[str, str]]:
        for frame, path in product(FRAMES, ("/sparql",) if short else ("/sparql", "/", "/reconcile")):
            begin = b"POST " + path.encode() + b" HTTP/1.1\r\nHost: ris.example.org\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            said = raw(at.port, begin + frame + SMUGGLED, tls=tls, seconds=1.0)
            ambiguous = b"Content-Length" in frame and b"Transfer-Encoding" in frame or frame.count(b"Content-Length") > 1
            second = re.search(rb"HTTP/1\.1 \d+", said.body)
            if ambiguous and second and said.status != 400:
                yield repr(frame), f"answers {said.status} and then the hidden request {second[0]!r}"
            else:
                # Caddy says 502 of itself where a client's chunks break off; nothing of the request behind was answered then.
                refused = 400 <= said.status < 500 or said.status in (0, 501, 502)
                yield repr(frame), "" if refused or said.status == 200 else f"status {said.status}"

    return counted("requests with two ends (request smuggling)", answers(), "refused, or ended at one place and the connection closed")


def oversized(at: Target, short: bool) -> Row:
    """Addresses, headers and bodies far beyond any use; the next client is served."""
    big = 1 if short else 8

    def answers() -> Iterator[tuple[str, str]]:
        form = "Content-Type: application/x-www-form-urlencoded"
        sent = {
            "an address of 100 kB": lambda: asked(at.port, "/search?q=" + "a" * 100_000),
            "an address of 1 MB": lambda: asked(at.port, "/" + "a" * 1_000_000),
            "10,000 parameters": lambda: asked(at.port, "/search?" + "&".join(f"p{n}=1" for n in range(10_000))),
            "2,000 headers": lambda: asked(at.port, "/", *(f"X-{n}: y" for n in range(2_000))),
            "a header of 1 MB": lambda: asked(at.port, "/", "X-Big: " + "a" * 1_000_000),
            "an Accept of 60 kB": lambda: asked(at.port, "/", "Accept: " + ",".join(f"a/b{n};q=0.{n % 10}" for n in range(5_000))),
            "a language list of 60 kB": lambda: asked(
                at.port, "/", "Accept: text/html", "Accept-Language: " + ",".join(f"x{n}" for n in range(8_000))
            ),
            "a Range of 5,000 parts": lambda: asked(
                at.port, "/dumps/manifest.json", "Range: bytes=" + ",".join(f"{n}-{n}" for n in range(5_000))
            ),
            "an If-None-Match of 60 kB": lambda: asked(at.port, "/", "If-None-Match: " + ",".join(f'"{n}"' for n in range(7_000))),
            "a query of 8 MB": lambda: asked(at.port, "/sparql", form, method="POST", body=b"query=" + b"a" * (big << 20)),
            "a reconciliation of 8 MB": lambda: asked(at.port, "/reconcile", form, method="POST", body=b"queries=" + b"{" * (big << 20)),
            "a JSON of depth 100,000": lambda: asked(at.port, "/reconcile", form, method="POST", body=b"queries=" + b"[" * 100_000),
            "a number of 100,000 digits": lambda: asked(
                at.port, "/reconcile", form, method="POST", body=b'queries={"q":{"query":"x","limit":' + b"9" * 100_000 + b"}}"
            ),
            "a million queries": lambda: asked(
                at.port,
                "/reconcile",
                form,
                method="POST",
                body=b"queries={" + b",".join(b'"q%d":{"query":"a"}' % n for n in range(20_000)) + b"}",
            ),
            "a page number of 5,000 digits": lambda: asked(at.port, "/search?q=a&page=" + "9" * 5_000),
            "a release of 5,000 digits": lambda: asked(at.port, "/health?release=" + "9" * 5_000),
            "a limit of 5,000 digits": lambda: asked(at.port, f"/id/{town.KEY}/paper?limit=" + "9" * 5_000),
            "a month of 5,000 digits": lambda: asked(at.port, "/calendar?month=" + "9" * 5_000, "Accept: text/html"),
        }
        for name, send in sent.items():
            begin = time.monotonic()
            said = send()
            spent, alive = time.monotonic() - begin, asked(at.port, "/health/live").status
            dead = said.status == 0 and "MB" not in name and "kB" not in name and "headers" not in name
            yield (
                name,
                (f"status {said.status}" if (said.status >= 500 and said.status != 503) or dead else "")
                or ("" if alive == 200 else "then nobody answers")
                or (f"{spent:.0f} s" if spent > 5 else ""),
            )

    return counted(
        "addresses, headers, bodies and numbers without measure", answers(), "refused or answered within 5 s; the next client is served"
    )


QUERIES = (
    "SELECT * {{ SERVICE <{0}> {{ ?s ?p ?o }} }}",
    "SELECT * {{ SERVICE SILENT <{0}> {{ ?s ?p ?o }} }}",
    "LOAD <{0}>",
    "LOAD <{0}> INTO GRAPH <urn:x>",
    "SELECT * FROM <{0}> {{ ?s ?p ?o }}",
    "SELECT * FROM NAMED <{0}> {{ GRAPH ?g {{ ?s ?p ?o }} }}",
    "DESCRIBE <{0}>",
    "ASK {{ GRAPH <{0}> {{ ?s ?p ?o }} }}",
    "BASE <{0}> SELECT * {{ SERVICE <x> {{ ?s ?p ?o }} }}",
    "SELECT * {{ BIND(<{0}> AS ?x) SERVICE ?x {{ ?s ?p ?o }} }}",
    "ASK {{ FILTER EXISTS {{ SERVICE <{0}> {{ ?s ?p ?o }} }} }}",
    "CONSTRUCT {{ ?s ?p ?o }} FROM <{0}> WHERE {{ ?s ?p ?o }}",
    "SELECT * {{ \\u0053ERVICE <{0}> {{ ?s ?p ?o }} }}",
    "INSERT DATA {{ <a> <b> <{0}> }}",
    "COPY <{0}> TO DEFAULT",
)


def calls_out(at: Target, short: bool) -> Row:
    """Requests that name another address: the server must never call it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        trap = f"http://127.0.0.1:{listener.getsockname()[1]}/trap"

        def called() -> str:
            try:
                listener.accept()[0].close()
            except TimeoutError:
                return ""
            return "the server called out"

        def answers() -> Iterator[tuple[str, str]]:
            paths = [f"/sparql?query={quote(query.format(trap))}" for query in QUERIES]
            paths += [
                f"/sparql?query=ASK%7B%3Fs%20%3Fp%20%3Fo%7D&{name}={quote(trap)}"
                for name in ("default-graph-uri", "named-graph-uri", "using-graph-uri")
            ]
            paths += [f"{path}?{name}={quote(trap)}" for path, names in at.parameters.items() for name in names]
            paths += [f"{path}?{name}=file:///etc/passwd" for path, names in at.parameters.items() for name in names]
            for path in paths:
                said = asked(at.port, path)
                yield path, fault(said)
            accept = f'Accept: application/ld+json;profile="http://www.w3.org/ns/json-ld#framed {trap}"'
            yield (
                accept,
                fault(
                    asked(at.port, f"/eli/dl/{town.KEY}/vorlage/1", accept, f'Link: <{trap}>; rel="http://www.w3.org/ns/json-ld#context"')
                ),
            )
            context = quote(orjson.dumps({"@context": trap}).decode())
            yield (
                "a foreign context",
                fault(
                    asked(
                        at.port,
                        "/reconcile",
                        "Content-Type: application/x-www-form-urlencoded",
                        method="POST",
                        body=f"queries={context}".encode(),
                    )
                ),
            )
            yield "all of these", called()

        del short
        return counted(
            "SERVICE, LOAD, FROM, contexts and parameters with foreign addresses", answers(), "the listener behind them was never called"
        )


ATTACKS: tuple[Attack, ...] = (
    climbing,
    headers_injected,
    caches_poisoned,
    kept_apart,
    scripts_stored,
    protected,
    smuggled,
    oversized,
    calls_out,
)
