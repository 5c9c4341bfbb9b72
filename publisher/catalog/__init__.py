"""The DCAT-AP.de 3.0 catalogue of an instance: what harvesters read to find each council's data, made once a release."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from publisher.catalog.tables import AUTHORITIES, CONCEPTS, DE, EU, FORMATS, LABELS, LICENSES, PLACES, SERVICES
from publisher.catalog.writing import WRITERS, XSD, Literal, Triple, term


class File(NamedTuple):
    """One dump. path: below {base}/, "dumps/05334/05334.nq.gz". format: a key of FORMATS. packed: "" | "gzip" | "zip"."""

    path: str
    format: str
    bytes: int
    sha256: str
    packed: str = "gzip"
    title: str = ""


class Dataset(NamedTuple):
    """One Body as harvesters see it. license: URL. key: AGS, ARS or Kreis key. start, end: days, "" if nothing is dated.

    issued, modified: RFC 3339, the data's own; counts: class -> how many live objects, for the description.
    """

    iri: str
    name: str
    key: str
    publisher: str
    contact: str
    license: str
    attribution: str = ""
    homepage: str = ""
    source: str = ""
    issued: str = ""
    modified: str = ""
    start: str = ""
    end: str = ""
    counts: Mapping[str, int] = {}
    files: tuple[File, ...] = ()


class Description(NamedTuple):
    """What a catalogue is made of. publisher and contact (mail or http address) of the instance; contributor: its dcat-ap.de
    contributor IRI, left out by a council that delivers through its Land's portal; language of titles is German."""

    base: str
    title: str
    publisher: str
    contact: str
    license: str
    datasets: tuple[Dataset, ...]
    contributor: str = ""
    homepage: str = ""
    frequency: str = "DAILY"


def missing(description: Description) -> list[str]:
    """Return, one sentence each, what has to be configured before there can be a valid catalogue; [] if nothing."""
    wanted = [f"catalogue: {key} is missing" for key in ("title", "publisher", "contact", "license") if not getattr(description, key)]
    for dataset in description.datasets:
        wanted += [f"{dataset.iri}: {key} is missing" for key in ("name", "publisher", "contact", "license") if not getattr(dataset, key)]
        wanted += [] if dataset.files else [f"{dataset.iri}: no dump was made"]
    places = [("catalogue", description.contact), *((one.iri, one.contact) for one in description.datasets)]
    wanted += [f"{where}: contact {text!r}: expected a mail or http address" for where, text in places if text and not _contact(text)]
    if description.contributor and not description.contributor.startswith(DE + "contributors/"):
        wanted.append(f"catalogue: contributor {description.contributor!r}: expected an IRI below {DE}contributors/")
    return wanted or ([] if description.datasets else ["catalogue: no body has been published yet"])


def german_license(url: str) -> str:
    """Return the dcat-ap.de licence IRI for any known spelling of a licence's address, else the address itself."""
    plain = url.lower().rstrip("/")
    return next((f"{DE}licenses/{key}" for key, spellings in LICENSES.items() if any(one in plain for one in spellings)), url)


def dataset_iri(base: str, body: str) -> str:
    """Return the IRI of a body's dataset: {base}/catalog/dataset/05334; it never changes, harvesters know the data by it."""
    return f"{base}/catalog/dataset/{body.removeprefix(f'{base}/id/').replace('/', '-')}"


def pages(description: Description, size: int = 100) -> list[list[Triple]]:
    """Return the catalogue as pages of `size` datasets; each page holds all that its datasets need, and names the next.

    ckanext-dcat parses each page on its own and follows hydra:next of either paging class; udata reads one predicate of
    each. Hence one node of both classes with both. The last page has no next. Call only if `missing` is empty.
    """
    chunks = [description.datasets[at : at + size] for at in range(0, len(description.datasets), size)]
    found = []
    for number, chunk in enumerate(chunks, 1):
        triples = [*_catalog(description, chunk), *_services(description, chunk)]
        for dataset in chunk:
            triples += _dataset(description, dataset)
        if len(chunks) > 1:
            triples += _paging(description, number, len(chunks))
        found.append(triples + list(_authorities(triples)))
    return found


def write(folder: Path, description: Description, size: int = 100) -> list[Path]:
    """Write page-N.{jsonld,ttl,rdf,nt} and dataset-KEY.* into the new directory `folder`; return the files. See `missing` first."""
    folder.mkdir(parents=True)
    made = [_files(folder, f"page-{number}", triples) for number, triples in enumerate(pages(description, size), 1)]
    for dataset in description.datasets:
        triples = list(_dataset(description, dataset))
        name = dataset_iri(description.base, dataset.iri).rsplit("/", 1)[-1]
        triples += _services(description, [dataset])
        made.append(_files(folder, f"dataset-{name}", triples + list(_authorities(triples))))
    return [path for files in made for path in files]


def _files(folder: Path, stem: str, triples: list[Triple]) -> list[Path]:
    paths = []
    for suffix, writer in WRITERS.items():
        paths.append(folder / f"{stem}.{suffix}")
        paths[-1].write_bytes(writer(triples))
    return paths


def _node(subject: str, *classes: str, **values: Iterable[str | Literal] | str | Literal | None) -> Iterator[Triple]:
    """Triples of one node; keys are prefixed names with "_" for ":", empty values are left out."""
    for name in classes:
        yield Triple(subject, term("rdf:type"), term(name))
    for key, value in values.items():
        many = [value] if isinstance(value, str | Literal) else list(value or ())
        for item in many:
            if item and (isinstance(item, str) or item.value):
                yield Triple(subject, term(key.replace("_", ":", 1)), item)


def _de(text: str) -> Literal:
    return Literal(" ".join(text.split()), "de")


def _en(text: str) -> Literal:
    return Literal(text, "en")


def _time(text: str) -> Literal | None:
    kind = "dateTime" if "T" in text else "date"
    return Literal(text, datatype=XSD + kind) if re.match(r"\d{4}-\d\d-\d\d", text) else None


def _catalog(description: Description, chunk: Iterable[Dataset]) -> Iterator[Triple]:
    base = description.base
    yield from _node(
        f"{base}/catalog",
        "dcat:Catalog",
        dct_title=_de(description.title),
        dct_description=[
            _de("Sitzungen, Vorlagen, Beschlüsse, Gremien und Personen kommunaler Vertretungen als verknüpfte offene Daten (OParl, ELI)."),
            _en("Meetings, papers, decisions, committees and members of local councils as linked open data (OParl, ELI)."),
        ],
        dct_publisher=f"{base}/catalog/publisher",
        dct_language=EU + "language/DEU",
        dct_license=german_license(description.license),
        dct_modified=_time(max((one.modified for one in description.datasets), default="")),
        dct_issued=_time(min((one.issued for one in description.datasets if one.issued), default="")),
        foaf_homepage=description.homepage,
        dcat_themeTaxonomy=EU + "data-theme",
        dcat_dataset=[dataset_iri(base, one.iri) for one in chunk],
        dcat_service=[f"{base}/catalog/service/{name}" for name in SERVICES],
    )
    if description.homepage:
        yield from _node(description.homepage, "foaf:Document")
    yield from _node(EU + "data-theme", "skos:ConceptScheme", dct_title=_de("Datenthemen"))
    yield from _agent(f"{base}/catalog/publisher", description.publisher)
    yield from _reach(f"{base}/catalog/contact", description.publisher, description.contact)


def _agent(iri: str, name: str) -> Iterator[Triple]:
    yield from _node(iri, "foaf:Agent", foaf_name=_de(name))


def _contact(text: str) -> str | None:
    if re.fullmatch(r"(mailto:)?[^@\s<>\"]+@[^@\s<>\"]+\.[^@\s<>\"]+", text):
        return text if text.startswith("mailto:") else f"mailto:{text}"
    return text if re.fullmatch(r"https?://[^\s<>\"]+", text) else None


def _reach(iri: str, name: str, contact: str) -> Iterator[Triple]:
    address = _contact(contact)
    mail = bool(address and address.startswith("mailto:"))
    key = "vcard_hasEmail" if mail else "vcard_hasURL"
    yield from _node(iri, "vcard:Kind", "vcard:Organization", vcard_fn=Literal(name), **{key: address})


def _dataset(description: Description, one: Dataset) -> Iterator[Triple]:
    base, iri = description.base, dataset_iri(description.base, one.iri)
    kind, level = PLACES.get(len(one.key), ("", ""))
    place = f"{DE}politicalGeocoding/{kind}/{one.key}" if kind else ""
    yield from _node(
        iri,
        "dcat:Dataset",
        dct_identifier=Literal(iri),
        dct_title=[_de(f"Ratsinformationen {one.name}"), _en(f"Council records of {one.name}")],
        dct_description=[_de(_described(one)), _en(f"Papers, meetings, decisions, committees and members of {one.name} as linked data.")],
        dct_publisher=f"{iri}/publisher",
        dcat_contactPoint=f"{iri}/contact",
        dcat_keyword=[_de(word) for word in ("Ratsinformationssystem", "Kommunalpolitik", "OParl", "Sitzung", "Vorlage", "Beschluss")],
        dcat_theme=EU + "data-theme/GOVE",
        dcat_landingPage=one.iri,
        dct_language=EU + "language/DEU",
        dct_accrualPeriodicity=EU + f"frequency/{description.frequency}",
        dct_accessRights=EU + "access-right/PUBLIC",
        dct_issued=_time(one.issued),
        dct_modified=_time(one.modified),
        dct_spatial=place,
        dct_temporal=f"{iri}/temporal" if one.start or one.end else "",
        dcatde_politicalGeocodingLevelURI=f"{DE}politicalGeocoding/Level/{level}" if level else "",
        dcatde_contributorID=description.contributor,
        dcat_distribution=[f"{iri}/stream", *(distribution_iri(iri, file) for file in one.files)],
    )
    yield from _node(one.iri, "foaf:Document")
    yield from _agent(f"{iri}/publisher", one.publisher)
    yield from _reach(f"{iri}/contact", one.publisher, one.contact)
    if place:
        yield from _node(place, "dct:Location", dct_identifier=Literal(one.key))
    if one.start or one.end:
        yield from _node(f"{iri}/temporal", "dct:PeriodOfTime", dcat_startDate=_time(one.start), dcat_endDate=_time(one.end))
    for file in one.files:
        yield from _distribution(base, iri, one, file)
    yield from _node(
        f"{iri}/stream",
        "dcat:Distribution",
        dct_title=_de(f"{one.name}: Änderungsstrom (LDES)"),
        dcat_accessURL=f"{base}/stream",
        dct_license=german_license(one.license),
        dcatde_licenseAttributionByText=_de(one.attribution),
        dct_format=EU + "file-type/JSON_LD",
        dcat_mediaType="http://www.iana.org/assignments/media-types/application/ld+json",
        dct_modified=_time(one.modified),
        dcatap_availability=EU + "planned-availability/STABLE",
        dcat_accessService=f"{base}/catalog/service/stream",
    )


def _described(one: Dataset) -> str:
    counted = ", ".join(f"{one.counts[cls]} {word}" for cls, word in LABELS.items() if one.counts.get(cls))
    text = f"Vorlagen, Sitzungen, Beratungsfolgen, Beschlüsse, Gremien und Mitglieder von {one.name} als verknüpfte offene Daten."
    origin = f" Quelle: {one.source}" if one.source else ""
    return (f"{text} Umfang: {counted}." if counted else text) + origin


def distribution_iri(dataset: str, file: File) -> str:
    return f"{dataset}/{file.path.rsplit('/', 1)[-1].replace('.', '-')}"


def _distribution(base: str, dataset: str, one: Dataset, file: File) -> Iterator[Triple]:
    iri, (file_type, media) = distribution_iri(dataset, file), FORMATS[file.format]
    packed = {"gzip": "application/gzip", "zip": "application/zip"}.get(file.packed, "")
    license = german_license(one.license)
    yield from _node(
        iri,
        "dcat:Distribution",
        dct_title=_de(file.title or f"{one.name}: {file.path.rsplit('/', 1)[-1]}"),
        dcat_accessURL=f"{base}/{file.path}",
        dcat_downloadURL=f"{base}/{file.path}",
        dct_license=license,
        dcatde_licenseAttributionByText=_de(one.attribution),
        dct_format=EU + f"file-type/{file_type}",
        dcat_mediaType=f"http://www.iana.org/assignments/media-types/{media}",
        dcat_compressFormat=f"http://www.iana.org/assignments/media-types/{packed}" if packed else "",
        dcat_byteSize=Literal(str(file.bytes), datatype=XSD + "nonNegativeInteger"),
        dct_modified=_time(one.modified),
        dct_issued=_time(one.issued),
        dcatap_availability=EU + "planned-availability/STABLE",
        dcat_accessService=[f"{base}/catalog/service/{name}" for name in SERVICES],
        spdx_checksum=f"{iri}/checksum",
    )
    digest = Literal(file.sha256, datatype=XSD + "hexBinary")
    algorithm = term("spdx:checksumAlgorithm_sha256")
    yield from _node(f"{iri}/checksum", "spdx:Checksum", spdx_checksumValue=digest, spdx_algorithm=algorithm)
    yield from _node(algorithm, "spdx:ChecksumAlgorithm")


def _services(description: Description, chunk: Iterable[Dataset]) -> Iterator[Triple]:
    base = description.base
    for name, (german, english, path, standard) in SERVICES.items():
        iri = f"{base}/catalog/service/{name}"
        yield from _node(
            iri,
            "dcat:DataService",
            dct_identifier=Literal(iri),
            dct_title=[_de(german), _en(english)],
            dct_publisher=f"{base}/catalog/publisher",
            dcat_contactPoint=f"{base}/catalog/contact",
            dcat_endpointURL=f"{base}/{path}",
            dct_license=german_license(description.license),
            dct_conformsTo=standard,
            dcat_servesDataset=[dataset_iri(base, one.iri) for one in chunk],
        )
        yield from _node(standard, "dct:Standard")
    yield from _agent(f"{base}/catalog/publisher", description.publisher)
    yield from _reach(f"{base}/catalog/contact", description.publisher, description.contact)


def page_url(base: str, number: int) -> str:
    """Return the address of a catalogue page; the first is the catalogue itself."""
    return f"{base}/catalog" if number == 1 else f"{base}/catalog?page={number}"


def _paging(description: Description, number: int, last: int) -> Iterator[Triple]:
    base = description.base
    following = page_url(base, number + 1) if number < last else ""
    total = Literal(str(len(description.datasets)), datatype=XSD + "integer")
    yield from _node(
        f"{base}/catalog?page={number}",
        "hydra:PartialCollectionView",
        "hydra:PagedCollection",
        hydra_totalItems=total,
        hydra_first=page_url(base, 1),
        hydra_firstPage=page_url(base, 1),
        hydra_last=page_url(base, last),
        hydra_lastPage=page_url(base, last),
        hydra_next=following,
        hydra_nextPage=following,
    )


def _authorities(triples: Iterable[Triple]) -> Iterator[Triple]:
    """Say of each term from an authority table what it is, so that a page stands alone."""
    license = term("dct:license")
    for triple in triples:
        value = triple.object
        if not isinstance(value, str):
            continue
        known = next(((cls, scheme) for start, cls, scheme in AUTHORITIES if value.startswith(start)), None)
        if known is None and triple.predicate == license:
            known = ("dct:LicenseDocument", "")
        if known:
            name = value.rsplit("/", 1)[-1]
            label = _de(CONCEPTS.get(name, name)) if known[0] == "skos:Concept" else None
            yield from _node(value, known[0], skos_inScheme=known[1], skos_prefLabel=label)
