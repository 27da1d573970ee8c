"""The embedded encoder against slow references, beside the libraries that read the same file, and as it is shipped."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import ModelUnavailable
from assistant.index.embedded import MODEL, EmbeddedEncoder
from assistant.index.encoders import LateEncoder, load_encoder
from assistant.settings import EmbeddingSettings
from tests import tables

TINY = tables.encoder()
TEXTS = [
    *tables.SENTENCES, "Un tercer hospital abrirá en marzo.", "Um hospital novo.", "Il nuovo ospedale", "2024年11月22日", "BX-4471", "𠮷野家 🏥 \u0007",
    "The the the forum forum.", "word " * 3000,
]  # fmt: skip


def reference(encoder: EmbeddedEncoder, text: str, *, log_tf: bool) -> np.ndarray:
    """A text's vector, token by token."""
    total = np.zeros(encoder.dimensions)
    ids = encoder.token_ids([text])[0].tolist()
    for token in set(ids):
        count = ids.count(token)
        total += (1 + np.log(count) if log_tf else count) * encoder._rows[token].astype(float) * encoder._scales[token]
    return total / (np.linalg.norm(total) or 1)


def slow_late(encoder: EmbeddedEncoder, question: list[list[np.ndarray]], passages: list[np.ndarray]) -> list[float]:
    def unit(token: int) -> np.ndarray:
        row = encoder._rows[token].astype(float)
        return row / np.linalg.norm(row)

    def best(token: int, passage: np.ndarray) -> float:
        return max(float(unit(token) @ unit(p)) for p in passage)

    def weight(token: int) -> float:
        held = sum(best(token, passage) > 0.7 for passage in passages)
        norm = float(np.linalg.norm(encoder._rows[token].astype(float)) * encoder._scales[token])
        return norm * float(np.log(1 + (len(passages) - held + 0.5) / (held + 0.5)))

    scores = []
    for passage in passages:
        total = mass = 0.0
        for part in question:
            masses = [sum(map(weight, spelling)) for spelling in part]
            means = [sum(weight(t) * best(t, passage) for t in spelling) / m for spelling, m in zip(part, masses, strict=True)]
            total += max(masses) * max(means)
            mass += max(masses)
        scores.append(total / mass)
    return scores


class TestSums:
    @pytest.mark.parametrize("text", TEXTS)
    def test_a_question_is_a_plain_sum_and_a_passage_counts_repeats_less(self, text: str) -> None:
        np.testing.assert_allclose(TINY.encode_questions([text])[0], reference(TINY, text, log_tf=False), atol=1e-5)
        np.testing.assert_allclose(TINY.encode_passages([text])[0], reference(TINY, text, log_tf=True), atol=1e-5)

    @given(st.lists(st.text(max_size=60), max_size=5))
    def test_a_text_has_the_same_vector_whatever_stands_beside_it(self, texts: list[str]) -> None:
        together = TINY.encode_passages(texts)
        assert together.shape == (len(texts), TINY.dimensions)
        assert together.dtype == np.float32
        for row, text in zip(together, texts, strict=True):
            np.testing.assert_allclose(TINY.encode_passages([text])[0], row, atol=1e-6)
            assert np.linalg.norm(row) == pytest.approx(1, abs=1e-4) or not row.any()

    def test_a_character_outside_the_vocabulary_has_a_direction_of_its_own(self) -> None:
        first, second = TINY.encode_questions(["𠮷", "𡈽"])
        assert first.any()
        assert abs(first @ second) < 0.999

    def test_many_threads_get_the_same(self) -> None:
        expected = TINY.encode_passages(TEXTS)
        wrong: list[int] = []

        def work() -> None:
            for _ in range(5):
                if not np.allclose(TINY.encode_passages(TEXTS), expected, atol=1e-6):
                    wrong.append(1)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong


class TestLateInteraction:
    def test_it_agrees_with_a_slow_reference(self) -> None:
        ids = TINY.token_ids(tables.SENTENCES)
        question = [[TINY.token_ids(["forum new medicines"])[0]], [TINY.token_ids([s])[0] for s in ("企業", "companies")]]
        found = TINY.late_interaction(question, ids)
        np.testing.assert_allclose(found, slow_late(TINY, question, ids), atol=1e-5)

    @given(st.permutations(tables.SENTENCES), st.text(max_size=30))
    def test_the_order_of_the_passages_changes_nothing(self, passages: list[str], text: str) -> None:
        question = [TINY.token_ids([text])]
        found = dict(zip(passages, TINY.late_interaction(question, TINY.token_ids(passages)).tolist(), strict=True))
        again = dict(zip(tables.SENTENCES, TINY.late_interaction(question, TINY.token_ids(tables.SENTENCES)).tolist(), strict=True))
        assert all(abs(score) <= 1 + 1e-5 for score in found.values())
        assert found == pytest.approx(again, abs=1e-5)

    def test_a_token_that_every_passage_holds_counts_less(self) -> None:
        asked = [TINY.token_ids(["forum spring"])]
        without = TINY.token_ids(["forum"])[0]
        common = TINY.late_interaction(asked, TINY.token_ids(["forum", "forum spring", "forum autumn"]))[0]
        rare = TINY.late_interaction(asked, [without, *TINY.token_ids(["spring", "autumn"])])[0]
        assert rare > common, "what only this passage holds weighs more"

    def test_a_passage_that_holds_the_question_scores_one(self) -> None:
        ids = TINY.token_ids(tables.SENTENCES[:1])
        assert TINY.late_interaction([ids], ids)[0] == pytest.approx(1, abs=1e-5)

    def test_of_a_names_spellings_the_best_counts(self) -> None:
        (passage,) = TINY.token_ids(["新药论坛春季开幕"])
        near, far = TINY.token_ids(["新药论坛", "Frühjahr"])
        both = TINY.late_interaction([[far, near]], [passage])[0]
        assert both == pytest.approx(float(TINY.late_interaction([[near]], [passage])[0]), abs=1e-5)

    def test_nothing_to_compare_is_no_error(self) -> None:
        ids = TINY.token_ids(["forum", ""])
        assert TINY.late_interaction([[ids[1]]], ids).tolist() == [0, 0]
        assert TINY.late_interaction([], ids).tolist() == [0, 0]
        assert TINY.late_interaction([[ids[0]]], []).shape == (0,)
        assert TINY.late_interaction([[ids[0]]], ids)[1] == 0


class TestFolder:
    def test_a_written_folder_loads_and_gives_the_same(self, tmp_path: Path) -> None:
        loaded = EmbeddedEncoder.load(tables.folder(tmp_path / "model"))
        np.testing.assert_allclose(loaded.encode_passages(TEXTS), TINY.encode_passages(TEXTS), atol=1e-6)
        assert json.loads((tmp_path / "model" / "config.json").read_text())["max_length"] is None

    def test_other_tables_and_poolings_have_other_fingerprints(self, tmp_path: Path) -> None:
        names = {EmbeddedEncoder.load(tables.folder(tmp_path / "model", seed)).fingerprint for seed in (1, 2)}
        assert len(names) == 2
        assert tables.encoder(log_tf=True).fingerprint != tables.encoder(log_tf=False).fingerprint

    @pytest.mark.parametrize("broken", ["model.safetensors", "tokenizer.json"])
    def test_a_missing_or_broken_file_says_what_to_do(self, tmp_path: Path, broken: str) -> None:
        folder = tables.folder(tmp_path / "model")
        content = (folder / broken).read_bytes()
        for damage in (content[: len(content) // 2], b"", None):
            (folder / broken).unlink(missing_ok=True)
            if damage is not None:
                (folder / broken).write_bytes(damage)
            with pytest.raises(ModelUnavailable, match="cannot be loaded") as caught:
                EmbeddedEncoder.load(folder)
            assert caught.value.fix


def agree(left: np.ndarray, right: np.ndarray) -> float:
    """The least cosine between rows."""
    left, right = (side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9) for side in (left, right))
    return float(np.einsum("td,td->t", left, right).min())


@pytest.mark.slow
@pytest.mark.parametrize("shipped", [False, True])
class TestOtherLibraries:
    @pytest.fixture
    def model(self, shipped: bool, tmp_path: Path) -> Path:
        return MODEL if shipped else tables.folder(tmp_path / "model")

    def test_model2vec_gives_the_same_vectors(self, model: Path) -> None:
        from model2vec import StaticModel

        theirs = np.asarray(StaticModel.from_pretrained(str(model)).encode(TEXTS), dtype=np.float32)
        assert agree(EmbeddedEncoder.load(model).encode_questions(TEXTS), theirs) >= 0.9999

    def test_sentence_transformers_gives_the_same_vectors(self, model: Path) -> None:
        theirs = load_encoder(EmbeddingSettings(model=str(model)))
        assert agree(EmbeddedEncoder.load(model).encode_questions(TEXTS), theirs.encode_questions(TEXTS)) >= 0.9999


OPENING = {
    "en": "The new hospital opens in March.", "de": "Das neue Krankenhaus wird im März eröffnet.", "ja": "新しい病院は3月に開院する。",
    "zh": "新医院将于三月开业。", "fr": "Le nouvel hôpital ouvre en mars.", "es": "El nuevo hospital abre en marzo.",
    "ko": "새 병원은 3월에 문을 연다.", "ru": "Новая больница откроется в марте.", "pt": "O novo hospital abre em março.", "it": "Il nuovo ospedale apre a marzo.",
}  # fmt: skip
ELSEWISE = [
    "The football team lost the last match of the season.", "Die Aktien der Bank fielen am Freitag.", "列車は大雪のため遅れた。", "这部电影讲述了一位音乐家的故事。",
    "Le parlement a voté la loi sur l'eau.", "Los agricultores cosechan las manzanas.", "선거 결과가 발표되었다.", "Самолёт приземлился в аэропорту.",
]  # fmt: skip


class TestShipped:
    def test_it_is_the_default_and_ranks_by_late_interaction(self) -> None:
        encoder = load_encoder(EmbeddingSettings())
        assert isinstance(encoder, EmbeddedEncoder)
        assert isinstance(encoder, LateEncoder)

    def test_it_is_small_and_says_its_licence(self) -> None:
        assert sum(file.stat().st_size for file in MODEL.iterdir()) <= 45e6
        card = (MODEL / "README.md").read_text("utf-8")
        assert "license: cc-by-sa-4.0" in card
        assert "Tatoeba" in card

    @pytest.mark.parametrize("language", OPENING)
    def test_a_sentence_finds_its_translations(self, language: str) -> None:
        encoder = load_encoder(EmbeddingSettings())
        (question,) = encoder.encode_questions([OPENING[language]])
        others = encoder.encode_passages(ELSEWISE) @ question
        for other, sentence in OPENING.items():
            assert encoder.encode_passages([sentence])[0] @ question > others.max(), other

    def test_it_needs_no_torch(self) -> None:
        script = (
            "import sys; from assistant.index.embedded import EmbeddedEncoder; EmbeddedEncoder.load().encode_questions(['forum']); "
            "print([m for m in ('torch', 'transformers', 'sentence_transformers', 'model2vec', 'scipy') if m in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout.strip() == "[]"
