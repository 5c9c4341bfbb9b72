"""The log of releases: each with its time in service, what it changed and what made it, for people, monitors and the clerk."""

import json
import re
import sqlite3

import pytest
from click.testing import CliRunner

from publisher import __version__, ontology, release
from publisher.cli import main
from publisher.cli.work import now
from publisher.journal import Journal
from publisher.journal.history import history
from publisher.views import create_app

from .objects import PAPER, TOWN, obj

OTHER = obj("Paper", "body/1/paper/2", name="Zweite Vorlage", body=TOWN["body"][0]["id"])
NAMELESS = {**obj("Paper", "body/1/paper/66", name="Ohne Adresse"), "id": "http://["}


def done(home, *call):
    ran = CliRunner().invoke(main, [*map(str, call), "--home", str(home)])
    assert ran.exit_code in (0, 1) and (ran.exception is None or isinstance(ran.exception, SystemExit)), ran.output
    return ran.stdout


def released(home, folder, *options):
    source = ("--kind", "oparl-files", "--url", folder, "--jurisdiction", "05999004", "--name", "town", "--force")
    done(home, "harvest", *source)
    done(home, "build", "--force", *options)


def told(home):
    return [json.loads(line) for line in done(home, "status", "--releases", "--json").splitlines()]


@pytest.fixture
def home(tmp_path, town):
    """Three releases: the town; a paper changed, one added, one refused; all made anew with one of them withdrawn."""
    whole = {**TOWN, "paper": [PAPER]}
    released(tmp_path / "home", town(**whole))
    released(tmp_path / "home", town(**{**TOWN, "paper": [{**PAPER, "name": "Neuer Name"}, OTHER, NAMELESS]}))
    released(tmp_path / "home", town(**{**TOWN, "paper": [{**PAPER, "name": "Neuer Name"}]}), "--full")
    return tmp_path / "home"


def test_each_release_tells_what_it_added_changed_withdrew_and_refused(home):
    third, second, first = told(home)
    numbers = ("added", "changed", "withdrawn", "refused", "kept_out")

    assert [first["release"], second["release"], third["release"]] == [1, 2, 3]
    assert [first[key] for key in numbers] == [first["records"], 0, 0, 0, 0]
    assert [second[key] for key in numbers] == [1, 1, 0, 1, 0]
    assert [third[key] for key in numbers] == [0, 0, 1, 0, 0]
    assert (second["records"], third["records"]) == (first["records"] + 1, first["records"])


def test_each_release_tells_what_made_it_and_how_large_it_is(home):
    third, second, _ = told(home)
    files = release.Release(3, home / "releases" / "3").manifest["files"]

    assert (second["by"], third["by"]) == ("build --force", "build --full --force")
    assert (third["publisher"], third["vocabulary"]) == (__version__, ontology.VERSION)
    assert third["bytes"] == sum(file["bytes"] for file in files.values()) > 0


def test_a_rollback_and_the_next_build_stand_in_the_log_with_their_times(home, town):
    begun = now()
    done(home, "rollback")
    back = {one["release"]: one for one in told(home)}
    released(home, town(**{**TOWN, "paper": [PAPER, OTHER]}))
    after = {one["release"]: one for one in told(home)}

    assert [back[number]["state"] for number in (1, 2, 3)] == ["kept", "in service", "rolled back"]
    assert begun <= back[2]["placed"] == back[3]["left"] <= now()
    assert (back[2]["left"], back[2]["by"]) == ("", "build --force"), "what made it, not what brought it back"
    assert [after[number]["state"] for number in (1, 2, 3, 4)] == ["kept", "kept", "rolled back", "in service"]
    assert (after[4]["added"], after[4]["changed"]) == (0, 2), "against the release that it followed"


def test_people_get_a_line_each_and_a_build_with_nothing_new_makes_none(home):
    done(home, "build")

    head, *lines = done(home, "status", "--releases").splitlines()

    assert head.split()[:3] == ["release", "state", "made"]
    assert [re.split(r"  +", line.strip())[:2] for line in lines] == [["3", "in service"], ["2", "kept"], ["1", "kept"]]
    assert all(f"publisher {__version__}, vocabulary {ontology.VERSION}" in line for line in lines)


def test_releases_of_older_programs_and_killed_commands_are_told_as_far_as_they_are_known(home):
    with sqlite3.connect(home / "journal.sqlite") as db:
        db.execute("drop table placed")

    entries = told(home)
    line = done(home, "status", "--releases").splitlines()[1]

    assert [(one["release"], one["state"], one["placed"]) for one in entries] == [(3, "in service", ""), (2, "kept", ""), (1, "kept", "")]
    assert "records" not in entries[0] and line.split()[-1] == "-"


def test_a_release_comes_into_service_even_where_the_log_cannot_be_written(home):
    with Journal(home / "journal.sqlite") as journal:
        journal.db.execute("drop table placed")
        journal.db.execute("create view placed as select 1 at")

    ran = CliRunner().invoke(main, ["rollback", "--home", str(home)])

    assert (ran.exit_code, "not noted in the log of releases" in ran.stderr) == (0, True)
    assert release.current(home).number == 2


def test_the_clerk_sees_the_newest_releases_and_the_page_writes_nothing(home):
    before = (home / "journal.sqlite").read_bytes()

    page = create_app(home).test_client().get("/status?lang=en", headers={"Accept": "text/html"}).text

    rows = re.findall(r'<tr><th scope="row" class="n">(\d)</th><td>([a-z ]+)</td>', page)
    assert rows == [("3", "in service"), ("2", "kept"), ("1", "kept")]
    assert (home / "journal.sqlite").read_bytes() == before
    assert [entry.release for entry in history(home, 2)] == [3, 2]
