"""What commands say: to people in plain lines, or to a monitor as JSON lines on standard error."""

import logging
from collections.abc import Callable
from typing import Any

import click

from publisher.logs import FORMS, JSON, TEXT, Lines

LOG = logging.getLogger("publisher.cli")
ROOMS = logging.getLogger("publisher")


class _Echo(logging.Handler):
    """Writes to what is standard error now: whoever runs commands one after the other may change it."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(self.format(record), err=True)


def listen(form: str) -> None:
    """Write what is said from now on as "text", our commands' own lines, or as "json", what the rooms below say as well."""
    for log in (LOG, ROOMS):
        log.handlers = [one for one in log.handlers if not isinstance(one, _Echo)]
    # Not for plain text: with a handler above its own, Flask would tell of no error in a page.
    log, handler = (ROOMS, _Echo()) if form == JSON else (LOG, _Echo())
    handler.setFormatter(Lines() if form == JSON else logging.Formatter("%(message)s"))
    log.addHandler(handler)
    LOG.setLevel(logging.INFO)
    ROOMS.setLevel(logging.INFO if form == JSON else logging.NOTSET)


def structured() -> bool:
    """Tell whether JSON lines were asked for."""
    return any(isinstance(one, _Echo) for one in ROOMS.handlers)


def form_of_log() -> str:
    """Return the form that was asked for, "text" or "json"."""
    return JSON if structured() else TEXT


def say(level: int, message: str, **fields: Any) -> None:
    """Say something on standard error. fields: what a JSON line holds beside the message."""
    LOG.log(level, message, extra={"fields": fields})


def warn(message: str, **fields: Any) -> None:
    say(logging.WARNING, message, **fields)


def summary(message: str, **fields: Any) -> None:
    """Say what came of a command: a line on standard output, or a JSON line among the others."""
    if structured():
        say(logging.INFO, message, **fields)
    else:
        click.echo(message)


def logged(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option --log."""
    return click.option(
        "--log",
        type=click.Choice(FORMS),
        default=TEXT,
        envvar="PUBLISHER_LOG",
        is_eager=True,
        expose_value=False,
        callback=lambda _context, _option, form: listen(form),
        help="What is said on standard error: lines for people, or JSON lines. Default: $PUBLISHER_LOG, else text",
    )(command)
