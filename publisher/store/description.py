"""What the dataset and the endpoint say about themselves: VoID with its counts, the SPARQL service description with its limits."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from itertools import chain
from typing import Any

import pyoxigraph as ox

from publisher.store import Store, rows
from publisher.store.limits import Limits
from publisher.store.oxigraph import GRAPH_FORMATS
from publisher.store.partitions import Partitions

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
LAYERS = ((False, "records", "Datensätze", "Records"), (True, "eli", "Abgeleitete ELI-Schicht", "Derived ELI layer"))


def counted(store: Store) -> Partitions:
    """Return the counts of a store by queries that read all of it (about 5 seconds a million triples): where nobody counted along."""

    def found(query: str, kind: str, *names: str, of: str = "triples") -> Iterator[tuple[tuple[Any, ...], int]]:
        for row in rows(store.query(query)):
            yield (kind, row["eli"] == "true", *(f"<{row[name]}>" for name in names)), int(row[of])

    return Partitions(
        chain(
            found(TOTALS, "t"),
            found(PROPERTIES, "p", "p"),
            found(PROPERTIES, "s", "p", of="subjects"),
            found(CLASSES, "c", "c", of="entities"),
            found(CLASS_PROPERTIES, "cp", "c", "p"),
        )
    )


def void(counts: Partitions, base: str, dumps: Iterable[str] = ()) -> str:
    """Return the VoID description of a dataset as Turtle: both layers of graphs with their class and property partitions.

    dumps: addresses of the data dumps.
    """
    here = f"{base}/.well-known/void"
    totals = [sum(row[0] for row in counts.rows("t", eli)) for eli in (False, True)]
    text = [PREFIXES, f"<{here}> a void:DatasetDescription ;\n    <http://xmlns.com/foaf/0.1/primaryTopic> <{here}#dataset> .\n\n"]
    text.append(f"<{here}#dataset> a void:Dataset ;\n    void:sparqlEndpoint <{base}/sparql> ;\n")
    text.append(f'    void:uriSpace "{base}/" ;\n    void:triples {sum(totals)} ;\n')
    text += [f"    void:dataDump <{dump}> ;\n" for dump in sorted(dumps)]
    text.append("    void:subset " + " , ".join(f"<{here}#{name}>" for _, name, _, _ in LAYERS) + " .\n")
    for eli, name, german, english in LAYERS:
        text.append(f'\n<{here}#{name}> a void:Dataset ;\n    dcterms:title "{german}"@de , "{english}"@en ;\n')
        text.append(f"    void:triples {totals[eli]} ;\n    void:properties {len(list(counts.rows('p', eli)))} ;\n")
        text.append(f"    void:classes {len(list(counts.rows('c', eli)))} .\n")
        text += _partitions(f"{here}#{name}", counts, eli)
    return "".join(text)


def _partitions(subset: str, counts: Partitions, eli: bool) -> Iterator[str]:
    subjects = dict(counts.rows("s", eli))
    for name, triples in counts.rows("p", eli):
        part = f"{subset}-{_short(name)}"
        yield f"<{subset}> void:propertyPartition <{part}> .\n<{part}> void:property {name} ; "
        yield f"void:triples {triples} ; void:distinctSubjects {subjects[name]} .\n"
    for name, entities in counts.rows("c", eli):
        part = f"{subset}-{_short(name)}"
        yield f"<{subset}> void:classPartition <{part}> .\n<{part}> void:class {name} ; void:entities {entities} .\n"
    for cls, name, triples in counts.rows("cp", eli):
        whole, part = f"{subset}-{_short(cls)}", f"{subset}-{_short(cls)}-{_short(name)}"
        yield f"<{whole}> void:propertyPartition <{part}> .\n<{part}> void:property {name} ; void:triples {triples} .\n"


def _short(term: str) -> str:
    return sha256(term[1:-1].encode()).hexdigest()[:12]
