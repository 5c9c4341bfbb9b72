"""The mapper: what PyLD, rdflib and pyoxigraph read from the served JSON-LD, and back again without loss."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyoxigraph as ox
import pytest
import rdflib
from pyld import jsonld
from rdflib.compare import isomorphic

from publisher.graph.document import document
from publisher.graph.formats import FORMATS, profiled
from publisher.graph.mapper import canonical, implied, native, quads
from publisher.iris import Iris, Space
from publisher.journal import Journal
from publisher.ontology import ontology
from publisher.pipeline.localise import localised
from publisher.record import Record
from publisher.sources.normal import normalised

from .conftest import files_source
from .objects import AT, EVERYTHING

IRIS = Iris("https://ris.example.org", [Space("05999004", (AT,), "body/1/{class}/{key}", f"{AT}body/1")])


def published(obj: dict[str, Any]) -> dict[str, Any]:
    name = obj["type"].rsplit("/", 1)[-1]
    [record] = normalised(Record(name, obj["id"], "test", obj, deleted=obj.get("deleted", False)), files_source(Path("x")))
    made = localised(record.object, IRIS)
    assert made is not None
    return made


def in_context(obj: dict[str, Any]) -> bytes:
    return orjson.dumps({"@context": ontology().context, **obj})


def graph(text: str, syntax: str = "nquads") -> rdflib.Graph:
    made, merged = rdflib.Dataset(default_union=True), rdflib.Graph()
    made.parse(data=text, format=syntax)
    for subject, predicate, value, _ in made.quads():
        merged.add((subject, predicate, value))
    return merged


def sorted_deep(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: sorted_deep(item) for key, item in sorted(value.items())}
    if isinstance(value, list):
        return sorted((sorted_deep(item) for item in value), key=lambda item: orjson.dumps(item, option=orjson.OPT_SORT_KEYS))
    return value


OBJECTS = [pytest.param(published(obj), id=obj["id"].removeprefix(AT)) for obj in EVERYTHING]


@pytest.mark.parametrize("obj", OBJECTS)
def test_three_processors_read_from_the_document_the_graph_that_the_mapper_wrote(obj):
    mine = graph(quads(obj))

    by_pyld = graph(jsonld.to_rdf(orjson.loads(in_context(obj)), {"format": "application/n-quads"}))
    by_rdflib = graph(in_context(obj).decode(), "json-ld")
    by_pyoxigraph = graph(ox.serialize(ox.parse(in_context(obj), format=ox.RdfFormat.JSON_LD), format=ox.RdfFormat.N_QUADS).decode())

    assert len(mine) > 3
    assert isomorphic(by_pyld, mine)
    assert isomorphic(by_pyoxigraph, mine)
    # rdflib writes rdf:JSON without the canonical form that JSON-LD 1.1 demands; all other triples must agree.
    assert isomorphic(without_json(by_rdflib), without_json(mine))


def without_json(found: rdflib.Graph) -> rdflib.Graph:
    made = rdflib.Graph()
    for triple in found:
        if not str(getattr(triple[2], "datatype", "")).endswith("#JSON"):
            made.add(triple)
    return made


@pytest.mark.parametrize("obj", OBJECTS)
def test_a_document_comes_back_from_its_quads_equal(obj):
    assert sorted_deep(document(quads(obj), obj["id"])) == sorted_deep(obj)


@pytest.mark.parametrize("obj", OBJECTS)
def test_every_quad_of_a_record_stands_in_its_graph_and_none_has_a_blank_node(obj):
    found = list(ox.parse(quads(obj), format=ox.RdfFormat.N_QUADS))

    assert {quad.graph_name.value for quad in found} == {obj["id"]}
    assert not any(isinstance(term, ox.BlankNode) for quad in found for term in quad)


@pytest.mark.parametrize("obj", OBJECTS)
def test_what_is_implied_stands_beside_the_record_and_never_in_it(obj):
    found = list(ox.parse(implied(obj), format=ox.RdfFormat.N_QUADS))

    assert {quad.graph_name.value for quad in found} <= {obj["id"] + "/eli"}
    assert not any(quad.predicate.value.startswith("https://schema.oparl.org/") for quad in found)


def test_a_paper_is_a_draft_work_and_never_a_legal_resource():
    paper = next(obj for obj in EVERYTHING if obj["id"].endswith("paper/1"))

    text = implied(published(paper))

    assert "eli-draft-legislation-ontology#LegislativeProcessWork" in text
    assert "LegalResource" not in text
    assert "passed_by" not in text


@pytest.mark.parametrize("obj", OBJECTS)
def test_every_rdf_format_says_the_same(obj):
    syntax = {"ttl": "turtle", "nt": "nt", "rdf": "xml", "nq": "nquads"}
    mine = graph(quads(obj))

    for form in FORMATS:
        text = form.write(obj).decode()
        read = graph(text) if form.suffix == "nq" else rdflib.Graph().parse(data=text, format=syntax[form.suffix])
        assert isomorphic(read, mine), form.suffix


@pytest.mark.parametrize("profile", ["expanded", "flattened"])
@pytest.mark.parametrize("obj", OBJECTS)
def test_other_json_ld_forms_say_the_same(obj, profile):
    text = jsonld.to_rdf(profiled(obj, profile), {"format": "application/n-quads"})

    assert isomorphic(graph(text), graph(quads(obj)))


def test_json_numbers_become_the_literals_that_json_ld_makes_of_them():
    assert native(True) == '"true"^^<http://www.w3.org/2001/XMLSchema#boolean> '
    assert native(7) == '"7"^^<http://www.w3.org/2001/XMLSchema#integer> '
    assert native(5.5) == '"5.5E0"^^<http://www.w3.org/2001/XMLSchema#double> '


def test_rdf_json_is_canonical():
    assert canonical({"b": 1.0, "a": [2.5, "ü"]}) == '{"a":[2.5,"ü"],"b":1}'


def records_of(home: Path) -> Iterator[dict[str, Any]]:
    with Journal(home / "journal.sqlite") as journal:
        for version in journal.heads():
            yield orjson.loads(version.json)


def test_the_whole_real_crawl_comes_back_from_rdf_equal_and_reads_alike_as_json_ld(crawl_home):
    different = []
    count = 0
    for obj in records_of(crawl_home):
        count += 1
        text = quads(obj)
        mine = {quad.triple for quad in ox.parse(text, format=ox.RdfFormat.N_QUADS)}
        read = {quad.triple for quad in ox.parse(in_context(obj), format=ox.RdfFormat.JSON_LD)}
        if mine != read or sorted_deep(document(text, obj["id"])) != sorted_deep(obj):
            different.append(obj["id"])

    assert (count, different) == (2555, [])
