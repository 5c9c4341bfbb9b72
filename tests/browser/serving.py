"""A real server on a free port of loopback, and a real browser for it."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import which
from typing import Any

from flask import Flask
from playwright.sync_api import Browser, sync_playwright
from werkzeug.serving import make_server

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := which(name))), "")
SIZES = {"wide": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@contextmanager
def served(app: Flask, port: int = 0) -> Iterator[str]:
    """Serve an app while the block runs; gives its address."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = make_server("127.0.0.1", port, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


@contextmanager
def browser() -> Iterator[Browser]:
    """Give a headless Chromium while the block runs."""
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        try:
            yield found
        finally:
            found.close()


def opened(found: Browser, size: str, **options: Any) -> Any:
    """Return a fresh page of a browser in one of SIZES."""
    page = found.new_context(viewport=SIZES[size], **options).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(10_000)
    return page
