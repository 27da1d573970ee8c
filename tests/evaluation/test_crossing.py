"""The measurement of search across languages, on a few made passages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.evaluation import crossing
from assistant.training import heldout

TOPICS = {
    "en": ["The hospital opens in March", "The bank lost money", "The train was late", "The film tells of a musician"],
    "de": ["Das Krankenhaus wird im März eröffnet", "Die Bank hat Geld verloren", "Der Zug kam zu spät", "Der Film erzählt von einem Musiker"],
    "es": ["El hospital abre en marzo", "El banco perdió dinero", "El tren llegó tarde", "La película habla de un músico"],
}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four passages in three languages, and each one's own words as its question."""
    languages = tuple(TOPICS)
    monkeypatch.setattr(crossing, "LANGUAGES", languages)
    monkeypatch.setattr(crossing, "SETS", {"all": languages, "all nine": languages})
    monkeypatch.setattr(heldout, "news", lambda data: [])
    monkeypatch.setattr(heldout, "passages", lambda rows, language: {n: f"{text}. {text}!" for n, text in enumerate(TOPICS[language])})
    monkeypatch.setattr(heldout, "questions", lambda: [heldout.Question(n, {language: TOPICS[language][n] for language in languages}) for n in range(4)])


@pytest.mark.usefixtures("made")
def test_every_question_meets_every_pool(tmp_path: Path) -> None:
    crossing.write_corpus(tmp_path, tmp_path / "news")
    with crossing.opened(tmp_path / "news", tmp_path / "index") as assistant:
        asked = crossing.ask_news(assistant)
        tried = crossing.ask_grid(assistant, [(0.5, 0.5, 0.0), (0.0, 0.0, 1.0)])
    assert len(asked) == 4 * 3 * 4
    figures = crossing.summary(asked)["all"]
    assert figures["same R@1"][0] == 100
    assert figures["across R@5"][0] == 100
    assert figures["mixed: another language's in the top 10"][0] == 100
    assert all(low <= mean <= high for mean, low, high in figures.values())
    assert crossing.pairs(asked)["de"]["es"] == 100
    assert len(tried[0.0, 0.0, 1.0]) == len(asked)
    assert crossing.worth(tried[0.5, 0.5, 0.0]) > crossing.worth(tried[0.0, 0.0, 1.0])


def test_the_grid_sums_to_one() -> None:
    assert all(abs(sum(weights) - 1) < 1e-9 for weights in crossing.grid())
    assert (0.0, 0.0, 1.0) in crossing.grid()


def test_a_folder_of_ones_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    for n, text in enumerate(TOPICS["de"]):
        (folder / f"{n}.md").write_text(f"---\nlanguage: de\n---\n{text}.\n", "utf-8")
    questions = tmp_path / "questions.jsonl"
    questions.write_text(json.dumps({"gold": "im März", "question": {"en": "When does the hospital open?", "es": "¿Cuándo abre el hospital?"}}) + "\n", "utf-8")
    crossing.main(["--documents", str(folder), "--questions", str(questions), "--json", str(tmp_path / "out.json")])
    report = json.loads((tmp_path / "out.json").read_text())
    assert report == json.loads(capsys.readouterr().out)
    assert report["answer in the top 5"] == {"en": 100.0, "es": 100.0, "all": 100.0}
