"""The socket of a harvest: polite to servers, bounded against them, kept out of our own network, and able to go on where it stopped."""

import gzip
import json
import time
from email.utils import formatdate

import pytest

from publisher.config import Source
from publisher.errors import Malformed, Misconfigured, Unreachable
from publisher.fetch import Cache, Clock, Fetch, Pace, Page, cache_folder
from publisher.fetch.guard import Guard, is_public
from tests.hostile import Ask, serving


def hasty():
    """A clock that tells the real time plus all that was to be slept, and never sleeps; and what was slept."""
    slept = []
    return Clock(lambda: time.time() + sum(slept), slept.append), slept


def town(base, pause=0.0, **options):
    return Source("musterstadt", "oparl", f"{base}/system", "05999016", contact="ris@musterstadt.example", pause=pause, options=options)


def no_robots(answer):
    def answered(ask: Ask) -> None:
        if ask.path == "/robots.txt":
            ask.send(b"", 404)
        else:
            answer(ask)

    return answered


def test_a_page_is_what_the_server_sent():
    with (
        serving(no_robots(lambda ask: ask.send(gzip.compress(b'{"name": "Rat"}'), Content_Encoding="gzip", ETag='"1"'))) as (base, _),
        Fetch(town(base)) as fetch,
    ):
        page = fetch(f"{base}/system")

    assert (page.url, page.status, page.content_type, page.json()) == (f"{base}/system", 200, "application/json", {"name": "Rat"})
    assert page.headers["etag"] == '"1"'


def test_it_says_who_asks_and_whom_to_write_to():
    agents = []

    def noting(ask: Ask) -> None:
        agents.append(ask.handler.headers["User-Agent"])
        ask.send(b"{}")

    with serving(noting) as (base, _), Fetch(town(base, robots="ignore")) as fetch:
        fetch(base)

    assert agents[0].startswith("council-records-publisher/") and agents[0].endswith("(ris@musterstadt.example)")


def test_it_pauses_between_two_requests_to_a_host():
    clock, slept = hasty()
    with serving(no_robots(lambda ask: ask.send(b"{}"))) as (base, _), Fetch(town(base, pause=1.5), clock=clock) as fetch:
        for key in range(3):
            fetch(f"{base}/{key}")

    assert len(slept) == 3 and all(1 < pause <= 1.5 for pause in slept), slept


def test_sources_that_share_a_pace_share_the_pause():
    now, slept = [100.0], []
    pace = Pace(Clock(lambda: now[0], slept.append))

    pace.wait("ris.example", 2)
    now[0] += 0.5
    pace.wait("ris.example", 2)
    pace.wait("other.example", 2)
    now[0] -= 1_000
    pace.wait("ris.example", 2)

    assert slept == [1.5, 2], "a clock set back costs one pause at most"


@pytest.mark.parametrize(("status", "wait", "pause"), [(429, "7", 7), (503, "", 1), (503, "nonsense", 1), (500, "0", 1)])
def test_a_busy_server_is_asked_again_when_it_says(status, wait, pause):
    clock, slept = hasty()

    def busy(ask: Ask) -> None:
        ask.send(b"{}", status if ask.count == 1 else 200, **({"Retry_After": wait} if wait else {}))

    with serving(no_robots(busy)) as (base, _), Fetch(town(base), clock=clock) as fetch:
        page = fetch(base + "/x")

    assert page.status == 200 and slept == [pause]


def test_retry_after_may_be_a_date():
    clock, slept = hasty()

    def busy(ask: Ask) -> None:
        ask.send(b"{}", 503 if ask.count == 1 else 200, Retry_After=formatdate(time.time() + 30, usegmt=True))

    with serving(no_robots(busy)) as (base, _), Fetch(town(base), clock=clock) as fetch:
        fetch(base + "/x")

    assert 28 < slept[0] <= 30


def test_it_does_not_wait_for_hours():
    with (
        serving(no_robots(lambda ask: ask.send(b"", 503, Retry_After="86400"))) as (base, asked),
        Fetch(town(base)) as fetch,
        pytest.raises(Unreachable, match="asks to wait 86,400 seconds"),
    ):
        fetch(base + "/x")

    assert asked == ["/robots.txt", "/x"]


def test_back_off_doubles_and_ends():
    clock, slept = hasty()
    with (
        serving(no_robots(lambda ask: ask.send(b"", 500))) as (base, asked),
        Fetch(town(base), clock=clock) as fetch,
        pytest.raises(Unreachable, match=r"musterstadt: .*/x: expected an answer 200, got 500 \(asked 5 times\)"),
    ):
        fetch(base + "/x")

    assert slept == [1, 2, 4, 8] and asked.count("/x") == 5


def test_a_404_is_not_asked_for_again_and_comes_as_a_page_if_the_caller_knows_it():
    with serving(lambda ask: ask.send(b"{}", 404)) as (base, asked), Fetch(town(base)) as fetch:
        with pytest.raises(Unreachable, match="got 404"):
            fetch(base + "/x")
        page = fetch(base + "/x", statuses=(404,))

    assert page.status == 404 and asked == ["/robots.txt", "/x", "/x"]


def test_nobody_there_is_unreachable():
    clock, _ = hasty()
    with serving(lambda ask: ask.send(b"")) as (base, _):
        pass

    with Fetch(town(base), clock=clock) as fetch, pytest.raises(Unreachable, match="expected a whole answer"):
        fetch(base)


def robots(text, status=200):
    return lambda ask: ask.send(text.encode() if ask.path == "/robots.txt" else b"{}", status if ask.path == "/robots.txt" else 200)


def test_robots_txt_is_obeyed():
    with serving(robots("User-agent: *\nDisallow: /oparl/\n")) as (base, asked), Fetch(town(base)) as fetch:
        fetch(base + "/open")
        with pytest.raises(Unreachable, match="leave of robots.txt"):
            fetch(base + "/oparl/system")

    assert asked == ["/robots.txt", "/open"]


def test_robots_txt_is_passed_over_only_by_configuration():
    with serving(robots("User-agent: *\nDisallow: /\n")) as (base, asked), Fetch(town(base, robots="ignore")) as fetch:
        fetch(base + "/x")

    assert asked == ["/x"]


def test_a_crawl_delay_is_kept():
    clock, slept = hasty()
    with serving(robots("User-agent: *\nCrawl-delay: 9\n")) as (base, _), Fetch(town(base, pause=1), clock=clock) as fetch:
        fetch(base + "/1")
        fetch(base + "/2")

    assert [round(pause) for pause in slept] == [9, 9]


def test_a_robots_txt_that_fails_is_no_leave():
    clock, _ = hasty()
    with serving(robots("", 503)) as (base, asked), Fetch(town(base), clock=clock) as fetch:
        for _ in range(2):
            with pytest.raises(Unreachable, match=r"robots\.txt"):
                fetch(base + "/x")

    assert "/x" not in asked


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2a00:1450:4001::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("192.168.0.1", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("224.0.0.1", False),
        ("nonsense", False),
    ],
)
def test_is_public(address, public):
    assert is_public(address) is public


NAMES = {"ris.example": ["8.8.8.8"], "inner.example": ["10.0.0.7"], "both.example": ["8.8.4.4", "127.0.0.1"], "localhost": ["127.0.0.1"]}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://ris.example/x", ""),
        ("https://inner.example/x", "a public address"),
        ("https://both.example/x", "a public address"),
        ("http://localhost:8000/", "a public address"),
        ("file:///etc/passwd", "an http(s) address"),
        ("gopher://ris.example/", "an http(s) address"),
        ("https://user:secret@ris.example/", "without a user name"),
        ("https://[::1", "an http(s) address"),
        ("https://ris.example:99999/", "an http(s) address"),
        ("//ris.example/", "an http(s) address"),
    ],
)
def test_a_public_source_leads_nowhere_private(url, words):
    objection = Guard("https://ris.example/system", resolve=lambda host: NAMES.get(host, [])).objection(url)

    assert words in objection and bool(words) == bool(objection)


def test_a_private_source_may_stay_private():
    guard = Guard("https://inner.example/system", resolve=lambda host: NAMES.get(host, []))

    assert guard.objection("http://localhost/") == "" and guard.peer_objection("10.0.0.7") == ""


def test_a_name_that_changes_its_address_after_the_look_is_caught_at_the_socket():
    assert "127.0.0.1" in Guard("https://ris.example/", resolve=lambda _: ["8.8.8.8"]).peer_objection("127.0.0.1")


def test_a_public_source_is_not_redirected_into_our_network():
    with (
        serving(lambda ask: ask.send(b"{}")) as (base, asked),
        Fetch(Source("x", "oparl", "https://ris.invalid/", "05999016")) as fetch,
        pytest.raises(Unreachable, match="private network"),
    ):
        fetch(base + "/admin")

    assert asked == []


def test_redirects_are_followed_and_the_page_has_its_last_address():
    def moved(ask: Ask) -> None:
        ask.send(b"{}", 301 if ask.path == "/old" else 200, **({"Location": "/new"} if ask.path == "/old" else {}))

    with serving(no_robots(moved)) as (base, _), Fetch(town(base)) as fetch:
        assert fetch(base + "/old").url == base + "/new"


def test_what_has_not_changed_is_not_sent_again(tmp_path):
    def tagged(ask: Ask) -> None:
        if ask.handler.headers["If-None-Match"] == '"7"':
            ask.send(b"", 304)
        else:
            ask.send(b'{"a": 1}', ETag='"7"')

    with serving(no_robots(tagged)) as (base, _):
        pages = []
        for _ in range(2):
            with Fetch(town(base), tmp_path) as fetch:
                pages.append(fetch(base + "/x"))
                fetch.finish()

    assert pages[0] == pages[1] and pages[0].json() == {"a": 1}
    assert fetch.counts["unchanged"] == 1


def test_pages_of_an_interrupted_run_are_kept_for_a_day(tmp_path):
    late = [0.0]
    clock = Clock(lambda: time.time() + late[0], lambda _: None)
    with serving(no_robots(lambda ask: ask.send(b"{}"))) as (base, asked):
        for hours in (0, 23, 25):
            late[0] = hours * 3600.0
            with Fetch(town(base), tmp_path, clock=clock) as fetch:
                fetch(base + "/x")

    assert asked.count("/x") == 2


def test_a_damaged_page_in_the_cache_is_asked_for_again(tmp_path):
    with serving(no_robots(lambda ask: ask.send(b"{}"))) as (base, asked):
        for _ in range(2):
            with Fetch(town(base), tmp_path) as fetch:
                fetch(base + "/x")
            [kept] = cache_folder(tmp_path, "musterstadt").glob("??/*.gz")
            kept.write_bytes(kept.read_bytes()[:-9])

    assert asked.count("/x") == 2


def test_a_cache_that_cannot_be_written_is_a_clear_error(tmp_path):
    (tmp_path / "cache").write_text("a file where a folder is due")

    with (
        serving(no_robots(lambda ask: ask.send(b"{}"))) as (base, _),
        Fetch(town(base), tmp_path) as fetch,
        pytest.raises(Misconfigured, match="page cache cannot be written"),
    ):
        fetch(base + "/x")


def test_a_page_that_is_not_what_it_should_be_is_neither_kept_nor_believed(tmp_path):
    clock, slept = hasty()
    with (
        serving(no_robots(lambda ask: ask.send(b"<html>" if ask.count < 3 else b"{}"))) as (base, _),
        Fetch(town(base), tmp_path, clock=clock) as fetch,
    ):
        page = fetch(base + "/x", check=Page.json)
        with pytest.raises(Malformed, match="an HTML or XML page"):
            fetch(base + "/y", check=lambda _: Page("", 200, "", b"<html>", {}).json())

    assert page.body == b"{}" and len(slept) == 2 + 4
    assert [json.loads(json.dumps(kept.asked)) for _, kept in Cache(cache_folder(tmp_path, "musterstadt"))._all()] == [base + "/x"]


def test_pages_are_pruned_by_age_and_forgotten_by_name(tmp_path):
    now = [1_000_000.0]
    cache = Cache(tmp_path, lambda: now[0])
    cache.put("https://x.example/1", Page("https://x.example/1", 200, "", b'{"id": "https:\\/\\/x.example\\/person\\/1"}', {}))
    now[0] += 5 * 86_400
    cache.put("https://x.example/2", Page("https://x.example/2", 200, "", b"{}", {}))

    forgotten, pruned = cache.forget("https://x.example/person/1"), cache.prune(days=3)

    assert (forgotten, pruned, cache.get("https://x.example/1")) == (1, 0, None)
    now[0] += 4 * 86_400
    assert cache.prune(days=3) == 1 and cache.get("https://x.example/2") is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_byte": 5}, "max_byte: unknown; known: max_bytes"),
        ({"max_seconds": "ten"}, "expected a number"),
        ({"max_bytes": -1}, "expected a number"),
    ],
)
def test_wrong_bounds_are_refused(options, words):
    with pytest.raises(Misconfigured, match=words):
        Fetch(town("http://127.0.0.1:9", **options))


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("Ausschuß".encode(), "text/html", "Ausschuß"),
        ("Ausschuß".encode("windows-1252"), "text/html; charset=windows-1252", "Ausschuß"),
        ("Ausschuß – 5 €".encode("windows-1252"), "text/html", "Ausschuß – 5 €"),
        (b"\xef\xbb\xbf{}", "application/json", "{}"),
        (b"Rat", "text/html; charset=unknown-9", "Rat"),
    ],
)
def test_text_is_read_in_its_charset(body, content_type, text):
    assert Page("https://x.example", 200, content_type, body, {}).text == text


def test_a_packing_nobody_asked_for_is_refused():
    brotli = no_robots(lambda ask: ask.send(b"x", Content_Encoding="br"))
    with serving(brotli) as (base, _), Fetch(town(base)) as fetch, pytest.raises(Unreachable, match="not as 'br'"):
        fetch(base + "/x")
