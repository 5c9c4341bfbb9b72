"""The reduced round of the faults: killed, cut off, full, damaged or mistimed, nothing half is served and nothing accepted is lost."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from publisher import release
from publisher.config import Source
from publisher.errors import Malformed, Refused
from publisher.journal import Journal, Run, Version, leaves, salvage
from publisher.pipeline.incremental import turn
from publisher.record import content_hash

from .conftest import built

ROOT = Path(__file__).parent.parent
TRUSTED = {"stamps": {"trustworthy": True, "words": ""}}


@pytest.fixture(scope="module")
def round_() -> list[dict[str, object]]:
    """The rows of the short round; what it runs forks, so it has a process of its own."""
    words = [sys.executable, "-m", "bench.proof", "--only", "faults", "--short", "--json"]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert ran.stdout.startswith("["), ran.stderr[-2000:]
    return json.loads(ran.stdout)


def test_no_fault_of_the_short_round_breaks_a_promise(round_):
    assert [row for row in round_ if row["wrong"]] == []


def test_the_short_round_makes_every_kind_of_fault(round_):
    made = {str(row["what"]).split(",")[0] for row in round_}

    for kind in (
        "kill -9 at commit points",
        "power cut",
        "damaged journal page",
        "damaged serving.sqlite",
        "no file may grow",
        "wrong clocks",
    ):
        assert kind in made, kind
    assert sum(int(str(row["rounds"])) for row in round_) > 20


def version(number: int, text: str = "x") -> Version:
    obj = {"type": "https://schema.oparl.org/1.1/Paper", "id": f"https://ris.example.org/{number}", "name": text}
    return Version(0, str(obj["id"]), "Paper", "town", "", "", "", "2026-11-22", False, content_hash(obj), json.dumps(obj).encode())


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A journal of a thousand versions, some longer than a page."""
    path = tmp_path / "journal.sqlite"
    with Journal(path) as opened:
        opened.set("base", "https://ris.example.org")
        for number in range(1000):
            opened.append(version(number, "Sitzung " * (number % 50) * 40))
        opened.commit()
    return path


def seqs(path: Path) -> list[int]:
    with Journal(path) as opened:
        return [row[0] for row in opened.db.execute("select seq from version order by seq")]


def overwritten(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xa5" * 4096)


def inner(path: Path) -> list[int]:
    """The pages that lead to others."""
    data = path.read_bytes()
    return [at // 4096 + 1 for at in range(4096, len(data), 4096) if data[at] == 5]


def test_what_is_whole_of_a_journal_is_kept_though_no_page_leads_to_it_any_more(journal):
    for page in inner(journal):
        overwritten(journal, page)

    saved = salvage.salvage(journal, "https://ris.example.org", 1000)

    assert (saved.kept, saved.lost) == (1000, [])
    assert seqs(journal) == list(range(1, 1001))


def test_a_journal_without_its_first_page_is_kept(journal):
    overwritten(journal, 1)

    saved = salvage.salvage(journal, "https://ris.example.org", 0)

    assert saved.kept == 1000
    with Journal(journal) as opened:
        assert (opened.setting("base"), opened.last_seq()) == ("https://ris.example.org", 1000)


def test_a_lost_seq_is_named_and_never_given_again(journal):
    last = next(page for page in range(len(journal.read_bytes()) // 4096, 0, -1) if 1000 in dict(rows_of(journal, page)))
    overwritten(journal, last)

    saved = salvage.salvage(journal, "https://ris.example.org", 1000)

    assert saved.lost[-1] == (1000, "https://ris.example.org/999")
    with Journal(journal) as opened:
        assert opened.append(version(5000)) == 1001
        opened.commit()


def rows_of(path: Path, page: int) -> list[tuple[int, object]]:
    single = path.with_name("page")
    data = bytearray(path.read_bytes())
    for at in range(4096, len(data), 4096):
        if at != (page - 1) * 4096 and data[at] == leaves.LEAF:
            data[at] = 0
    single.write_bytes(bytes(data))
    return [(seq, values) for seq, values in leaves.rows(single, len(Version._fields))]


def test_what_was_forgotten_is_not_read_from_unused_pages(journal):
    with Journal(journal) as opened:
        secret = version(7, "x")
        opened.set(f"forgotten {secret.iri}", "2026-11-22")
        opened.db.execute("delete from version where iri = ?", (secret.iri,))
    overwritten(journal, inner(journal)[-1])

    salvage.salvage(journal, "https://ris.example.org", 1000)

    with Journal(journal) as opened:
        assert opened.versions(secret.iri) == []


def test_a_changed_byte_in_a_content_is_found_by_its_hash(journal):
    data = journal.read_bytes()
    at = data.index(b'https://ris.example.org/3"') if b'https://ris.example.org/3"' in data else data.index(b"/Paper")
    journal.write_bytes(data[:at] + b"i" + data[at + 1 :])

    assert salvage.damage(journal) == []
    assert len(salvage.broken(journal)) == 1


def ran(journal: Journal, at: str, told: dict[str, object]) -> None:
    journal.finish(Run(journal.start("town", at), "town", at, at, True, {}, {}, [], told))


def test_a_clock_that_was_ahead_leaves_no_gap(tmp_path):
    source = Source("town", "oparl", "https://ris.invalid/system", "05999016")
    with Journal(tmp_path / "journal.sqlite") as journal:
        ran(journal, "2026-11-01T03:00:00+00:00", TRUSTED)
        ran(journal, "2036-11-02T03:00:00+00:00", {"window": "2026-10-31T03:00:00+00:00"})

        assert turn(journal, source, "2026-11-03T03:00:00+00:00") == source
        ran(journal, "2026-11-03T03:00:00+00:00", TRUSTED)
        assert turn(journal, source, "2026-11-04T03:00:00+00:00") != source


@pytest.fixture
def two(tmp_path: Path, sample_home: Path) -> Path:
    """An instance with two releases."""
    subprocess.run(["cp", "-r", str(sample_home), str(tmp_path / "home")], check=True)
    built(tmp_path / "home", full=True)
    return tmp_path / "home"


def test_rollback_does_not_go_to_a_damaged_release_and_linked_damage_is_not_called_right(two):
    dump = next(two.glob("releases/1/dumps/*/*.nq.gz"))
    shared = dump.stat().st_nlink
    dump.write_bytes(dump.read_bytes()[:-1])

    with pytest.raises(Refused, match="that is whole"):
        release.rolled_back(two)
    assert shared == 1
    assert [str(dump) in line for line in release.damage(release.retained(two)[0])] == [True]


def test_a_release_half_removed_is_no_release(two, monkeypatch):
    def killed(path: Path) -> None:
        next(path.rglob("*.nq.gz")).unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr("publisher.release.shutil.rmtree", lambda path, **_: killed(Path(path)) if Path(path).is_dir() else None)
    with pytest.raises(KeyboardInterrupt):
        release.prune(two, 1)

    assert [one.number for one in release.retained(two)] == [2]


def test_a_damaged_manifest_is_named(two):
    (two / "releases" / "2" / "manifest.json").write_text("{")

    assert "manifest.json" in release.damage(release.retained(two)[1])[0]
    with pytest.raises(Malformed):
        _ = release.retained(two)[1].manifest


def test_what_a_release_adds_is_on_the_disk_before_it_has_its_name_and_what_it_shares_is_not_waited_for_again(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(release, "_sync", lambda path: synced.append(path.name))
    first = release.staged(tmp_path, 1)
    (first / "old").write_text("old")
    before = release.finished(tmp_path, 1, {})
    second = release.staged(tmp_path, 2)
    (second / "folder").mkdir()
    (second / "folder" / "new").write_text("new")
    (second / "old").hardlink_to(before.path / "old")

    synced.clear()
    release.finished(tmp_path, 2, {})

    assert sorted(synced) == ["2.making", "folder", "manifest.json", "new", "releases"]
