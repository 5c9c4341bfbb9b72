"""The command line: parse, call one function, print a summary line, map errors to exit codes."""

from publisher.cli import acting, looking, more
from publisher.cli.group import main

__all__ = ["acting", "looking", "main", "more"]
