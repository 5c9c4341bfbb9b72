"""Pages for people."""

from flask import Blueprint, request

from publisher.journal.reader import Found, Reader

blueprint = Blueprint("pages", __name__)


def language() -> str:
    """Return "de" or "en": what the address or the browser asks for, German where neither does."""
    return request.args.get("lang") or request.accept_languages.best_match(["de", "en"]) or "de"


def render(found: Found, reader: Reader, lang: str) -> str:
    """Return the record's page."""
    raise NotImplementedError
