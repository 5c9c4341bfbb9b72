"""Commands that change or serve an instance."""

import os
import sys
import tomllib
from typing import Any
from urllib.parse import urlsplit

import click

from publisher import release
from publisher.cli.group import instance, main
from publisher.cli.saying import summary
from publisher.cli.work import ad_hoc, built, harvested, placed, print_built, print_outcomes, registered, serve_, served
from publisher.config import project_file, settings, source, source_of_table
from publisher.errors import Misconfigured
from publisher.journal import Journal
from publisher.journal.history import ROLLBACK
from publisher.sources import KINDS
from publisher.sources.municipalities import meant


@main.command()
@click.argument("names", metavar="[SOURCE]...", nargs=-1)
@click.option("--kind", type=click.Choice(sorted(KINDS)), help="Ad hoc, without a TOML file: kind of source")
@click.option("--url", metavar="URL_OR_PATH", help="Ad hoc: its address, file or folder")
@click.option(
    "--jurisdiction",
    metavar="KEY",
    help="Ad hoc: ARS (12 digits), AGS (8), Kreis key (5), or the place's name or address; its key is part of every IRI",
)
@click.option("--name", help="Ad hoc: name of the source. Default: KIND-KEY")
@click.option("--pause", type=float, default=None, help="Ad hoc: seconds between two requests to one host. Default: 1")
@click.option("--replay", is_flag=True, help="Read from the page cache alone; no network")
@click.option("--prune", type=click.FloatRange(0), metavar="DAYS", help="Drop kept pages not read for DAYS. Default: the source's 30 days")
@click.option("--force", is_flag=True, help="Withdraw missing records even above the safety share")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON")
@instance
def harvest(names: tuple[str, ...], home: str | None, base: str | None, **options: Any) -> None:
    """Read SOURCEs (TOML files, or names in data/sources/) into the journal.

    Prints for each class: seen, new, changed, unchanged, withdrawn, refused. Exit code 0, 1 if records were refused, 2 if
    a source failed; what was published before stays in any case.
    """
    wanted = settings(home, base)
    chosen = [source(name, wanted.home, meant) for name in names] or [ad_hoc(options)]
    outcomes = harvested(wanted, chosen, replay=options["replay"], force=options["force"], prune=options["prune"])
    print_outcomes(outcomes, as_json=options["as_json"])
    sys.exit(max(outcome.exit_code for outcome in outcomes))


@main.command()
@click.option("--full", is_flag=True, help="Make everything anew from the journal, not only what changed")
@click.option("--force", is_flag=True, help="Let a release out that loses more records than the safety share")
@click.option("--rebase", metavar="IRI", default="", help="Move all records to this base; the old IRIs stay as owl:sameAs")
@click.option(
    "--store", "engine", metavar="URL", default="", help="Publish to this engine from now on: sparql+https://..., or oxigraph: for ours"
)
@instance
def build(home: str | None, base: str | None, full: bool, force: bool, rebase: str, engine: str) -> None:
    """Make a release of what the journal holds and put it into service."""
    wanted = settings(home, base)
    print_built(built(wanted, full=full, force=force, rebase=rebase and settings(home, rebase).base, engine=engine))


@main.command()
@instance
def update(home: str | None, base: str | None) -> None:
    """Harvest all sources of this instance, build, and switch: what a timer calls."""
    wanted = settings(home, base)
    with release.writing(wanted.home), Journal(wanted.home / "journal.sqlite") as journal:
        known = [registered(description) for description in journal.sources().values()]
    if not known:
        raise Misconfigured(f"{wanted.home} has no sources yet; publisher harvest SOURCE makes the first")
    outcomes = harvested(wanted, known)
    print_outcomes(outcomes)
    print_built(built(wanted))
    sys.exit(max(outcome.exit_code for outcome in outcomes))


@main.command()
@instance
def rollback(home: str | None, base: str | None) -> None:
    """Put the previous release back into service."""
    wanted = settings(home, base)
    with release.writing(wanted.home):
        left, back = release.current(wanted.home), release.rolled_back(wanted.home)
    placed(wanted, back.number, left.number if left else 0, ROLLBACK)
    summary(f"release {back.number} is in service again; the next build goes on from it", release=back.number)


@main.command()
@click.option("--port", type=int, default=8000, show_default=True, help="Where the server listens; IRIs do not change with it")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on")
@click.option("--workers", type=int, default=2, show_default=True, help="Web processes")
@click.option(
    "--proxies", type=click.IntRange(0), default=0, show_default=True, help="Front servers of yours before it, which name the client"
)
@instance
def serve(home: str | None, base: str | None, port: int, host: str, workers: int, proxies: int) -> None:
    """Serve the release in service: records, SPARQL, pages."""
    os.environ["PUBLISHER_PROXIES"] = str(proxies)
    serve_(settings(home, base), host, port, workers)


@main.command()
@click.option("--no-serve", is_flag=True, help="Stop before serving")
@click.option("--port", type=int, default=8000, show_default=True, help="Where the server listens")
@instance
def demo(home: str | None, base: str | None, no_serve: bool, port: int) -> None:
    """Load the sample, build a release and serve it."""
    wanted = settings(home, base)
    sample = project_file("data", "sample")
    table = tomllib.loads((sample / "source.toml").read_text("utf-8")) | {"url": str(sample)}
    outcomes = harvested(wanted, [source_of_table(table, str(sample / "source.toml"))])
    print_outcomes(outcomes)
    print_built(built(wanted))
    reader = served(wanted)
    here = f"http://127.0.0.1:{port}{urlsplit(reader.base).path}"
    paper = reader.latest("Paper", 1)[0].iri.replace(reader.base, here)
    click.echo(f"\nReady at {here}/ - three things to try:")
    click.echo(f"  a record        curl {paper}")
    click.echo(
        f"  a SPARQL query  curl {here}/sparql --data-urlencode 'query=SELECT ?name WHERE {{ ?p a <https://schema.oparl.org/1.1/Paper> ;"
        " <https://schema.oparl.org/1.1/name> ?name }} LIMIT 5' -H 'Accept: text/csv'".replace("}}", "}")
    )
    click.echo(f"  the pages       open {here}/ in a browser\n")
    if not no_serve:
        serve_(wanted, "127.0.0.1", port, 2)
