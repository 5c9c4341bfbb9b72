"""Former members' personal data goes by itself after the source's period: everywhere, for good, counted; and comes back with them."""

import gzip
from datetime import date, timedelta

import orjson
import pytest

from publisher import release
from publisher.cli.work import built as built_by_command
from publisher.config import Settings
from publisher.fetch import Fetch
from publisher.journal import Journal
from publisher.journal.reader import Reader
from publisher.pipeline.coverage import coverage
from publisher.pipeline.harvest import harvest

from .conftest import AT, BASE, files_source, harvested, quiet
from .hostile import Town, serving
from .objects import PERSON, TOWN

IRI = f"{BASE}/id/05999004/person/1"
SECRET = "anna@geheim.example"
PERSONAL = {"email": [SECRET], "life": "Wohnt in der Geheimgasse", "VENDOR:birth": "Geheimdatum"}
OVER = {"endDate": (date.fromisoformat(AT[:10]) - timedelta(days=91)).isoformat()}
NOT_YET = {"endDate": (date.fromisoformat(AT[:10]) - timedelta(days=90)).isoformat()}


def person(apart=False, **membership):
    [seat] = PERSON["membership"]
    inside = {} if apart else {"membership": [seat | membership]}
    return {key: value for key, value in PERSON.items() if key != "membership"} | PERSONAL | inside


def told(home):
    return orjson.loads(Reader(home, release.current(home).number).get(IRI).json)


def built(home, **options):
    return built_by_command(Settings(home, BASE), **options)


def holding(home):
    """Return the files of the instance in which anything personal stands."""
    found = []
    for path in home.rglob("*"):
        if path.is_file():
            content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            found += [path] if b"geheim" in content.lower() else []
    return found


def test_a_member_is_told_whole_until_the_period_has_passed_and_is_then_nowhere_told_but_by_name_and_office(tmp_path, town):
    home = tmp_path / "home"
    harvested(home, files_source(town(**TOWN | {"person": [person()]})))
    built(home)
    harvested(home, files_source(town(person=[person(**NOT_YET)])))
    built(home)
    before = told(home)

    outcome = harvested(home, files_source(town(person=[person(**OVER)])))
    made = built(home)

    assert (before["email"], before["oparlx:extension"]) == ([SECRET], {"VENDOR:birth": "Geheimdatum"})
    assert (told(home)["name"], "membership" in told(home)) == (PERSON["name"], True)
    assert not {"email", "life", "oparlx:extension"} & told(home).keys()
    assert outcome.notes["withheld"]["expired_member"][:2] == [3, 3] and outcome.erased == [IRI]
    assert made.new and holding(home) == []
    assert [event.kind for event in Reader(home, made.number).events() if event.iri == IRI] == ["update"]


def test_values_never_come_again_and_nothing_more_happens(tmp_path, town):
    home, folder = tmp_path / "home", town(**TOWN | {"person": [person(**OVER)]})
    harvested(home, files_source(folder))
    first = built(home)

    again = harvested(home, files_source(folder))
    second = built(home)

    assert again.erased == [] and again.counts["Person"]["unchanged"] == 1
    assert (first.new, second.new, holding(home)) == (True, False, [])


def test_time_alone_makes_a_member_former_even_if_the_source_fails(tmp_path, town):
    home = tmp_path / "home"
    harvested(home, files_source(town(**TOWN | {"person": [person(**NOT_YET)]})))
    built(home)
    lost = files_source(tmp_path / "nowhere")

    with Journal(home / "journal.sqlite") as journal:
        later = (date.fromisoformat(AT[:10]) + timedelta(days=1)).isoformat()
        outcome = harvest(journal, lost, None, f"{later}T12:00:00+00:00", settings=Settings(home, BASE), progress=quiet)
    built(home)

    assert outcome.failure and outcome.erased == [IRI]
    assert holding(home) == []


def test_who_is_elected_again_is_told_again(tmp_path, town):
    home = tmp_path / "home"
    harvested(home, files_source(town(**TOWN | {"person": [person(**OVER)]})))

    harvested(home, files_source(town(person=[person()])))
    built(home)

    assert told(home)["email"] == [SECRET]


def test_memberships_that_stand_in_a_list_of_their_own_count_as_well(tmp_path, town):
    home = tmp_path / "home"
    seat = PERSON["membership"][0] | {"person": PERSON["id"]}
    town(**TOWN | {"person": [person(apart=True)], "membership": [seat]})
    harvested(home, files_source(tmp_path / "town"))
    built(home)
    current = told(home).get("email")
    town(membership=[seat | OVER])

    first = harvested(home, files_source(tmp_path / "town"))
    again = harvested(home, files_source(tmp_path / "town"))
    built(home)

    assert (current, first.erased, again.erased) == ([SECRET], [IRI], [])
    assert again.notes["withheld"]["expired_member"][0] == 3
    assert holding(home) == []


def test_old_versions_of_a_deleted_person_go_after_the_period(tmp_path, town):
    home = tmp_path / "home"
    harvested(home, files_source(town(**TOWN | {"person": [person()]})))
    gone = {"id": PERSON["id"], "type": PERSON["type"], "deleted": True}
    harvested(home, files_source(town(person=[gone])))
    built(home)
    still = holding(home) != []

    with Journal(home / "journal.sqlite") as journal:
        source, later = files_source(tmp_path / "town"), "2027-06-01T12:00:00+00:00"
        harvest(journal, source, None, later, settings=Settings(home, BASE), progress=quiet)
    built(home)

    assert (still, holding(home)) == (True, [])


@pytest.mark.parametrize("seats", [{}, {"endDate": "unbekannt"}, {"endDate": "2099-01-01"}])
def test_who_has_no_end_that_has_passed_is_no_former_member(tmp_path, town, seats):
    home = tmp_path / "home"
    one = person(apart=True) if not seats else person(**seats)

    harvested(home, files_source(town(**TOWN | {"person": [one]})))
    built(home)

    assert told(home)["email"] == [SECRET]


def test_the_period_and_what_goes_are_the_sources(tmp_path, town):
    home, folder = tmp_path / "home", town(**TOWN | {"person": [person(**OVER)]})

    harvested(home, files_source(folder, expired_after_days=91))
    built(home)
    in_time = told(home)
    harvested(home, files_source(folder, expired_after_days=0, expired=["Person.email"]))
    built(home)

    assert in_time["email"] == [SECRET]
    assert (told(home).get("email"), told(home)["life"]) == (None, PERSONAL["life"])


def test_the_ledger_counts_them(town):
    book = coverage(files_source(town(**TOWN | {"person": [person(**OVER)]})), None, AT)

    assert (book.rules["withheld", "expired_member"], book.kinds["lost"]) == (3, 0)


def test_kept_pages_lose_them_too_and_can_still_be_replayed(tmp_path):
    class OldTown(Town):
        def object(self, kind, key, base):
            seat = {"id": f"{base}/body/1/membership/{key}", "type": PERSON["membership"][0]["type"], **OVER}
            return super().object(kind, key, base) | ({**PERSONAL, "membership": [seat]} if kind == "person" else {})

    home, wanted = tmp_path / "home", Settings(tmp_path / "home", BASE)
    with serving(OldTown()) as (base, _):
        source = files_source(tmp_path, kind="oparl", pause=0)
        object.__setattr__(source, "url", f"{base}/system")
        with Journal(home / "journal.sqlite") as journal, Fetch(source, home) as fetch:
            harvest(journal, source, fetch, AT, settings=wanted, progress=quiet)
    with Journal(home / "journal.sqlite") as journal, Fetch(source, home, replay=True) as fetch:
        replayed = harvest(journal, source, fetch, AT, settings=wanted, progress=quiet)

    assert holding(home) == []
    assert (replayed.exit_code, replayed.counts["Person"]["unchanged"]) == (0, 5)
