"""The vocabulary: every term exists where its namespace is owned, the context says one thing in every processor, nothing is missing."""

import json
import os
import re
import tomllib
from collections import defaultdict
from collections.abc import Container, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyoxigraph as ox
import pytest
import rdflib
import rdflib.namespace
from pyld import jsonld
from rdflib.compare import isomorphic

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("PUBLISHER_SHARED", ROOT.parent / "shared"))
VOCAB = SHARED / "vocab"
OPARL, OPARLX = "https://schema.oparl.org/1.1/", "https://w3id.org/oparl-ld/ns#"
CLASSES = (
    "System", "Body", "LegislativeTerm", "Organization", "Person", "Membership",
    "Meeting", "AgendaItem", "Paper", "Consultation", "File", "Location",
)  # fmt: skip
OWN_CLASSES = ("PaperSection", "ResolutionProposal", "FinancialImpact")
NEXT = {"Body.mainOrganization", "Organization.memberCount", "Organization.votingMemberCount", "Person.image", "File.person"}
SHIPPED = {
    "http://data.europa.eu/eli/ontology#": "eli/eli-1.5.owl",
    "http://data.europa.eu/eli/eli-draft-legislation-ontology#": "eli-dl/eli-dl-3.0.ttl",
    "http://data.europa.eu/m8g/": "semic/cpov-2.1.2-voc.ttl",
    "http://www.w3.org/ns/org#": "org.ttl",
    "http://www.w3.org/2006/vcard/ns#": "vcard.ttl",
}
CLOSED = {
    "http://purl.org/dc/terms/": rdflib.DCTERMS,
    "http://schema.org/": rdflib.SDO,
    "http://www.w3.org/ns/dcat#": rdflib.DCAT,
    "http://www.w3.org/ns/prov#": rdflib.PROV,
    "http://www.w3.org/ns/shacl#": rdflib.SH,
    "http://www.w3.org/2004/02/skos/core#": rdflib.SKOS,
    "http://www.w3.org/2002/07/owl#": rdflib.OWL,
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": rdflib.RDF,
    "http://www.w3.org/2000/01/rdf-schema#": rdflib.RDFS,
    "http://www.w3.org/2001/XMLSchema#": rdflib.XSD,
    "http://xmlns.com/foaf/0.1/": rdflib.FOAF,
    "http://purl.org/vocab/vann/": rdflib.VANN,
    "http://www.opengis.net/ont/geosparql#": rdflib.namespace.GEO,
}
SPARQL_NAME = re.compile(r"(?<![\w<:-])([a-z][\w-]*):([A-Za-z_][\w.-]*\w)")

needs_shared = pytest.mark.skipif(not VOCAB.is_dir(), reason="vocabularies not beside the project (set PUBLISHER_SHARED)")


def context() -> dict[str, Any]:
    return json.loads((ROOT / "ontology/context.jsonld").read_text("utf-8"))["@context"]


@cache
def graph() -> rdflib.Graph:
    return rdflib.Graph().parse(ROOT / "ontology/oparl.ttl")


def turtle_files() -> list[Path]:
    return [path for folder in ("ontology", "ontology/concepts", "shapes") for path in sorted((ROOT / folder).glob("*.ttl"))]


def used_terms() -> Iterator[tuple[str, str]]:
    """Yield (file, IRI) of every IRI in ontology, concepts, shapes, context and queries."""
    for path in turtle_files():
        for triple in rdflib.Graph().parse(path):
            for term in triple:
                if isinstance(term, rdflib.URIRef):
                    yield path.name, str(term)
                elif isinstance(term, rdflib.Literal) and term.datatype:
                    yield path.name, str(term.datatype)
                if isinstance(term, rdflib.Literal) and triple[1] == rdflib.SH.select:
                    yield from query_terms(path.name, str(term), dict(rdflib.Graph().parse(path).namespaces()))
    for path in sorted((ROOT / "ontology/eli").glob("*.rq")):
        yield from query_terms(path.name, path.read_text("utf-8"), {})
    yield from (("context.jsonld", iri) for iri in context_terms(context()))


def query_terms(name: str, text: str, prefixes: dict[str, Any]) -> Iterator[tuple[str, str]]:
    known = {**prefixes, **dict(re.findall(r"PREFIX\s+([\w-]*):\s*<([^>]*)>", text))}
    bare = re.sub(r'"(?:[^"\\]|\\.)*"|#[^\n]*', "", re.sub(r"PREFIX\s+[\w-]*:\s*<[^>]*>", "", text))
    yield from ((name, iri) for iri in re.findall(r"<(https?://[^>]*)>", bare))
    for prefix, local in SPARQL_NAME.findall(re.sub(r"<[^>]*>", "", bare)):
        yield name, f"{known[prefix]}{local}"


def context_terms(terms: dict[str, Any], prefixes: dict[str, str] | None = None) -> Iterator[str]:
    known = prefixes or {name: at if isinstance(at, str) else at["@id"] for name, at in terms.items() if _is_prefix(at)}
    for at in terms.values():
        if isinstance(at, dict):
            for name in (at.get("@id"), at.get("@reverse"), at.get("@type")):
                if name and ":" in name:
                    head, _, tail = name.partition(":")
                    yield known[head] + tail if head in known else name
            yield from context_terms(at.get("@context", {}), known)


def _is_prefix(at: Any) -> bool:
    return isinstance(at, str) and at.startswith("http") or isinstance(at, dict) and at.get("@prefix") is True


@cache
def existing(namespace: str) -> Container[str] | None:
    """Return what holds the local names that exist in a namespace, None if nobody can tell."""
    if namespace in SHIPPED:
        found = rdflib.Graph().parse(VOCAB / SHIPPED[namespace])
        return frozenset(str(name)[len(namespace) :] for name in found.subjects() if str(name).startswith(namespace))
    if namespace in CLOSED:
        return CLOSED[namespace]
    if namespace in (OPARL, OPARLX):
        return frozenset(str(name)[len(namespace) :] for name in graph().subjects() if str(name).startswith(namespace)) | {""}
    return listed(namespace) or None


@cache
def listed(namespace: str) -> frozenset[str]:
    """Return the terms of a namespace that tests/terms.toml lists, with their source."""
    return frozenset(tomllib.loads((ROOT / "tests/terms.toml").read_text("utf-8")).get(namespace, {}).get("terms", ()))


@needs_shared
def test_every_term_exists_in_the_ontology_that_owns_its_namespace(capsys):
    missing, unchecked, checked = set(), defaultdict(set), set()
    own = ("https://w3id.org/oparl-ld/concept/", "https://w3id.org/oparl-ld/shapes/", "https://w3id.org/oparl-ld/ns")
    for name, iri in used_terms():
        namespace = re.match(r".*[/#]", iri)[0]
        if namespace.startswith(own[:2]) or iri in own or namespace in (f"{OPARL[:-4]}1.0/", "https://schema.oparl.org/"):
            continue
        names = existing(namespace)
        if names is None:
            unchecked[namespace].add(iri)
        elif iri[len(namespace) :] in names or iri[len(namespace) :] in listed(namespace):
            checked.add(iri)
        else:
            missing.add((name, iri))
    with capsys.disabled():
        print(f"\nterm lint: {len(checked)} terms exist, {len(missing)} do not; unchecked: {dict(unchecked) or 'none'}")

    assert sorted(missing) == []
    assert len(checked) > 400


@needs_shared
def test_the_lint_finds_a_term_that_does_not_exist():
    assert "hasSubOrganization" in existing("http://www.w3.org/ns/org#")
    assert "hasSuborganization" not in existing("http://www.w3.org/ns/org#")
    assert ("x", f"{OPARL}agandaItem") in set(query_terms("x", f"PREFIX o: <{OPARL}> SELECT * {{ ?s o:agandaItem ?o }}", {}))


@needs_shared
def test_every_property_of_the_oparl_schemas_has_a_use_in_its_class():
    described = {str(node)[len(OPARLX) :] for node in graph().subjects(rdflib.RDF.type, rdflib.URIRef(OPARLX + "Use"))}
    wanted = {f"{name}.{key}" for name in CLASSES for key in schema_keys(name)} - {
        f"{name}.{key}" for name in CLASSES for key in ("id", "type")
    }

    assert sorted(wanted - described) == []


@needs_shared
def test_nothing_is_minted_in_oparls_namespace():
    official = {key for name in CLASSES for key in schema_keys(name)} | {key.partition(".")[2] for key in NEXT}
    minted = {str(name)[len(OPARL) :] for name in graph().subjects() if str(name).startswith(OPARL)} - set(CLASSES)

    assert sorted(minted - official) == []


def schema_keys(name: str) -> set[str]:
    return set(json.loads((VOCAB / "oparl" / f"{name}.json").read_text("utf-8"))["properties"])


def uses() -> Iterator[tuple[str, str, dict[str, Any], rdflib.URIRef]]:
    """Yield (class, key, term of the context, Use node) for each key that the context knows in a class."""
    terms = context()
    shared = {key: at for key, at in terms.items() if isinstance(at, dict) and not at.get("@prefix") and "@context" not in at}
    for name in (*CLASSES, *OWN_CLASSES):
        scoped = terms[(OPARL if name in CLASSES else OPARLX) + name]["@context"]
        for key, at in {**shared, **scoped}.items():
            yield name, key, at, rdflib.URIRef(f"{OPARLX}{name}.{key}")


def said(node: rdflib.URIRef, name: str) -> Any:
    value = graph().value(node, rdflib.URIRef(OPARLX + name))
    return value.toPython() if isinstance(value, rdflib.Literal) else value


def test_context_and_ontology_say_the_same_of_each_key():
    prefixes = {name: at if isinstance(at, str) else at["@id"] for name, at in context().items() if _is_prefix(at)}
    wrong = []
    for name, key, at, node in uses():
        head, _, tail = (at.get("@id") or at["@reverse"]).partition(":")
        facts = (str(said(node, "onProperty")), said(node, "maxCount") is None, bool(said(node, "inverse")), str(said(node, "key")))
        if facts != (prefixes[head] + tail, at.get("@container") == "@set", "@reverse" in at, key):
            wrong.append((name, key, facts))

    assert wrong == []
    assert len(set(graph().subjects(rdflib.RDF.type, rdflib.URIRef(OPARLX + "Use")))) == len(list(uses()))


def test_the_context_hides_no_typo_and_keeps_no_order_in_rdf():
    text = (ROOT / "ontology/context.jsonld").read_text("utf-8")

    assert "@vocab" not in text and "@list" not in text


def test_every_class_and_property_has_labels_and_definitions_in_german_and_english():
    bare = [
        (str(term), kind)
        for term in graph().subjects(rdflib.RDFS.isDefinedBy)
        for kind in (rdflib.RDFS.label, rdflib.RDFS.comment)
        if sorted(str(text.language) for text in graph().objects(term, kind)) != ["de", "en"]
    ]

    assert bare == []


def test_a_paper_is_a_draft_and_never_law():
    papers = set(graph().transitive_objects(rdflib.URIRef(OPARL + "Paper"), rdflib.RDFS.subClassOf))

    assert rdflib.URIRef("http://data.europa.eu/eli/ontology#Work") in papers
    assert rdflib.URIRef("http://data.europa.eu/eli/ontology#LegalResource") not in papers
    assert "passed_by" not in "".join(path.read_text("utf-8") for path in (ROOT / "ontology").rglob("*") if path.is_file())


def test_no_file_of_the_vocabulary_has_a_blank_node():
    found = [
        path.name
        for path in turtle_files()
        if path.parent.name != "shapes" and any(isinstance(term, rdflib.BNode) for triple in rdflib.Graph().parse(path) for term in triple)
    ]

    assert found == []


VALUES: dict[str, Any] = {
    "lang": 'Grüße aus Köln "im Mai"',
    "plain": "2021/0268",
    "id": "https://ris.example.org/x/1",
    "json": {"type": "Feature", "geometry": {"type": "Point", "coordinates": [6.39, 50.72]}, "properties": {"Höhe": None, "n": [1, 2.5]}},
    "boolean": True,
    "integer": 7,
    "decimal": "50000.00",
    "date": "2021-06-16",
    "dateTime": "2021-06-16T17:00:00+02:00",
}


def value(at: dict[str, Any]) -> Any:
    kind = at.get("@type", "lang" if at.get("@language", "de") else "plain").removeprefix("@").removeprefix("xsd:")
    one = VALUES[kind]
    if at.get("@container") != "@set":
        return one
    return [one, one + "2" if isinstance(one, str) else one]


def full_document(name: str) -> dict[str, Any]:
    """Return an object of a class with every key that the context knows there."""
    terms = context()
    shared = {key: at for key, at in terms.items() if isinstance(at, dict) and not at.get("@prefix") and "@context" not in at}
    cls = (OPARL if name in CLASSES else OPARLX) + name
    keys = {**shared, **terms[cls]["@context"]}
    return {"@context": terms, "type": cls, "id": f"https://ris.example.org/{name}/1", **{key: value(at) for key, at in keys.items()}}


@pytest.mark.parametrize("name", [*CLASSES, *OWN_CLASSES])
def test_every_key_of_a_class_means_the_same_in_three_processors(name):
    document = full_document(name)
    text = json.dumps(document)

    by_pyld = rdflib.Graph().parse(data=jsonld.to_rdf(document, {"format": "application/n-quads"}), format="nt")
    by_rdflib = rdflib.Graph().parse(data=text, format="json-ld")
    by_oxigraph = rdflib.Graph()
    quads = ox.parse(text.encode(), format=ox.RdfFormat.JSON_LD)
    by_oxigraph.parse(data=ox.serialize(quads, format=ox.RdfFormat.N_TRIPLES), format="nt")

    assert isomorphic(by_pyld, by_rdflib) and isomorphic(by_pyld, by_oxigraph)
    keys = set(document) - {"@context", "id", "type"}
    properties = {str(graph().value(rdflib.URIRef(f"{OPARLX}{name}.{key}"), rdflib.URIRef(OPARLX + "onProperty"))) for key in keys}
    assert {str(predicate) for predicate in by_pyld.predicates()} == properties | {str(rdflib.RDF.type)}


def test_an_embedded_object_keeps_its_own_terms_in_three_processors():
    paper = full_document("Paper") | {
        "consultation": [{key: at for key, at in full_document("Consultation").items() if key != "@context"}],
        "oparlx:proposal": [{key: at for key, at in full_document("ResolutionProposal").items() if key != "@context"}],
    }

    graphs = [
        rdflib.Graph().parse(data=jsonld.to_rdf(paper, {"format": "application/n-quads"}), format="nt"),
        rdflib.Graph().parse(data=json.dumps(paper), format="json-ld"),
    ]

    assert isomorphic(*graphs)
    consultation = rdflib.URIRef("https://ris.example.org/Consultation/1")
    assert (consultation, rdflib.URIRef(OPARL + "role"), rdflib.Literal(VALUES["lang"], lang="de")) in graphs[0]


def test_unknown_keys_and_undeclared_prefixes_leave_no_oparl_triple():
    document = {"@context": context(), "type": OPARL + "Paper", "id": "https://ris.example.org/p", "nmae": "x", "name": "y"}

    made = rdflib.Graph().parse(data=jsonld.to_rdf(document, {"format": "application/n-quads"}), format="nt")

    assert len(made) == 2


@pytest.mark.parametrize("name", CLASSES)
def test_a_published_frame_gives_the_document_back(name):
    frame = json.loads((ROOT / "ontology/frames" / f"{name}.jsonld").read_text("utf-8"))
    document = {key: at for key, at in full_document(name).items() if key != "@context" and "@reverse" not in _term(name, key)}
    document.pop("locationObject", None)  # says the same as location
    for key in frame:
        if key in document and not key.startswith("@") and key != "type":
            inner = {"type": _value_class(name, key), "id": f"https://ris.example.org/inner/{key}", "deleted": False}
            document[key] = [inner] if isinstance(document[key], list) else inner

    framed = jsonld.frame({"@context": context(), **document}, {**frame, "@context": context()})

    assert {key: at for key, at in framed.items() if key != "@context"} == {key: _sorted(at) for key, at in document.items()}


def _term(name: str, key: str) -> dict[str, Any]:
    at = context()[OPARL + name]["@context"].get(key)
    return at if isinstance(at, dict) else {}


def _value_class(name: str, key: str) -> str:
    return str(graph().value(rdflib.URIRef(f"{OPARLX}{name}.{key}"), rdflib.URIRef(OPARLX + "valueClass")))


def _sorted(value: Any) -> Any:
    return sorted(value, key=str) if isinstance(value, list) else value


@pytest.mark.parametrize("name", [*CLASSES, *OWN_CLASSES])
def test_each_class_has_an_example_whose_every_key_is_known(name):
    cls = (OPARL if name in CLASSES else OPARLX) + name
    example = json.loads(graph().value(rdflib.URIRef(cls), rdflib.SKOS.example))
    known = {key for at, key, _, _ in uses() if at == name} | {"@context", "type", "id"}

    made = rdflib.Graph().parse(data=json.dumps(example | {"@context": context()}), format="json-ld")

    assert list(example)[:3] == ["@context", "type", "id"] and example["type"] == cls
    assert set(example) <= known and len(made) >= len(example) - 2
