"""What can go wrong, each error naming its source, its place and what was expected; none tells a password."""

import re

SECRETS = (
    (re.compile(r"(?<=://)[^/\s@'\"]{1,200}@"), "***@"),
    (re.compile(r"(?i)([?&;](?:\w{0,20}token|(?:api_?)?key|secret|password|pwd|signature|sig)=)[^&\s'\"#]+"), r"\1***"),
)


def masked(text: str) -> str:
    """Return a text without the passwords and tokens that addresses of engines and sources in it may carry."""
    for pattern, instead in SECRETS:
        text = pattern.sub(instead, text)
    return text


class PublisherError(Exception):
    """Root of all errors of ours; `cli` turns it into one line and the exit code `code`."""

    code = 2

    def __str__(self) -> str:
        return masked(super().__str__())


class Misconfigured(PublisherError):
    """A setting, a TOML file or a shape file is wrong; the text says which, and what to write instead."""


class Unreachable(PublisherError):
    """A source did not answer, or not with what it promised."""

    def __init__(self, source: str, url: str, expected: str) -> None:
        super().__init__(f"{source}: {url}: {expected}")
        self.source, self.url, self.expected = source, url, expected


class Malformed(PublisherError):
    """A page, file or value that is not what it claims to be; `url` tells where, `expected` what should stand there."""

    def __init__(self, url: str, expected: str) -> None:
        super().__init__(f"{url}: {expected}")
        self.url, self.expected = url, expected


class Busy(PublisherError):
    """Another process writes to this home, or a port is taken."""


class Refused(PublisherError):
    """An act that would lose or mix what is already published; the text says how to force it."""


class QueryRefused(PublisherError):
    """A SPARQL query that is not allowed or not well formed. `status` is the HTTP status that says so."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class LimitMet(PublisherError):
    """A query met a limit (time, rows, bytes, memory, workers); nothing of its answer was sent."""

    def __init__(self, limit: str, message: str, status: int = 503) -> None:
        super().__init__(message)
        self.limit, self.status = limit, status
