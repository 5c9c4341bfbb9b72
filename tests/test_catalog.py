"""Promises of the catalogue."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rdflib import DCAT, DCTERMS, RDF, Graph, Namespace, URIRef
from rdflib import Dataset as RdfDataset
from rdflib.compare import isomorphic

from publisher.catalog import Dataset, Description, File, dataset_iri, german_license, missing, page_url, pages, write
from publisher.catalog.writing import WRITERS, ordered

SHARED = Path(os.environ.get("PUBLISHER_SHARED", Path(__file__).parent.parent.parent / "shared"))
BASE = "https://ris.example"
BY = "https://www.govdata.de/dl-de/by-2-0"
HYDRA = Namespace("http://www.w3.org/ns/hydra/core#")
FILES = tuple(File(f"dumps/05334/05334.{form}.gz", form, 1234, "ab" * 32) for form in ("nq", "ttl", "jsonl", "csv"))


def body(key, **changes):
    made = Dataset(
        f"{BASE}/id/{key}", f'Stadt "{key}" & Söhne', key, f"Stadt {key}", "rat@example.de", BY,
        attribution="Stadt, 2026", issued="2021-01-01T00:00:00+01:00", modified="2026-11-01T10:00:00+01:00",
        start="2019-01-07", end="2026-10-30", counts={"Paper": 12}, files=FILES, source="https://source.example/oparl",
    )  # fmt: skip
    return made._replace(**changes)


def described(count=1, **changes):
    keys = ("05334", "05334002", "053340004004", *(f"{at:08}" for at in range(1, 300)))
    made = Description(BASE, "Ratsdaten", "Zweckverband", "https://zv.example/kontakt", BY, tuple(body(key) for key in keys[:count]))
    return made._replace(**changes)


@pytest.mark.skipif(not (SHARED / "tools/dcat_validate.py").exists(), reason="no ../shared with the DCAT-AP shapes")
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("contributor", ["", "http://dcat-ap.de/def/contributors/govdata"])
def test_every_page_conforms_to_the_official_shapes_with_and_without_the_authority_tables(tmp_path, count, contributor):
    write(tmp_path / "c", described(count, contributor=contributor, homepage=BASE + "/"), size=2)
    for path in sorted((tmp_path / "c").glob("*.ttl")):
        for stub in ([], ["--stub"]) if path.name.startswith("page") else ():
            run = subprocess.run([sys.executable, str(SHARED / "tools/dcat_validate.py"), str(path), *stub], capture_output=True, text=True)
            assert re.findall(r"conforms (\w+) results (\d+)", run.stdout) == [("True", "0")] * 3, run.stdout + run.stderr


def test_all_syntaxes_say_the_same():
    [triples] = pages(described(3))
    graphs = {suffix: Graph() for suffix in WRITERS}
    for suffix, writer in WRITERS.items():
        form = {"jsonld": "json-ld", "ttl": "turtle", "rdf": "xml", "nt": "nt"}[suffix]
        graphs[suffix].parse(writer(triples), format=form)
    assert len(graphs["nt"]) == len(ordered(triples))
    assert all(isomorphic(graph, graphs["nt"]) for graph in graphs.values())


def test_one_description_gives_the_same_bytes_every_time_and_no_blank_nodes():
    once, again = ([WRITERS["nt"](page) for page in pages(described(3), 1)] for _ in range(2))
    assert once == again and b"_:" not in b"".join(once)


def test_pages_name_the_next_in_both_ways_and_the_last_names_none():
    three = [Graph().parse(WRITERS["jsonld"](page), format="json-ld") for page in pages(described(3), 1)]
    nexts = []
    for graph in three:
        [node] = set(graph.subjects(RDF.type, HYDRA.PagedCollection)) & set(graph.subjects(RDF.type, HYDRA.PartialCollectionView))
        assert set(graph.objects(node, HYDRA.next)) == set(graph.objects(node, HYDRA.nextPage))
        nexts.append([str(one) for one in graph.objects(node, HYDRA.next)])
    assert nexts == [[page_url(BASE, 2)], [page_url(BASE, 3)], []]
    assert len({str(one) for graph in three for one in graph.subjects(RDF.type, DCAT.Dataset)}) == 3


def test_each_page_holds_all_that_its_datasets_need():
    for page in pages(described(3), 1):
        graph = Graph().parse(WRITERS["ttl"](page), format="turtle")
        for dataset in graph.subjects(RDF.type, DCAT.Dataset):
            for key in (DCAT.distribution, DCTERMS.publisher, DCAT.contactPoint, DCTERMS.temporal, DCTERMS.spatial):
                assert all((node, RDF.type, None) in graph for node in graph.objects(dataset, key)) and (dataset, key, None) in graph


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"publisher": ""}, "catalogue: publisher"),
        ({"contact": ""}, "catalogue: contact"),
        ({"license": ""}, "catalogue: license"),
        ({"contact": "Rathaus, Zimmer 3"}, "mail or http address"),
        ({"contributor": "stadt"}, "contributors/"),
        ({"datasets": ()}, "no body"),
        ({"datasets": (body("05334", license=""),)}, "id/05334: license"),
        ({"datasets": (body("05334", publisher=""),)}, "id/05334: publisher"),
        ({"datasets": (body("05334", files=()),)}, "no dump"),
    ],
)
def test_what_is_missing_is_named(change, word):
    assert any(word in sentence for sentence in missing(described(**change)))
    assert missing(described()) == []


@pytest.mark.parametrize(
    ("url", "license"),
    [
        (BY, "http://dcat-ap.de/def/licenses/dl-by-de/2.0"),
        ("http://www.govdata.de/dl-de/zero-2-0/", "http://dcat-ap.de/def/licenses/dl-zero-de/2.0"),
        ("https://creativecommons.org/licenses/by/4.0/deed.de", "http://dcat-ap.de/def/licenses/cc-by/4.0"),
        ("https://stadt.example/lizenz", "https://stadt.example/lizenz"),
    ],
)
def test_german_license(url, license):
    assert german_license(url) == license


def test_the_key_decides_the_place():
    for key, place in (("05334", "districtKey"), ("05334002", "municipalityKey"), ("053340004004", "regionalKey")):
        [page] = pages(described(datasets=(body(key),)))
        graph = Graph().parse(WRITERS["nt"](page), format="nt")
        dataset = URIRef(dataset_iri(BASE, f"{BASE}/id/{key}"))
        assert [str(o) for o in graph.objects(dataset, DCTERMS.spatial)] == [f"http://dcat-ap.de/def/politicalGeocoding/{place}/{key}"]


CKAN = os.environ.get("PUBLISHER_CKAN_PYTHON", "")
PARSE = """
import sys
from ckanext.dcat.processors import RDFParser
parser = RDFParser(profiles=["euro_dcat_ap_3"])
parser.parse(open(sys.argv[1], "rb").read(), _format="application/ld+json")
for dataset in parser.datasets():
    print(dataset["title"], len(dataset["resources"]), sep="\\t")
print("next", parser.next_page())
"""


@pytest.mark.skipif(not CKAN, reason="PUBLISHER_CKAN_PYTHON names no Python with ckanext-dcat")
def test_ckanext_dcat_reads_every_dataset_and_follows_the_pages(tmp_path):
    write(tmp_path / "c", described(3), size=2)
    outputs = []
    for number in (1, 2):
        path = tmp_path / "c" / f"page-{number}.jsonld"
        run = subprocess.run([CKAN, "-c", PARSE, str(path)], capture_output=True, text=True, check=True)
        outputs.append(run.stdout.splitlines())
    rows = [line.split("\t") for lines in outputs for line in lines if "\t" in line]
    assert len(rows) == 3 and {row[1] for row in rows} == {"5"}
    assert outputs[0][-1] == f"next {page_url(BASE, 2)}" and outputs[1][-1] == "next None"


def test_json_ld_needs_no_other_file():
    [page] = pages(described())
    text = WRITERS["jsonld"](page)
    assert len(RdfDataset().parse(text, format="json-ld")) > 0 and b'"@context": {' in text
