"""What the record of an organization, a membership, a body or a location says in the EU's core vocabularies."""

import re
from collections.abc import Iterator
from typing import Any

from publisher.concepts import Concepts
from publisher.graph.facts import (
    ADMS,
    CRS84,
    DCAT,
    DCT,
    GEO,
    GEOCODING,
    LOCN,
    ORG,
    SDO,
    SKOS,
    Facts,
    Lookup,
    every,
    german,
    iris,
    looked_up,
    meant,
    on_day,
    plain,
    texts,
)
from publisher.graph.mapper import canonical
from publisher.ontology import OPARLX, RDF_TYPE
from publisher.record import SCHEMA

POINT = re.compile(r'.*"geometry":\{"coordinates":\[(-?[0-9.]{1,40}),(-?[0-9.]{1,40})[^\]]{0,80}\],"type":"Point"\}')
PART_OF_ITS_BODY = ("gremium", "fraktion", "verwaltungsbereich")
ADDRESS = (
    ("streetAddress", "thoroughfare"),
    ("postalCode", "postCode"),
    ("locality", "postName"),
    ("subLocality", "addressArea"),
    ("room", "locatorName"),
)
KEYS = (("ags", 8, "municipalityKey"), ("ags", 5, "districtKey"), ("rgs", 12, "regionalKey"))


def organization(organization: dict[str, Any], lookup: Lookup, known: Concepts) -> Facts:  # noqa: ARG001
    """Yield what kind an organization is, and whether it is part of its body. The query: ontology/eli/Organization.rq."""
    me = f"<{organization['id']}>"
    for kind in meant(organization, "organizationType", "organization-type", known):
        yield f"{me} <{ORG}classification> <{kind}>"
        name = kind.rsplit("/", 1)[-1]
        if name == "verwaltungsbereich":
            yield f"{me} <{RDF_TYPE}> <{ORG}OrganizationalUnit>"
        if name == "partei":
            yield f"{me} <{RDF_TYPE}> <{SDO}PoliticalParty>"
        if name in PART_OF_ITS_BODY:
            for body in iris(organization, "body"):
                yield f"{me} <{ORG}subOrganizationOf> <{body}>"
    for kind in meant(organization, "classification", "organization-class", known):
        yield f"{me} <{ORG}classification> <{kind}>"


def membership(membership: dict[str, Any], lookup: Lookup, known: Concepts) -> Facts:  # noqa: ARG001
    """Yield a membership's role and the time for which it holds. The query: ontology/eli/Membership.rq."""
    me, time = f"<{membership['id']}>", f"<{membership['id']}/zeitraum>"
    for role in meant(membership, "role", "membership-role", known):
        yield f"{me} <{ORG}role> <{role}>"
    if "startDate" in membership or "endDate" in membership:
        yield f"{me} <{ORG}memberDuring> {time}"
        yield f"{time} <{RDF_TYPE}> <{DCT}PeriodOfTime>"
    for key in ("startDate", "endDate"):
        for day in every(membership, key):
            yield f"{time} <{DCAT}{key}> {on_day(day)}"


def body(body: dict[str, Any], lookup: Lookup, known: Concepts) -> Facts:  # noqa: ARG001
    """Yield a body's kind, its official keys and the place they name in DCAT-AP.de. The query: ontology/eli/Body.rq."""
    me = f"<{body['id']}>"
    for kind in meant(body, "classification", "body-type", known):
        yield f"{me} <{ORG}classification> <{kind}>"
    for key, length, scheme in KEYS:
        for code in texts(body, key):
            if re.fullmatch(rf"[0-9]{{{length}}}", code):
                yield f"{me} <{ADMS}identifier> <{body['id']}/{key}>"
                yield f"{me} <{DCT}spatial> <{GEOCODING}{scheme}/{code}>"
                yield f"<{body['id']}/{key}> <{RDF_TYPE}> <{ADMS}Identifier>"
                yield f"<{body['id']}/{key}> <{SKOS}notation> {plain(code)}"


def location(location: dict[str, Any], lookup: Lookup, known: Concepts) -> Facts:  # noqa: ARG001
    """Yield a location's address, and its point in CRS84 if that lies in Germany. The query: ontology/eli/Location.rq."""
    me, address, geometry = (f"<{location['id']}{tail}>" for tail in ("", "/anschrift", "/geometrie"))
    said = [(name, key, value) for key, name in ADDRESS for value in every(location, key)]
    if said:
        yield f"{me} <{LOCN}address> {address}"
        yield f"{address} <{RDF_TYPE}> <{LOCN}Address>"
    for name, key, value in said:
        yield f"{address} <{LOCN}{name}> {plain(value) if key == 'postalCode' else german(value)}"
    point = POINT.match(canonical(location["geojson"])) if "geojson" in location else None
    if point and _in_germany(*point.groups()):
        yield f"{me} <{LOCN}geometry> {geometry}"
        yield f"{geometry} <{RDF_TYPE}> <{LOCN}Geometry>"
        yield f"{geometry} <{RDF_TYPE}> <{GEO}Geometry>"
        yield f'{geometry} <{GEO}asWKT> "{CRS84} POINT({point[1]} {point[2]})"^^<{GEO}wktLiteral>'


def _in_germany(longitude: str, latitude: str) -> bool:
    return 5.5 <= float(longitude) <= 15.5 and 47 <= float(latitude) <= 55.5


def license_state(record: dict[str, Any], lookup: Lookup) -> Facts:
    """Yield whether and from where a record's licence is known, and the licence if inherited. The query: ontology/eli/License.rq."""
    me, above = f"<{record['id']}>", list(_above(record, lookup))
    inherited = [] if _states(record) else next((iris(one, "license") for one in above if "license" in one), [])
    if "license" in record:
        state = "Stated"
    elif inherited:
        state = "Inherited"
    else:
        state = "InWords" if any("oparlx:licenseText" in one for one in (record, *above)) else "NotStated"
    yield f"{me} <{OPARLX}licenseState> <{OPARLX}License{state}>"
    for license in inherited:
        yield f"{me} <{DCT}license> <{license}>"


def _states(record: dict[str, Any]) -> bool:
    return "license" in record or "oparlx:licenseText" in record


def _above(record: dict[str, Any], lookup: Lookup) -> Iterator[dict[str, Any]]:
    """Yield the record's body and its system: in OParl a licence passes down from System to Body to object."""
    if record["type"] != f"{SCHEMA}System":
        body = looked_up(record, "body", lookup)
        yield from (body, looked_up(body or record, "system", lookup))
