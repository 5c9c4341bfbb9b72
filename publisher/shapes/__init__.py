"""The judging room: SHACL shapes over what changed, and what a clerk is told about it."""

from publisher.shapes.files import BASE, LAYERS, Rule, Shapes, shapes
from publisher.shapes.judge import ENGINES, Result, by_record, judge, judged
from publisher.shapes.relations import relation_queries, results_of

__all__ = [
    "BASE",
    "ENGINES",
    "LAYERS",
    "Result",
    "Rule",
    "Shapes",
    "by_record",
    "judge",
    "judged",
    "relation_queries",
    "results_of",
    "shapes",
]
