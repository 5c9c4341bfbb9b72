"""The ELI and ELI-DL layer of a record, written straight as N-Quads; the queries in ontology/eli say the same and are its oracle."""

import re
from collections.abc import Collection, Iterable, Iterator
from hashlib import sha256
from typing import Any

from publisher.concepts import Concepts, mark_of
from publisher.graph import core
from publisher.graph.facts import (
    ACCESS,
    ADMS,
    DCT,
    DERIVED_FROM,
    DL,
    ELI,
    GERMAN,
    MEDIA_TYPES,
    SDO,
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
from publisher.graph.mapper import native
from publisher.ontology import OPARLX, RDF_TYPE
from publisher.record import SCHEMA, parts

MIME_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]+")
ONLY_LISTENS = ("kenntnisnahme", "anhoerung")
WORKS = (
    ("invitation", "einladung", "documented_by_a_realization_of"),
    ("resultsProtocol", "niederschrift", "recorded_in_a_realization_of"),
    ("verbatimProtocol", "wortprotokoll", "recorded_in_a_realization_of"),
)
WORDS = {
    "Paper": (("paperType", "paper-type"),),
    "Consultation": (("role", "consultation-role"),),
    "Meeting": (("meetingState", "meeting-state"),),
    "AgendaItem": (("result", "result"),),
    "Organization": (("organizationType", "organization-type"), ("classification", "organization-class")),
    "Membership": (("role", "membership-role"),),
    "Body": (("classification", "body-type"),),
}
"""Class -> keys whose free words have a concept scheme."""


def derived(obj: dict[str, Any], lookup: Lookup, known: Concepts, without: Collection[str] = ()) -> Iterator[str]:
    """Yield the N-Quads of a record's derived layer, in the graph `{id}/eli`, embedded objects included; none for a tombstone.

    `lookup` gives the JSON of another record or of a part by its IRI: a decision stands in the meeting's agenda item,
    a consultation's day in its meeting. `needs` names what is looked up. without: parts that another record describes.
    """
    tail = f" <{obj['id']}/eli> .\n"
    if obj.get("deleted") is True:
        return
    for fact in core.license_state(obj, lookup):
        yield fact + tail
    for one in (obj, *(part for _, part in parts(obj))):
        facts = FACTS.get(one["type"])
        if facts is not None and one["id"] not in without:
            for fact in facts(one, lookup, known):
                yield fact + tail


def needs(obj: dict[str, Any]) -> Iterator[str]:
    """Yield the IRIs on which the derived layer of a record depends beside the record itself; when one changes, so does the layer."""
    yield from (iri for key in ("body", "system") for iri in iris(obj, key))
    for one in (obj, *(part for _, part in parts(obj))):
        if one["type"] == SCHEMA + "Consultation":
            yield from (iri for key in ("agendaItem", "meeting") for iri in iris(one, key))
            if one is obj:
                yield from iris(one, "paper")


def readings(objects: Iterable[dict[str, Any]], known: Concepts) -> Iterator[str]:
    """Yield as N-Triples what every free word in these records means: the oparlx:Reading nodes that ontology/eli/*.rq match."""
    seen = set()
    for obj in objects:
        for one in (obj, *(part for _, part in parts(obj))):
            for key, scheme in WORDS.get(one["type"].rsplit("/", 1)[-1], ()):
                for text in texts(one, key):
                    if (scheme, text) not in seen:
                        seen.add((scheme, text))
                        yield from _reading(scheme, text, known)


def _reading(scheme: str, text: str, known: Concepts) -> Facts:
    node = f"<{known.base}/reading/{scheme}/{sha256(text.encode()).hexdigest()[:16]}>"
    facts = [f"{OPARLX}reads> {german(text)}", f'{OPARLX}scheme> "{scheme}"']
    if scheme == "result":
        result = known.result(text)
        decided = known.decided(result)
        facts += [f"{OPARLX}means> <{result.outcome}>"] if result.outcome else []
        facts += [f"{OPARLX}majority> <{result.majority}>"] if result.majority else []
        facts += [f"{OPARLX}amended> {native(result.amended)}"] if result.amended is not None else []
        facts += [f"{OPARLX}number> {plain(mark)}"] if (mark := known.selected(text)) else []
        facts += [
            f"{DL}number_of_votes_{kind}> {native(n)}"
            for kind, n in (result.votes._asdict() if result.votes else {}).items()
            if n is not None
        ]
    else:
        decided = known.decisive(text) if scheme == "consultation-role" else None
        concept = known.resolve(scheme, text)
        facts += [f"{OPARLX}means> <{concept}>"] if concept else []
    facts += [f"{OPARLX}isDecisive> {native(decided)}"] if decided is not None else []
    yield from (f"{node} <{fact} .\n" for fact in facts)


def _paper(paper: dict[str, Any], lookup: Lookup, known: Concepts) -> Facts:
    iri = paper["id"]
    if "/eli/dl/" not in iri:
        return
    me, expression, process = f"<{iri}>", f"<{iri}/deu>", f"<{iri}/verfahren>"
    names = [german(name) for name in every(paper, "name")]
    yield from _expression(me, expression, names, iris(paper, "mainFile"))
    for concept in meant(paper, "paperType", "paper-type", known):
        yield f"{me} <{ELI}work_type> <{concept}>"
        yield f"{me} <{DL}legislative_process_work_type> <{concept}>"
    yield f"{process} <{RDF_TYPE}> <{DL}Process>"
    yield f"{process} <{RDF_TYPE}> <{DL}Activity>"
    yield f"{process} <{DL}based_on_a_realization_of> {me}"
    for name in names:
        yield f"{process} <{DL}process_title> {name}"
    for reference in every(paper, "reference"):
        yield f"{process} <{DL}process_number> {plain(reference)}"
    for office in iris(paper, "underDirectionOf"):
        yield f"{process} <{DL}had_responsible_organization> <{office}>"
    for originator in (*iris(paper, "originatorOrganization"), *iris(paper, "originatorPerson")):
        yield f"{process} <{DL}was_submitted_by> <{originator}>"
    for part in (*iris(paper, "oparlx:section"), *iris(paper, "oparlx:proposal")):
        yield f"<{part}> <{ELI}is_part_of> {me}"
    for proposal in paper.get("oparlx:proposal", ()):
        for other in iris(proposal, "oparlx:alternativeTo") if isinstance(proposal, dict) else ():
            yield f"<{other}> <{OPARLX}alternativeTo> <{proposal['id']}>"
    for lower in iris(paper, "subordinatedPaper"):
        yield f"<{lower}> <{SCHEMA}superordinatedPaper> {me}"
    yield from _order(paper, lookup)


def _expression(work: str, expression: str, titles: list[str], files: list[str]) -> Facts:
    yield f"{work} <{ELI}is_realized_by> {expression}"
    yield f"{expression} <{RDF_TYPE}> <{ELI}Expression>"
    yield f"{expression} <{ELI}realizes> {work}"
    yield f"{expression} <{ELI}language> {GERMAN}"
    for title in titles:
        yield f"{expression} <{ELI}title> {title}"
    for file in files:
        yield f"{expression} <{ELI}is_embodied_by> <{file}>"
        yield f"<{file}> <{ELI}embodies> {expression}"


def _order(paper: dict[str, Any], lookup: Lookup) -> Facts:
    """Yield the place of each embedded consultation among the days on which its paper is consulted; one day, one place."""
    found = [(item["id"], _day(item, lookup)) for item in paper.get("consultation", ()) if isinstance(item, dict)]
    days = sorted(day for _, day in found if day)
    for iri, day in found:
        if day:
            yield f"<{iri}> <{DL}activity_order> {native(days.index(day) + 1)}"


def _day(consultation: dict[str, Any], lookup: Lookup) -> str | None:
    own: str | None = consultation.get("oparlx:day")
    return own or _met(consultation, lookup)


def _met(consultation: dict[str, Any], lookup: Lookup) -> str | None:
    meeting = looked_up(consultation, "meeting", lookup)
    start: str = meeting.get("start", "")
    return start[:10] or meeting.get("oparlx:day")


def _consultation(consultation: dict[str, Any], lookup: Lookup, known: Concepts) -> Facts:
    me = f"<{consultation['id']}>"
    papers = [iri for iri in iris(consultation, "paper") if "/eli/dl/" in iri]
    for paper in papers:
        yield f"{me} <{DL}forms_part_of> <{paper}/verfahren>"
        yield f"<{paper}/verfahren> <{DL}consists_of> {me}"
    for role in meant(consultation, "role", "consultation-role", known):
        yield f"{me} <{DL}had_activity_type> <{role}>"
    if "oparlx:day" not in consultation and (met := _met(consultation, lookup)):
        yield f"{me} <{DL}activity_date> {on_day(met)}"
    if papers and "/beratung/" in consultation["id"]:
        yield from _decision(consultation, papers[0], lookup, known)


def _decision(consultation: dict[str, Any], paper: str, lookup: Lookup, known: Concepts) -> Facts:
    item = looked_up(consultation, "agendaItem", lookup)
    text = next(iter(texts(item, "result")), None)
    if item.get("deleted") or (text is None and "resolutionText" not in item):
        return
    result = known.result(text) if text is not None else None
    if not _is_decided(consultation, known.decided(result) if result else None, known):
        return
    me, activity = f"<{paper}/beschluss/{consultation['id'].partition('/beratung/')[2]}>", f"<{consultation['id']}>"
    for kind in ("Decision", "Activity", "Vote") if result and result.votes else ("Decision", "Activity"):
        yield f"{me} <{RDF_TYPE}> <{DL}{kind}>"
    yield f"{me} <{DL}forms_part_of> {activity}"
    yield f"{activity} <{DL}consists_of> {me}"
    yield f"{me} <{DL}decided_on_a_realization_of> <{paper}>"
    yield f"{me} <{DERIVED_FROM}> <{item['id']}>"
    if decider := _decider(consultation, lookup):
        yield f"{me} <{DL}had_responsible_organization> <{decider}>"
    if day := _day(consultation, lookup):
        yield f"{me} <{DL}activity_date> {on_day(day)}"
    if result and result.outcome:
        yield f"{me} <{DL}decision_outcome> <{result.outcome}>"
    if result and result.majority:
        yield f"{me} <{OPARLX}majority> <{result.majority}>"
    if result and result.amended is not None:
        yield f"{me} <{OPARLX}amended> {native(result.amended)}"
    mark = known.selected(text) if text is not None else ""
    if mark and (proposal := _selected(lookup(paper) or {}, mark)):
        yield f"{me} <{OPARLX}selectedProposal> <{proposal}>"
    for kind, number in (result.votes._asdict() if result and result.votes else {}).items():
        if number is not None:
            yield f"{me} <{DL}number_of_votes_{kind}> {native(number)}"


def _selected(paper: dict[str, Any], mark: str) -> str:
    """Return the only proposal of a paper that carries the mark, "" if none or several do."""
    every = [one for one in paper.get("oparlx:proposal", ()) if isinstance(one, dict)]
    found = [one["id"] for one in every if mark_of(str(one.get("oparlx:number", ""))) == mark]
    return found[0] if len(found) == 1 else ""


def _is_decided(consultation: dict[str, Any], decided: bool | None, known: Concepts) -> bool:
    """Tell whether role, system and result bear a decision; the conditions stand in ontology/eli/Decision.rq."""
    role, authoritative = consultation.get("role"), consultation.get("authoritative")
    if decided is False:
        return False
    if role is None and authoritative is None:
        return decided is True
    if isinstance(role, str) and known.decisive(role):
        return True
    return authoritative is True and (not isinstance(role, str) or known.slug("consultation-role", role) not in ONLY_LISTENS)


def _decider(consultation: dict[str, Any], lookup: Lookup) -> str | None:
    """Return the organization that decides: the lead, else the only one consulting, else the only one meeting."""
    lead = iris(consultation, "oparlx:leadOrganization")
    own = lead or iris(consultation, "organization") or iris(looked_up(consultation, "meeting", lookup), "organization")
    return own[0] if len(set(own)) == 1 else None


def _meeting(meeting: dict[str, Any], lookup: Lookup, known: Concepts) -> Facts:  # noqa: ARG001 (all facts are asked alike)
    me = f"<{meeting['id']}>"
    for key, name, relation in WORKS:
        for file in every(meeting, key):
            work = f"{meeting['id']}/{name}"
            yield f"{me} <{DL}{relation}> <{work}>"
            yield f"<{work}> <{RDF_TYPE}> <{ELI}Work>"
            titles = [german(title) for title in every(file, "name")] if isinstance(file, dict) else []
            yield from _expression(f"<{work}>", f"<{work}/deu>", titles, [file["id"] if isinstance(file, dict) else file])
    for state in meant(meeting, "meetingState", "meeting-state", known):
        yield f"{me} <{ADMS}status> <{state}>"
    if meeting.get("cancelled") is True:
        yield f"{me} <{SDO}eventStatus> <{SDO}EventCancelled>"


def _agenda_item(item: dict[str, Any], lookup: Lookup, known: Concepts) -> Facts:  # noqa: ARG001
    if isinstance(item.get("public"), bool):
        yield f"<{item['id']}> <{DCT}accessRights> <{ACCESS}{'PUBLIC' if item['public'] else 'NON_PUBLIC'}>"


def _file(file: dict[str, Any], lookup: Lookup, known: Concepts) -> Facts:  # noqa: ARG001
    for mime_type in texts(file, "mimeType"):
        if MIME_TYPE.fullmatch(mime_type):
            yield f"<{file['id']}> <{ELI}media_type> <{MEDIA_TYPES}{mime_type}>"
    for derivative in iris(file, "derivativeFile"):
        yield f"<{derivative}> <{DERIVED_FROM}> <{file['id']}>"


FACTS = {
    SCHEMA + name: facts
    for name, facts in {
        "Paper": _paper,
        "Consultation": _consultation,
        "Meeting": _meeting,
        "AgendaItem": _agenda_item,
        "File": _file,
        "Organization": core.organization,
        "Membership": core.membership,
        "Body": core.body,
        "Location": core.location,
    }.items()
}
