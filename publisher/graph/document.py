"""Reads a record's quads back into its OParl object: the inverse of the mapper, by the same table."""

from collections import defaultdict
from typing import Any

import orjson
import pyoxigraph as ox

from publisher.iris import class_of_iri
from publisher.ontology import RDF_TYPE, XSD, Use, ontology

Nodes = dict[str, dict[str, list[Any]]]


def document(nquads: str, root: str) -> dict[str, Any]:
    """Return the object that `root` is in these quads, embedded objects inside; keys in the table's order.

    Values of keys that OParl lets be many come as lists, sorted; a reference is embedded where OParl embeds it and
    the graph describes it.
    """
    nodes: Nodes = defaultdict(lambda: defaultdict(list))
    inverse: Nodes = defaultdict(lambda: defaultdict(list))
    for quad in ox.parse(nquads, format=ox.RdfFormat.N_QUADS):
        term = quad.object
        nodes[_iri(quad.subject)][quad.predicate.value].append(term)
        if isinstance(term, ox.NamedNode):
            inverse[term.value][quad.predicate.value].append(quad.subject)
    return _object(root, root, nodes, inverse)


def _object(iri: str, root: str, nodes: Nodes, inverse: Nodes) -> dict[str, Any]:
    node = nodes[iri]
    cls = _iri(node[RDF_TYPE][0])
    made: dict[str, Any] = {"type": cls, "id": iri}
    for key, use in ontology().uses[cls].items():
        found = [term for term in _terms(use, iri, nodes, inverse) if _fits(use, cls, term, nodes)]
        if found:
            values = sorted({orjson.dumps(_value(use, term, root, nodes, inverse), option=orjson.OPT_SORT_KEYS) for term in found})
            items = [orjson.loads(value) for value in values]
            made[key] = items if use.many or len(items) > 1 else items[0]
    return made


def _said_forward(subject: str, predicate: str, nodes: Nodes) -> bool:
    """Tell whether the other end of a back link says the same triple itself, being described here with a key for it."""
    types = nodes[subject].get(RDF_TYPE) if subject in nodes else None
    return bool(types) and any(
        use.predicate == predicate and not use.reverse
        for use in ontology().uses.get(_iri(types[0]), {}).values()  # type: ignore[index]
    )


def _terms(use: Use, iri: str, nodes: Nodes, inverse: Nodes) -> list[Any]:
    if not use.reverse:
        return nodes[iri].get(use.predicate, [])
    return [subject for subject in inverse[iri].get(use.predicate, ()) if not _said_forward(_iri(subject), use.predicate, nodes)]


def _fits(use: Use, cls: str, term: Any, nodes: Nodes) -> bool:
    """Choose among keys that share a predicate.

    OParl's Person has `location` for the URL and `locationObject` for the object; File and Location have a back link
    for each class, told apart by the class that our IRI names.
    """
    rivals = [other for other in ontology().uses[cls].values() if other.predicate == use.predicate and other.reverse == use.reverse]
    if len(rivals) == 1:
        return True
    if not use.reverse:
        return not use.embedded or RDF_TYPE in nodes.get(_iri(term), {})
    meant = class_of_iri(_iri(term))
    return use == next((other for other in rivals if other.value_class == meant), rivals[0])


def _value(use: Use, term: Any, root: str, nodes: Nodes, inverse: Nodes) -> Any:
    if use.kind == "id":
        iri = _iri(term)
        embeds = use.embedded and iri != root and RDF_TYPE in nodes.get(iri, {})
        return _object(iri, root, nodes, inverse) if embeds else iri
    if use.kind == "json":
        return orjson.loads(term.value)
    return _plain(term)


def _plain(literal: ox.Literal) -> Any:
    datatype = literal.datatype.value
    if datatype == XSD + "boolean":
        return literal.value == "true"
    if datatype == XSD + "integer":
        return int(literal.value)
    return float(literal.value) if datatype == XSD + "double" else literal.value


def _iri(term: Any) -> str:
    return str(term.value)
