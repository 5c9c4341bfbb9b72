"""What a source's [options] may say, by kind, and what is wrong with those given."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from publisher.config import Source
from publisher.errors import Misconfigured
from publisher.sources.repairs import REPAIRS


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _yes_or_no(value: Any) -> bool:
    return isinstance(value, bool)


def _addresses(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(url, str) and url.startswith("http") for url in value)


def _prefixes(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(old, str) and old and isinstance(new, str) and new for old, new in value.items())


def _rewritten(value: Any) -> bool:
    try:
        return _prefixes(value) and all(re.sub(f"(?:{pattern})|", address, "") is not None for pattern, address in value.items())
    except (re.error, IndexError):
        return False


def _time(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 25 and value[10] == "T"


OPTIONS: dict[str, tuple[Callable[[Any], bool], str]] = {
    # How many objects a page should hold; a hint that servers may ignore.
    "limit": (_number, "a number of objects a page, such as 100"),
    # Embedded objects are left out of the lists and read from lists of their own (1.1).
    "omit_internal": (_yes_or_no, "true or false"),
    # Only what changed since then; set for a single walk, not in a TOML.
    "modified_since": (_time, 'a time with offset, such as "2031-01-01T00:00:00+01:00"'),
    # The lists of parts: true reads them whole, false never; otherwise until they prove to hold only what other objects embed.
    "parts": (_yes_or_no, "true or false"),
    # The bodies whose lists are read, of many in one system.
    "bodies": (_addresses, "a list of the ids of the bodies wanted"),
    # The product whose repairs apply, where its answers do not tell.
    "dialect": (lambda value: value in REPAIRS, f"one of: {', '.join(sorted(filter(None, REPAIRS)))}"),
    # Where addresses are really answered that keep an old host or path in ids.
    "served": (_prefixes, "a table of old and new prefixes of addresses"),
    # Prefixes of ids to be written as others: http and https of one id, the old host and the new.
    "same": (_prefixes, "a table of old and new prefixes of addresses"),
    # Addresses of files that do not answer, as patterns (regular expressions), and where the file is: "...id=\\1" takes the first group.
    "files": (_rewritten, "a table of patterns of files' addresses and of addresses with their groups"),
    # Objects that are linked and stand in no list are asked for by their id.
    "fetch_linked": (_yes_or_no, "true or false"),
    # "ignore" only with the operator's leave.
    "robots": (lambda value: value in ("obey", "ignore"), '"obey" or "ignore"'),
}


def _month(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\d{4}-(?:0[1-9]|1[0-2])", value) is not None


def _pattern(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(re.compile(value))
    except re.error:
        return False


def _text(value: Any) -> bool:
    return isinstance(value, str)


# What sources of pages may say, by kind; the first two read OParl.
BY_KIND: dict[str, dict[str, tuple[Callable[[Any], bool], str]]] = {
    "oparl": OPTIONS,
    "oparl-files": OPTIONS,
    "allris3": {
        "calendar": (_text, 'the name of a page, such as "si010_e"'),
        "since": (_month, 'a month, such as "2009-01"'),
        "lists": (_yes_or_no, "true or false"),
        "persons": (_yes_or_no, "true or false"),
        "exports": (_yes_or_no, "true or false"),
        "robots": OPTIONS["robots"],
    },
    "allris4": {
        "ending": (_text, 'how the names of pages end, such as ".asp"'),
        "meetings": (_text, 'the name of a page, such as "si018"'),
        "papers": (_yes_or_no, "true or false"),
        "lists": (_yes_or_no, "true or false"),
        "persons": (_yes_or_no, "true or false"),
        "robots": OPTIONS["robots"],
    },
    "unserac": {"papers": (_pattern, "a pattern (regular expression) that a paper's address holds"), "robots": OPTIONS["robots"]},
}


def check_options(source: Source) -> None:
    """Check the options of a source; those that bound an answer (max_...) are checked by `fetch`. Raises Misconfigured."""
    known = BY_KIND.get(source.kind, OPTIONS)
    for key, value in source.options.items():
        if key.startswith("max_"):
            continue
        if key not in known:
            raise Misconfigured(f"source {source.name}: options.{key}: unknown; known: {', '.join(known)}")
        right, expected = known[key]
        if not right(value):
            raise Misconfigured(f"source {source.name}: options.{key} = {value!r}: expected {expected}")
