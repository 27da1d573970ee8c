"""Files made from others are up to date, and the starter corpus is what its front matter says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assistant.generated import corpus_documents, settings_page, sources_page
from assistant.ingestion.reading import Limits, read_file
from assistant.language.packs import codes
from assistant.originals import render, targets

ROOT = Path(__file__).parents[1]
DOCUMENTS = corpus_documents(ROOT / "corpus")


def test_the_settings_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert settings_page(page) == page, "run: make docs"


def test_the_sources_page_is_up_to_date() -> None:
    assert sources_page(ROOT / "corpus") == (ROOT / "corpus" / "SOURCES.md").read_text(encoding="utf-8"), "run: make docs"


@pytest.mark.parametrize(("file", "found"), DOCUMENTS, ids=[file.name for file, _ in DOCUMENTS])
def test_a_corpus_document_says_what_it_is(file: Path, found: dict[str, Any]) -> None:
    assert file.is_file()
    assert found["title"]
    assert found["language"] in codes()
    assert file.stem.endswith(f".{found['language']}")
    assert found["date"] or not any(source.get("date") for source in found["sources"]), "as far as its sources have one"
    assert found["sources"]
    assert all(isinstance(group, list) and group for group in found["aliases"])


def test_the_corpus_is_large_and_varied() -> None:
    assert len(DOCUMENTS) >= 140
    assert {file.suffix for file, _ in DOCUMENTS} == {".md", ".pdf", ".docx", ".pptx", ".html", ".eml"}
    assert {found["language"] for _, found in DOCUMENTS} >= {"en", "de", "ja", "zh", "fr", "es", "ko", "it", "pt"}


@pytest.mark.slow
@pytest.mark.parametrize(("original", "target"), targets(), ids=[target.name for _, target in targets()])
def test_an_office_file_says_what_its_original_says(original: Path, target: Path, tmp_path: Path) -> None:
    render(original, tmp_path / target.name)
    assert read_file(tmp_path / target.name, Limits()).text == read_file(target, Limits()).text, "run: make docs"
