"""What the dataset and the endpoint say about themselves: VoID counted at build, the SPARQL service description with its limits."""

from collections.abc import Iterable, Iterator
from hashlib import sha256

import pyoxigraph as ox

from publisher.store import Store, rows
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


# A graph's name tells its layer; the sub-select counts graph by graph, which the engine does four times as fast.
LAYER = 'BIND(STRENDS(STR(?g), "/eli") AS ?eli)'
TOTALS = f"""SELECT ?eli (SUM(?n) AS ?triples) {{
  {{ SELECT ?g (COUNT(*) AS ?n) {{ GRAPH ?g {{ ?s ?p ?o }} }} GROUP BY ?g }} {LAYER} }} GROUP BY ?eli"""
PROPERTIES = f"""SELECT ?eli ?p (COUNT(*) AS ?triples) (COUNT(DISTINCT ?s) AS ?subjects) {{
  GRAPH ?g {{ ?s ?p ?o }} {LAYER} }} GROUP BY ?eli ?p ORDER BY ?eli ?p"""
CLASSES = f"""SELECT ?eli ?c (COUNT(DISTINCT ?s) AS ?entities) {{
  GRAPH ?g {{ ?s a ?c }} {LAYER} }} GROUP BY ?eli ?c ORDER BY ?eli ?c"""
CLASS_PROPERTIES = f"""SELECT ?eli ?c ?p (COUNT(*) AS ?triples) {{
  GRAPH ?g {{ ?s a ?c ; ?p ?o }} {LAYER} }} GROUP BY ?eli ?c ?p ORDER BY ?eli ?c ?p"""
LAYERS = (("false", "records", "Datensätze", "Records"), ("true", "eli", "Abgeleitete ELI-Schicht", "Derived ELI layer"))


def void(store: Store, base: str, dumps: Iterable[str] = ()) -> str:
    """Return the VoID description of a store as Turtle: both layers of graphs with their class and property partitions.

    dumps: addresses of the data dumps. Call it at build; it reads the whole store (about 5 seconds a million triples).
    """
    here = f"{base}/.well-known/void"
    totals = {row["eli"]: int(row["triples"]) for row in rows(store.query(TOTALS))}
    text = [PREFIXES, f"<{here}> a void:DatasetDescription ;\n    <http://xmlns.com/foaf/0.1/primaryTopic> <{here}#dataset> .\n\n"]
    text.append(f"<{here}#dataset> a void:Dataset ;\n    void:sparqlEndpoint <{base}/sparql> ;\n")
    text.append(f'    void:uriSpace "{base}/" ;\n    void:triples {sum(totals.values())} ;\n')
    text += [f"    void:dataDump <{dump}> ;\n" for dump in sorted(dumps)]
    text.append("    void:subset " + " , ".join(f"<{here}#{name}>" for _, name, _, _ in LAYERS) + " .\n")
    found = {query: list(rows(store.query(query))) for query in (PROPERTIES, CLASSES, CLASS_PROPERTIES)}
    for flag, name, german, english in LAYERS:
        triples = totals.get(flag, 0)
        text.append(f'\n<{here}#{name}> a void:Dataset ;\n    dcterms:title "{german}"@de , "{english}"@en ;\n')
        text.append(f"    void:triples {triples} ;\n")
        layer = {query: [row for row in result if row["eli"] == flag] for query, result in found.items()}
        text.append(f"    void:properties {len(layer[PROPERTIES])} ;\n    void:classes {len(layer[CLASSES])} .\n")
        text += _partitions(f"{here}#{name}", layer)
    return "".join(text)


def _partitions(subset: str, layer: dict[str, list[dict[str, str]]]) -> Iterator[str]:
    for row in layer[PROPERTIES]:
        part = f"{subset}-{_short(row['p'])}"
        yield f"<{subset}> void:propertyPartition <{part}> .\n<{part}> void:property <{row['p']}> ; "
        yield f"void:triples {row['triples']} ; void:distinctSubjects {row['subjects']} .\n"
    for row in layer[CLASSES]:
        part = f"{subset}-{_short(row['c'])}"
        yield f"<{subset}> void:classPartition <{part}> .\n<{part}> void:class <{row['c']}> ; void:entities {row['entities']} .\n"
    for row in layer[CLASS_PROPERTIES]:
        whole, part = f"{subset}-{_short(row['c'])}", f"{subset}-{_short(row['c'])}-{_short(row['p'])}"
        yield f"<{whole}> void:propertyPartition <{part}> .\n<{part}> void:property <{row['p']}> ; void:triples {row['triples']} .\n"


def _short(iri: str) -> str:
    return sha256(iri.encode()).hexdigest()[:12]
