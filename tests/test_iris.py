"""IRIs: pure, injective, and back."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from publisher.iris import PLACES, Iris, Space, decoded, encoded, valid_iri

BASE = "https://ris.example.org"
SDNET = Space("05358016", ("https://sdnet.example/oparl/v1.0/",), "body/1/{class}/{key}", "https://sdnet.example/oparl/v1.0/body/1")
PLURALS = Space("05999004", ("https://other.example/", "http://other.example/"), "bodies/1/{classes}/{key}")
MIRROR = Space("05334", ("urn:ris:05334:",), "{class}/{key}", "urn:ris:05334:body/05334")
IRIS = Iris(BASE, (SDNET, PLURALS, MIRROR))

urls = st.builds(
    lambda space, head, word, tail: space + head + word + "/" + tail,
    st.sampled_from(SDNET.prefixes + PLURALS.prefixes + MIRROR.prefixes),
    st.sampled_from(["", "body/1/", "bodies/1/", "body/2/", "x/"]),
    st.sampled_from(["paper", "papers", "Paper", "agendaitem", "file", "people", "organizations", "location"]),
    st.text(min_size=0, max_size=12),
)


@given(urls)
@example("https://other.example/bodies/1/papers/@:")
@example("http://other.example/bodies/1/papers/x")
def test_source_of_is_the_inverse_of_mint(url):
    iri = IRIS.mint(url)

    assert iri is not None
    assert IRIS.source_of(iri) == url


@given(urls, urls)
def test_two_ids_never_share_an_iri(one, other):
    assert (IRIS.mint(one) == IRIS.mint(other)) == (one == other)


@given(urls)
def test_an_iri_is_ascii_lower_case_and_one_path_segment_after_its_class(url):
    assert re.fullmatch(
        r"https://ris\.example\.org/(eli/dl|id)/\d+/[a-z]+(/[a-z0-9._~\-]*(/(abschnitt|vorschlag)/[a-z0-9._~\-]+)?)?", IRIS.mint(url)
    )


@given(st.text(max_size=40))
def test_a_key_decodes_to_what_it_was_encoded_from(text):
    assert decoded(encoded(text)) == text


def test_ids_that_follow_the_template_get_short_keys():
    assert IRIS.mint("https://sdnet.example/oparl/v1.0/body/1/paper/60") == f"{BASE}/eli/dl/05358016/vorlage/60"
    assert IRIS.mint("https://other.example/bodies/1/agendaitems/7") == f"{BASE}/eli/dl/05999004/top/7"
    assert IRIS.mint("urn:ris:05334:paper/11098/proposal/a") == f"{BASE}/eli/dl/05334/vorlage/11098/vorschlag/a"


def test_the_main_body_is_the_jurisdiction():
    assert IRIS.mint("https://sdnet.example/oparl/v1.0/body/1") == f"{BASE}/id/05358016"
    assert IRIS.source_of(f"{BASE}/id/05358016") == "https://sdnet.example/oparl/v1.0/body/1"


def test_foreign_urls_stay_foreign():
    assert IRIS.mint("https://elsewhere.example/oparl/paper/1") is None
    assert IRIS.source_of("https://elsewhere.example/x") is None


def test_a_reference_and_the_thing_get_the_same_iri_whatever_is_expected_of_it():
    url = "https://sdnet.example/oparl/v1.0/body/1/paper/60"

    assert {IRIS.mint(url, hint) for hint in ("", *PLACES)} == {f"{BASE}/eli/dl/05358016/vorlage/60"}


def test_an_id_without_a_telling_word_takes_the_class_that_is_expected():
    assert IRIS.mint("https://sdnet.example/oparl/v1.0/d/4f", "Paper") == f"{BASE}/eli/dl/05358016/vorlage/~~d_4f"
    assert IRIS.mint("https://sdnet.example/oparl/v1.0/d/4f") is None


def test_an_alias_keeps_the_iri_of_a_moved_paper():
    old, new = "https://sdnet.example/oparl/v1.0/body/1/paper/60", "https://new.example/oparl/papers/9"
    moved = Iris(BASE, (SDNET, Space("05358016", ("https://new.example/",), namespace="neu")), {new: old})

    assert moved.mint(new) == IRIS.mint(old)


def test_a_namespace_tells_two_id_spaces_of_one_jurisdiction_apart():
    two = Iris(BASE, (SDNET, Space("05358016", ("https://allris.example/",), namespace="allris")))

    assert two.mint("https://allris.example/paper/60") == f"{BASE}/eli/dl/05358016/allris/vorlage/60"
    assert two.source_of(f"{BASE}/eli/dl/05358016/allris/vorlage/60") == "https://allris.example/paper/60"


def test_spaces_and_umlauts_are_percent_encoded():
    assert valid_iri("https://x.example/Ä b.pdf?q=%20") == "https://x.example/%C3%84%20b.pdf?q=%20"
