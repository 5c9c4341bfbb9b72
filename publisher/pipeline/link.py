"""Links to other publishers and to lists (Wikidata, GND): proposed for review, and only the confirmed ones become triples."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from publisher.errors import Malformed
from publisher.iris import is_url
from publisher.record import parts
from publisher.search import folded

OWL, SKOS = "http://www.w3.org/2002/07/owl#", "http://www.w3.org/2004/02/skos/core#"
PREDICATES = {"owl:sameAs": OWL + "sameAs", "skos:exactMatch": SKOS + "exactMatch", "skos:closeMatch": SKOS + "closeMatch"}
STATES = ("proposed", "confirmed", "rejected")
NAMED = ("Body", "Organization", "Person")


class Link(NamedTuple):
    """One line of a linkset CSV. basis: why it is proposed. state: proposed | confirmed | rejected, which only people change."""

    subject: str
    predicate: str
    object: str
    basis: str
    state: str = "proposed"
    subject_name: str = ""
    object_name: str = ""
    reviewer: str = ""
    reviewed: str = ""


class Thing(NamedTuple):
    """What is linked, of either side. originals: ids of the source. place: AGS or ARS of its body, "" if unknown.

    external: the Body of another server that an Organization says it is of (OParl 1.1, Organization.externalBody).
    """

    iri: str
    type: str
    name: str
    originals: frozenset[str] = frozenset()
    place: str = ""
    external: str = ""


def things(objects: Iterable[dict[str, Any]]) -> Iterator[Thing]:
    """Yield what can be linked of OParl objects (lines of a dump), embedded ones too. Bodies must not come last: their AGS is needed."""
    places: dict[str, str] = {}
    for obj in objects:
        if obj.get("deleted"):
            continue
        if str(obj["type"]).endswith("/Body") and (key := obj.get("ags") or obj.get("rgs")):
            places[obj["id"]] = str(key)
        place = places.get(obj["id"] if str(obj["type"]).endswith("/Body") else str(obj.get("body", "")), "")
        for one in (obj, *(part for _, part in parts(obj))):
            originals = frozenset(str(url) for url in _list(one.get("owl:sameAs")))
            external = str(one.get("externalBody") or "")
            yield Thing(one["id"], str(one["type"]).rsplit("/", 1)[-1], str(one.get("name") or ""), originals, place, external)


def listed(text: str, place: str) -> list[Thing]:
    """Return the things of a list as CSV with the columns iri, name and, if known, type and ags. Raises Malformed."""
    reader = csv.DictReader(StringIO(text.removeprefix("\ufeff")))
    if not {"iri", "name"} <= set(reader.fieldnames or ()):
        raise Malformed(place, f"expected a CSV with the columns iri, name (type, ags), got {', '.join(reader.fieldnames or ())}")
    rows = [(number, row) for number, row in enumerate(reader, 2) if row["iri"]]
    for number, row in rows:
        if not is_url(row["iri"]):
            raise Malformed(f"{place}, line {number}", f"expected an IRI, got {row['iri']!r}")
    return [Thing(row["iri"], row.get("type") or "", row["name"] or "", frozenset(), row.get("ags") or "") for _, row in rows]


def dumped(path: Path, text: Iterable[bytes]) -> list[Thing]:
    """Return the things of a dump of OParl JSON lines, bodies first. Raises Malformed naming the line."""
    objects = []
    for number, line in enumerate(text, 1):
        try:
            objects.append(orjson.loads(line))
        except ValueError as error:
            raise Malformed(f"{path}, line {number}", f"expected one OParl object as JSON: {error}") from error
    return list(things(sorted(objects, key=lambda obj: not str(obj.get("type", "")).endswith("/Body"))))


def propose_links(ours: Iterable[Thing], theirs: Iterable[Thing]) -> list[Link]:
    """Return what of ours may be what of theirs, by IRI: by a common original id, by AGS, by a name in one place.

    owl:sameAs only where both name the same original; a person of the same name is a candidate (closeMatch) and no more.
    """
    by_original: dict[str, list[Thing]] = defaultdict(list)
    by_place: dict[str, list[Thing]] = defaultdict(list)
    by_name: dict[str, list[Thing]] = defaultdict(list)
    ours, theirs = sorted(ours), sorted(theirs)
    places = {iri: one.place for one in (*ours, *theirs) if one.type == "Body" for iri in (one.iri, *one.originals)}
    for other in (_abroad(one, places) for one in theirs):
        for url in (*sorted(other.originals), other.iri):
            by_original[url].append(other)
        if other.type in ("Body", "") and other.place:
            by_place[other.place].append(other)
        if other.name:
            by_name[_key(other.name)].append(other)
    found: dict[tuple[str, str], Link] = {}
    for own in (_abroad(one, places) for one in ours):
        for link in (*_same(own, by_original), *_placed(own, by_place), *_called(own, by_name)):
            if link.subject != link.object:
                found.setdefault((link.subject, link.object), link)
    return sorted(found.values())


def _abroad(one: Thing, places: Mapping[str, str]) -> Thing:
    """Place an organisation that is of another server's Body there, if that is known."""
    return one._replace(place=places[one.external]) if one.external in places else one


def _same(own: Thing, by_original: Mapping[str, list[Thing]]) -> Iterator[Link]:
    for url in (*sorted(own.originals), own.iri):
        for other in by_original.get(url, ()):
            yield _link(own, other, "owl:sameAs", f"same original: {url}")


def _placed(own: Thing, by_place: Mapping[str, list[Thing]]) -> Iterator[Link]:
    if own.type == "Body" and own.place:
        for other in by_place.get(own.place, ()):
            yield _link(own, other, "skos:exactMatch", f"same key of the municipality: {own.place}")


def _called(own: Thing, by_name: Mapping[str, list[Thing]]) -> Iterator[Link]:
    if own.type not in NAMED or not own.name:
        return
    for other in by_name.get(_key(own.name), ()):
        if other.type not in (own.type, "") or (own.place and other.place and own.place != other.place):
            continue
        if own.type == "Person":
            yield _link(own, other, "skos:closeMatch", "same name: a candidate only, people share names")
        elif own.place and own.place == other.place:
            yield _link(own, other, "skos:exactMatch", "same name in the same municipality")
        else:
            yield _link(own, other, "skos:closeMatch", "same name, municipality unknown")


def _key(name: str) -> str:
    return " ".join(sorted(re.findall(r"\w+", folded(name))))


def _link(own: Thing, other: Thing, predicate: str, basis: str) -> Link:
    return Link(own.iri, predicate, other.iri, basis, "proposed", own.name, other.name)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def merged(kept: Iterable[Link], proposed: Iterable[Link]) -> list[Link]:
    """Return a linkset after another run of proposals: what people decided stays, also what they rejected."""
    found = {(link.subject, link.object): link for link in proposed}
    found.update({(link.subject, link.object): link for link in kept if link.state != "proposed" or (link.subject, link.object) in found})
    return sorted(found.values())


def written(links: Iterable[Link]) -> str:
    """Return a linkset as CSV, for review in a spreadsheet."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(Link._fields)
    writer.writerows(links)
    return out.getvalue()


def read(text: str, place: str) -> list[Link]:
    """Return the links of a linkset CSV. Raises Malformed naming the line and what was expected there."""
    reader = csv.DictReader(StringIO(text.removeprefix("\ufeff")))
    lacking = [name for name in ("subject", "predicate", "object", "state") if name not in (reader.fieldnames or ())]
    if lacking:
        raise Malformed(place, f"expected the columns {', '.join(Link._fields)}; missing: {', '.join(lacking)}")
    links = []
    for number, row in enumerate(reader, 2):
        link = Link(**{name: row.get(name) or "" for name in Link._fields})
        if link.predicate not in PREDICATES or link.state not in STATES:
            raise Malformed(
                f"{place}, line {number}", f"expected a predicate of {', '.join(PREDICATES)} and a state of {', '.join(STATES)}"
            )
        if not is_url(link.subject) or not is_url(link.object) or re.search(r'[\s<>"{}|\\^`]', link.subject + link.object):
            raise Malformed(f"{place}, line {number}", "expected two IRIs")
        links.append(link)
    return links


def linksets(home: Path, base: str) -> dict[str, str]:
    """Return linkset -> N-Quads of the confirmed links in {home}/linksets/*.csv. Raises Malformed for a line that is none."""
    paths = sorted((home / "linksets").glob("*.csv"))
    return {path.stem: quads(base, path.stem, read(path.read_text("utf-8"), str(path))) for path in paths}


def quads(base: str, name: str, links: Iterable[Link], modified: str = "") -> str:
    """Return the confirmed links as N-Quads in the graph {base}/linkset/{name}, which says of itself what it is and where it comes from."""
    graph = f"<{base}/linkset/{name}>"
    confirmed = sorted({link for link in links if link.state == "confirmed"})
    rdf, void = "http://www.w3.org/1999/02/22-rdf-syntax-ns#", "http://rdfs.org/ns/void#"
    prov, xsd = "http://www.w3.org/ns/prov#", "http://www.w3.org/2001/XMLSchema#"
    lines = {f"<{link.subject}> <{PREDICATES[link.predicate]}> <{link.object}> {graph} ." for link in confirmed}
    lines.add(f"{graph} <{rdf}type> <{void}Linkset> {graph} .")
    lines |= {f"{graph} <{void}linkPredicate> <{PREDICATES[link.predicate]}> {graph} ." for link in confirmed}
    lines.add(f'{graph} <{void}triples> "{len({(one.subject, one.predicate, one.object) for one in confirmed})}"^^<{xsd}integer> {graph} .')
    reviewers = sorted({" ".join(link.reviewer.split()) for link in confirmed if link.reviewer.strip()})
    lines |= {f"{graph} <{prov}wasAttributedTo> <{base}/linkset/{name}/reviewer/{at}> {graph} ." for at, _ in enumerate(reviewers, 1)}
    for at, who in enumerate(reviewers, 1):
        text = who.replace("\\", "\\\\").replace('"', '\\"')
        lines.add(f'<{base}/linkset/{name}/reviewer/{at}> <http://xmlns.com/foaf/0.1/name> "{text}" {graph} .')
    if modified:
        lines.add(f'{graph} <{prov}generatedAtTime> "{modified}"^^<{xsd}dateTime> {graph} .')
    return "".join(f"{line}\n" for line in sorted(lines))
