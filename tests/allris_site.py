"""A little town's ALLRIS on loopback: the invented town of Birkenfelde, its pages written for these tests."""

# ruff: noqa: E501 - markup is kept on the lines on which the vendor sends it

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from publisher.config import Source
from publisher.fetch import Clock, Fetch

PAGES = Path(__file__).parent / "pages"
Answer = tuple[int, dict[str, str], bytes]


def key_of(url: str) -> str:
    """Return a page's name and parameters in one spelling: "vo020.asp?VOLFDNR=3001"."""
    parts = urlsplit(url)
    query = "&".join(sorted(f"{name.upper()}={value}" for name, value in parse_qsl(parts.query, keep_blank_values=True)))
    return parts.path.rsplit("/", 1)[-1] + (f"?{query}" if query else "")


class Site:
    """A server on loopback: answers by `key_of` the address, counts what is asked for, keeps the headers of each request."""

    def __init__(self, answers: dict[str, bytes | Callable[["Site"], Answer]], content_type: str = "text/html") -> None:
        self.answers, self.content_type = answers, content_type
        self.asked: Counter[str] = Counter()
        self.headers: dict[str, dict[str, str]] = {}
        self.state: dict[str, int] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                key = key_of(self.path)
                site.asked[key] += 1
                site.headers[key] = {name.lower(): value for name, value in self.headers.items()}
                found = site.answers.get(key)
                status, headers, body = (
                    (404, {}, b"")
                    if found is None
                    else found(site)
                    if callable(found)
                    else (200, {"Content-Type": site.content_type}, found)
                )
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/bi/"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def served(answers: dict[str, bytes | Callable[[Site], Answer]], content_type: str = "text/html") -> Iterator[Site]:
    site = Site(answers, content_type)
    try:
        yield site
    finally:
        site.close()


def source(site: Site, kind: str, **options: object) -> Source:
    return Source(
        name="birkenfelde",
        kind=kind,
        url=site.url,
        jurisdiction="99999001",
        title="Stadt Birkenfelde",
        pause=0.0,
        options={"max_tries": 2, **options},
    )


def fetch(town: Source, home: Path | None = None) -> Fetch:
    return Fetch(town, home, clock=Clock(lambda: 0.0, lambda _: None))


def classic(name: str, title: str, main: str, object_id: str = "") -> bytes:
    """Return a page of ALLRIS net 3.9.5 in the bytes a server sends: windows-1252 under the name ISO-8859-1, CRLF."""
    meta = f'<meta name="objectID" content="{object_id}" />' if object_id else ""
    page = f"""<?xml version="1.0" encoding="iso-8859-1"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="de" lang="de">
<head><meta http-equiv="content-type" content="text/html; charset=iso-8859-1" /><title>{title}</title>
<meta name="description" content="ALLRIS net Version 3.9.5 (190101m)" />{meta}<meta name="infoID" content="33.3950002.0" />
</head><body ><div><div id="allriscontainer" class="{name}"><div id="risleft"><div id="riswrap"><div id="rismenu"><ul id="menu">
<li><a href="au010.asp" title="Gremien">Ausschüsse</a></li><li><a href="au020.asp?AULFDNR=99">Portalseite</a></li></ul></div></div></div>
<div id="risright"><div id="rishead"><p class="topHeadline">Stadt Birkenfelde</p></div><div id="risnavi"><ul id="navi_right"></ul></div>
<div id="risname"><h1>{title}&nbsp;&nbsp;</h1></div><div id="risprop"></div><div id="rismain"><div id="posOuterLocator"></div>{main}</div>
<div id="risfoot"><p></p></div></div></div></div></body></html>"""
    return page.replace("\n", "\r\n").encode("cp1252")


def head(rows: str, box: str = "", tail: str = "") -> str:
    return (
        '<table class="risdeco"><tr><td><img src="images/deco/clip/nw.gif" alt="" /></td></tr><tr><td bgcolor="white"><table class="tk1"><tr>'
        f'<td class="ko1" valign="top"><table class="tk1">{rows}<tr><td><img src="images/einpix.gif" alt="" /></td></tr></table></td>'
        f'<td class="ko2"></td><td class="me1"><table class="tk1"><tr><td class="me1">{box}</td></tr></table></td></tr></table><hr />{tail}</td></tr></table>'
    )


def label(name: str, value: str) -> str:
    return f'<tr valign="top"><td class="kb1">{name}:</td><td class="text1" colspan="3">{value}</td></tr>\n'


def document(key: int, name: str) -> str:
    return (
        f'<form action="do027.asp" method="post" target="_blank"><input type="hidden" name="DOLFDNR" value="{key}" />'
        f'<input type="hidden" name="options" value="64" /><input type="submit" class="il2_p" value="{name}" title="{name} (Öffnet PDF-Datei)" /></form>'
    )


def rtf(code: str, html: str) -> str:
    """Return a text as Aspose leaves it: a whole document of its own inside the page."""
    return (
        f'<!-- ### {code}77.rtf -->\n<a name="allris{code}"></a>\n<?xml version="1.0" encoding="iso-8859-1" standalone="no"?>'
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "x"><html xmlns="http://www.w3.org/1999/xhtml"><head>'
        '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1" /><title></title></head><body> <hr />'
        f'<div>{html}<p><span style="font-family:Calibri">&#xa0;</span></p></div></body></html>'
    )


SCRIPT = """
<script language="Javascript" type="text/javascript"><!--
//<![CDATA[
	function checkClickResult(id, clicked, value) { var x = "Betreff:"; }
//]]>
--></script>
"""


def station(state: str, committee: str, role: str, *details: str) -> str:
    rows = (
        f'<tr valign="top" class="zl12"><td bgcolor="#73d216" title="{state}"></td><td class="text1" colspan="3">{committee}</td>'
        f'<td class="text1" colspan="3" nowrap="nowrap">{role}</td></tr>\n'
    )
    return rows + "".join(details)


def detail(state: str, day: str, meeting: int | None, item: int | None, name: str, result: str = "") -> str:
    form = (
        f'<form action="to010.asp?topSelected={item}" method="post"><input type="hidden" name="SILFDNR" value="{meeting}" />'
        '<input type="submit" class="il1_to" value="TO" title="Tagesordnung" /></form>'
        if meeting
        else "&nbsp;"
    )
    link = f'<a href="to010.asp?SILFDNR={meeting}">{name}</a>' if meeting else name
    return (
        f'<tr valign="top" class="zl12"><td bgcolor="#73d216" title="{state}"></td><td class="text2">{day}&nbsp;</td>\n<td>{form}</td>\n<td>{link}</td>'
        f'<td class="text3">{result}&nbsp;</td><td>&nbsp;</td><td>&nbsp;</td></tr>\n'
    )


def stations(*rows: str) -> str:
    return (
        '<tr><td class="kb1" colspan="4">Beratungsfolge:</td></tr><tr><td valign="top" colspan="4"><table cellspacing="0"><tr><td><img src="images/einpix.gif"'
        ' alt="" /></td><td colspan="6"><img src="images/einpix.gif" alt="" /></td></tr>' + "".join(rows) + "</table></td></tr>"
    )


def item(number: str, key: int, name: str, result: str | None = None, paper: tuple[int, str] | None = None, meeting: int = 501) -> str:
    form = (
        f'<form action="to020.asp" method="post"><input type="hidden" name="TOLFDNR" value="{key}" />'
        f'<input type="submit" class="il1_naz" value="PA" title="{result}" /></form>'
        if result is not None
        else "&nbsp;"
    )
    title = f'<a href="to020.asp?TOLFDNR={key}">{name}</a>' if result is not None else name
    vo = (
        f'<td><form action="vo020.asp" method="post"><input type="hidden" name="VOLFDNR" value="{paper[0]}" /><input type="submit" class="il1_vo" value="VO"'
        f' title="Vorlage" /></form></td><td nowrap="nowrap"><a href="vo020.asp?VOLFDNR={paper[0]}">{paper[1]}</a></td>'
        if paper
        else "<td>&nbsp;</td><td></td>"
    )
    return (
        f'<tr class="zl12"><td class="text4" nowrap="nowrap"><a href="to010.asp?SILFDNR={meeting}&TOLFDNR={key}&BES=1#beschluss" title="Beschlüsse anzeigen">'
        f"{number}</a></td><td>&nbsp;</td><td>{form}</td><td>{title}</td>\n<!--{key} --><td>&nbsp;</td>{vo}<td>&nbsp;</td></tr>\n"
    )


def agenda(key: int, name: str, committee: str, day: str, time: str, *items: str, extra: str = "", files: str = "") -> bytes:
    rows = (
        label("Bezeichnung", name)
        + label("Gremium", committee)
        + f'<tr><td class="kb1">Datum:</td><td class="text2">{day}</td><td class="kb1">Status:</td><td class="text3">öffentlich/nichtöffentlich</td></tr>'
        + (
            f'<tr><td class="kb1">Zeit:</td><td class="text2">{time}</td><td class="kb1">Anlass:</td><td class="text4">Sitzung</td></tr>'
            if time
            else ""
        )
        + label("Raum", "Sitzungssaal 2, Rathaus")
        + label("Ort", "Am Markt 1, 99999 Birkenfelde")
        + extra
    )
    table = (
        '<table class="tl1"><tr class="zk1"><th width="1%">TOP</th><th colspan="2">&nbsp;</th><th colspan="2">Betreff</th><th colspan="3">Vorlage</th></tr>'
        f'<tr><td colspan="8"><hr /></td></tr>{"".join(items)}<tr><td>&nbsp;</td></tr></table>'
    )
    return classic("to010", f"Tagesordnung - {name}", head(rows, files, table), str(key))


def auszug(key: int, meeting: int, name: str, result: str, texts: str, paper: int | None = None) -> bytes:
    vo = f'<tr><td>&nbsp;</td><td class="text1"><a href="vo020.asp?VOLFDNR={paper}">2024/0{paper} {name}</a></td></tr>' if paper else ""
    rows = (
        f'<tr><td><form action="to010.asp?topSelected={key}" method="post"><input type="hidden" name="SILFDNR" value="{meeting}" /></form></td>'
        f'<td class="text1" colspan="3"><a href="to010.asp?SILFDNR={meeting}">Sitzung</a></td></tr>'
        + label("TOP", "Ö&nbsp;2")
        + label("Beschlussart", result)
        + vo
    )
    return classic("to020", f"Auszug - {name}", head(rows, '<br /><a href="#allrisWP">Protokoll</a>', texts), str(key))


def month(title: str, rows: str) -> bytes:
    main = (
        '<table class="risdeco"><tr><td bgcolor="white"><table width="100%"><tr><td>&nbsp;</td><td><h2 align="center">'
        + title
        + "</h2></td></tr></table>"
        '<table class="tl1"><tr class="zw1"><th colspan="2">Datum</th><th>Uhrzeit</th><th>&nbsp;</th><th colspan="4">Sitzung</th><th>Raum</th></tr>'
        + rows
        + "</table></td></tr></table>"
    )
    return classic("si010", "Sitzungskalender", main)


def entry(day: tuple[str, str] | None, time: str, name: str, key: int | None = None, link: bool = False, room: str = "&nbsp;") -> str:
    date = f'<td class="text2">{day[0]}</td><td class="text2">&nbsp;&nbsp;{day[1]}</td>' if day else "<td>&nbsp;</td><td>&nbsp;</td>"
    ics = (
        f'<form action="to010.asp" method="post"><input type="hidden" name="SILFDNR" value="{key}" /><input type="hidden" name="template" value="ics" /></form>'
        if key
        else "&nbsp;"
    )
    title = f'<a href="to010.asp?SILFDNR={key}">{name}</a>' if link else name
    return (
        f'<tr class="zl11" valign="top">{date}<td class="text2">{time}&nbsp;</td><td>{ics}</td><td>&nbsp;</td><td>{title}</td><td>&nbsp;</td><td>&nbsp;</td>'
        f'<td class="text4">{room}</td></tr>\n'
    )


def listing(title: str, parameter: str, page: str, rows: Iterable[tuple[int, str, str]]) -> bytes:
    lines = "".join(
        f'<tr class="zl12"><td><form action="{page}" method="post"><input type="hidden" name="{parameter}" value="{key}" /></form></td><td class="text1">'
        f'<a href="{page}?{parameter}={key}&amp;altoption=Gremium">{name}</a></td><td class="text5">{count}</td></tr>'
        for key, name, count in rows
    )
    return classic("au010", title, f'<table class="tl1"><tr class="zk1"><th colspan="2">&nbsp;</th><th>Mitglieder</th></tr>{lines}</table>')


def roster(key: int, title: str, rows: Iterable[tuple[int | None, str, str, str]], contact: str = "") -> bytes:
    lines = "".join(
        f'<tr class="zl12"><td>&nbsp;</td><td>&nbsp;</td><td nowrap="nowrap">{f"<a href=kp020.asp?KPLFDNR={person}>{name}</a>" if person else name}</td>'
        f'<td class="text1"><div>{role}</div></td><td class="text4"><div>{function}</div></td></tr>'
        for person, name, role, function in rows
    )
    main = (
        f'{contact}<h3>Mitglieder</h3><table class="tl1"><tr class="zk1"><th>&nbsp;</th><th>&nbsp;</th><th>Name</th><th>Art der Mitarbeit</th><th>Funktion</th>'
        f'</tr><tr><td colspan="5"><hr /></td></tr>{lines}</table><table class="tk1"><tr class="zk1"><th>Anzahl: 3</th></tr></table>'
    )
    return classic("au020", title, main, str(key))


CONTACT = (
    '<h3>Anschrift</h3><table class="tk1"><tr><td><table><tr><td class="text4" colspan="4">Ansprechperson: Frau Geheimnis</td></tr>'
    '<tr><td class="text4">Privatweg 7</td></tr><tr><td class="lb1"></td><td class="text4"><span title="Tel. privat">0999-123456</span></td></tr>'
    '<tr><td class="lb1"></td><td class="text4"><a href="http://www.fraktion-linde.example" target="_blank">http://www.fraktion-linde.example</a></td></tr>'
    "</table></td></tr></table>"
)


def papers(rows: Iterable[tuple[int, str, str, str, str]], following: bool) -> bytes:
    lines = "".join(
        f'<tr class="zl12"><td><form action="vo020.asp" method="post"><input type="hidden" name="VOLFDNR" value="{key}" /></form></td>'
        f'<td><a href="vo020.asp?VOLFDNR={key}">{reference}&nbsp;{name}</a></td><td>&nbsp;</td><td class="text2">{day}</td><td class="text2">{kind}</td></tr>'
        for key, reference, name, day, kind in rows
    )
    more = (
        '<tr><td class="text4" colspan="5">Ergebnisse 1-2 <a href="vo040.asp?shownext=true" title="">nächste &gt;</a></td></tr>'
        if following
        else ""
    )
    return classic(
        "vo040", "Vorlagen - Übersicht", f'<table class="tl1"><tr class="zk1"><th colspan="3">Vorlage</th></tr>{lines}{more}</table>'
    )


def said(text: str) -> bytes:
    """Return what ALLRIS sends with HTTP 200 in place of a page."""
    return classic("noauth", "Hinweis", f'<table class="risdeco"><tr><td bgcolor="white">{text}</td></tr></table>')


def away(_: Site) -> Answer:
    return 302, {"Location": "/bi/noauth.asp"}, b""


def turned(site: Site) -> Answer:
    """Answer the list's next page by a state that the server keeps."""
    site.state["list"] = site.state.get("list", 1) + 1
    page = LIST_PAGES[min(site.state["list"], 2) - 1]
    return 200, {"Content-Type": "text/html"}, page


LIST_PAGES = (
    papers(
        [(3001, "2024/0101", "Radweg", "05.01.2024", "Antrag"), (3002, "2024/0102", "Haushalt", "08.01.2024", "Beschlussvorlage")], True
    ),
    papers([(3004, "2023/0099", "Bericht", "11.12.2023", "Mitteilung")], False),
)

PAPER_3001 = classic(
    "vo020",
    "Vorlage - 2024/0101",
    head(
        f'<tr><td class="kb1">Betreff:</td><td class="text1" colspan="3">{SCRIPT}Bau des Rad\xadweges an der Ahr<br  />- Antrag der Fraktion Linde vom '
        '<a href="si010.asp?YY=2024&MM=01&DD=05" title="Sitzungskalender 01/2024 anzeigen">05.01.2024</a>, geändert</td></tr>'
        '<tr><td class="kb1">Status:</td><td class="text3">öffentlich</td><td class="kb1">Vorlage-Art:</td><td class="text4">Antrag</td></tr>'
        + label("Verfasser/in", "Fraktion Linde<br  />Herr Verborgen, Karl")
        + label("Bearbeiter/-in", "Geheim, Gerda")
        + '<tr><td class="kb1">Federführend:</td><td class="text4">A 61 - Amt für Stadtentwicklung</td><td class="kb1">Beteiligt:</td>'
        '<td class="text4">Kämmerei; A 66 - Tiefbauamt</td></tr>'
        + label("Aktenzeichen", "61-20-03/7")
        + label("Bezüglich", '<a href="vo020.asp?VOLFDNR=3002">2024/0102</a>')
        + label("Fantasiefeld", "nie gesehen")
        + stations(
            station(
                "Erledigt",
                "Bauausschuss",
                "Vorberatung",
                detail("Erledigt", "14.02.2024", 505, 7005, "Sitzung des Bauausschusses", "zurückgestellt"),
                detail("Geplant", "17.04.2030", 506, 7016, "Sitzung des Bauausschusses"),
            ),
            station("Bereit", "Rat der Stadt", "Entscheidung"),
        ),
        document(9001, "Vorlage")
        + document(9002, "Vorlage-Sammeldokument")
        + '<br /><a href="#allrisSV">Sachverhalt</a><br /><a href="#allrisBV">Beschluss</a>',
        rtf(
            "SV",
            '<p><span style="font-weight:bold">Sach</span><span>lage:</span></p><p><span>Der Weg kostet 50.000</span><span>&#xa0;€ – „dringend“ '
            'laut Sozial</span><span>raum\u2011planung</span>; siehe Beschluss vom <a href="si010.asp?YY=2023&MM=06&DD=16">16.06.2023</a>.</p>'.replace(
                "\u2011", "&#8209;"
            ),
        )
        + rtf(
            "BV",
            "<p><span>Petitum/</span><span>Beschluss:</span></p><p>a) Der Rat beschließt den Bau.</p><p>b) Die Verwaltung berichtet.</p>",
        )
        + rtf("FA", "<p>---</p>")
        + '<table class="tk1"><tr valign="top"><td class="kb1" colspan="5">Anlagen:</td></tr><tr><td>&nbsp;</td><td class="text1">Nr.</td>'
        '<td class="text1">Name</td></tr><tr><td></td><td class="text3">1</td><td class="text3"><a href="___tmp/tmp/45-181/x/Lageplan.pdf" '
        'title="Größe: 460,8 KB">Lageplan Ahrweg (460 KB)</a></td></tr></table>',
    ),
    "3001",
)


def simple(key: int, reference: str, name: str, *rows: str) -> bytes:
    status = '<tr><td class="kb1">Status:</td><td class="text3">öffentlich</td><td class="kb1">Vorlageart:</td><td class="text4">Beschlussvorlage</td></tr>'
    return classic("vo020", f"Vorlage - {reference}", head(label("Betreff", name) + status + "".join(rows)), str(key))


BAU = '<a href="au020.asp?T1=Ausschuss&amp;history=switch&amp;tsDD=14&amp;AULFDNR=21&amp;altoption=Gremium">Bauausschuss</a>'
HAUPT = '<a href="au020.asp?AULFDNR=20">Hauptausschuss</a>'
RAT = '<a href="pa020.asp?history=switch&amp;PALFDNR=1">Rat der Stadt</a>'

MARCH = (
    entry(("Fr", "1"), "", "Schulferien")
    + entry(("Mi", "6"), "17:30 - 19:00", "Sitzung des Hauptausschusses", 501, True, "Sitzungssaal 2")
    + entry(None, "18:00", "Sitzung der Fraktion Linde", 502)
    + entry(("Mi", "13"), "17:00", "ENTFÄLLT! Sitzung des Bauausschusses", 503)
    + entry(("So", "31"), "18:00 - 00:30", "Sitzung des Rates", 504, True)
)


def classic_town() -> dict[str, bytes | Callable[[Site], Answer]]:
    """Return the answers of the whole town. The calendar's present month is March 2024; all months not named are empty."""
    names = ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember")
    calendar = {
        f"si010_j.asp?MM={at + 1}&YY={year}": month(f"{name}&nbsp;{year}", entry(("Mo", "2"), "", "Feiertag"))
        for year in range(2022, 2026)
        for at, name in enumerate(names)
    }
    calendar["si010_j.asp?MM=2&YY=2024"] = month(
        "Februar&nbsp;2024", entry(("Mi", "14"), "17:00 - 18:15", "Sitzung des Bauausschusses", 505, True)
    )
    calendar["si010_j.asp"] = month("März&nbsp;2024", MARCH)
    return calendar | {
        "si010_e.asp": said("Zugriff verweigert"),
        "noauth.asp": said("Sie sind nicht berechtigt, diese Seite zu sehen."),
        "vo040.asp": LIST_PAGES[0],
        "vo040.asp?SEITE=2&SHOWNEXT=true": turned,
        "pa010.asp": away,
        "fr010.asp": listing(
            "Fraktionen", "FRLFDNR", "fr020.asp", [(7, "Fraktion Linde", "12"), (8, "Gruppe Ulme", "(bis&nbsp;31.05.2020)")]
        ),
        "au010.asp": listing("Ausschüsse", "AULFDNR", "au020.asp", [(20, "Hauptausschuss", "9")]),
        "au020.asp?AULFDNR=20": roster(
            20,
            "Hauptausschuss",
            [(81, "Dr. Ahorn, Eva", "Vorsitz", "Fraktion Linde"), (82, "Buche, Max", "Mitglied", "LINDE"), (None, "N. N.", "Gast", "")],
        ),
        "au020.asp?AULFDNR=21": roster(21, "Bauausschuss", [(82, "Buche, Max", "Mitglied", "Seniorenbeirat")]),
        "fr020.asp?FRLFDNR=7": roster(7, "Fraktion Linde", [(81, "Dr. Ahorn, Eva", "Mitglied", "LINDE")], CONTACT),
        "fr020.asp?FRLFDNR=8": said("Keine Information verfügbar"),
        "pa020.asp?PALFDNR=1": away,
        "kp020.asp?KPLFDNR=81": classic(
            "kp020",
            "Dr. Ahorn, Eva",
            '<table class="tk1"><tr><td>Eva Ahorn</td></tr><tr><td>Geheimweg 3</td></tr><tr><td>0999-777</td></tr></table><table class="tk1">'
            "<tr><th>Ausschüsse</th></tr><tr><td><form action=au020.asp method=post><input type=hidden name=AULFDNR value=20></form></td>"
            '<td class="text1"><a href="au020.asp?AULFDNR=20">Hauptausschuss</a></td><td class="text4">Vorsitz&nbsp;</td><td>seit 02.07.2020</td></tr>'
            '<tr><td></td><td><a href="au020.asp?AULFDNR=21">Bauausschuss</a></td><td>Mitglied</td><td>14.07.2009 - 13.12.2014</td></tr>'
            '<tr><td></td><td><a href="au020.asp?AULFDNR=33">Werkausschuss</a></td><td>Mitglied</td><td>bis 30.06.2009</td></tr></table>',
            "81",
        ),
        "kp020.asp?KPLFDNR=82": said("Zugriff verweigert"),
        "to010.asp?SILFDNR=501": agenda(
            501,
            "Sitzung des Hauptausschusses",
            HAUPT,
            "Mi, 06.03.2024",
            "17:30 - 19:00",
            item("Ö&nbsp;1", 7001, "Eröffnung"),
            item(
                "Ö&nbsp;2",
                7002,
                'Haushalt 2024\nEntwurf <span style="color: #888a85" title="Zusatzinfo">(Verfasser: Karl Verborgen)</span>',
                "ungeändert beschlossen",
                (3002, "2024/0102"),
            ),
            item("Ö&nbsp;3", 7003, "Verschiedenes", "(offen)"),
            item("N&nbsp;4", 7004, "Grundstück", None, (3003, "2024/0103")),
            files=document(9101, "Einladung")
            + document(9102, "Niederschrift öffentl. Teil")
            + document(9103, "Alle Dokumente zur Sitzung im Paket"),
        ),
        "to010.asp?SILFDNR=504": agenda(
            504, "Sitzung des Rates", RAT, "So, 31.03.2024", "18:00 - 00:30", item("Ö&nbsp;1", 7041, "Fragestunde", "(offen)", meeting=504)
        ),
        "to010.asp?SILFDNR=505": agenda(
            505,
            "Sitzung des Bauausschusses",
            BAU,
            "Mi, 14.02.2024",
            "17:00 - 18:15",
            item("Ö&nbsp;1", 7005, "Radweg", "zurückgestellt", (3001, "2024/0101"), 505),
        ),
        "to010.asp?SILFDNR=506": agenda(
            506, "Sitzung des Bauausschusses", BAU, "Mi, 17.04.2030", "", item("Ö&nbsp;1", 7016, "Radweg", None, (3001, "2024/0101"), 506)
        ),
        "to020.asp?TOLFDNR=7002": auszug(
            7002,
            501,
            "Haushalt 2024",
            "ungeändert beschlossen",
            rtf("WP", "<p>Herr Ahorn erläutert.</p>")
            + rtf("BS", "<p>Beschluss:</p><p>Der Haushalt wird beschlossen.</p>")
            + rtf("AE", "<p>Ja 9, Nein 2</p>"),
            3002,
        ),
        "to020.asp?TOLFDNR=7003": auszug(7003, 501, "Verschiedenes", "(offen)", rtf("WP", "<p>&#xa0;</p>")),
        "to020.asp?TOLFDNR=7005": away,
        "to020.asp?TOLFDNR=7041": said("Keine Information verfügbar"),
        "vo020.asp?VOLFDNR=3001": PAPER_3001,
        "vo020.asp?VOLFDNR=3002": simple(
            3002,
            "2024/0102",
            "Haushalt 2024",
            stations(
                station(
                    "Erledigt",
                    "Hauptausschuss",
                    "Entscheidung",
                    detail("Erledigt", "06.03.2024", 501, 7002, "Sitzung", "ungeändert beschlossen"),
                )
            ),
        ),
        "vo020.asp?VOLFDNR=3003": said("Keine Information verfügbar"),
        "vo020.asp?VOLFDNR=3004": simple(3004, "2023/0099", "Bericht über den Zugriff verweigert - ein Titel, keine Absage"),
    }
