"""The texts of PDFs: read politely where the operator wants it, in a process that can be killed, searched and never published."""

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
import pytest

from publisher.config import Settings, source_of_table
from publisher.errors import Malformed, Misconfigured
from publisher.fetch import Fetch
from publisher.fetch.guard import Guard
from publisher.journal import Journal
from publisher.pipeline import filetexts
from publisher.pipeline.build import build
from publisher.pipeline.filetexts import Reading, read_files
from publisher.pipeline.forget import forget
from publisher.pipeline.harvest import harvest
from publisher.texts import Shelf, extracted, files_of
from publisher.views import create_app
from tests import town

HTML = {"Accept": "text/html"}


def pdf(*lines: str) -> bytes:
    """A PDF of one page with these lines, made by hand."""
    shown = " ".join(f"({line}) Tj 0 -20 Td" for line in lines).encode("latin-1")
    stream = b"BT /F1 12 Tf 50 700 Td " + shown + b" ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )
    made, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return made + b"xref\n0 6\n0000000000 65535 f \n%strailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (table, len(made))


@contextmanager
def served(files: dict[str, bytes], asked: list[str]):
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            body = files.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Type", "application/pdf")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


def published(home, address, files_a_run=10, at="2026-11-01T10:00:00+00:00", **changes):
    """The town, with its papers' files at `address`, harvested, read and built."""
    folder = home.parent / "oparl"
    folder.mkdir(exist_ok=True)
    for number, one in enumerate(town.objects(3)):
        if "mainFile" in one:
            one["mainFile"] = one["mainFile"] | {"accessUrl": f"{address}/{one['reference'][-1]}.pdf"} | changes
        folder.joinpath(f"{number:03}.json").write_bytes(orjson.dumps(one))
    table = {"name": "town", "kind": "oparl-files", "url": str(folder), "jurisdiction": town.KEY, "pause": 0.0, "files_a_run": files_a_run}
    source = source_of_table(table | {"options": {"max_tries": 1}}, "test")
    settings = Settings(home, town.BASE, True)
    with Journal(home / "journal.sqlite") as journal, Fetch(source, home) as fetch:
        fetch._guard = Guard(address)  # as for a source that is configured on a private host
        assert not harvest(journal, source, fetch, at, settings=settings, progress=lambda *_: None).failure
        reading = read_files(journal, source, fetch, home, at)
        fetch.finish()
    return reading, build(settings, at, progress=lambda *_: None)


def hits(home, words):
    return [one["iri"].rsplit("/", 1)[-1] for one in create_app(home).test_client().get(f"/search?format=json&q={words}").json["data"]]


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    home, asked = tmp_path_factory.mktemp("texts") / "home", []
    files = {"/1.pdf": pdf("Ein Klettergerüst für den Schulhof", "Kosten 12.000 Euro"), "/2.pdf": b"%PDF-1.4 broken"}
    with served(files, asked) as address:
        first = published(home, address)
        second = published(home, address, at="2026-11-02T10:00:00+00:00")
        yield home, address, asked, files, first, second


def test_a_file_s_text_finds_the_paper_and_stays_out_of_what_is_published(instance):
    home, *_ = instance

    assert hits(home, "Klettergerüst") == ["1"]
    client = create_app(home).test_client()
    assert "<mark>Klettergerüst</mark>" in client.get("/search?q=Klettergerüst", headers=HTML).text
    assert "Klettergerüst" not in client.get("/eli/dl/05334002/vorlage/1").text
    assert b"Kletterger" not in (home / "journal.sqlite").read_bytes()


def test_each_file_is_asked_for_once_and_what_became_of_it_is_told(instance):
    _, _, asked, _, (first, _), (second, built) = instance

    assert first == Reading(read=1, dead=1, faults=1)
    assert second == Reading() and not built.new
    assert sorted(path for path in asked if path.endswith(".pdf")) == ["/1.pdf", "/2.pdf", "/3.pdf"]


def test_a_dead_link_is_named_on_the_page_and_on_the_desk(instance):
    home, address, *_ = instance
    client = create_app(home).test_client()

    assert "der Link führte beim Lesen ins Leere" in client.get("/eli/dl/05334002/vorlage/3", headers=HTML).text
    assert "der Link führte beim Lesen ins Leere" not in client.get("/eli/dl/05334002/vorlage/1", headers=HTML).text
    desk = client.get("/status", headers=HTML).text
    assert f"{address}/3.pdf" in desk and f"{address}/2.pdf" not in desk


def test_a_changed_file_is_read_again_and_its_text_found_after_the_next_build(tmp_path):
    files, asked = {f"/{at}.pdf": pdf("Alte Fassung") for at in (1, 2, 3)}, []
    with served(files, asked) as address:
        published(tmp_path / "home", address)
        files["/1.pdf"] = pdf("Neue Rutsche")
        reading, _ = published(tmp_path / "home", address, at="2026-11-03T10:00:00+00:00", size=77)

    assert reading == Reading(read=3)
    assert hits(tmp_path / "home", "Rutsche") == ["1"] and sorted(hits(tmp_path / "home", '"Alte Fassung"')) == ["2", "3"]


def test_no_more_files_are_read_than_the_operator_allows_and_none_unless_he_does(tmp_path):
    files, asked = {f"/{at}.pdf": pdf("Text") for at in (1, 2, 3)}, []
    with served(files, asked) as address:
        off, _ = published(tmp_path / "off", address, 0)
        assert (off, asked) == (Reading(), [])
        first, _ = published(tmp_path / "home", address, 2)
        rest, built = published(tmp_path / "home", address, 2, at="2026-11-02T10:00:00+00:00")

    assert (first, rest, built.new) == (Reading(read=2, left=1), Reading(read=1), True)
    assert sorted(hits(tmp_path / "home", "Text")) == ["1", "2", "3"]


def test_what_is_forgotten_leaves_no_text(tmp_path):
    with served({"/1.pdf": pdf("Geheim")}, []) as address:
        published(tmp_path / "home", address)
        url = f"{address}/1.pdf"
        assert Shelf(tmp_path / "home").get(url)
        with Journal(tmp_path / "home" / "journal.sqlite") as journal:
            forget(journal, tmp_path / "home", f"{town.BASE}/eli/dl/{town.KEY}/vorlage/1", "2026-11-04T10:00:00+00:00")

    left = [
        path
        for path in (tmp_path / "home" / "texts").rglob("*")
        if path.is_file() and (b"Geheim" in path.read_bytes() or url.encode() in path.read_bytes())
    ]
    assert left == []


def test_a_reader_that_never_ends_is_killed(monkeypatch, tmp_path):
    endless = tmp_path / "endless.py"
    endless.write_text("while True: pass\n")
    monkeypatch.setattr("publisher.texts.CHILD", endless)
    begin = time.monotonic()

    with pytest.raises(Malformed, match="can be read in 1 s"):
        extracted(b"%PDF", "https://ris.example.org/1.pdf", seconds=1)
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize("body", [b"", b"<html>not found</html>", b"%PDF-1.7\n" + b"\x00" * 5000, pdf("x")[:200]])
def test_what_is_no_pdf_is_told_as_such(body):
    with pytest.raises(Malformed, match=r"1\.pdf: expected a PDF with text that can be read"):
        extracted(body, "https://ris.example.org/1.pdf")


def test_the_missing_library_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("publisher.texts.LIBRARY", "no_such_library")

    with pytest.raises(Misconfigured, match=r"pip install"):
        published(tmp_path / "home", "http://127.0.0.1:9")


def test_only_pdfs_without_a_text_of_the_source_are_read():
    file = {"type": town.SCHEMA + "File", "id": "x", "accessUrl": "https://a.example/1.PDF?x=1"}
    url = file["accessUrl"]

    assert [found for found, _ in files_of(file)] == [url]
    for more in (
        {"text": "t"},
        {"mimeType": "image/png"},
        {"accessUrl": "ftp://a.example/1.pdf"},
        {"accessUrl": "https://a.example/1.doc"},
    ):
        assert list(files_of(file | more)) == []
    assert filetexts.AGAIN.days >= 7
