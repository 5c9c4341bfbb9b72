"""Pages for people: a page for each record, and those that lead there, in German and English, usable without script."""

from publisher.views.pages import calendar, desk, find, home, plots
from publisher.views.pages.frame import blueprint, language
from publisher.views.pages.records import render

__all__ = ["blueprint", "calendar", "desk", "find", "home", "language", "plots", "render"]
