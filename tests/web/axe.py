"""What axe-core finds on a page, shadow trees included."""

from __future__ import annotations

import importlib.resources
from typing import Any

AXE = (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def serious(page: Any) -> list[tuple[str, str, Any]]:
    """What is serious or critical: its weight, axe's name for it, and where it is."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE)
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [(one["impact"], one["id"], [part["target"] for part in one["nodes"]]) for one in found["violations"] if one["impact"] in ("serious", "critical")]
