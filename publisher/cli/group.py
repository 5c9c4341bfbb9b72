"""The group of commands, its options and how it fails."""

import logging
from collections.abc import Callable
from typing import Any

import click

from publisher import __version__, ontology
from publisher.cli.saying import listen, logged, say, warn
from publisher.errors import PublisherError
from publisher.logs import TEXT

GO_ON = "Interrupted. Nothing is lost and nothing half-written is served: the same command goes on where this one stopped."


class Commands(click.Group):
    """Turns our errors into one line on standard error and their exit code, for every command alike."""

    def invoke(self, ctx: click.Context) -> Any:
        listen(TEXT)
        try:
            return super().invoke(ctx)
        except PublisherError as error:
            say(logging.ERROR, f"publisher: {error}", **{key: getattr(error, key) for key in ("source", "url") if hasattr(error, key)})
            ctx.exit(error.code)
        except BrokenPipeError:
            ctx.exit(0)  # whoever read our output has seen enough
        except OSError as error:
            mended = "what was published before stays, and the same command goes on when that is mended"
            say(logging.ERROR, f"publisher: {error}; {mended}")
            ctx.exit(2)
        except KeyboardInterrupt:
            warn(GO_ON)
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
    return home(base(logged(command)))
