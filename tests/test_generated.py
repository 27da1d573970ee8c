"""Files made from others are up to date, and the starter corpus is what its front matter says."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.generated import front_matter, settings_page, sources_page
from assistant.language.packs import codes

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted(p for p in (ROOT / "corpus").rglob("*.md") if p.name != "SOURCES.md")


def test_the_settings_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert settings_page(page) == page, "run: make docs"


def test_the_sources_page_is_up_to_date() -> None:
    assert sources_page(ROOT / "corpus") == (ROOT / "corpus" / "SOURCES.md").read_text(encoding="utf-8"), "run: make docs"


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda p: p.name)
def test_a_corpus_document_says_what_it_is(file: Path) -> None:
    found = front_matter(file)
    assert found["title"]
    assert found["language"] in codes()
    assert file.stem.endswith(f".{found['language']}")
    assert found["date"]
    assert found["sources"]
    assert all(isinstance(group, list) and group for group in found["aliases"])
