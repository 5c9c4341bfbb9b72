"""Pages for people: a page for each record, and those that lead there, in German and English, usable without script."""

from publisher.views.pages.calendar import calendar
from publisher.views.pages.desk import status
from publisher.views.pages.find import search
from publisher.views.pages.frame import blueprint, language, today
from publisher.views.pages.home import home
from publisher.views.pages.plots import statistics
from publisher.views.pages.records import again, render, stamp

__all__ = ["again", "blueprint", "calendar", "home", "language", "render", "search", "stamp", "statistics", "status", "today"]
