"""Shape files, read, linted and kept as rules with readable IRIs."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from rdflib import OWL, RDF, RDFS, SH, Graph, Literal, URIRef
from rdflib.namespace import DCAT, DCTERMS, FOAF, PROV, SKOS, XSD, DefinedNamespace
from rdflib.plugins.parsers.notation3 import BadSyntax
from rdflib.term import Node

from publisher.config import project_file
from publisher.errors import Misconfigured
from publisher.ontology import ontology

BASE = "https://w3id.org/oparl-ld/shapes/1.0#"
SEVERITIES = {SH.Violation: "Violation", SH.Warning: "Warning", SH.Info: "Info"}
CORE = (
    "common", "system", "body", "legislative-term", "organization", "person", "membership", "meeting",
    "agenda-item", "paper", "proposal", "consultation", "file", "location",
)  # fmt: skip
LAYERS: dict[str, tuple[str, ...]] = {
    "core": CORE,
    "ranges": ("ranges",),
    "relations": ("relations",),
    "eli": ("eli",),
    "dcat": ("dcat",),
    "strict": ("strict/strict",),
}
SPACES: tuple[type[DefinedNamespace], ...] = (SH, RDF, RDFS, OWL, XSD, DCTERMS, FOAF, PROV, SKOS, DCAT)


class Rule(NamedTuple):
    """One shape that can be broken: what it is called, how much it weighs and what it tells people to do.

    severity: Violation (keeps a record out) | Warning | Info. messages and names: language -> text.
    path: the property's IRI, or a SPARQL path; "" for a rule about the object itself. target: class of the objects judged, "" for several.
    value_class: what the values must be instances of. select: SPARQL of a relation rule.
    """

    iri: str
    layer: str
    severity: str
    messages: dict[str, str]
    names: dict[str, str]
    path: str = ""
    select: str = ""
    target: str = ""
    value_class: str = ""


@dataclass(frozen=True, eq=False)
class Shapes:
    """Shapes ready to judge with: `constraints` (N-Triples, no words) for the engine, `rules` by IRI for people, `graph` for pySHACL."""

    layers: tuple[str, ...]
    constraints: str
    rules: dict[str, Rule]
    graph: Graph


@cache
def shapes(layers: tuple[str, ...] = ("core",), folder: Path | None = None) -> Shapes:
    """Return the shapes of the layers named (see LAYERS), read from `folder` or from the project's own.

    Raises Misconfigured, naming file and line, for a file that is not Turtle, a severity SHACL does not know, a shape
    without severity or without a message in German and in English, and a term that no vocabulary in use declares.
    """
    root = folder or project_file("shapes")
    for layer in layers:
        if layer not in LAYERS:
            raise Misconfigured(f"no layer {layer!r} of shapes; there are: {', '.join(LAYERS)}")
    files = [(layer, path, *_read(path)) for layer in layers for path in (root / f"{name}.ttl" for name in LAYERS[layer])]
    merged = Graph()
    for *_, graph in files:
        merged += graph
    rules: dict[str, Rule] = {}
    for layer, path, text, graph in files:
        for rule in _rules(graph, layer, path, text):
            if rule.iri in rules:
                raise Misconfigured(f"{path}:{_line(text, rule.iri)}: {_local(URIRef(rule.iri))} stands in two files")
            rules[rule.iri] = rule._replace(target=_target(merged, URIRef(rule.iri)))
    _lint_links(merged, root)
    return Shapes(layers, _constraints(merged), rules, merged)


def _constraints(graph: Graph) -> str:
    """Return what the engine needs of the shapes: it copies messages and labels into every result, which halves its speed."""
    words = {SH.message, SH.name, SH.description, RDFS.label, RDFS.comment}
    return "".join(sorted(f"{s.n3()} {p.n3()} {o.n3()} .\n" for s, p, o in graph if p not in words))


@cache
def _read(path: Path) -> tuple[str, Graph]:
    try:
        text = path.read_text("utf-8")
        graph = Graph().parse(data=text, format="turtle")
    except BadSyntax as error:
        raise Misconfigured(f"{path}:{error.lines + 1}: not Turtle: {error._why}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path}: no shape file: {error}") from error
    _lint_terms(graph, path, text)
    return text, graph


def _rules(graph: Graph, layer: str, path: Path, text: str) -> Iterator[Rule]:
    for node in sorted({*graph.subjects(RDF.type, SH.PropertyShape), *graph.subjects(RDF.type, SH.NodeShape)}, key=str):
        severity = graph.value(node, SH.severity)
        if not isinstance(node, URIRef) or (severity is None and not _constrains(graph, node)):
            continue
        place = f"{path}:{_line(text, str(node))}"
        if not isinstance(severity, URIRef) or severity not in SEVERITIES:
            raise Misconfigured(f"{place}: {_local(node)}: severity {_shown(severity)}: expected sh:Violation, sh:Warning or sh:Info")
        select = graph.value(graph.value(node, SH.sparql), SH.select)
        messages = _texts(graph, node, SH.message) or _texts(graph, graph.value(node, SH.sparql), SH.message)
        if set(messages) != {"de", "en"}:
            raise Misconfigured(f"{place}: {_local(node)}: expected one sh:message in German (@de) and one in English (@en)")
        yield Rule(
            str(node),
            layer,
            SEVERITIES[severity],
            messages,
            _texts(graph, node, SH.name) or _texts(graph, node, RDFS.label),
            _path(graph, graph.value(node, SH.path)),
            f"{_prefixes(graph)}{select}" if select else "",
            value_class=str(graph.value(node, SH["class"]) or ""),
        )


def _target(graph: Graph, node: Node) -> str:
    """Return the class whose objects a rule judges; "" for a rule that several classes share."""
    found = {target for owner in (node, *graph.subjects(SH.property, node)) for target in graph.objects(owner, SH.targetClass)}
    return str(found.pop()) if len(found) == 1 else ""


NOT_CONSTRAINTS = {RDF.type, RDFS.label, RDFS.comment, SH.property, SH.targetClass, SH.targetSubjectsOf, SH.targetObjectsOf, SH.targetNode}


def _constrains(graph: Graph, node: Node) -> bool:
    return any(predicate not in NOT_CONSTRAINTS for predicate in graph.predicates(node))


def _texts(graph: Graph, node: Node | None, predicate: URIRef) -> dict[str, str]:
    found = [text for text in graph.objects(node, predicate) if isinstance(text, Literal)] if node else []
    return {text.language or "de": str(text) for text in sorted(found)}


def _path(graph: Graph, node: Node | None) -> str:
    """Return a property path as an IRI, or in SPARQL's syntax where it is more than one."""
    if node is None or isinstance(node, URIRef):
        return str(node or "")
    for predicate, sign in ((SH.alternativePath, "|"),):
        if (head := graph.value(node, predicate)) is not None:
            return sign.join(f"<{part}>" for part in graph.items(head))
    if (inverse := graph.value(node, SH.inversePath)) is not None:
        return f"^<{inverse}>"
    return "/".join(f"<{part}>" for part in graph.items(node))


def _prefixes(graph: Graph) -> str:
    return "".join(
        f"PREFIX {graph.value(node, SH.prefix)}: <{graph.value(node, SH.namespace)}>\n"
        for node in sorted(graph.objects(None, SH.declare), key=lambda node: str(graph.value(node, SH.prefix)))
    )


@cache
def known_terms() -> frozenset[str]:
    """Return every IRI that ontology/oparl.ttl and context.jsonld declare or align to, or that ontology/eli/*.rq make."""
    own = ontology()
    made = {iri for path in sorted(project_file("ontology", "eli").glob("*.rq")) for iri in _iris_of(path.read_text("utf-8"))}
    uses = {use.predicate for terms in own.uses.values() for use in terms.values()}
    return frozenset({*made, *own.labels, *own.uses, *own.supers, *uses, *(term for above in own.supers.values() for term in above)})


def _iris_of(query: str) -> Iterator[str]:
    """Yield the IRIs that a query's prefixed names stand for."""
    for prefix, space in re.findall(r"(?m)^PREFIX (\S*): <([^>]*)>", query):
        yield from (space + name for name in re.findall(rf"(?<![\w-]){re.escape(prefix)}:([A-Za-z_]+)", query))


def _known(term: str) -> bool:
    for space in SPACES:
        if term.startswith(str(space)):
            return URIRef(term) in space
    return term in known_terms()


def _lint_terms(graph: Graph, path: Path, text: str) -> None:
    """Refuse a term that nobody declares: a misspelt term makes a rule that never fires."""
    about = {SH.path, SH.targetClass, SH.targetSubjectsOf, SH.targetObjectsOf, SH.datatype, SH["class"], SH.nodeKind, RDF.type}
    about |= {SH.lessThan, SH.lessThanOrEquals, SH.equals, SH.disjoint, SH.alternativePath, SH.inversePath, RDF.first}
    own = (BASE, "urn:")
    terms = {str(node) for triple in graph for node in _terms_of(triple, about)}
    for term in sorted(terms):
        if not term.startswith(own) and not _known(term):
            raise Misconfigured(f"{path}:{_line(text, term)}: no vocabulary declares {term}")


def _terms_of(triple: tuple[Node, Node, Node], about: set[URIRef]) -> Iterable[Node]:
    _, predicate, value = triple
    yield predicate
    if predicate in about and isinstance(value, URIRef):
        yield value


def _lint_links(graph: Graph, root: Path) -> None:
    """Refuse sh:property to a shape that is not there: the rule would silently not exist."""
    for owner, target in sorted(graph.subject_objects(SH.property)):
        if isinstance(target, URIRef) and (target, RDF.type, SH.PropertyShape) not in graph:
            place = next(
                (f"{path}:{line}" for path in sorted(root.rglob("*.ttl")) if (line := _line(path.read_text("utf-8"), str(target), 0))),
                str(root),
            )
            raise Misconfigured(f"{place}: {_local(owner)} names the rule {_local(target)}, which is not there")


def _line(text: str, iri: str, otherwise: int = 1) -> int:
    """Return the line of `text` (from 1) that defines `iri`, else the first to name it, in full or by a prefix."""
    names = {f"<{iri}>"}
    lines = text.splitlines()
    for prefix, space in re.findall(r"@prefix\s+(\S*):\s+<([^>]*)>", text):
        if iri.startswith(space):
            names.add(f"{prefix}:{iri[len(space) :]}")
    either = "|".join(re.escape(name) for name in sorted(names))
    for sought in (rf"^(?:{either}) ", rf"(?<![\w<])(?:{either})(?![\w-])"):
        if found := [at for at, line in enumerate(lines, 1) if re.search(sought, line)]:
            return found[0]
    return otherwise


def _local(node: Node) -> str:
    return str(node).rsplit("#", 1)[-1]


def _shown(node: Node | None) -> str:
    return "is missing" if node is None else f"{node.n3()} is unknown"
