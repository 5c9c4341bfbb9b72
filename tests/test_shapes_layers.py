"""What we make ourselves keeps its own rules: the derived layer, the catalogue, and nothing but known terms."""

import os
import sys
from collections import Counter
from pathlib import Path

import pytest

from publisher.catalog import Dataset, Description, File, write
from publisher.concepts import Concepts
from publisher.config import Source
from publisher.graph.eli import derived
from publisher.graph.mapper import quads
from publisher.iris import Iris
from publisher.pipeline.localise import localised, space_of
from publisher.record import Record, parts
from publisher.shapes import BASE, judge, judged, shapes
from publisher.sources import oparl_files
from publisher.sources.normal import normalised

sys.path.insert(0, str(Path(__file__).parent.parent / "bench"))
from generate import generate  # noqa: E402

SHARED = Path(os.environ.get("PUBLISHER_SHARED", Path(__file__).parent.parent.parent / "shared"))
HOST = "https://ris.example.org"


def crawl() -> list[dict]:
    source = Source(name="h", kind="oparl-files", url=str(SHARED / "realdata" / "huertgenwald-sdnet"), jurisdiction="05358016")
    records = [one for item in oparl_files.records(source) if isinstance(item, Record) for one in normalised(item, source)]
    iris = Iris(HOST, [space_of(source, records)])
    return [obj for record in records if (obj := localised(record.object, iris))]


@pytest.fixture(scope="module", params=["made up", "real"])
def town(request):
    if request.param == "made up":
        return list(generate(150))
    if not (SHARED / "realdata").is_dir():
        pytest.skip("real data not there: set PUBLISHER_SHARED")
    return crawl()


def test_the_derived_layer_breaks_none_of_its_rules(town):
    known = Concepts(HOST)
    by_iri = {obj["id"]: obj for obj in town} | {part["id"]: part for obj in town for _, part in parts(obj)}
    records = [(obj["id"], "".join(derived(obj, by_iri.get, known)).encode()) for obj in town]

    results = Counter(result.shape.removeprefix(BASE) for result in judged(records, shapes(("eli",))) if result.severity != "Info")

    assert sum(data.count(b"#Process>") for _, data in records) > 100
    assert results == Counter()


def test_nothing_but_known_terms_is_published(town):
    results = judged(((obj["id"], quads(obj).encode()) for obj in town), shapes(("strict",)))

    assert list(results) == []


def test_the_catalogue_breaks_none_of_its_rules(tmp_path):
    license = "https://www.govdata.de/dl-de/by-2-0"
    files = (File("dumps/05334/05334.nq.gz", "nq", 1234, "ab" * 32),)
    dataset = Dataset(f"{HOST}/id/05334", "Städteregion", "05334", "Städteregion", "mailto:ris@example.org", license, files=files)

    write(tmp_path / "catalog", Description(HOST, "Ratsdaten", "Zweckverband", "https://zv.example/kontakt", license, (dataset,)))
    text = (tmp_path / "catalog" / "page-1.nt").read_text("utf-8")

    assert "#Distribution>" in text
    assert judge(text, shapes(("dcat",))) == []
