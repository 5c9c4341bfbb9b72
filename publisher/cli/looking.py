"""Commands that only look."""

import logging
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import orjson

from publisher import release
from publisher.cli.group import instance, main
from publisher.cli.saying import say, warn
from publisher.cli.work import now, served, shown
from publisher.config import settings
from publisher.errors import Misconfigured
from publisher.journal import Journal
from publisher.journal.history import Entry, history
from publisher.pipeline import vendor_log
from publisher.pipeline.dump import DUMPS, dump
from publisher.pipeline.dump import written as dump_written
from publisher.pipeline.repair import damage, repaired
from publisher.pipeline.report import checked_anew, kept
from publisher.shapes import turtle
from publisher.store import opened


@main.command()
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "ttl", "csv"]), default="text", show_default=True, help="Form of the report"
)
@click.option("--full", is_flag=True, help="Judge every record anew instead of showing what the build found")
@click.option("--lang", type=click.Choice(["de", "en"]), default="de", show_default=True, help="Language of the text")
@click.option("--repair", is_flag=True, help="Make whatever is damaged anew; says what is lost, if anything is")
@instance
def check(home: str | None, base: str | None, form: str, full: bool, lang: str, repair: bool) -> None:
    """Show what the shapes found in the release, and which of its files are damaged.

    With --full every record is judged anew, and the other releases and the databases are looked at, too. Exit code 0, 1 for
    warnings, 2 for violations, records kept out or damaged files.
    """
    wanted = settings(home, base)
    if repair:
        with shown() as progress:
            for line in repaired(wanted, now(), progress=progress):
                click.echo(line)
        return
    if damaged := list(damage(wanted.home, full=full)):
        for line in damaged:
            warn(f"damaged: {line}; publisher check --repair")
        sys.exit(2)
    reader = served(wanted)
    path = wanted.home / "releases" / str(reader.release)
    if full:
        ours = wanted.home / "store" if (path / "store" / "engine.json").is_file() else path / "store"
        with closing(opened(f"oxigraph:{ours}")) as store:
            report = checked_anew(reader, store, now())
        text = {"text": report.text(lang), "json": report.json().decode(), "csv": report.csv()}.get(form) or turtle(report)
        code = report.code
    else:
        text, code = kept(path, form, lang)
    click.echo(text, nl=not text.endswith("\n"))
    sys.exit(code)


COLUMNS = ("added", "changed", "withdrawn", "refused", "kept_out", "records")
WIDTHS = "{:>7}  {:<11}  {:<25}  {:<25}  {:<25}" + "{:>10}" * (len(COLUMNS) + 1) + "  {}"
HEAD = ("release", "state", "made", "in service from", "until", *(name.replace("_", " ") for name in COLUMNS), "MB", "by")


def _line(entry: Entry) -> str:
    """Return what an entry of the log of releases says, as a line for people; "-" for what nobody noted."""
    told = entry.told
    size = f"{told['bytes'] / 1e6:.1f}" if told else "-"
    by = f"{told['by']}, publisher {told['publisher']}, vocabulary {told['vocabulary']}" if told else "-"
    numbers = (told.get(name, "-") for name in COLUMNS)
    return WIDTHS.format(entry.release, entry.state, entry.made, entry.placed or "-", entry.left or "-", *numbers, size, by)


@main.command("dump")
@click.argument("form", metavar="FORMAT", type=click.Choice(DUMPS))
@click.option("--output", type=click.Path(path_type=Path), help="File to write; standard output if left out")
@instance
def dump_command(form: str, output: Path | None, home: str | None, base: str | None) -> None:
    """Write everything the release serves as FORMAT (nquads, ntriples or jsonl), sorted."""
    reader = served(settings(home, base))
    if output:
        try:
            size = dump_written(dump(reader, form), output)
        except OSError as error:
            raise Misconfigured(f"{output}: expected a place for a file: {error.strerror}; choose another with --output") from error
        say(logging.INFO, f"{output}: {size:,} bytes")
        return
    sys.stdout.buffer.writelines(dump(reader, form))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON")
@click.option(
    "--letter", metavar="SOURCE", help="Print what can be mailed to the operator of this source: its faults with counts and places"
)
@click.option("--releases", is_flag=True, help="Print the log of releases, a line each, the newest first; with --json as JSON lines")
@instance
def status(home: str | None, base: str | None, as_json: bool, letter: str | None, releases: bool) -> None:
    """Tell what is in service, what the sources last gave, and what is wrong with them."""
    wanted = settings(home, base)
    if releases:
        served(wanted).close()  # says what to do first where there is none
        if not as_json:
            click.echo(WIDTHS.format(*HEAD))
        for entry in history(wanted.home):
            told = entry._asdict()
            click.echo(orjson.dumps(told | told.pop("told")) if as_json else _line(entry))
        return
    if letter:
        with Journal(wanted.home / "journal.sqlite") as journal:
            described, runs = journal.sources().get(letter), journal.runs(letter)
        if described is None or not runs:
            raise Misconfigured(f"no source {letter!r} was harvested here; publisher status lists them")
        click.echo(vendor_log.letter(described, runs[0]), nl=False)
        return
    now = release.current(wanted.home)
    if now is None and (wanted.home / "journal.sqlite").is_file():  # harvested, not built yet
        sources = _harvested(wanted.home)
        if as_json:
            click.echo(orjson.dumps({"release": None, "counts": {}, "sources": sources}, option=orjson.OPT_INDENT_2))
            return
        _say_sources(sources)
    reader = served(wanted)
    found = {"release": now and now.manifest, "counts": reader.counts(), "sources": reader.sources()}
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2))
        return
    click.echo(f"release {reader.release} of {wanted.home}, base {reader.base}")
    notice = wanted.home / "current" / "store" / "engine.json"
    for name, word in (orjson.loads(notice.read_bytes())["findings"] if notice.is_file() else {}).items():
        click.echo(f"  engine: {name} {word}")
    for name, (live, dead) in reader.counts().items():
        click.echo(f"  {name:<16}{live:>9}" + (f"   and {dead} tombstones" if dead else ""))
    _say_sources(reader.sources())


def _harvested(home: Path) -> list[dict[str, Any]]:
    """Return each source's description with its newest run as "run"."""
    with Journal(home / "journal.sqlite") as journal:
        return [told | {"run": next((run._asdict() for run in journal.runs(name)), None)} for name, told in journal.sources().items()]


def _say_sources(sources: list[dict[str, Any]]) -> None:
    for one in sources:
        run = one["run"] or {}
        click.echo(
            f"source {one['name']} ({one['kind']}, {one['url']}): {'whole' if run.get('whole') else 'partial'} at {run.get('started')}"
        )
        for word in filter(None, ((run.get("state") or {}).get("failure"), ((run.get("state") or {}).get("stamps") or {}).get("words"))):
            click.echo(f"  note: {word}")
        for name, (expected, came) in ((run.get("state") or {}).get("short") or {}).items():
            click.echo(f"  fewer than expected: {name} {came} of {expected}")
        for rule, (times, _, places) in (run.get("notes", {}).get("normalised") or {}).items():
            click.echo(f"  repaired {times:>7} x {rule}, e.g. {places[0]}")
