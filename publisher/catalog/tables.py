"""What the catalogue knows of others' vocabularies: licences, places, formats, authority terms; and our services."""

EU = "http://publications.europa.eu/resource/authority/"
DE = "http://dcat-ap.de/def/"
LICENSES = {
    "dl-by-de/2.0": ("govdata.de/dl-de/by-2-0", "dl-by-de/2.0"),
    "dl-zero-de/2.0": ("govdata.de/dl-de/zero-2-0", "dl-zero-de/2.0"),
    "cc-by/4.0": ("creativecommons.org/licenses/by/4.0",),
    "cc-by-sa/4.0": ("creativecommons.org/licenses/by-sa/4.0",),
    "cc-zero": ("creativecommons.org/publicdomain/zero/1.0", "licenses/cc-zero"),
}
# digits of a key -> (dcat-ap.de list of keys, level); the ARS has 12 digits, the Verband's 9, the AGS 8, the Kreis 5
PLACES = {
    2: ("stateKey", "state"),
    5: ("districtKey", "administrativeDistrict"),
    8: ("municipalityKey", "municipality"),
    12: ("regionalKey", "municipality"),
}
# file name ending -> (EU file type, IANA media type)
FORMATS = {
    "nq": ("RDF_N_QUADS", "application/n-quads"),
    "ttl": ("RDF_TURTLE", "text/turtle"),
    "jsonl": ("JSON", "application/json"),
    "csv": ("CSV", "text/csv"),
    "zip": ("CSV", "text/csv"),
    "jsonld": ("JSON_LD", "application/ld+json"),
}

# IRI start -> (class, scheme or ""): what the shapes and readers without the authority tables need to know of a term
AUTHORITIES = (
    (EU + "language/", "dct:LinguisticSystem", EU + "language"),
    (EU + "frequency/", "dct:Frequency", EU + "frequency"),
    (EU + "file-type/", "dct:MediaTypeOrExtent", EU + "file-type"),
    (EU + "access-right/", "dct:RightsStatement", EU + "access-right"),
    (EU + "data-theme/", "skos:Concept", EU + "data-theme"),
    (EU + "planned-availability/", "skos:Concept", EU + "planned-availability"),
    (DE + "licenses/", "dct:LicenseDocument", DE + "licenses"),
    (DE + "contributors/", "skos:Concept", DE + "contributors"),
    (DE + "politicalGeocoding/Level/", "skos:Concept", DE + "politicalGeocoding/Level"),
    ("http://www.iana.org/assignments/media-types/", "dct:MediaType", ""),
)
CONCEPTS = {
    "GOVE": "Regierung und öffentlicher Sektor",
    "STABLE": "dauerhaft",
    "municipality": "Gemeinde",
    "administrativeDistrict": "Kreis",
    "state": "Land",
}

# name -> (German, English, path, standard)
SERVICES = {
    "sparql": ("SPARQL-Abfragedienst", "SPARQL endpoint", "sparql", "https://www.w3.org/TR/sparql11-protocol/"),
    "oparl": ("OParl-Schnittstelle", "OParl API", "oparl/system", "https://oparl.org/spezifikation/"),
    "stream": ("Änderungsstrom (LDES)", "Event stream (LDES)", "stream", "https://w3id.org/ldes/specification"),
    "reconcile": ("Abgleichdienst", "Reconciliation service", "reconcile", "https://www.w3.org/community/reports/reconciliation/CG-FINAL-specs-0.2-20230410/"),
}  # fmt: skip

LABELS = {"Paper": "Vorlagen", "Meeting": "Sitzungen", "Organization": "Gremien", "Person": "Personen"}
