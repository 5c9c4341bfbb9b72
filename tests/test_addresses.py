"""What looks like an address and is none is refused by name, wherever a source writes it."""

import json
from pathlib import Path

import pytest

from publisher.errors import Malformed
from publisher.fetch import Page
from publisher.fetch import _seconds as seconds
from publisher.record import Refusal
from publisher.sources import allris3, allris4, ldes
from publisher.sources.addresses import is_address, joined, split
from publisher.sources.oparl_files import natural
from publisher.sources.oparl_page import Origin, listed, record
from publisher.sources.repairs.files import octet_stream_by_name
from tests import allris_site as site

NONE = ("http://[", "http://[1]/x", "//[::1", "http://ex\u2100mple.org/")
BI = "https://ris.example.org/bi/"


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_address_stays_as_it_stands(text):
    assert (is_address(text), joined(BI, text), split(text).path) == (False, text, text)
    assert (is_address(BI), joined(BI, "../a"), split(BI).path) == (True, "https://ris.example.org/a", "/bi/")


@pytest.mark.parametrize("deleted", [True, False])
@pytest.mark.parametrize("text", NONE)
def test_a_record_whose_id_is_no_address_is_refused(text, deleted):
    told = record({"id": text, "type": "https://schema.oparl.org/1.1/Paper", "deleted": deleted}, Origin("page"))

    assert isinstance(told, Refusal) and "absolute URL" in told.reason


@pytest.mark.parametrize("text", NONE)
def test_links_of_pages_that_lead_nowhere_end_no_walk(text):
    following = site.LIST_PAGES[0].replace(b"</body>", f'<a href="{text}">weiter</a></body>'.encode())
    page = (
        (site.PAGES / "allris4" / "vo020_3001.html").read_bytes().replace(b"</dl>", f'</dl><a class="pdf" href="{text}"></a>'.encode(), 1)
    )

    assert allris3.page_of(following, BI + "vo040.asp")["paper"]
    assert allris4.page_of(page, BI + "vo020?VOLFDNR=3001")["key"] == "3001"
    assert octet_stream_by_name({"mimeType": "application/octetstream", "accessUrl": text})["mimeType"] == "application/octet-stream"


@pytest.mark.parametrize("text", NONE)
def test_a_stream_s_entry_may_lead_nowhere_and_hold_one_relation(text):
    def entry(relation):
        return Page("https://a.example/stream", 200, "", json.dumps({"view": {"relation": relation}}).encode(), {})

    assert [node.url for node in ldes.nodes(entry({"type": "R", "node": text}))] == [text]
    with pytest.raises(Malformed, match="relations with a node"):
        ldes.nodes(entry(5))


@pytest.mark.parametrize("digits", ["\u00b2", "9" * 5000, "\u0663", "", "-1"])
def test_digits_that_are_no_number_of_a_source_count_as_none(digits):
    page = listed({"data": [], "pagination": {"totalElements": digits}})

    assert page.total == 0
    assert ldes.sequence(f"https://a.example/x/v/{digits}") == 0
    assert natural(digits)
    assert digits.isascii() or seconds(digits, 0.0) in (None, 3.0)


def test_no_part_of_a_source_takes_an_address_apart_but_by_the_careful_ones():
    """What comes from a page goes through sources/addresses; these few look at the operator's own address, or catch what is none."""
    careful = {"addresses.py", "municipalities.py", "oparl_page.py", "pages_common.py", "pages_records.py", "probe.py", "unserac.py"}
    careful |= {"unserac_records.py"}
    found = {
        path.name
        for path in Path(ldes.__file__).parent.rglob("*.py")
        if "urljoin(" in (text := path.read_text("utf-8")) or "urlsplit(" in text
    }

    assert found <= careful
