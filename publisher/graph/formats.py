"""The formats a record is written in, each a row of one table."""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import pyoxigraph as ox
from pyld import jsonld

from publisher.errors import Malformed
from publisher.graph.mapper import quads
from publisher.ontology import ontology

JSON_LD = "application/ld+json"
PROFILE = "http://www.w3.org/ns/json-ld#"


class Format(NamedTuple):
    """A way to write a record: suffix of its URL, media type, and what makes the bytes."""

    suffix: str
    media_type: str
    write: Callable[[dict[str, Any]], bytes]


def _rdf(syntax: ox.RdfFormat) -> Callable[[dict[str, Any]], bytes]:
    def write(obj: dict[str, Any]) -> bytes:
        lines = sorted(set(quads(obj).splitlines()))  # before they are parsed: comparing triples takes longer than all the rest
        triples = (quad.triple for quad in ox.parse("\n".join(lines), format=ox.RdfFormat.N_QUADS))
        made = ox.serialize(triples, format=syntax, prefixes=_prefixes() if syntax != ox.RdfFormat.N_TRIPLES else None)
        return made or b""

    return write


@cache
def _prefixes() -> dict[str, str]:
    named = (
        (name, term.get("@id", "") if isinstance(term, dict) else term) for name, term in ontology().context.items() if ":" not in name
    )
    return {name: str(iri) for name, iri in named if str(iri).endswith(("/", "#")) and not name.startswith("@")}


FORMATS = (
    Format("ttl", "text/turtle", _rdf(ox.RdfFormat.TURTLE)),
    Format("nt", "application/n-triples", _rdf(ox.RdfFormat.N_TRIPLES)),
    Format("rdf", "application/rdf+xml", _rdf(ox.RdfFormat.RDF_XML)),
    Format("nq", "application/n-quads", lambda obj: "".join(sorted(set(quads(obj).splitlines(keepends=True)))).encode()),
)


def profiled(obj: dict[str, Any], profile: str, frame: dict[str, Any] | None = None) -> Any:
    """Return the record's JSON-LD in another form: expanded, flattened, compacted or framed (JSON-LD 1.1, 6.1 and Framing).

    `obj` needs no @context; the one of the ontology is used, and nothing is fetched. Raises Malformed for another profile.
    """
    context = ontology().context
    document = {"@context": context, **obj}
    form = profile.removeprefix(PROFILE)
    if form == "expanded":
        return jsonld.expand(document)
    if form == "flattened":
        return jsonld.flatten(document, context)
    if form == "compacted":
        return document
    if form == "framed" and frame is not None:
        return jsonld.frame(document, frame)
    raise Malformed(profile, f"expected a profile of {PROFILE}: expanded, flattened, compacted or framed")
