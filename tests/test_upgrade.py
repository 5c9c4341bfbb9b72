"""An instance of an earlier schema goes on: same IRIs, versions and stream, nothing half migrated; one of a later schema is refused."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import orjson
import pytest

from publisher import release
from publisher.errors import Malformed
from publisher.journal import SCHEMA_VERSION, Journal
from publisher.journal.reader import Reader
from publisher.journal.serving import SCHEMA_VERSION as SERVING_VERSION
from publisher.journal.serving import Serving
from publisher.pipeline.dump import dump

from .conftest import built, files_source, harvested
from .objects import PAPER, TOMBSTONE, TOWN

# As the project's history has them (commit 17a797f, the first that built a release): what made the two databases.
JOURNAL_1 = """
create table instance (key text primary key, value text not null) without rowid;
create table source (name text primary key, json blob not null) without rowid;
create table version (
  seq integer primary key, iri text not null, type text not null, source text not null, source_url text not null,
  body text not null, modified text not null, recorded text not null, deleted integer not null, hash text not null, json blob not null);
create index version_iri on version (iri, seq);
create table run (
  id integer primary key, source text not null, started text not null, finished text,
  whole integer not null default 0,
  counts blob not null default '{}', notes blob not null default '{}',
  refusals blob not null default '[]', state blob not null default '{}');
"""
SERVING_1 = """
create table release (number integer primary key, seq integer not null, made text not null);
create table entry (
  iri text not null, owner text not null, type text not null, body text not null, seq integer not null, created text not null,
  modified text not null, day text not null, reference text not null,
  deleted integer not null, first integer not null, last integer not null);
create index entry_iri on entry (iri, last);
create index entry_owner on entry (owner, last);
create index entry_modified on entry (type, modified);
create table link (
  target text not null, key text not null, iri text not null, type text not null, owner text not null,
  first integer not null, last integer not null);
create index link_target on link (target, type, key);
create table known (url text not null, iri text not null, owner text not null, first integer not null, last integer not null);
create table rejected (seq integer primary key, release integer not null, reason text not null);
create table judged (owner text primary key, results blob not null) without rowid;
"""
TABLES = {
    "journal": (JOURNAL_1, ("instance", "source", "version", "run")),
    "serving": (SERVING_1, ("release", "entry", "link", "known", "rejected", "judged")),
}


@pytest.fixture(scope="module")
def today(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance with two releases, a changed and a forgotten-about paper among them."""
    folder = tmp_path_factory.mktemp("upgrade")
    for number, papers in enumerate(([PAPER], [{**PAPER, "name": "Neu gefasst"}, TOMBSTONE])):
        source = folder / "town"
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir()
        for name, objects in {**TOWN, "paper": papers}.items():
            (source / f"{name}.json").write_bytes(orjson.dumps({"data": objects}))
        harvested(folder / "home", files_source(source))
        built(folder / "home")
        assert number + 1 == served(folder / "home").release
    return folder / "home"


def served(home: Path) -> Reader:
    now = release.current(home)
    assert now is not None
    return Reader(home, now.number)


def aged(path: Path, tables: str, names: tuple[str, ...]) -> None:
    """Rewrite a database in its first schema, as that program would have left it."""
    older = path.with_name("older")
    with closing(sqlite3.connect(path)) as now, closing(sqlite3.connect(older)) as then:
        then.execute("pragma journal_mode = wal")
        then.executescript(tables)
        for name in names:
            columns = ", ".join(row[1] for row in then.execute(f"pragma table_info({name})"))
            rows = now.execute(f"select {columns} from {name}").fetchall()
            then.executemany(f"insert into {name} ({columns}) values ({', '.join('?' * (columns.count(',') + 1))})", rows)
        if path.name == "journal.sqlite":
            then.execute("insert into instance values ('schema', '1')")
        then.commit()
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    older.rename(path)


@pytest.fixture
def old(today: Path, tmp_path: Path) -> Path:
    """The same instance in its first schema."""
    home = tmp_path / "home"
    shutil.copytree(today, home, symlinks=True)
    for name, (tables, kept) in TABLES.items():
        aged(home / f"{name}.sqlite", tables, kept)
    return home


def history(home: Path) -> list[tuple[object, ...]]:
    return [(event.seq, event.iri, event.kind, event.hash, event.json) for event in served(home).events(0, 1000)]


def test_an_instance_of_the_first_schema_goes_on_with_its_iris_versions_and_stream(today, old):
    built(old, full=True)

    assert history(old) == history(today)
    assert list(dump(served(old), "nquads")) == list(dump(served(today), "nquads"))
    assert {row[0] for row in served(old).db.execute("select source from entry where last > 1 << 59")} == {"town"}
    for name, version in (("journal", SCHEMA_VERSION), ("serving", SERVING_VERSION)):
        with closing(sqlite3.connect(old / f"{name}.sqlite")) as db:
            assert db.execute("pragma user_version").fetchone() == (version,)


def test_opening_an_old_instance_changes_nothing_that_is_served(today, old):
    with Journal(old / "journal.sqlite"), Serving(old / "serving.sqlite"):
        pass

    assert history(old) == history(today)
    assert list(dump(served(old), "jsonl")) == list(dump(served(today), "jsonl"))


def test_a_migration_that_fails_leaves_the_old_database_as_it_was(old, monkeypatch):
    monkeypatch.setattr("publisher.journal.serving.TABLES", "create table strange (x); select no_such_function();")
    before = schema(old / "serving.sqlite")

    with pytest.raises(sqlite3.Error):
        Serving(old / "serving.sqlite")

    assert schema(old / "serving.sqlite") == before


def schema(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return [str(row) for row in (*db.execute("select type, name, sql from sqlite_schema"), *db.execute("pragma user_version"))]


@pytest.mark.parametrize(("name", "open_"), [("journal", Journal), ("serving", Serving)])
def test_a_database_of_a_newer_publisher_is_refused_and_left_alone(old, name, open_):
    path = old / f"{name}.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("pragma user_version = 99")

    with pytest.raises(Malformed, match="schema 99: expected .* or older; install the newer publisher again"):
        open_(path)

    assert "(99,)" in schema(path)
