"""Two processes on different releases behind HAProxy and nginx, with the configurations of docs/deploy and the real programs."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.test_sparql_served import free_port, released, serving

DEPLOY = Path(__file__).parent.parent / "docs" / "deploy"
QUERY = "/sparql?query=SELECT%20%2A%20%7B%3Fs%20%3Fp%20%3Fo%7D"


@pytest.fixture(scope="module")
def machines(tmp_path_factory) -> Iterator[list[str]]:
    """Addresses of two servers: the first serves release 6, the second release 7."""
    folder = tmp_path_factory.mktemp("machines")
    for number in (6, 7):
        (folder / str(number)).mkdir()
        released(folder / str(number), f"<urn:a> <urn:release> <urn:{number}> <urn:g> .\n".encode())
    with serving(folder / "6", threads=4) as stale, serving(folder / "7", threads=4) as fresh:
        yield [base.removeprefix("http://") for base in (stale, fresh)]


def placed(name: str, machines: list[str], port: int, **more: str) -> str:
    """Return a configuration of docs/deploy with the machines' real addresses in it."""
    text = (DEPLOY / name).read_text("utf-8")
    here = f"127.0.0.1:{port}"
    changes = {"10.0.0.11:8000": machines[0], "10.0.0.12:8000": machines[1], ":8080": here, "listen 8080": f"listen {here}"}
    for old, new in (changes | more).items():
        text = text.replace(old, new)
    return text


def seen(port: int, times: int = 8) -> set[str]:
    """Return the releases that answer at a port; every answer must be whole."""
    found = set()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(times):
            answer = client.get(QUERY)
            assert answer.status_code == 200
            assert f"urn:{answer.headers['X-Publisher-Release']}" in answer.text
            found.add(answer.headers["X-Publisher-Release"])
    return found


def until(port: int, wanted: set[str], seconds: float = 20) -> set[str]:
    """Return the releases seen at a port, asked again until they are those wanted."""
    end, found = time.monotonic() + seconds, set()
    while time.monotonic() < end and found != wanted:
        try:
            found = seen(port)
        except httpx.TransportError:
            time.sleep(0.1)
    return found


def test_haproxy_drains_who_serves_an_older_release(machines, tmp_path):
    if not (haproxy := shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")):
        pytest.skip("haproxy is absent: apt-get install haproxy")
    port = free_port()
    text = placed("haproxy.cfg", machines, port, **{"inter 2s": "inter 100ms"})
    for number, wanted in ((6, {"6", "7"}), (7, {"7"})):
        file = tmp_path / f"{number}.cfg"
        file.write_text(text.replace("release=7", f"release={number}"), "utf-8")
        checked = subprocess.run([haproxy, "-c", "-f", file], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        running = subprocess.Popen([haproxy, "-db", "-f", file], stderr=subprocess.DEVNULL)
        try:
            assert until(port, wanted) == wanted
            assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 404
        finally:
            running.terminate()
            running.wait()


def test_nginx_passes_only_to_who_serves_the_release(machines, tmp_path):
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if not nginx or not shutil.which("curl"):
        pytest.skip("nginx or curl is absent: apt-get install nginx-light curl")
    port, servers = free_port(), tmp_path / "servers"
    site = placed("nginx-replicas.conf", machines, port, **{"/etc/nginx/publisher-servers": str(servers)})
    scratch = "".join(f"{kind}_temp_path {tmp_path}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    file = tmp_path / "nginx.conf"
    file.write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/log;\nevents {{}}\nhttp {{ access_log off;\n{scratch}{site}\n}}\n", "utf-8"
    )
    for number, wanted in (("6", {"6", "7"}), ("7", {"7"})):
        servers.write_bytes(subprocess.run([DEPLOY / "fresh.sh", number, *machines], capture_output=True, check=True).stdout)
        checked = subprocess.run([nginx, "-t", "-c", file], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        running = subprocess.Popen([nginx, "-c", file], stderr=subprocess.DEVNULL)
        try:
            assert until(port, wanted) == wanted
            assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 404
        finally:
            running.terminate()
            running.wait()
    assert subprocess.run([DEPLOY / "fresh.sh", "8", *machines], capture_output=True, check=False).returncode == 1
