"""The list of blueprints, in the order in which they are registered."""

from flask import Blueprint

from publisher.views import catalog, documents, feeds, lists, ontology, pages, reconcile, report, sparql, versions

ALL: tuple[Blueprint, ...] = (
    documents.blueprint,
    lists.blueprint,
    versions.blueprint,
    feeds.blueprint,
    catalog.blueprint,
    reconcile.blueprint,
    report.blueprint,
    sparql.blueprint,
    ontology.blueprint,
    pages.blueprint,
)
