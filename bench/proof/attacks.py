"""All attacks and one row for each: on the web side, by sources, by regular expressions, by fuzzing, on the front servers."""

import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from socket import create_connection, socket

from bench.proof import Row, attack_harvest, attack_web, guided, redos
from bench.proof.attack_web import INSIDE, Target
from bench.proof.service import ROOT, asked, awaited, free_port, running, serving

SLOW = 300
FUZZED = (
    "tests/test_allris3.py",
    "tests/test_allris4.py",
    "tests/test_unserac.py",
    "tests/test_oparl_fuzz.py",
    "tests/test_gate.py",
    "tests/test_fetch.py",
)
CADDY = "{\n\tadmin off\n\tauto_https off\n"


def rows(short: bool) -> Iterator[Row]:
    """Yield a row for each attack; short: few requests of each, and of the fuzzing only what coverage leads, some seconds a target."""
    yield from redos.rows(short)
    for one in attack_harvest.ATTACKS:
        yield one(short)
    with tempfile.TemporaryDirectory() as folder:
        home, log = attack_web.planted(Path(folder)), Path(folder) / "server.log"
        with serving(home, "--workers", 1, "--proxies", 1, log=log) as (port, _):
            at = attack_web.target(port, home)
            for attack in attack_web.ATTACKS:
                yield attack(at, short)
            yield from fronts(at, Path(folder), short)
            if not short:
                yield schemathesis(at)
            yield unsaid(home, log)
    yield from guided.rows(short)
    if not short:
        yield from fuzzing()


def unsaid(home: Path, log: Path) -> Row:
    """What the server wrote while it was attacked: no secret, no traceback."""
    texts = [log.read_bytes(), *(path.read_bytes() for path in home.glob("*.log"))]
    wrong = [repr(mark) for mark in INSIDE for text in texts if mark in text]
    return Row(
        "the log of the attacked server",
        sum(text.count(b"\n") for text in texts),
        len(wrong),
        "; ".join(wrong) or "nothing from inside, no traceback",
    )


def fronts(at: Target, folder: Path, short: bool) -> Iterator[Row]:
    """Yield rows for clients that send a byte now and then, and for requests with two ends, behind each front server that is here."""
    for name, command in {"nginx": nginx, "Caddy": caddy}.items():
        if not shutil.which(name.lower()):
            yield Row(f"{name} in front", 0, 0, "not on this machine")
            continue
        outer = free_port()
        call, tls = command(folder / name, at.port, outer)
        with running(*call):
            awaited(outer)
            yield slow_clients(name, outer, tls, short)
            row = attack_web.smuggled(at._replace(port=outer), short, tls)
            yield row._replace(what=f"{row.what}, behind {name}")


def nginx(folder: Path, inner: int, outer: int) -> tuple[list[str], bool]:
    """Write the site of docs/deploy for this machine; return the command and whether it speaks TLS."""
    folder.mkdir()
    certificate = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"]
    subprocess.run([*certificate, "-days", "2", "-subj", "/CN=ris.example.org"], check=True, capture_output=True)
    ours = (ROOT / "docs/deploy/nginx.conf").read_text("utf-8")
    for old, new in (
        ("127.0.0.1:8000", f"127.0.0.1:{inner}"),
        ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
        ("listen 443 ", f"listen 127.0.0.1:{outer} "),
        ("/etc/letsencrypt/live/ris.example.org/fullchain.pem", f"{folder}/cert.pem"),
        ("/etc/letsencrypt/live/ris.example.org/privkey.pem", f"{folder}/key.pem"),
        ("/var/cache/nginx/publisher", f"{folder}/cache"),
        ("/var/log/nginx/publisher.json", f"{folder}/access.json"),
    ):
        ours = ours.replace(old, new)
    (folder / "site.conf").write_text(ours, "utf-8")
    paths = "".join(f"{name}_temp_path {folder}/{name}; " for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root; " if os.geteuid() == 0 else ""
    frame = f"daemon off; {user}pid {folder}/pid; error_log {folder}/error.log; events {{ worker_connections 2048; }}"
    (folder / "nginx.conf").write_text(f"{frame} http {{ access_log off; {paths} include {folder}/site.conf; }}", "utf-8")
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], True


def caddy(folder: Path, inner: int, outer: int) -> tuple[list[str], bool]:
    """Write the Caddyfile of docs/deploy for this machine, without TLS; return the command and False."""
    folder.mkdir()
    ours = (ROOT / "docs/deploy/Caddyfile").read_text("utf-8").replace("{\n", CADDY, 1)
    ours = ours.replace("ris.example.org {", f"http://ris.example.org:{outer}, http://127.0.0.1:{outer} {{")
    ours = re.sub(r"\{\$PUBLISHER_UPSTREAM:[^}]*\}", f"127.0.0.1:{inner}", ours)
    (folder / "Caddyfile").write_text(ours, "utf-8")
    environ = f"HOME={folder}", f"XDG_DATA_HOME={folder}", f"XDG_CONFIG_HOME={folder}"
    return ["env", *environ, "caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")], False


def unverified() -> ssl.SSLContext:
    """Return a context for the certificate that `nginx` makes for a day."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def slow_clients(name: str, port: int, tls: bool, short: bool) -> Row:
    """Hold connections that stay in a greeting, a header or a body without end; others must get their documents meanwhile."""
    held: list[socket] = []
    wrong, waits = [], []
    with suppress(OSError):
        for number in range(SLOW // (3 if short else 1)):
            one = create_connection(("127.0.0.1", port), timeout=5, source_address=(f"127.0.0.{2 + number % 100}", 0))
            held.append(one)
            if tls and number % 3 == 2:
                continue  # not even its greeting comes
            held[-1] = one = unverified().wrap_socket(one, server_hostname="ris.example.org") if tls else one
            one.sendall(b"POST /sparql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n" + (b"\r\nq" if number % 2 else b"X-Slow: "))
    for number in range(20 if short else 100):
        begin = time.monotonic()
        said = asked(port, f"/eli/dl/05334002/vorlage/{1 + number % 6}", tls=tls)
        waits.append(time.monotonic() - begin)
        wrong += [f"status {said.status}"] if said.status != 200 else []
        for one in held[number::20]:
            with suppress(OSError):
                one.sendall(b"a")
    for one in held:
        with closing(one), suppress(OSError):
            one.setblocking(False)
    slowest = max(waits)
    wrong += [f"{slowest:.1f} s"] if slowest > 2 else []
    return Row(
        f"{len(held)} slow clients before {name}",
        len(waits),
        len(wrong),
        "; ".join(wrong[:5]) or f"documents answered, slowest {slowest * 1000:.0f} ms",
    )


def schemathesis(at: Target) -> Row:
    """Return what schemathesis finds on the whole described interface, in three seeds."""
    tool = Path(sys.executable).with_name("schemathesis")
    if not tool.is_file():
        return Row("schemathesis over the OpenAPI description", 0, 0, "not installed: pip install '.[attack]'")
    checks = "not_a_server_error,content_type_conformance,response_schema_conformance,status_code_conformance"
    described, failed, count = Path(tempfile.mkdtemp()) / "openapi.json", [], 0
    described.write_bytes(asked(at.port, "/openapi.json").body)
    for seed in (1, 2, 3):
        options = (
            f"--url http://127.0.0.1:{at.port} --exclude-path /health --phases examples,coverage,fuzzing --max-examples 40 --seed {seed}"
        )
        done = subprocess.run(
            [tool, "run", described, *options.split(), "--suppress-health-check", "all", "--continue-on-failure", "--checks", checks],
            capture_output=True, text=True, timeout=3600, check=False, cwd=described.parent,
        )  # fmt: skip
        count += sum(map(int, re.findall(r"(\d+) generated", done.stdout)))
        failed += re.findall(r"(?m)^_+ (\w+ /\S*) _+$", done.stdout) if done.returncode else []
    return Row(
        "schemathesis over the OpenAPI description",
        count,
        len(failed),
        "; ".join(failed[:5]) or "no error of ours, types and codes as described",
    )


def fuzzing(examples: int = 4000) -> Iterator[Row]:
    """Yield a row for each file of tests that mutates what comes in, run with many more examples than in CI."""
    environ = {**os.environ, "PUBLISHER_FUZZ": str(examples), "HYPOTHESIS_MAX_EXAMPLES": str(examples)}
    for file in FUZZED:
        call = [
            sys.executable,
            "-m",
            "pytest",
            "-n",
            "0",
            "-q",
            file,
            "-k",
            "mutat or fuzz or whatever or never or no_service",
            "--hypothesis-seed=random",
        ]
        done = subprocess.run(call, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=3600)
        passed = sum(map(int, re.findall(r"(\d+) passed", done.stdout)))
        if done.returncode == 5:
            continue  # no such test in it
        failed = re.findall(r"(?m)^FAILED (\S+)", done.stdout)
        yield Row(
            f"properties of {file}, {examples:,} examples where it takes a number",
            passed + len(failed),
            len(failed),
            "; ".join(failed) or "hold",
        )
