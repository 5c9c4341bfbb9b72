"""The list of blueprints, in the order in which they are registered."""

from flask import Blueprint

from publisher.views import documents, pages, sparql

ALL: tuple[Blueprint, ...] = (documents.blueprint, sparql.blueprint, pages.blueprint)
