"""The learnt selection: its file, its features, and that learning finds what there is to find."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from assistant.answering import selection
from assistant.answering.extractive import Considered, choose, consider
from assistant.answering.matching import FEATURES, Matcher
from assistant.answering.selection import SIGNS, Weighed, signs
from assistant.answering.units import Span, Unit
from assistant.answering.values import in_readers_words, values_of
from assistant.errors import SettingsError
from assistant.evaluation.calibration import Example, calibrate
from assistant.index.encoders import packaged_table
from assistant.language.packs import pack
from assistant.schema import Chunk
from tests.answering.shelf import NAMES, ranked, wanting

QUESTIONS = ("When does the Lake Health Forum open?", "Wann beginnt das Seeforum?", "湖畔健康论坛何时开幕？", "", "?", "2024")


def considered(question: str) -> Considered:
    wanted = wanting(question)
    return consider(wanted, ranked(wanted), NAMES, Matcher(packaged_table()))


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_unit_has_every_feature_and_each_is_a_number(question: str) -> None:
    found = considered(question)
    assert found.features.shape == (len(found.units), len(FEATURES))
    assert np.isfinite(found.features).all()
    made = signs(found.features, np.arange(len(found.units), dtype=np.float64), found.kind)
    assert made.shape == (len(SIGNS),)
    assert np.isfinite(made).all()
    assert len(set(FEATURES)) == len(FEATURES)
    assert len(set(SIGNS)) == len(SIGNS)


def test_the_packaged_weights_are_of_the_packaged_table() -> None:
    assert selection.read().encoder == packaged_table().fingerprint


def test_a_file_of_other_features_is_refused(tmp_path: Path) -> None:
    content = json.loads(selection.PACKAGED.read_text("utf-8"))
    weights = content["unit"]["weights"]
    weights["another"] = weights.pop("unit")
    (tmp_path / "other.json").write_text(json.dumps(content), "utf-8")
    with pytest.raises(SettingsError, match="no selection of this version"):
        selection.read(tmp_path / "other.json")
    (tmp_path / "same.json").write_text(json.dumps(selection.read().as_json()), "utf-8")
    assert selection.read(tmp_path / "same.json").as_json() == selection.read().as_json()


def test_what_contradicts_is_quoted_and_what_repeats_is_not() -> None:
    found = considered("When does the Lake Health Forum open?")
    places = [place for place, unit in enumerate(found.units) if "2024" in unit.text]
    scores = np.full(len(found.units), -9.0)
    scores[places] = 1.0
    quotes = choose(found, Weighed(scores, 1.0), 4, "de")
    # Four languages say the same: the reader's is quoted.
    assert quotes[0].unit.chunk.language == "de"
    assert len({values_of(quote.unit.text, quote.unit.chunk.language) for quote in quotes}) == len(quotes)


def test_values_are_given_as_the_reader_writes_them() -> None:
    found = considered("Wann beginnt das Seeforum?")
    unit = next(unit for unit in found.units if unit.text.startswith("湖畔健康论坛将于2024年12月9日"))
    assert in_readers_words(unit, found.wanted.question, NAMES, pack("de")) == "9. Dezember 2024"
    asked = considered("Wie viele Gäste werden am Seeforum erwartet?").wanted.question
    many = next(unit for unit in found.units if "450名代表" in unit.text)
    assert in_readers_words(many, asked, NAMES, pack("de")) == "450"


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [("出展者は700社以上だった。", "ja", "more than 700"), ("约有450家企业参展。", "zh", "about 450"), ("700여 개 기업이 참가했다.", "ko", "more than 700"), ("Es kamen über 1.200 Gäste.", "de", "more than 1,200"), ("Acudieron 300 empresas.", "es", "300")],
)
def test_a_number_keeps_its_bound(text: str, language: str, said: str) -> None:
    chunk = Chunk("d#0", "d", text, 0, len(text), language=language)
    unit = Unit(chunk, 1, Span(0, len(text), 0, len(text)))
    assert in_readers_words(unit, wanting("How many companies came?").question, NAMES, pack("en")) == said


@pytest.mark.slow
def test_what_can_be_learnt_is_learnt() -> None:
    """Units are right when one feature says so; questions have an answer when there is such a unit."""
    random = np.random.default_rng(0)
    examples = []
    for number in range(120):
        features = random.normal(size=(12, len(FEATURES))).astype(np.float32)
        answerable = number % 3 != 0
        right = np.zeros(12, dtype=bool)
        features[:, 5] = random.normal(size=12) * 0.1
        if answerable:
            right[3] = True
            features[3, 5] = 4.0
        examples.append(Example(f"q{number}", ("en", "ko")[number % 2], "date", f"c{number // 4}", answerable, False, features, right))
    found = calibrate(examples, "table", "index")
    assert found.figures["best unit touches gold, same language"] > 0.9
    assert found.figures["balanced accuracy"] > 0.9
    assert set(found.selection.by_language) == {"en", "ko"}
    again = calibrate(examples, "table", "index")
    assert again.selection.as_json() == found.selection.as_json()
