"""OParl objects written for the tests: a town in which each class, embedding and own term occurs once."""

from typing import Any

OPARL = "https://schema.oparl.org/1.1/"
AT = "https://ris.talheim.example/oparl/v1.1/"
STAMPS = {"created": "2021-05-20T08:00:00+02:00", "modified": "2021-06-18T09:30:00+02:00"}


def obj(name: str, key: str, /, **more: Any) -> dict[str, Any]:
    return {"id": f"{AT}{key}", "type": OPARL + name, **STAMPS, **more}


SYSTEM = obj("System", "system", oparlVersion=OPARL, body=f"{AT}body", name="RIS Talheim", vendor="https://vendor.example/")
BODY = obj(
    "Body",
    "body/1",
    name="Stadt Talheim",
    shortName="Talheim",
    system=f"{AT}system",
    ags="05999004",
    license="https://www.govdata.de/dl-de/by-2-0",
    organization=f"{AT}body/1/organization",
    person=f"{AT}body/1/person",
    meeting=f"{AT}body/1/meeting",
    paper=f"{AT}body/1/paper",
    legislativeTerm=[obj("LegislativeTerm", "body/1/legislativeterm/1", name="2020-2025", startDate="2020-11-01", endDate="2025-10-31")],
    equivalent=["https://d-nb.info/gnd/0000000"],
)
COMMITTEE = obj(
    "Organization",
    "body/1/organization/1",
    body=f"{AT}body/1",
    name="Haupt- und Finanzausschuss",
    shortName="HFA",
    organizationType="Gremium",
    post=["Vorsitz", "Mitglied"],
    membership=[f"{AT}body/1/membership/1"],
)
PERSON = obj(
    "Person",
    "body/1/person/1",
    body=f"{AT}body/1",
    name='Anna "Anni" Beispiel',
    familyName="Beispiel",
    title=["Dr."],
    membership=[
        obj(
            "Membership",
            "body/1/membership/1",
            organization=f"{AT}body/1/organization/1",
            role="Vorsitz",
            votingRight=True,
            startDate="2020-11-03",
        )
    ],
)
MEETING = obj(
    "Meeting",
    "body/1/meeting/1",
    name="3. Sitzung",
    start="2021-06-17T18:00:00+02:00",
    cancelled=False,
    organization=[f"{AT}body/1/organization/1"],
    location=obj(
        "Location",
        "body/1/location/1",
        description="Rathaus",
        geojson={"type": "Feature", "geometry": {"type": "Point", "coordinates": [6.5, 50.75]}, "properties": {"b": 1, "a": [1.0, 2.5]}},
    ),
    agendaItem=[
        obj(
            "AgendaItem",
            "body/1/agendaitem/1",
            number="Ö 1",
            order=0,
            name="Radweg\nam Bach",
            public=True,
            consultation=f"{AT}body/1/consultation/1",
            result="einstimmig beschlossen",
            resolutionFile=obj("File", "body/1/file/2", name="Beschluss", accessUrl="https://ris.talheim.example/f/2.pdf"),
        )
    ],
)
PAPER = obj(
    "Paper",
    "body/1/paper/1",
    body=f"{AT}body/1",
    name="Radweg am Bach: Tab\tund \\ Strich",
    reference="2021/0268",
    date="2021-05-20",
    paperType="Antrag",
    keyword=["Radverkehr"],
    underDirectionOf=[f"{AT}body/1/organization/1"],
    relatedPaper=["https://elsewhere.example/paper/9"],
    mainFile=obj(
        "File",
        "body/1/file/1",
        name="Antrag",
        mimeType="application/pdf",
        size=1234,
        accessUrl="https://ris.talheim.example/f/1.pdf",
        paper=[f"{AT}body/1/paper/1"],
    ),
    consultation=[
        obj(
            "Consultation",
            "body/1/consultation/1",
            agendaItem=f"{AT}body/1/agendaitem/1",
            meeting=f"{AT}body/1/meeting/1",
            organization=[f"{AT}body/1/organization/1"],
            authoritative=True,
            role="Entscheidung",
        )
    ],
    **{
        "oparlx:section": [
            {
                "type": "oparlx:PaperSection",
                "id": f"{AT}body/1/paper/1/section/sachlage",
                "name": "Sachlage",
                "order": 1,
                "text": "Der Weg fehlt.",
            }
        ],
        "oparlx:proposal": [
            {
                "type": "oparlx:ResolutionProposal",
                "id": f"{AT}body/1/paper/1/proposal/a",
                "oparlx:number": "a)",
                "oparlx:proposer": [f"{AT}body/1/organization/1"],
                "oparlx:amended": False,
                "text": "Der Weg wird gebaut.",
            }
        ],
        "Vendor:color": {"green": 1},
    },
)
TOMBSTONE = obj("Paper", "body/1/paper/2", deleted=True, name="weg")
TOWN = {
    "system": [SYSTEM],
    "body": [BODY],
    "organization": [COMMITTEE],
    "person": [PERSON],
    "meeting": [MEETING],
    "paper": [PAPER, TOMBSTONE],
}
EVERYTHING = [one for objects in TOWN.values() for one in objects]
