"""What a release says about its own quality: results by rule, what was kept out, what the repairs changed."""

from pathlib import Path
from typing import Any

import orjson

from publisher.journal import Journal
from publisher.journal.serving import Serving


def written(path: Path, serving: Serving, journal: Journal, base: str, number: int) -> dict[str, Any]:
    """Write report.json into a release directory and return it."""
    report = {
        "release": number,
        "base": base,
        "results": [dict(result) for _, results in serving.judgements() for result in results],
        "rejected": [{"iri": journal.at(seq).iri, "reason": reason} for seq, reason in serving.rejected(number) if reason != "superseded"],
        "sources": {name: journal.runs(name)[0]._asdict() for name in journal.sources() if journal.runs(name)},
    }
    (path / "report.json").write_bytes(orjson.dumps(report))
    return report
