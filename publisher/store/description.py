"""What the dataset and the endpoint say about themselves: VoID counted at build, the SPARQL service description with its limits."""

from collections.abc import Iterator

import pyoxigraph as ox

from publisher.store.oxigraph import GRAPH_FORMATS
from publisher.store.workers import Limits

OPARLX = "https://w3id.org/oparl-ld/ns#"
PREFIXES = f"""@prefix void: <http://rdfs.org/ns/void#> .
@prefix sd: <http://www.w3.org/ns/sparql-service-description#> .
@prefix dcterms: <http://purl.org/dc/terms/> .
@prefix xsd: <http://www.w3.org/2001/XMLSchema#> .
@prefix oparlx: <{OPARLX}> .

"""
RESULT_IRIS = (
    "SPARQL_Results_JSON", "SPARQL_Results_XML", "SPARQL_Results_CSV", "SPARQL_Results_TSV",
    "Turtle", "N-Triples", "JSON-LD", "RDF_XML", "N-Quads", "TriG",
)  # fmt: skip


def service(base: str, limits: Limits) -> str:
    """Return the service description of {base}/sparql as Turtle (SPARQL 1.1 Service Description), limits included."""
    return "".join(_service(base, limits))


def _service(base: str, limits: Limits) -> Iterator[str]:
    yield PREFIXES
    yield f"<{base}/sparql> a sd:Service ;\n    sd:endpoint <{base}/sparql> ;\n    sd:supportedLanguage sd:SPARQL11Query ;\n"
    yield "    sd:feature sd:UnionDefaultGraph ;\n    sd:resultFormat "
    yield " , ".join(f"<http://www.w3.org/ns/formats/{name}>" for name in RESULT_IRIS) + " ;\n"
    yield f'    dcterms:title "SPARQL-Endpunkt"@de , "SPARQL endpoint"@en ;\n    dcterms:description "{GERMAN}"@de , "{ENGLISH}"@en ;\n'
    yield f'    oparlx:queryTimeLimit "{limits.seconds:g}"^^xsd:decimal ;\n    oparlx:queryRowLimit {limits.rows} ;\n'
    yield f"    oparlx:queryByteLimit {limits.bytes} ;\n    oparlx:queryMemoryLimit {limits.memory} ;\n"
    yield f"    oparlx:queryLengthLimit {limits.query_bytes} ;\n"
    yield f"    sd:defaultDataset <{base}/.well-known/void#dataset> .\n\n"
    yield f"<{base}/.well-known/void#dataset> a sd:Dataset , void:Dataset ;\n    void:sparqlEndpoint <{base}/sparql> ;\n"
    yield f"    sd:defaultGraph <{base}/.well-known/void#union> .\n\n<{base}/.well-known/void#union> a sd:Graph , void:Dataset .\n"


GERMAN = (
    "Nur lesend: kein Update, kein LOAD, kein SERVICE. Der Standardgraph ist die Vereinigung aller benannten Graphen; jeder Datensatz "
    "steht im Graphen seiner IRI, abgeleitete ELI-Tripel im Graphen mit der Endung /eli. Eine Antwort ist vollständig oder ein Fehler, "
    "der die erreichte Grenze nennt."
)
ENGLISH = (
    "Read only: no update, no LOAD, no SERVICE. The default graph is the union of all named graphs; each record stands in the graph of "
    "its IRI, derived ELI triples in the graph ending in /eli. An answer is complete, or an error that names the limit it met."
)


def converted(turtle: bytes, media_type: str) -> bytes:
    """Return a Turtle document in another of the RDF media types that GRAPH_FORMATS lists."""
    if media_type == "text/turtle":
        return turtle
    return ox.serialize(ox.parse(turtle, format=ox.RdfFormat.TURTLE), format=GRAPH_FORMATS[media_type]) or b""
