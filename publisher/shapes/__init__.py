"""The judging room: SHACL shapes over what changed, and what a clerk is told about it."""

from publisher.shapes.files import BASE, LAYERS, Rule, Shapes, shapes
from publisher.shapes.judge import ENGINES, Result, by_record, judge, judged
from publisher.shapes.relations import relation_queries, results_of
from publisher.shapes.report import PUBLISHED, Line, Report, Tally, class_of, sentence, tally_of
from publisher.shapes.report_rdf import named, pieces, result_triples, triples, turtle

__all__ = [
    "BASE", "ENGINES", "LAYERS", "Line", "PUBLISHED", "Report", "Result", "Rule", "Shapes", "Tally", "by_record", "class_of", "judge",
    "judged", "named", "pieces", "relation_queries", "result_triples", "results_of", "sentence", "shapes", "tally_of", "triples", "turtle",
]  # fmt: skip
