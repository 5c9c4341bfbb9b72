"""Pages against an empty Flask view, and the search page against the bare index, in one run: `python -m bench.pages [PAPERS]`.

The instance is a generated town in journal and serving tables, without shapes and store, which pages of records do not touch.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson
from flask import Flask
from werkzeug.test import EnvironBuilder

from bench.generate import generate
from publisher import release
from publisher.journal import Journal, Version
from publisher.journal.serving import Serving
from publisher.record import content_hash
from publisher.search import Index, build
from publisher.views import create_app
from publisher.views.pages.frame import Memory

AT = "2026-11-22T12:00:00+00:00"
QUERIES = ("Gebührensatzung", "Neubau Grundschule", "Radweg", "2019/0100", "Spielplatz Lindenallee", "Rathaus", "Förderung Kita")


def instance(home: Path, papers: int) -> None:
    """Put a town of so many papers into service in `home`."""
    with Journal(home / "journal.sqlite") as journal, Serving(home / "serving.sqlite") as serving:
        journal.set("base", "https://ris.example.org")
        journal.begin()
        serving.begin()
        body = "https://ris.example.org/id/05358016"
        for obj in generate(papers):
            kind = str(obj["type"]).rsplit("/", 1)[-1]
            version = Version(0, obj["id"], kind, "town", obj["id"], body, AT, AT, False, content_hash(obj), orjson.dumps(obj))
            serving.put(1, version._replace(seq=journal.append(version)), obj)
        journal.commit()
        path = release.staged(home, 1)
        listed = ((obj["id"], str(obj["type"]).rsplit("/", 1)[-1], body, obj) for obj in generate(papers))
        build(path / "search", listed)
        serving.finish(1, journal.last_seq(), AT)
    release.finished(home, 1, {"release": 1, "base": "https://ris.example.org"})
    release.switch(home, 1)


def answered(app: Flask, path: str) -> int:
    """Call an app as a WSGI server does and return the length of the answer."""
    environ = EnvironBuilder(
        path=path.partition("?")[0], query_string=path.partition("?")[2], headers={"Accept": "text/html"}
    ).get_environ()
    status: list[str] = []
    size = sum(map(len, app.wsgi_app(environ, lambda line, *_: status.append(line))))
    assert status[0].startswith("200"), (path, status)
    return size


def rate(calls: Iterable[Callable[[], Any]]) -> tuple[float, float]:
    """Return (calls a second, 95th percentile in ms), of this process's own time, so that a busy machine counts less."""
    spent = []
    for call in calls:
        begin = time.process_time()
        call()
        spent.append(time.process_time() - begin)
    spent.sort()
    return len(spent) / sum(spent), spent[int(len(spent) * 0.95)] * 1000


def empty() -> Flask:
    app = Flask("empty")
    app.add_url_rule("/", view_func=lambda: "ok")
    return app


def main(papers: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        begin = time.process_time()
        instance(home, papers)
        print(f"{papers} papers, made in {time.process_time() - begin:.0f} s")
        app, bare = create_app(home), empty()
        step = max(1, papers // 300)
        paths = [f"/eli/dl/05358016/vorlage/{at}" for at in range(0, papers, step)]
        paths = [path for path in paths if app.test_client().get(path).status_code == 200]
        ceiling, _ = rate(lambda: answered(bare, "/") for _ in range(3000))
        begin = time.process_time()
        answered(app, paths.pop())  # compiles the templates and reads the ontology, once a process
        print(f"first page of a process {(time.process_time() - begin) * 1000:.0f} ms")
        fresh, slow = rate(lambda path=path: answered(app, path) for path in paths)  # type: ignore[misc]
        again, slow_again = rate(lambda path=path: answered(app, path) for path in paths * 3)  # type: ignore[misc]
        print(f"empty view   {ceiling:8.0f}/s")
        print(f"paper page   {fresh:8.0f}/s  {fresh / ceiling:5.1%} of the empty view, p95 {slow:.1f} ms")
        print(f"  remembered {again:8.0f}/s  {again / ceiling:5.1%} of the empty view, p95 {slow_again:.1f} ms")
        index = Index(release.Release(1, home / "releases" / "1").path / "search")
        for query in QUERIES:
            index.search(query)
        _, plain = rate(lambda query=query: index.search(query, limit=20) for query in QUERIES * 20)  # type: ignore[misc]
        _, json = rate(lambda query=query: answered(app, f"/search?format=json&q={quote(query)}") for query in QUERIES * 20)  # type: ignore[misc]
        _, page = rate(lambda query=query: answered(app, f"/search?q={quote(query)}") for query in QUERIES * 20)  # type: ignore[misc]
        print(f"search p95   bare index {plain:.1f} ms")
        print(f"  JSON {json:.1f} ms, {json / plain:.1f} times; page {page:.1f} ms, {page / plain:.1f} times")
        for path in ("/", "/id/05358016", "/id/05358016/organization/0", "/calendar?month=2020-06"):
            app.extensions["pages"] = Memory()
            begin = time.process_time()
            answered(app, path)
            print(f"first {path:32} {(time.process_time() - begin) * 1000:7.0f} ms")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
