"""What pip-audit found in the pinned packages: `python bench/proof/audited.py audit.json`; exit code 1 if a newer version mends it."""

import json
import sys
from pathlib import Path
from typing import Any


def told(report: dict[str, Any]) -> tuple[list[str], bool]:
    """Return lines for people and whether something known can be mended; a package that nobody could be asked about counts as unknown."""
    packages = report.get("dependencies", [])
    asked = [package for package in packages if "vulns" in package]
    found = [(package, one) for package in asked for one in package["vulns"]]
    lines = [
        f"{package['name']} {package['version']}: {one['id']}, mended in {', '.join(one['fix_versions']) or 'no version yet'}"
        for package, one in found
    ]
    if len(asked) < len(packages) or not packages:
        lines.append(f"known weaknesses: not obtainable for {len(packages) - len(asked)} of {len(packages)} pinned packages")
    else:
        lines.append(f"known weaknesses: {len(found)} in {len(packages)} pinned packages")
    return lines, any(one["fix_versions"] for _, one in found)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    lines, mend = told(json.loads(path.read_text("utf-8")) if path.is_file() else {})
    print("\n".join(lines))
    sys.exit(1 if mend else 0)
