"""The lines of a mirror page, from its text export or its HTML, with the links and headings they carry."""

import re
from typing import NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from publisher.sources.pages_common import plain

MARKDOWN = re.compile(r"\[([^\[\]]{0,500})\]\(([^()\s]{0,2000})(?:\s+\"[^\"]{0,500}\")?\s{0,9}\)")
HEADED = re.compile(r"^#{1,6} +| +#{1,6}$")
HTML = re.compile(r"<(?:!doctype|html|head|body|main|article|div|p|h1|table|section)\b", re.IGNORECASE)
BREAK, HEAD, ITEM, LINK = "\x02", "\x03", "\x04", "\x05"
TARGET = re.compile(rf"{LINK}(\d+){LINK}")
PORTAL = "nav,header,footer,aside,form,button,select,iframe,dialog"
BLOCKS = "p,div,section,article,dt,dd,tr,td,th,table,ul,ol,dl,blockquote,pre,figure,figcaption,hr,br"
SHOWN_LINKS = 2_000


class Link(NamedTuple):
    """A link that stands in a line: its words and where it leads."""

    words: str
    target: str


class Line(NamedTuple):
    """One line that shows something. at: its number in the text, from 1. gap: a paragraph begins. heading: the page says it is one."""

    at: int
    text: str
    gap: bool = True
    heading: bool = False
    links: tuple[Link, ...] = ()
    portal: bool = False


def is_html(text: str) -> bool:
    """Tell a page's HTML from its text export."""
    return HTML.search(text[:4000]) is not None


def lines_of(text: str) -> list[Line]:
    """Return the lines of a page in either form."""
    return html_lines(text) if is_html(text) else text_lines(text)


def text_lines(text: str) -> list[Line]:
    """Return the lines of a text export; its links, "[words](target)" over one line or more, become their words."""
    links: dict[int, list[Link]] = {}

    def shown(hit: re.Match[str]) -> str:
        at = text.count("\n", 0, hit.start()) + 1
        links.setdefault(at, []).append(Link(plain(hit[1]), hit[2]))
        return hit[1] + "\n" * (hit[0].count("\n") - hit[1].count("\n"))

    made, gap = [], True
    text = "\n".join(unix_lines(text))
    for at, line in enumerate(MARKDOWN.sub(shown, text).split("\n"), 1):
        if words := plain(line):
            bare = HEADED.sub("", words)
            made.append(Line(at, bare, gap, bare != words, tuple(links.get(at, ()))))
        gap = not words
    return made


def unix_lines(text: str) -> list[str]:
    """Return a text's lines, whatever ends them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def html_lines(html: str) -> list[Line]:
    """Return the lines of an HTML page: first those of its main part, then what stands around it, marked as portal."""
    for mark in (BREAK, HEAD, ITEM, LINK):
        html = html.replace(mark, " ")
    page = LexborHTMLParser(html)
    page.strip_tags(["script", "style", "noscript", "template"])
    if page.body is None:
        return []
    links = _marked(page)
    around = [node for node in page.body.css(PORTAL) if not _inside(node, PORTAL)]
    words = [line for node in around for line in node.text().split(BREAK)]
    for node in around:
        node.decompose()
    main = page.css_first("main") or page.css_first("article")
    told = _read((main or page.body).text(), links)
    if main is not None and main.parent is not None:
        main.decompose()
        words += page.body.text().split(BREAK) if page.body else []
    portal = (_shown(word) for word in words)
    return told + [Line(len(told) + at, word, portal=True) for at, word in enumerate(filter(None, portal), 1)]


def _shown(text: str) -> str:
    return plain(TARGET.sub("", text).translate({3: None, 4: None}))


def _inside(node: LexborNode, selector: str) -> bool:
    tags = selector.split(",")
    above = node.parent
    while above is not None and above.tag != "body":
        if above.tag in tags:
            return True
        above = above.parent
    return False


def _marked(page: LexborHTMLParser) -> list[Link]:
    """Set marks into the tree's text: before headings and list items, after links. Return the links by number."""
    for node in page.css("h1,h2,h3,h4,h5,h6"):
        node.insert_before(BREAK + HEAD)
        node.insert_after(BREAK)
    for node in page.css("ol,ul"):
        items = [item for item in node.iter() if item.tag == "li"]
        for at, item in enumerate(items, 1):
            item.insert_before(f"{BREAK}{ITEM}{f'{at}.' if node.tag == 'ol' else '•'} ")
            item.insert_after(BREAK)
    links = []
    for node in page.css("a[href]")[:SHOWN_LINKS]:
        links.append(Link(plain(node.text()), (node.attributes.get("href") or "").strip()))
        node.insert_after(f"{LINK}{len(links) - 1}{LINK}")
    for node in page.css(BLOCKS):
        node.insert_before(BREAK)
        node.insert_after(BREAK)
    return links


def _read(text: str, links: list[Link]) -> list[Line]:
    made: list[Line] = []
    heading = item = False
    for part in text.split(BREAK):
        heading, item = heading or HEAD in part, item or ITEM in part
        carried = tuple(links[int(hit[1])] for hit in TARGET.finditer(part) if int(hit[1]) < len(links))
        words = _shown(part)
        if words and not (item and re.fullmatch(r"•|\d+\.", words)):
            made.append(Line(len(made) + 1, words, True, heading, carried))
            heading = item = False
        elif carried and made:
            made[-1] = made[-1]._replace(links=made[-1].links + carried)
    return made
