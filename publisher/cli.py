"""The command line: parse, call one function, print a summary line, map errors to exit codes."""

import os
import socket
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson
from granian import Granian
from granian.constants import Interfaces
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from publisher import __version__, ontology, release
from publisher.config import Settings, Source, project_file, settings, source, source_of_table
from publisher.errors import Busy, Misconfigured, PublisherError
from publisher.fetch import Fetch
from publisher.journal import Journal
from publisher.journal.reader import Reader, readable
from publisher.pipeline.build import Built
from publisher.pipeline.build import build as built
from publisher.pipeline.dump import DUMPS, dump
from publisher.pipeline.dump import written as dump_written
from publisher.pipeline.harvest import COLUMNS, Outcome
from publisher.pipeline.harvest import harvest as harvested
from publisher.pipeline.report import checked_anew, kept
from publisher.shapes import turtle
from publisher.sources import KINDS
from publisher.store import opened

GO_ON = "Interrupted. Nothing is lost and nothing half-written is served: the same command goes on where this one stopped."


class Commands(click.Group):
    """Turns our errors into one line on standard error and their exit code, for every command alike."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except PublisherError as error:
            click.echo(f"publisher: {error}", err=True)
            ctx.exit(error.code)
        except KeyboardInterrupt:
            click.echo(GO_ON, err=True)
            ctx.exit(130)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, message=f"publisher %(version)s, vocabulary {ontology.VERSION}")
def main() -> None:
    """Turn the records of town councils into linked open data: harvest, build, serve.

    First steps: `publisher demo` shows everything with a small sample. Then: `publisher harvest NAME`, `publisher build`,
    `publisher serve`; and from a timer `publisher update`.
    """


def instance(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that all take."""
    home = click.option("--home", metavar="DIR", help="Where the instance lives. Default: $PUBLISHER_HOME, else ./var")
    base = click.option(
        "--base", metavar="IRI", help="Address under which records are published. Default: $PUBLISHER_BASE, else http://127.0.0.1:8000"
    )
    return home(base(command))


@main.command()
@click.argument("names", metavar="[SOURCE]...", nargs=-1)
@click.option("--kind", type=click.Choice(sorted(KINDS)), help="Ad hoc, without a TOML file: kind of source")
@click.option("--url", metavar="URL_OR_PATH", help="Ad hoc: its address, file or folder")
@click.option("--jurisdiction", metavar="KEY", help="Ad hoc: ARS (12 digits), AGS (8) or Kreis key (5); part of every IRI")
@click.option("--name", help="Ad hoc: name of the source. Default: KIND-KEY")
@click.option("--pause", type=float, default=None, help="Ad hoc: seconds between two requests to one host. Default: 1")
@click.option("--replay", is_flag=True, help="Read from the page cache alone; no network")
@click.option("--force", is_flag=True, help="Withdraw missing records even above the safety share")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON")
@instance
def harvest(names: tuple[str, ...], home: str | None, base: str | None, **options: Any) -> None:
    """Read SOURCEs (TOML files, or names in data/sources/) into the journal.

    Prints for each class: seen, new, changed, unchanged, withdrawn, refused. Exit code 0, 1 if records were refused, 2 if
    a source failed; what was published before stays in any case.
    """
    wanted = settings(home, base)
    chosen = [source(name, wanted.home) for name in names] or [_ad_hoc(options)]
    outcomes = _harvested(wanted, chosen, replay=options["replay"], force=options["force"])
    _print_outcomes(outcomes, as_json=options["as_json"])
    sys.exit(max(outcome.exit_code for outcome in outcomes))


@main.command()
@click.option("--full", is_flag=True, help="Make everything anew from the journal, not only what changed")
@click.option("--force", is_flag=True, help="Let a release out that loses more records than the safety share")
@click.option("--rebase", metavar="IRI", default="", help="Move all records to this base; the old IRIs stay as owl:sameAs")
@instance
def build(home: str | None, base: str | None, full: bool, force: bool, rebase: str) -> None:
    """Make a release of what the journal holds and put it into service."""
    _print_built(_built(settings(home, base), full=full, force=force, rebase=rebase))


@main.command()
@instance
def update(home: str | None, base: str | None) -> None:
    """Harvest all sources of this instance, build, and switch: what a timer calls."""
    wanted = settings(home, base)
    with release.writing(wanted.home), Journal(wanted.home / "journal.sqlite") as journal:
        known = [_registered(description) for description in journal.sources().values()]
    if not known:
        raise Misconfigured(f"{wanted.home} has no sources yet; publisher harvest SOURCE makes the first")
    outcomes = _harvested(wanted, known)
    _print_outcomes(outcomes)
    _print_built(_built(wanted))
    sys.exit(max(outcome.exit_code for outcome in outcomes))


@main.command()
@instance
def rollback(home: str | None, base: str | None) -> None:
    """Put the previous release back into service."""
    wanted = settings(home, base)
    with release.writing(wanted.home):
        back = release.rolled_back(wanted.home)
    click.echo(f"release {back.number} is in service again; the next build goes on from it")


@main.command()
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "ttl", "csv"]), default="text", show_default=True, help="Form of the report"
)
@click.option("--full", is_flag=True, help="Judge every record anew instead of showing what the build found")
@click.option("--lang", type=click.Choice(["de", "en"]), default="de", show_default=True, help="Language of the text")
@instance
def check(home: str | None, base: str | None, form: str, full: bool, lang: str) -> None:
    """Show what the shapes found in the release. Exit code 0, 1 for warnings, 2 for violations or records kept out."""
    wanted = settings(home, base)
    reader = _reader(wanted)
    path = wanted.home / "releases" / str(reader.release)
    if full:
        with closing(opened(f"oxigraph:{path / 'store'}")) as store:
            report = checked_anew(reader, store, _now())
        text = {"text": report.text(lang), "json": report.json().decode(), "csv": report.csv()}.get(form) or turtle(report)
        code = report.code
    else:
        text, code = kept(path, form, lang)
    click.echo(text, nl=not text.endswith("\n"))
    sys.exit(code)


@main.command()
@click.option("--port", type=int, default=8000, show_default=True, help="Where the server listens; IRIs do not change with it")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on")
@click.option("--workers", type=int, default=2, show_default=True, help="Web processes")
@instance
def serve(home: str | None, base: str | None, port: int, host: str, workers: int) -> None:
    """Serve the release in service: records, SPARQL, pages."""
    _serve(settings(home, base), host, port, workers)


@main.command("dump")
@click.argument("form", metavar="FORMAT", type=click.Choice(DUMPS))
@click.option("--output", type=click.Path(path_type=Path), help="File to write; standard output if left out")
@instance
def dump_command(form: str, output: Path | None, home: str | None, base: str | None) -> None:
    """Write everything the release serves as FORMAT (nquads, ntriples or jsonl), sorted."""
    reader = _reader(settings(home, base))
    if output:
        click.echo(f"{output}: {dump_written(dump(reader, form), output):,} bytes", err=True)
        return
    sys.stdout.buffer.writelines(dump(reader, form))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON")
@instance
def status(home: str | None, base: str | None, as_json: bool) -> None:
    """Tell what is in service, what the sources last gave, and what is wrong with them."""
    wanted = settings(home, base)
    now = release.current(wanted.home)
    reader = _reader(wanted)
    found = {"release": now and now.manifest, "counts": reader.counts(), "sources": reader.sources()}
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    click.echo(f"release {reader.release} of {wanted.home}, base {reader.base}")
    for name, (live, dead) in reader.counts().items():
        click.echo(f"  {name:<16}{live:>9}" + (f"   and {dead} tombstones" if dead else ""))
    for one in reader.sources():
        run = one["run"] or {}
        click.echo(
            f"source {one['name']} ({one['kind']}, {one['url']}): {'whole' if run.get('whole') else 'partial'} at {run.get('started')}"
        )
        for rule, (times, _, places) in (run.get("notes", {}).get("normalised") or {}).items():
            click.echo(f"  repaired {times:>7} x {rule}, e.g. {places[0]}")


@main.command()
@click.option("--no-serve", is_flag=True, help="Stop before serving")
@click.option("--port", type=int, default=8000, show_default=True, help="Where the server listens")
@instance
def demo(home: str | None, base: str | None, no_serve: bool, port: int) -> None:
    """Load the sample, build a release and serve it."""
    wanted = settings(home, base)
    sample = project_file("data", "sample")
    table = tomllib.loads((sample / "source.toml").read_text("utf-8")) | {"url": str(sample)}
    outcomes = _harvested(wanted, [source_of_table(table, str(sample / "source.toml"))])
    _print_outcomes(outcomes)
    _print_built(_built(wanted))
    reader = _reader(wanted)
    paper = reader.latest("Paper", 1)[0].iri.replace(reader.base, f"http://127.0.0.1:{port}")
    here = f"http://127.0.0.1:{port}"
    click.echo(f"\nReady at {here}/ - three things to try:")
    click.echo(f"  a record        curl {paper}")
    click.echo(
        f"  a SPARQL query  curl {here}/sparql --data-urlencode 'query=SELECT ?name WHERE {{ ?p a <https://schema.oparl.org/1.1/Paper> ;"
        " <https://schema.oparl.org/1.1/name> ?name }} LIMIT 5' -H 'Accept: text/csv'".replace("}}", "}")
    )
    click.echo(f"  the pages       open {here}/ in a browser\n")
    if not no_serve:
        _serve(wanted, "127.0.0.1", port, 2)


def _ad_hoc(options: dict[str, Any]) -> Source:
    missing = [f"--{key}" for key in ("kind", "url", "jurisdiction") if not options[key]]
    if missing:
        raise Misconfigured(f"name a source, or describe one ad hoc; missing: {', '.join(missing)}")
    table = {key: options[key] for key in ("kind", "url", "jurisdiction", "name", "pause") if options[key] is not None}
    return source_of_table({"name": f"{options['kind']}-{options['jurisdiction']}", **table}, "command line")


def _registered(description: dict[str, Any]) -> Source:
    return source_of_table({key: value for key, value in description.items() if key != "space"}, description["name"])


def _harvested(wanted: Settings, chosen: list[Source], *, replay: bool = False, force: bool = False) -> list[Outcome]:
    outcomes = []
    with release.writing(wanted.home), Journal(wanted.home / "journal.sqlite") as journal, _progress() as progress:
        for one in chosen:
            with Fetch(one, wanted.home, replay=replay) as fetch:
                outcomes.append(harvested(journal, one, fetch, _now(), settings=wanted, progress=progress, force=force))
    return outcomes


def _built(wanted: Settings, **options: Any) -> Built:
    with _progress() as progress:
        return built(wanted, _now(), progress=progress, **options)


def _print_outcomes(outcomes: list[Outcome], *, as_json: bool = False) -> None:
    for outcome in outcomes:
        if as_json:
            counts = {name: dict(counter) for name, counter in outcome.counts.items()}
            click.echo(orjson.dumps({"source": outcome.source, "whole": outcome.whole, "failure": outcome.failure, "counts": counts}))
            continue
        click.echo(f"{outcome.source:<18}" + "".join(f"{column:>11}" for column in COLUMNS))
        for name, counter in sorted(outcome.counts.items()):
            click.echo(f"  {name:<16}" + "".join(f"{counter[column]:>11}" for column in COLUMNS))
        for refusal in outcome.refusals[:20]:
            click.echo(f"refused: {outcome.source}: {refusal.url}: {refusal.reason}", err=True)
        if len(outcome.refusals) > 20:
            click.echo(f"refused: {len(outcome.refusals) - 20} more; publisher status --json lists all", err=True)
        for text in filter(None, (outcome.kept, outcome.failure)):
            click.echo(f"{outcome.source}: {text}", err=True)


def _print_built(made: Built) -> None:
    for iri, reason in made.rejected[:20]:
        click.echo(f"kept out: {iri}: {reason}", err=True)
    for text in made.missing:
        click.echo(f"no catalogue yet: {text}; write it into catalog.toml in the home", err=True)
    if made.new:
        click.echo(f"release {made.number} in service: {made.changed} records changed, {len(made.rejected)} kept out")
    else:
        click.echo(f"nothing new; release {made.number} stays in service")


def _reader(wanted: Settings) -> Reader:
    found = release.current(wanted.home)
    if found is None:
        raise Misconfigured(f"{wanted.home}: no release yet; publisher harvest SOURCE, then publisher build, make the first")
    return readable(wanted.home, found.number)


def _serve(wanted: Settings, host: str, port: int, workers: int) -> None:
    _reader(wanted).close()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Busy(f"{host}:{port}: {error.strerror}; choose another with --port") from error
    os.environ["PUBLISHER_HOME"] = str(wanted.home.absolute())
    server = Granian(
        "publisher.views:served",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=1,
        factory=True,
        log_access=False,
    )
    click.echo(f"serving on http://{host}:{port}/ - Ctrl-C ends it", err=True)
    server.serve()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@contextmanager
def _progress() -> Iterator[Callable[[str, int], None]]:
    """Show how far long work is: a bar on a terminal, a plain line every 5,000 objects otherwise."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda name, count: click.echo(f"{name}: {count}", err=True) if count % 5000 == 0 and count else None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} objects"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        tasks: dict[str, Any] = {}

        def step(name: str, count: int) -> None:
            if name not in tasks:
                tasks[name] = shown.add_task(name, total=None)
            shown.update(tasks[name], completed=count)

        yield step
