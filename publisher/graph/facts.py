"""Namespaces of the derived layer, its literals, and the values of a key whatever their number."""

from collections.abc import Callable, Iterator
from typing import Any

from publisher.concepts import Concepts
from publisher.graph.mapper import escaped, native
from publisher.ontology import XSD

Lookup = Callable[[str], dict[str, Any] | None]
Facts = Iterator[str]

ELI = "http://data.europa.eu/eli/ontology#"
DL = "http://data.europa.eu/eli/eli-draft-legislation-ontology#"
DCT = "http://purl.org/dc/terms/"
DCAT = "http://www.w3.org/ns/dcat#"
ORG = "http://www.w3.org/ns/org#"
LOCN = "http://www.w3.org/ns/locn#"
GEO = "http://www.opengis.net/ont/geosparql#"
ADMS = "http://www.w3.org/ns/adms#"
SKOS = "http://www.w3.org/2004/02/skos/core#"
SDO = "http://schema.org/"
DERIVED_FROM = "http://www.w3.org/ns/prov#wasDerivedFrom"
GERMAN = "<http://publications.europa.eu/resource/authority/language/DEU>"
ACCESS = "http://publications.europa.eu/resource/authority/access-right/"
MEDIA_TYPES = "https://www.iana.org/assignments/media-types/"
GEOCODING = "http://dcat-ap.de/def/politicalGeocoding/"
CRS84 = "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"


def every(obj: dict[str, Any], key: str) -> list[Any]:
    """Return the values of a key as a list, whether OParl gives one, many or none."""
    value = obj.get(key)
    return value if isinstance(value, list) else [] if value is None else [value]


def texts(obj: dict[str, Any], key: str) -> list[str]:
    """Return the values of a key that are text."""
    return [value for value in every(obj, key) if isinstance(value, str)]


def iris(obj: dict[str, Any], key: str) -> list[str]:
    """Return the IRIs that a key refers to, embedded objects by their id."""
    return [value["id"] if isinstance(value, dict) else value for value in every(obj, key)]


def looked_up(obj: dict[str, Any], key: str, lookup: Lookup) -> dict[str, Any]:
    """Return the one thing that `key` refers to, empty where it is unknown."""
    value = obj.get(key)
    if isinstance(value, dict):
        return value
    return (lookup(value) if isinstance(value, str) else None) or {}


def meant(obj: dict[str, Any], key: str, scheme: str, known: Concepts) -> list[str]:
    """Return the IRIs of the concepts that the words under a key mean."""
    return [iri for text in texts(obj, key) if (iri := known.resolve(scheme, text))]


def german(value: Any) -> str:
    """Return the literal that the mapper writes for a key with German text."""
    return f'"{escaped(value)}"@de' if isinstance(value, str) else native(value).strip()


def plain(value: Any) -> str:
    """Return the literal that the mapper writes for a key without language."""
    return f'"{escaped(value)}"' if isinstance(value, str) else native(value).strip()


def on_day(day: str) -> str:
    """Return the xsd:date literal of "2024-03-14"."""
    return f'"{escaped(day)}"^^<{XSD}date>'
