"""The list of blueprints, in the order in which they are registered."""

from flask import Blueprint

from publisher.views import catalog, documents, feeds, interface, lists, ontology, operation, pages, reconcile, report, sparql, versions

ALL: tuple[Blueprint, ...] = (
    documents.blueprint,
    lists.blueprint,
    versions.blueprint,
    feeds.blueprint,
    catalog.blueprint,
    reconcile.blueprint,
    report.blueprint,
    interface.blueprint,
    operation.blueprint,
    sparql.blueprint,
    ontology.blueprint,
    pages.blueprint,
)
