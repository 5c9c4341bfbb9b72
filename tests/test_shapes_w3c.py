"""The engine in use passes W3C's SHACL core suite, all of it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))
from w3c_shacl import SUITE, by_shacl, cases, verdict  # noqa: E402

pytestmark = pytest.mark.skipif(not SUITE.is_dir(), reason="W3C data-shapes suite not there: set PUBLISHER_SHARED")


def test_the_engine_passes_all_of_the_core_suite():
    verdicts = {case.name: verdict(by_shacl, case) for case in cases(SUITE / "core")}

    assert {name: said for name, said in verdicts.items() if said != "passed"} == {}
    assert len(list(cases(SUITE / "core"))) == 98


def test_the_engine_passes_the_sparql_suite_but_for_one_query_that_it_does_not_refuse():
    failed = {case.name: said for case in cases(SUITE / "sparql") if (said := verdict(by_shacl, case)) != "passed"}

    assert failed == {"unsupported-sparql-004": "not refused"}
