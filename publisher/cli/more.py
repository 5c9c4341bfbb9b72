"""Commands about sources, coverage, links and harvesters."""

import gzip
import logging
import sys
from pathlib import Path
from typing import Any

import click
import orjson

from publisher import release
from publisher.cli.group import instance, main
from publisher.cli.saying import say, warn
from publisher.cli.work import ad_hoc, built, now, print_built
from publisher.config import project_file, settings, source, source_of_table
from publisher.fetch import Fetch, Page
from publisher.journal import Journal
from publisher.pipeline import link as linking
from publisher.pipeline import rehearsal
from publisher.pipeline.coverage import KINDS as FATES
from publisher.pipeline.coverage import Ledger
from publisher.pipeline.coverage import coverage as ledger_of
from publisher.pipeline.forget import forget as forgotten
from publisher.sources import KINDS
from publisher.sources.municipalities import meant
from publisher.sources.probe import probe as probed
from publisher.sources.probe import saved_pages

SHOWN = 20


@main.command()
@instance
def sources(home: str | None, base: str | None) -> None:
    """List the sources that ship with the project and those of this instance."""
    wanted = settings(home, base)
    for folder in (project_file("data", "sources"), wanted.home / "sources"):
        for path in sorted(folder.glob("*.toml")) if folder.is_dir() else ():
            one = source(str(path), None, meant)
            click.echo(f"{one.name:<24}{one.kind:<13}{one.jurisdiction:<14}{one.url}")


@main.command()
@click.argument("url", metavar="URL_OR_PATH")
@instance
def probe(url: str, home: str | None, base: str | None) -> None:
    """Look at an address and tell what answers there and its faults; what goes to standard output is a TOML to begin with.

    For a folder of saved ALLRIS pages (*.html) it prints which fields are found in each.
    """
    wanted = settings(home, base)
    pages = list(saved_pages(Path(url))) if Path(url).is_dir() else []
    for page, what, fields in pages:
        click.echo(f"{page:<32}{what:<15}{', '.join(fields)}")
    if pages:
        sys.exit(0 if all(fields for _, _, fields in pages) else 1)
    looking = source_of_table({"name": "probe", "kind": "oparl", "url": url, "jurisdiction": "00000"}, "probe")
    with Fetch(looking) as fetch:
        found = probed(url, fetch, now()[:10])
    del wanted
    about = [f"kind {found.kind}, {found.vendor} ({found.dialect}): {found.title}, {found.jurisdiction or 'jurisdiction unknown'}"]
    about += [f"{name:<16}{count:>9}" for name, count in found.counts.items()]
    about += [f"fault {count:>6} x {rule}" for rule, count in found.faults.items()]
    say(logging.INFO, "\n  ".join((found.url, *about, *found.remarks)), url=found.url)
    click.echo(f"\n{found.toml}")


@main.command()
@click.argument("name", metavar="[SOURCE]", required=False)
@click.option("--kind", type=click.Choice(sorted(KINDS)), help="Ad hoc: kind of source")
@click.option("--url", metavar="URL_OR_PATH", help="Ad hoc: its address, file or folder")
@click.option("--jurisdiction", metavar="KEY", help="Ad hoc: ARS, AGS or Kreis key, name or address")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON")
@instance
def coverage(name: str | None, home: str | None, base: str | None, as_json: bool, **options: Any) -> None:
    """Count what becomes of each fact of a SOURCE: kept, normalised, ignored, withheld, unmapped, refused.

    Exit code 1 if anything is lost.
    """
    wanted = settings(home, base)
    chosen = source(name, wanted.home, meant) if name else ad_hoc(options | {"name": None, "pause": None})
    with Fetch(chosen, wanted.home) as fetch:
        book = ledger_of(chosen, fetch, now())
    if as_json:
        rules = [
            {"kind": kind, "rule": rule, "facts": count, "e.g.": book.places[kind, rule]} for (kind, rule), count in book.rules.items()
        ]
        unread = [{"scheme": scheme, "text": text, "times": times} for (scheme, text), times in book.unread.most_common()]
        click.echo(orjson.dumps({"unread": unread, "total": book.total, **{kind: book.kinds[kind] for kind in FATES}, "rules": rules}))
    else:
        _print_ledger(chosen.name, book)
    sys.exit(1 if book.kinds["lost"] else 0)


def _print_ledger(name: str, book: Ledger) -> None:
    click.echo(f"{name}: {book.total} facts = " + " + ".join(f"{book.kinds[kind]} {kind}" for kind in FATES))
    for (kind, rule), count in sorted(book.rules.items(), key=lambda pair: (FATES.index(pair[0][0]), -pair[1], pair[0])):
        click.echo(f"  {kind:<11}{count:>9}  {rule}   e.g. {book.places[kind, rule]}")
    if book.words:
        click.echo(f"free words: {book.words.total()}, of which {book.unread.total()} ({len(book.unread)} different) have no concept")
    for (scheme, text), count in sorted(book.unread.items(), key=lambda pair: (-pair[1], pair[0]))[:SHOWN]:
        click.echo(f"  {scheme:<20}{count:>9}  {text[:100]}")


@main.command()
@click.argument("iri")
@instance
def forget(iri: str, home: str | None, base: str | None) -> None:
    """Erase a record's content everywhere: journal, page cache, index, releases, dumps. Its tombstone and a delete event stay."""
    wanted = settings(home, base)
    with release.writing(wanted.home), Journal(wanted.home / "journal.sqlite") as journal:
        done = forgotten(journal, wanted.home, iri, now())
    print_built(built(wanted, force=True))
    for holder in done.holders:
        warn(f"still there: {holder} holds a copy of it; publisher forget {holder}")
    click.echo(f"{done.iri}: {done.versions} versions erased; page cache of {', '.join(done.sources)} emptied; older releases removed")


@main.command()
@click.argument("theirs", metavar="DUMP_OR_LIST", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", required=True, help="Name of the linkset; {home}/linksets/NAME.csv is written")
@instance
def link(theirs: Path, name: str, home: str | None, base: str | None) -> None:
    """Propose links to another publisher (its JSON lines dump) or to a list (CSV), for review in a spreadsheet.

    Only lines whose state somebody sets to `confirmed` become triples at the next build.
    """
    wanted = settings(home, base)
    now_served = release.current(wanted.home)
    dumps = sorted((now_served.path / "dumps").glob("*/*.jsonl.gz")) if now_served else []
    ours = [thing for path in dumps for thing in _things(path)]
    others = _things(theirs) if ".jsonl" in theirs.name else linking.listed(theirs.read_text("utf-8"), str(theirs))
    output = wanted.home / "linksets" / f"{name}.csv"
    output.parent.mkdir(parents=True, exist_ok=True)
    kept = linking.read(output.read_text("utf-8"), str(output)) if output.exists() else []
    links = linking.merged(kept, linking.propose_links(ours, others))
    output.write_text(linking.written(links), "utf-8")
    click.echo(
        f"{output}: {len(links)} links, {sum(one.state == 'proposed' for one in links)} to review; set their state to confirmed or rejected"
    )


def _things(path: Path) -> list[linking.Thing]:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
        return linking.dumped(path, lines)


@main.command("check-harvest")
@click.argument("url")
@instance
def check_harvest(url: str, home: str | None, base: str | None) -> None:
    """Walk a publisher as ckanext-dcat, udata and a stream client do and print what each would create, change, delete, refuse.

    URL: base address of the publisher. Exit code 1 if anything would be refused.
    """
    wanted = settings(home, base)
    looking = source_of_table({"name": "check-harvest", "kind": "oparl", "url": url, "jurisdiction": "00000", "pause": 0}, "check-harvest")
    refused = 0
    with Fetch(looking) as fetch:

        def ask(method: str, address: str, headers: dict[str, str] | None = None) -> Page:
            return fetch.asked(method, address, headers=headers or {})

        walks = ((rehearsal.ckan, "/catalog"), (rehearsal.udata, "/catalog.jsonld"), (rehearsal.stream, "/stream"))
        for walk, path in walks:
            for finding in walk(ask, url.rstrip("/") + path):
                refused += finding.action in ("refuse", "end")
                click.echo(f"{finding.harvester:<8}{finding.action:<8}{finding.iri}  {finding.words}")
    del wanted
    sys.exit(1 if refused else 0)
