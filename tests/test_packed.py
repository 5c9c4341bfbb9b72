"""Pages are packed for who takes it, and are the same pages; data documents stay as they are."""

import gzip

import brotli
import pytest

from publisher.views import create_app
from tests import town

UNPACK = {"gzip": gzip.decompress, "br": brotli.decompress}
PAPER = f"/eli/dl/{town.KEY}/vorlage/1"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    return create_app(town.published(tmp_path_factory.mktemp("packed") / "home", town.objects())).test_client()


@pytest.mark.parametrize("path", [PAPER, "/", "/static/site.css"])
@pytest.mark.parametrize("coding", UNPACK)
def test_a_page_and_its_style_come_packed_and_whole(client, path, coding):
    plain = client.get(path, headers={"Accept": "text/html"})
    packed = client.get(path, headers={"Accept": "text/html", "Accept-Encoding": coding})

    assert (plain.status_code, packed.status_code, packed.headers["Content-Encoding"]) == (200, 200, coding)
    assert UNPACK[coding](packed.data) == plain.data
    assert packed.content_length == len(packed.data) < len(plain.data) / 2
    assert "accept-encoding" in packed.headers["Vary"].lower()
    assert "Content-Encoding" not in plain.headers


def test_a_packed_page_is_asked_for_again_by_its_weak_tag(client):
    asked = {"Accept": "text/html", "Accept-Encoding": "gzip"}
    tag = client.get(PAPER, headers=asked).headers["ETag"]

    assert tag.startswith('W/"')
    assert client.get(PAPER, headers=asked | {"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [
        (PAPER, "GET", {"Accept": "application/ld+json", "Accept-Encoding": "gzip"}),
        (PAPER, "HEAD", {"Accept": "text/html", "Accept-Encoding": "gzip"}),
        (PAPER, "GET", {"Accept": "text/html", "Accept-Encoding": "gzip;q=0, identity"}),
        (f"{PAPER}000", "GET", {"Accept": "text/html", "Accept-Encoding": "gzip"}),
        ("/static/site.css", "GET", {"Accept-Encoding": "gzip", "Range": "bytes=0-2000"}),
    ],
    ids=["data", "head", "refused", "not there", "range"],
)
def test_what_is_no_whole_page_stays_as_it_is(client, path, method, headers):
    assert "Content-Encoding" not in client.open(path, method=method, headers=headers).headers
