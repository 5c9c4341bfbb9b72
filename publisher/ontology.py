"""The one table between OParl JSON and RDF, read from ontology/context.jsonld and ontology/oparl.ttl."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

import orjson
import pyoxigraph as ox

from publisher.config import project_file
from publisher.errors import Misconfigured

OPARLX = "https://w3id.org/oparl-ld/ns#"
XSD = "http://www.w3.org/2001/XMLSchema#"
RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
VERSION = "1.0"


class Use(NamedTuple):
    """How one key is used in one class.

    kind: id (IRI) | lang (German text) | plain (text without language) | json (rdf:JSON) | typed (`datatype`).
    embedded: OParl embeds an object here. external: the value is the URL of an external list. value_class: bare
    class name ("File") or own class IRI of what a reference points at, "" for any other URL. implies: the properties
    of other vocabularies that hold as well wherever this key is used in this class.
    """

    key: str
    predicate: str
    kind: str
    datatype: str = ""
    many: bool = False
    reverse: bool = False
    embedded: bool = False
    external: bool = False
    value_class: str = ""
    implies: tuple[str, ...] = ()


Declared = Mapping[tuple[str, str], dict[str, str]]
Supers = Mapping[str, tuple[str, ...]]


class Ontology(NamedTuple):
    """uses: class IRI -> key -> Use. labels: term IRI -> language -> text; so comments. supers: term -> all its super terms, sorted."""

    context: dict[str, Any]
    uses: dict[str, dict[str, Use]]
    labels: dict[str, dict[str, str]]
    supers: dict[str, tuple[str, ...]]
    comments: dict[str, dict[str, str]]

    def label(self, term: str, lang: str = "de") -> str:
        """Return the label of a class or property in German or English; the local name where none is stated."""
        found = self.labels.get(term, {})
        return found.get(lang) or found.get("de") or term.rsplit("/", 1)[-1].rsplit("#", 1)[-1]


@cache
def ontology() -> Ontology:
    """Return the ontology that ships with the project. Raises Misconfigured naming the file that does not parse."""
    context = _context()
    triples = _triples()
    supers = _closure(triples["http://www.w3.org/2000/01/rdf-schema#subClassOf"] + triples[RDFS + "subPropertyOf"])
    labels, comments = _texts(triples[RDFS + "label"]), _texts(triples[RDFS + "comment"])
    return Ontology(context, _uses(context, _declared(triples), supers), labels, supers, comments)


def _texts(pairs: Iterable[tuple[str, Any]]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for subject, text in pairs:
        found[str(subject)][text.language or "de"] = text.value
    return dict(found)


def _context() -> dict[str, Any]:
    path = project_file("ontology", "context.jsonld")
    try:
        context: dict[str, Any] = orjson.loads(path.read_bytes())["@context"]
    except (OSError, ValueError, KeyError) as error:
        raise Misconfigured(f"{path}: no JSON-LD context: {error}") from error
    return context


def _triples() -> Mapping[str, list[tuple[str, Any]]]:
    """Return predicate -> (subject IRI, object) of oparl.ttl; objects that are IRIs as text, literals as they are."""
    path = project_file("ontology", "oparl.ttl")
    found: dict[str, list[tuple[str, Any]]] = defaultdict(list)
    try:
        for quad in ox.parse(path=str(path), format=ox.RdfFormat.TURTLE):
            value = quad.object.value if isinstance(quad.object, ox.NamedNode) else quad.object
            found[quad.predicate.value].append((quad.subject.value, value))
    except (SyntaxError, OSError) as error:
        raise Misconfigured(f"{path}: {error}") from error
    return found


def _closure(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    direct: dict[str, set[str]] = defaultdict(set)
    for low, high in pairs:
        direct[low].add(high)
    every: dict[str, tuple[str, ...]] = {}
    for low in direct:
        seen, todo = set(), list(direct[low])
        while todo:
            high = todo.pop()
            if high not in seen:
                seen.add(high)
                todo += direct.get(high, ())
        every[low] = tuple(sorted(seen - {low}))
    return every


def _declared(triples: Mapping[str, list[tuple[str, Any]]]) -> Declared:
    """Return (class IRI, key) -> what the ontology's oparlx:Use nodes say of it."""
    nodes: dict[str, dict[str, str]] = defaultdict(dict)
    for name in ("onClass", "key", "embedded", "list", "valueClass"):
        for subject, value in triples[OPARLX + name]:
            nodes[subject][name] = value if isinstance(value, str) else value.value
    for subject, value in triples[OPARLX + "implies"]:
        nodes[subject]["implies"] = f"{nodes[subject].get('implies', '')} {value}".strip()
    return {(node["onClass"], node["key"]): node for node in nodes.values() if "onClass" in node and "key" in node}


def _uses(context: dict[str, Any], declared: Declared, supers: Supers) -> dict[str, dict[str, Use]]:
    prefixes = {name: at if isinstance(at, str) else at.get("@id", "") for name, at in context.items() if isinstance(at, str | dict)}
    shared = {key: term for key, term in context.items() if isinstance(term, dict) and "@id" in term and not _is_class(key, term)}
    shared = {key: term for key, term in shared.items() if not term.get("@prefix")}
    uses = {}
    for name, term in context.items():
        if isinstance(term, dict) and _is_class(name, term):
            cls = _expand(name, prefixes)
            terms = {**shared, **term["@context"]}
            uses[cls] = {
                key: _implying(_use(cls, key, at, prefixes, declared), declared.get((cls, key), {}), supers)
                for key, at in terms.items()
                if isinstance(at, dict)
            }
    return uses


def _is_class(name: str, term: dict[str, Any]) -> bool:
    return "@context" in term and not name.startswith("@")


def _use(
    cls: str,
    key: str,
    term: dict[str, Any],
    prefixes: Mapping[str, str],
    declared: Declared,
) -> Use:
    said = declared.get((cls, key), {})
    value_class = said.get("valueClass", "")
    kind, datatype = _kind(term, prefixes)
    return Use(
        key,
        _expand(term.get("@reverse") or term["@id"], prefixes),
        kind,
        datatype,
        many="@set" in (term.get("@container") or ()),
        reverse="@reverse" in term,
        embedded=said.get("embedded") == "true",
        external=said.get("list") == "true",
        value_class=value_class.rsplit("/", 1)[-1] if value_class.startswith("https://schema.oparl.org/") else value_class,
    )


def _implying(use: Use, said: Mapping[str, str], supers: Supers) -> Use:
    direct = {*supers.get(use.predicate, ()), *said.get("implies", "").split()}
    return use._replace(implies=tuple(sorted(direct | {high for low in direct for high in supers.get(low, ())})))


def _kind(term: dict[str, Any], prefixes: Mapping[str, str]) -> tuple[str, str]:
    at = term.get("@type")
    if at == "@id":
        return "id", ""
    if at == "@json":
        return "json", ""
    if at:
        return "typed", _expand(at, prefixes)
    return ("plain", "") if "@language" in term and term["@language"] is None else ("lang", "")


def _expand(name: str, prefixes: Mapping[str, str]) -> str:
    head, colon, tail = name.partition(":")
    if colon and not tail.startswith("//") and head in prefixes:
        return prefixes[head] + tail
    return name
