"""What several commands do and print alike."""

import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson
from granian import Granian
from granian.constants import Interfaces
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from publisher import __version__, release
from publisher.cli.saying import form_of_log, say, structured, summary, warn
from publisher.config import Settings, Source, source_of_table
from publisher.errors import Busy, Malformed, Misconfigured
from publisher.journal import Journal
from publisher.journal.log import Log
from publisher.journal.reader import Reader, readable
from publisher.journal.serving import Serving
from publisher.logs import of_server
from publisher.ontology import VERSION
from publisher.pipeline.beside import Errand, harvests
from publisher.pipeline.build import Built, build
from publisher.pipeline.forget import erased, erasing
from publisher.pipeline.harvest import COLUMNS, Outcome
from publisher.sources.municipalities import meant


def ad_hoc(options: dict[str, Any]) -> Source:
    missing = [f"--{key}" for key in ("kind", "url", "jurisdiction") if not options[key]]
    if missing:
        raise Misconfigured(f"name a source, or describe one ad hoc; missing: {', '.join(missing)}")
    table = {key: options[key] for key in ("kind", "url", "jurisdiction", "name", "pause") if options[key] is not None}
    if Path(table["url"]).exists():
        table["url"] = str(Path(table["url"]).absolute())  # a timer will ask again from another folder
    made = source_of_table({"name": "?", **table}, "command line", meant)
    return made if table.get("name") else replace(made, name=f"{made.kind}-{made.jurisdiction}")


def registered(description: dict[str, Any]) -> Source:
    return source_of_table({key: value for key, value in description.items() if key != "space"}, description["name"])


def harvested(
    wanted: Settings, chosen: list[Source], *, replay: bool = False, force: bool = False, prune: float | None = None
) -> list[Outcome]:
    with release.writing(wanted.home), Journal(wanted.home / "journal.sqlite") as journal, shown(_sizes(journal, chosen)) as progress:
        for one in chosen if structured() else ():
            say(logging.INFO, f"{one.name}: reading {one.url}", source=one.name, url=one.url)
        return harvests(journal, chosen, Errand(wanted, now, replay=replay, force=force, prune=prune), progress)


def _sizes(journal: Journal, chosen: list[Source]) -> dict[str, int]:
    """Return about how many records each source holds: as its last whole harvest saw them, else as its TOML expects; else none."""
    runs = {
        one.name: next((run for run in journal.runs(one.name, 20) if run.whole and not run.state.get("window")), None) for one in chosen
    }
    seen = {name: sum(count.get("seen", 0) for count in run.counts.values()) for name, run in runs.items() if run}
    return {one.name: sum(one.expected.values()) for one in chosen if one.expected} | seen


def built(wanted: Settings, **options: Any) -> Built:
    """Build; if something was erased since the last build, in full, so that no file and no older release holds it any more."""
    before = release.current(wanted.home)
    made = _built(wanted, options)
    if made.new:
        context = click.get_current_context(silent=True)
        asked = [context and context.info_name or "build", *(f"--{key}" for key in ("full", "force", "rebase") if options.get(key))]
        placed(wanted, made.number, before.number if before else 0, " ".join(asked))
    return made


def placed(wanted: Settings, number: int, before: int, by: str) -> None:
    """Note in the log of releases that a release came into service, what it is and what it changed; by: the command."""
    path = wanted.home / "journal.sqlite"
    try:
        manifest = release.Release(number, wanted.home / "releases" / str(number)).manifest
        size = sum(file["bytes"] for file in manifest["files"].values())
        told = {"by": by, "publisher": __version__, "vocabulary": VERSION, "records": manifest["records"], "bytes": size}
        with release.writing(wanted.home), Journal(path) as journal:
            log = Log(journal)
            log.place(number, now(), told | (log.changes(number, before) if number > before else {}))
    except (Busy, Malformed) as error:  # it is in service all the same
        warn(f"not noted in the log of releases: {error}", release=number)


def _built(wanted: Settings, options: dict[str, Any]) -> Built:
    if not _erasing(wanted):
        with shown() as progress:
            return build(wanted, now(), progress=progress, **options)
    say(logging.INFO, "something was erased: everything is made anew, and older releases go")
    with shown() as progress:
        made = build(replace(wanted, retention=1), now(), progress=progress, **{**options, "full": True})
    with (
        release.writing(wanted.home),
        Journal(wanted.home / "journal.sqlite") as journal,
        Serving(wanted.home / "serving.sqlite") as serving,
    ):
        serving.vacuum()
        erased(journal)
    return made


def _erasing(wanted: Settings) -> bool:
    """Return whether something was erased that files still hold; then nothing of it is left in the journal's file any more."""
    with release.writing(wanted.home), Journal(wanted.home / "journal.sqlite") as journal:
        if erasing(journal):
            journal.vacuum()
        return erasing(journal)


def print_outcomes(outcomes: list[Outcome], *, as_json: bool = False) -> None:
    for outcome in outcomes:
        counts = {name: dict(counter) for name, counter in outcome.counts.items()}
        told = {"source": outcome.source, "whole": outcome.whole, "failure": outcome.failure, "counts": counts, "short": outcome.short}
        if as_json:
            click.echo(orjson.dumps(told))
        if structured():
            say(logging.INFO, f"{outcome.source}: {'harvested' if outcome.whole else 'harvested in part'}", **told)
        elif as_json:
            continue
        else:
            _print_counts(outcome)
        _print_faults(outcome)


def _print_counts(outcome: Outcome) -> None:
    click.echo(f"{outcome.source:<18}" + "".join(f"{column:>11}" for column in COLUMNS))
    for name, counter in sorted(outcome.counts.items()):
        click.echo(f"  {name:<16}" + "".join(f"{counter[column]:>11}" for column in COLUMNS))
    for rule, (times, values, _) in sorted(outcome.notes.get("withheld", {}).items()):
        click.echo(f"  withheld ({rule}): {values} values in {times} places")


def _print_faults(outcome: Outcome) -> None:
    source = outcome.source
    if outcome.erased:
        gone = len(outcome.erased)
        summary(
            f"  former members: old versions of {gone} persons erased; the next build leaves nothing of them", source=source, erased=gone
        )
    for refusal in outcome.refusals[:20]:
        warn(f"refused: {source}: {refusal.url}: {refusal.reason}", source=source, url=refusal.url, reason=refusal.reason)
    if len(outcome.refusals) > 20:
        warn(f"refused: {len(outcome.refusals) - 20} more; publisher status --json lists all", source=source)
    for name, (expected, came) in outcome.short.items():
        warn(f"{source}: fewer than expected: {name} {came} of {expected}", source=source, cls=name, expected=expected, came=came)
    for text in filter(None, (outcome.kept, outcome.failure)):
        say(logging.ERROR if text == outcome.failure else logging.WARNING, f"{source}: {text}", source=source)


def print_built(made: Built) -> None:
    for iri, reason in made.rejected[:20]:
        warn(f"kept out: {iri}: {reason}", release=made.number, url=iri, reason=reason)
    for text in made.missing:
        warn(f"no catalogue yet: {text}; write it into catalog.toml in the home", release=made.number)
    if made.new:
        kept_out = len(made.rejected)
        told = f"release {made.number} in service: {made.changed} records changed, {kept_out} kept out"
        summary(told, release=made.number, changed=made.changed, kept_out=kept_out)
    else:
        summary(f"nothing new; release {made.number} stays in service", release=made.number, changed=0)


def served(wanted: Settings) -> Reader:
    found = release.current(wanted.home)
    if found is None:
        raise Misconfigured(f"{wanted.home}: no release yet; publisher harvest SOURCE, then publisher build, make the first")
    return readable(wanted.home, found.number)


def serve_(wanted: Settings, host: str, port: int, workers: int) -> None:
    served(wanted).close()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Busy(f"{host}:{port}: {error.strerror}; choose another with --port") from error
    os.environ |= {"PUBLISHER_HOME": str(wanted.home.absolute()), "PUBLISHER_LOG": form_of_log()}
    server = Granian(
        "publisher.views:served",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        # More than queries (store.limits.Limits: 4 + 2 + 8 + 4) and slow senders (views.bodies: 8 + 2) may hold: documents always find one.
        blocking_threads=32,
        factory=True,
        log_access=False,  # its own line has clients' addresses and no release; views.access writes ours
        log_dictconfig=of_server(form_of_log()),
    )
    say(logging.INFO, f"serving on http://{host}:{port}/ - Ctrl-C ends it", url=f"http://{host}:{port}/")
    server.serve()


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class _Rate(ProgressColumn):
    """Objects a second."""

    def render(self, task: Task) -> Text:
        steady = task.speed and (task.elapsed or 0) > 1  # the first objects come all at once
        return Text(f"{task.speed:,.0f}/s" if steady else "")


@contextmanager
def shown(sizes: Mapping[str, int] | None = None) -> Iterator[Callable[[str, int], None]]:
    """Show how far long work is: a bar for each source on a terminal, a plain line every 5,000 objects otherwise.

    sizes: name -> objects to come, as far as known; then the bar tells the time left as well.
    """
    console = Console(stderr=True)
    if structured() or not console.is_terminal:
        yield lambda name, count: say(logging.INFO, f"{name}: {count}", step=name, count=count) if count % 5000 == 0 and count else None
        return
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed} objects"),
        _Rate(), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bars:
        tasks: dict[str, Any] = {}

        def step(name: str, count: int) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=(sizes or {}).get(name))
            bars.update(tasks[name], completed=count)

        yield step
