"""Versions of one passage in several languages stand together, the reader's first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from assistant.pipeline import Assistant
from assistant.retrieval.versions import grouped
from assistant.schema import Chunk
from assistant.settings import Settings


def chunk(number: int, language: str, text: str = "") -> Chunk:
    return Chunk(f"d{number}#0", f"d{number}", text or f"text {number}", 0, 10, language=language)


def vectors(*directions: int) -> np.ndarray:
    """Unit rows; equal numbers, equal directions."""
    return np.eye(40, dtype=np.float32)[list(directions)]


@given(st.lists(st.tuples(st.sampled_from(["en", "de", "ja", "zh"]), st.integers(0, 5)), max_size=20), st.sampled_from(["en", "de", "fr"]))
def test_every_passage_stays_and_the_first_places_say_different_things(rows: list[tuple[str, int]], language: str) -> None:
    chunks = [chunk(i, own) for i, (own, _) in enumerate(rows)]
    found = grouped(chunks, vectors(*(direction for _, direction in rows)), language, 5)
    assert sorted(found.order) == list(range(len(rows)))
    groups = len(rows) - len(found.lead)
    for position in found.order[: min(5, groups)]:
        assert position not in found.lead
    for version, lead in found.lead.items():
        assert chunks[version].language != chunks[lead].language
        assert rows[version][1] == rows[lead][1]
        assert chunks[version].language != language


def test_the_readers_language_leads_with_one_other_version_behind_the_first_places() -> None:
    chunks = [chunk(0, "ja"), chunk(1, "zh"), chunk(2, "en"), chunk(3, "de"), chunk(4, "fr")]
    found = grouped(chunks, vectors(7, 8, 7, 7, 9), "en", 5)
    assert found.order == (2, 1, 4, 0, 3)
    assert found.lead == {0: 2, 3: 2}


def test_the_same_language_and_contradicting_numbers_never_group() -> None:
    same = [chunk(0, "en"), chunk(1, "en")]
    assert grouped(same, vectors(1, 1), "en", 5).lead == {}
    years = [chunk(0, "en", "Opened in 2023 with 400 guests"), chunk(1, "de", "Eröffnet 2024 mit 700 Gästen")]
    assert grouped(years, vectors(1, 1), "en", 5).lead == {}
    agreed = [chunk(0, "en", "Opened in 2024 with 700 guests"), chunk(1, "de", "Eröffnet 2024 mit 700 Gästen")]
    assert grouped(agreed, vectors(1, 1), "de", 5).lead == {0: 1}


def test_translations_of_a_notice_are_found_as_versions(tmp_path: Path) -> None:
    notices = {
        "en": "The new hospital in the north of the city opens its doors in March 2025. It has 420 beds and a centre for children.",
        "de": "Das neue Krankenhaus im Norden der Stadt öffnet im März 2025 seine Türen. Es hat 420 Betten und ein Zentrum für Kinder.",
        "es": "El nuevo hospital en el norte de la ciudad abre sus puertas en marzo de 2025. Tiene 420 camas y un centro para niños.",
    }
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for language, text in notices.items():
        (corpus / f"{language}.md").write_text(f"---\nlanguage: {language}\n---\n{text}\n", "utf-8")
    (corpus / "other.md").write_text("---\nlanguage: en\n---\nThe football club sold 900 tickets for the last match of the season.\n", "utf-8")
    with Assistant.open(Settings(corpus={"paths": [corpus]}, index={"path": tmp_path / "index"})) as assistant:
        assistant.ingest()
        for language, question in (("de", "Wie viele Betten hat das neue Krankenhaus?"), ("es", "¿Cuántas camas tiene el nuevo hospital?")):
            hits = assistant.search(question, top_k=4)
            assert hits[0].chunk.language == language
            assert not hits[0].version_of
            assert {hit.chunk.language for hit in hits if hit.version_of == hits[0].chunk.id} == set(notices) - {language}
