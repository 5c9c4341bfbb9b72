"""Sitemaps and robots.txt: where crawlers find each record's page and when it last changed (ELI pillar 4)."""

import os
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
SIZE = 20_000  # a sitemap may hold 50,000 addresses and 50 MB


def write(folder: Path, base: str, pages: Iterable[tuple[str, str]], previous: Path | None = None, size: int = SIZE) -> int:
    """Write sitemap-N.xml for (IRI, modified) in the given order, and sitemap.xml, the index of them; return how many addresses.

    Files that are as they were in the previous release are hard-linked from it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parts: list[tuple[str, str]] = []
    chunk: list[tuple[str, str]] = []
    count = 0
    for page in pages:
        chunk.append(page)
        count += 1
        if len(chunk) == size:
            parts.append(_part(folder, base, len(parts) + 1, chunk, previous))
            chunk = []
    if chunk:
        parts.append(_part(folder, base, len(parts) + 1, chunk, previous))
    rows = "".join(f"<sitemap><loc>{escape(url)}</loc>{_day(day)}</sitemap>\n" for url, day in parts)
    folder.joinpath("sitemap.xml").write_text(f"{HEAD}<sitemapindex {SPACE}>\n{rows}</sitemapindex>\n", "utf-8")
    return count


def _part(folder: Path, base: str, number: int, chunk: list[tuple[str, str]], previous: Path | None) -> tuple[str, str]:
    rows = "".join(f"<url><loc>{escape(iri)}</loc>{_day(modified)}</url>\n" for iri, modified in chunk)
    content = f"{HEAD}<urlset {SPACE}>\n{rows}</urlset>\n".encode()
    name = f"sitemap-{number}.xml"
    old = previous / name if previous else None
    if old and old.exists() and old.read_bytes() == content:
        os.link(old, folder / name)
    else:
        folder.joinpath(name).write_bytes(content)
    return f"{base}/{name}", max(modified for _, modified in chunk)


def _day(modified: str) -> str:
    return f"<lastmod>{escape(modified)}</lastmod>" if modified else ""


def robots(base: str) -> str:
    """Return robots.txt: all records are open to crawlers; queries and searches, which cost work, are not."""
    closed = ("sparql", "search", "reconcile")
    root = base.split("/", 3)[3:]
    prefix = f"/{root[0]}" if root else ""
    return "User-agent: *\n" + "".join(f"Disallow: {prefix}/{path}\n" for path in closed) + f"\nSitemap: {base}/sitemap.xml\n"
