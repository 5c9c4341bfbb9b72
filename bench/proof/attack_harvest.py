"""Attacks of a source, or of who took it over: leading the harvest elsewhere, and answers that unfold, nest or lie."""

import gzip
import io
import resource
import socket
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import orjson

from bench.proof import Row
from publisher.config import Settings, Source
from publisher.errors import PublisherError
from publisher.fetch import Clock, Fetch, Page
from publisher.fetch.guard import Guard
from publisher.journal import Journal
from publisher.pipeline.harvest import harvest
from publisher.sources.allris3_exports import Export
from publisher.sources.oparl_files import LARGEST
from tests import town
from tests.hostile import Ask, serving

PRIVATE = (
    "127.0.0.1",
    "127.1",
    "0",
    "0.0.0.0",
    "2130706433",
    "0x7f000001",
    "0x7f.0x0.0x0.0x1",
    "017700000001",
    "0177.0.0.1",
    "127.0.0.1.",
    "①②⑦.⓪.⓪.①",
    "localhost",
    "LOCALHOST",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "198.18.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:a00:1]",
    "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2002:a00:1::1]",
    "[fe80::1]",
    "[fc00::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[100::1]",
    "[2001:db8::1]",
)
ADDRESSES = (
    "file:///etc/passwd",
    "file://localhost/etc/passwd",
    "gopher://127.0.0.1:70/_x",
    "ftp://127.0.0.1/",
    "dict://127.0.0.1:11211/",
    "jar:http://127.0.0.1!/",
    "ldap://127.0.0.1/",
    "data:text/plain,x",
    "javascript:alert(1)",
    "//127.0.0.1/",
    "http:///x",
    "http://",
    "http://127.0.0.1@8.8.8.8/",
    "http://8.8.8.8@127.0.0.1/",
    "http://8.8.8.8:80@127.0.0.1/",
    "http://8.8.8.8#@127.0.0.1/",
    "http://127.0.0.1\\@8.8.8.8/",
    "http://[::1",
    "http://127.0.0.1:99999/",
    "HTTP://127.0.0.1/",
    "http://127.0.0.1%00.example/",
    "http://127.0.0.1%2f.example/",
    " http://127.0.0.1/",
    "http://\t127.0.0.1/",
)
PUBLIC_HOME = "http://8.8.8.8/oparl"


@contextmanager
def trap() -> Iterator[tuple[int, list[bytes]]]:
    """Listen on loopback; give the port and what was said to it: a connection that says nothing leaves b""."""
    said: list[bytes] = []

    def listen(listener: socket.socket) -> None:
        while True:
            try:
                caller = listener.accept()[0]
            except OSError:
                return
            with caller:
                caller.settimeout(0.3)
                try:
                    said.append(caller.recv(4096))
                except OSError:
                    said.append(b"")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        Thread(target=listen, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1], said


def public(**options: Any) -> Fetch:
    """Return a Fetch of a public source that neither waits nor asks for robots.txt."""
    slept: list[float] = []
    clock = Clock(lambda: time.time() + sum(slept), slept.append)
    source = Source(
        "far", "oparl", PUBLIC_HOME, "05334002", pause=0, options={"robots": "ignore", "max_tries": 1, "max_seconds": 2} | options
    )
    return Fetch(source, clock=clock)


def led_inside(short: bool) -> Row:
    """Every way to write an address of the inside: the harvest of a public source must send nothing there."""
    del short
    wrong, count = [], 0
    with trap() as (port, said), public() as fetch:
        urls = [f"http://{host}:{port}/" for host in PRIVATE] + [url.replace("127.0.0.1", f"127.0.0.1:{port}") for url in ADDRESSES]
        for url in urls:
            count += 1
            try:
                fetch(url)
                wrong.append(f"{url} was read")
            except PublisherError:
                pass
        objects = {url: Guard(PUBLIC_HOME).objection(url) for url in (f"http://{host}/" for host in PRIVATE)}
    wrong += [f"the trap was told {told[:60]!r}" for told in said if told]
    passed = [url for url, objection in objects.items() if not objection and url not in UNRESOLVED]
    wrong += [f"{url} passes" for url in passed]
    return Row(
        "addresses of the inside in every notation and scheme", count, len(wrong), "; ".join(wrong[:5]) or "refused; nothing was sent"
    )


UNRESOLVED = ("http://127.0.0.1./",)  # names nobody, here; where it does, the peer is looked at


def rebound(short: bool) -> Row:
    """A name that was public when looked at and is ours when called; a redirect of a public server to us, in every status."""
    rounds, wrong = 3 if short else 50, []
    with trap() as (port, said):
        for _ in range(rounds):
            with public() as fetch:
                fetch._guard = Guard(PUBLIC_HOME, resolve=lambda _: ["8.8.8.8"])  # what DNS said at first
                try:
                    fetch(f"http://localhost:{port}/x")
                    wrong.append("read")
                except PublisherError:
                    pass
    wrong += [f"told {told[:40]!r}" for told in said if told]
    for status in (301, 302, 303, 307, 308):
        with trap() as (port, said), public() as fetch:
            one = fetch._one

            def first(url: str, headers: Any, method: str = "GET", one: Any = one, status: int = status, port: int = port) -> Any:
                if url.startswith(PUBLIC_HOME):  # the public server that this machine cannot reach
                    return Page(url, status, "", b"", {"location": f"http://127.0.0.1:{port}/latest/meta-data"})
                return one(url, headers, method)

            fetch._one = first  # type: ignore[method-assign]
            try:
                fetch(f"{PUBLIC_HOME}/system")
                wrong.append(f"{status} followed")
            except PublisherError:
                pass
            wrong += [f"{status}: told {told[:40]!r}" for told in said]
    return Row(
        "names that change their address (DNS rebinding), redirects inward",
        rounds + 5,
        len(wrong),
        "; ".join(wrong[:5]) or "no byte was sent",
    )


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
XML = {
    "billion laughs": f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY l0 "ha">{LAUGHS}]><results><special><a>&l9;</a></special></results>',
    "quadratic blow-up": f'<!DOCTYPE r [<!ENTITY a "{"a" * 50_000}">]><results><special><a>{"&a;" * 20_000}</a></special></results>',
    "an external file": '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><results><special><a>&x;</a></special></results>',
    "an external address": '<!DOCTYPE r [<!ENTITY x SYSTEM "http://127.0.0.1:{port}/x">]><results><special><a>&x;</a></special></results>',
    "an external DTD": '<!DOCTYPE r SYSTEM "http://127.0.0.1:{port}/x.dtd"><results><special><a>x</a></special></results>',
    "parameter entities": '<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:{port}/p"> %p;]><results><special/></results>',
    "an XInclude": '<r xmlns:xi="http://www.w3.org/2001/XInclude"><special><xi:include href="file:///etc/passwd"/></special></r>',
    "200,000 elements deep": "<results>" + "<a>" * 200_000 + "</a>" * 200_000 + "</results>",
    "200,000 attributes": "<results " + " ".join(f'a{n}="x"' for n in range(200_000)) + "/>",
    "a name of 2 MB": "<results><" + "a" * 2_000_000 + "/></results>",
    "unclosed prologs": "<results>" + "<?xml" * 400_000,
    "unclosed doctypes": "<results>" + "<!DOCTYPE" * 200_000,
}


def unfolding_xml(short: bool) -> Row:
    """XML that unfolds, calls out or nests, where we read XML: the exports of ALLRIS 3."""
    del short
    wrong = []
    with trap() as (port, said):
        for name, text in XML.items():
            begin, before = time.process_time(), peak()
            try:
                told = str(vars(Export(text.replace("{port}", str(port)).encode(), "https://ris.example/x.xml")))
                wrong += [f"{name}: holds a file"] if "root:x" in told else []
                wrong += [f"{name}: unfolded to {len(told):,}"] if len(told) > 5_000_000 else []
            except PublisherError:
                pass
            except RecursionError:
                wrong.append(f"{name}: deeper than Python goes")
            wrong += cost(name, begin, before)
    wrong += [f"called {told[:40]!r}" for told in said]
    return Row(
        "XML: laughs, entities, includes, depth",
        len(XML),
        len(wrong),
        "; ".join(wrong[:5]) or "refused or read as it stands; nothing fetched",
    )


def peak() -> int:
    """Return the most memory this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def cost(name: str, begin: float, before: int, seconds: float = 5.0, megabytes: int = 700) -> list[str]:
    """Return what an attack cost too much since `begin` (processor seconds) and `before` (MB)."""
    spent, grown = time.process_time() - begin, peak() - before
    return [f"{name}: {spent:.1f} s, {grown} MB"] if spent > seconds or grown > megabytes else []


def bombs(base: str) -> dict[str, bytes]:
    """Return answers of an OParl server that are JSON, more or less, and meant to break who reads them."""
    body = f'"id":"{base}/system","type":"https://schema.oparl.org/1.1/System","oparlVersion":"https://schema.oparl.org/1.1/","body":"{base}/body","name":"x"'
    whole = "{" + body + "}"
    return {
        "arrays 100,000 deep": b"[" * 100_000,
        "objects 100,000 deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        "a vendor's key 900 deep": ("{" + body + ',"x:y":' + "[" * 900 + "]" * 900 + "}").encode(),
        "a vendor's key 240 deep": ("{" + body + ',"x:y":' + '{"a":' * 240 + "1" + "}" * 240 + "}").encode(),
        "a name 900 deep": ("{" + body.replace('"name":"x"', '"name":' + '{"a":' * 900 + "1" + "}" * 900) + "}").encode(),
        "a number of a million digits": ("{" + body + ',"size":' + "9" * 1_000_000 + "}").encode(),
        "a number beyond doubles": ("{" + body + ',"size":1e99999}').encode(),
        "not a number": ("{" + body + ',"size":NaN}').encode(),
        "a key 100,000 times": ("{" + body + ',"a":1' * 100_000 + "}").encode(),
        "two ids": ("{" + body + ',"id":"http://127.0.0.1/x","id":"file:///etc/passwd"}').encode(),
        "100,000 keys": ("{" + body + "".join(f',"k{n}":{n}' for n in range(100_000)) + "}").encode(),
        "lone surrogates": ("{" + body + ',"description":"\\ud800\\udfff\\ud800"}').encode(),
        "NUL and controls": ("{" + body + ',"description":"a\\u0000\\u0007\\u001b[2J"}').encode(),
        "a text of 8 MB": ("{" + body + ',"description":"' + "a " * 4_000_000 + '"}').encode(),
        "spaces of 1 MB in a text": (
            "{" + body + ',"description":"x' + " " * 1_000_000 + 'x","license":"' + "\t" * 300_000 + 'x"}'
        ).encode(),
        "an id of 1 MB": whole.replace("/system", "/system" + "a" * 1_000_000, 1).encode(),
        "an id with line ends": whole.replace("/system", "/system\\r\\nX-Evil: yes\\u0000<>", 1).encode(),
        "lists that lead to themselves": ("{" + body.replace(f"{base}/body", f"{base}/system") + "}").encode(),
        "lists elsewhere": ("{" + body.replace(f"{base}/body", "http://169.254.169.254/latest") + "}").encode(),
        "numbers for everything": ("{" + body.replace('"x"', "1").replace(f'"{base}/body"', "2") + "}").encode(),
        "UTF-16": whole.encode("utf-16"),
        "UTF-7": whole.encode("utf-7"),
    }


def breaking_json(short: bool) -> Row:
    """A server whose System is each of the bombs: the harvest ends with an outcome, at a bounded price."""
    wrong, names = [], list(bombs(""))[:: 3 if short else 1]
    for name in names:
        held: dict[str, bytes] = {}

        def answer(ask: Ask, held: dict[str, bytes] = held, name: str = name) -> None:
            base = f"http://{ask.handler.headers['Host']}"
            held = held or bombs(base)
            ask.send(
                held[name] if ask.path == "/system" else b'{"data":[],"links":{},"pagination":{}}',
                404 if ask.path == "/robots.txt" else 200,
            )

        begin, before = time.process_time(), peak()
        with serving(answer) as (base, _), tempfile.NamedTemporaryFile(suffix=".json") as file:
            wrong += [f"{name}: {word}" for word in harvested(f"{base}/system")]
            file.write(bombs("https://ris.example")[name])
            file.flush()
            wrong += [f"{name}, as a file: {word}" for word in harvested(file.name, "oparl-files")]
        wrong += cost(name, begin, before, 20.0)
    return Row(
        "JSON: depth, numbers, doubled keys, sizes, encodings",
        len(names),
        len(wrong),
        "; ".join(wrong[:5]) or "each ended as a record, a refusal or a failure",
    )


def harvested(url: str, kind: str = "oparl", **options: Any) -> list[str]:
    """Harvest and return what should not have happened: any exception; [] for every proper end."""
    source = Source("town", kind, url, "05334002", pause=0, options={"max_tries": 1, "max_seconds": 20} | options)
    slept: list[float] = []
    clock = Clock(lambda: time.time() + sum(slept), slept.append)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        settings = Settings(home, town.BASE, True)
        try:
            with Journal(home / "journal.sqlite") as journal, Fetch(source, home, clock=clock) as fetch:
                harvest(journal, source, fetch, "2026-11-01T10:00:00+00:00", settings=settings, progress=lambda *_: None)
        except PublisherError:
            return []
        except Exception as error:  # noqa: BLE001 - whatever else comes is what this looks for
            return [f"{type(error).__name__}: {str(error)[:80]}"]
    return []


def packed(megabytes: int = 1024) -> dict[str, tuple[bytes, str]]:
    """Return answers that are small on the wire: (bytes, Content-Encoding)."""
    gib = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(gib.compress(bytes(1 << 20)) for _ in range(megabytes)) + gib.flush()
    return {
        "zeros in gzip": (bomb, "gzip"),
        "zeros in deflate": (zlib.compress(bytes(megabytes << 18), 9), "deflate"),
        "gzip in gzip": (gzip.compress(bomb), "gzip, gzip"),
        "many gzip members": (gzip.compress(b"") * 200_000, "gzip"),
        "cut gzip": (gzip.compress(b"{}" * 1000)[:-20], "gzip"),
        "no gzip at all": (b"{}", "gzip"),
        "an unknown packing": (b"{}", "br"),
    }


def unpacking(short: bool) -> Row:
    """Answers that unfold when unpacked."""
    wrong, told = [], packed(128 if short else 1024)
    for name, (body, encoding) in list(told.items())[:: 3 if short else 1]:

        def answer(ask: Ask, body: bytes = body, encoding: str = encoding) -> None:
            ask.send(body if ask.path != "/robots.txt" else b"", 404 if ask.path == "/robots.txt" else 200, Content_Encoding=encoding)

        begin, before = time.process_time(), peak()
        with serving(answer) as (base, _):
            wrong += [f"{name}: {word}" for word in harvested(f"{base}/system", max_bytes=16 << 20)]
        wrong += cost(name, begin, before, 10.0, 200)
    return Row(
        "answers packed a thousandfold",
        len(list(told)[:: 3 if short else 1]),
        len(wrong),
        "; ".join(wrong[:5]) or "cut at the bound of bytes",
    )


def archives(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield archives that climb, link, unfold or lie."""
    paper = orjson.dumps(town.paper(1))

    def tar(name: str, *members: tuple[tarfile.TarInfo, bytes]) -> tuple[str, Path]:
        path = folder / f"{name.replace(' ', '-')}.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            for info, data in members:
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return name, path

    def info(name: str, kind: bytes = tarfile.REGTYPE, to: str = "") -> tarfile.TarInfo:
        made = tarfile.TarInfo(name)
        made.type, made.linkname = kind, to
        return made

    yield tar("climbing", (info("../../../../tmp/evil.json"), paper), (info("/etc/evil.json"), paper))
    yield tar(
        "linking", (info("passwd.json", tarfile.SYMTYPE, "/etc/passwd"), b""), (info("hard.json", tarfile.LNKTYPE, "/etc/passwd"), b"")
    )
    yield tar("devices", (info("zero.json", tarfile.CHRTYPE), b""), (info("pipe.json", tarfile.FIFOTYPE), b""))
    yield tar("names", (info("a\nb\x1b[2J.json"), paper), (info("a" * 5000 + ".json"), paper))
    bomb = folder / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.json", bytes(LARGEST + 1))
        archive.writestr("../../climbs.json", paper)
    yield "unfolding zip", bomb
    lying = folder / "lying.zip"
    lying.write_bytes(bomb.read_bytes().replace((LARGEST + 1).to_bytes(4, "little"), (100).to_bytes(4, "little")))
    yield "zip that lies about its sizes", lying
    cut = folder / "cut.zip"
    cut.write_bytes(bomb.read_bytes()[:-30])
    yield "cut zip", cut


def unpacked_archives(short: bool) -> Row:
    """Archives of OParl files from a stranger."""
    del short
    wrong, count = [], 0
    with tempfile.TemporaryDirectory() as place:
        for name, path in archives(Path(place)):
            count += 1
            begin, before = time.process_time(), peak()
            wrong += [f"{name}: {word}" for word in harvested(str(path), "oparl-files")]
            wrong += cost(name, begin, before)
        outside = [path for path in (Path("/tmp/evil.json"), Path("/etc/evil.json"), Path(place).parent / "climbs.json") if path.exists()]
    wrong += [f"wrote {path}" for path in outside]
    return Row(
        "archives that climb, link, unfold or lie", count, len(wrong), "; ".join(wrong[:5]) or "nothing written outside, nothing unfolded"
    )


ATTACKS: tuple[Callable[[bool], Row], ...] = (led_inside, rebound, unfolding_xml, breaking_json, unpacking, unpacked_archives)
