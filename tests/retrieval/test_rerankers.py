"""One contract over rerankers: a CrossEncoder with a tiny model made here, and the fake that other tests use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import ModelUnavailable
from assistant.pipeline import Assistant
from assistant.retrieval.rerankers import CrossEncoderReranker, Reranker
from assistant.settings import Settings

TEXTS = ["The forum opens in Changping.", "昌平フォーラムは三月に開かれる。", "Das Forum beginnt um neun.", ""]


class ByLength:
    """The shortest passage fits best."""

    def scores(self, question: str, passages: Sequence[str]) -> np.ndarray:
        return np.asarray([-len(text) for text in passages], dtype=np.float32)


def cross_encoder(folder: Path, *, labels: int = 1) -> Path:
    """A BERT with random weights that reads two texts."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.pre_tokenizers import BertPreTokenizer
    from tokenizers.processors import TemplateProcessing
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    characters = sorted({c for text in (*TEXTS, "abcdefghijklmnopqrstuvwxyz") for c in text if not c.isspace()})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *characters, *(f"##{c}" for c in characters)]
    tokenizer = Tokenizer(WordPiece({token: i for i, token in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, max_position_embeddings=128, num_labels=labels
    )
    marks = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=128, **marks).save_pretrained(folder)
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


@pytest.fixture(params=["fake", pytest.param("cross-encoder", marks=pytest.mark.slow)])
def reranker(request: pytest.FixtureRequest, tmp_path: Path) -> Reranker:
    return ByLength() if request.param == "fake" else CrossEncoderReranker(str(cross_encoder(tmp_path / "cross")))


class TestContract:
    def test_it_is_a_reranker(self, reranker: Reranker) -> None:
        assert isinstance(reranker, Reranker)

    def test_one_finite_score_for_each_passage(self, reranker: Reranker) -> None:
        found = reranker.scores("When does the forum open?", TEXTS)
        assert found.shape == (len(TEXTS),)
        assert found.dtype == np.float32
        assert np.isfinite(found).all()
        assert reranker.scores("When?", []).shape == (0,)

    def test_a_passage_scores_the_same_in_any_company(self, reranker: Reranker) -> None:
        together = reranker.scores("When?", TEXTS)
        for score, text in zip(together, TEXTS, strict=True):
            assert reranker.scores("When?", [text])[0] == pytest.approx(float(score), abs=1e-4)


@pytest.mark.slow
class TestCrossEncoder:
    def test_a_folder_that_is_no_model_says_what_to_do(self, tmp_path: Path) -> None:
        for name in (str(tmp_path / "nowhere"), "no-such-owner/no-such-model"):
            with pytest.raises(ModelUnavailable, match=r"retrieval\.reranker"):
                CrossEncoderReranker(name)

    def test_a_model_with_several_labels_is_refused(self, tmp_path: Path) -> None:
        model = CrossEncoderReranker(str(cross_encoder(tmp_path / "cross", labels=3)))
        with pytest.raises(ModelUnavailable, match="scores"):
            model.scores("When?", TEXTS)

    def test_the_settings_name_it_and_search_follows_its_order(self, tmp_path: Path) -> None:
        corpus = tmp_path / "corpus"
        corpus.mkdir()
        for number in range(8):
            (corpus / f"{number}.md").write_text(f"The forum in room {number} deals with {'medicines ' * (number + 1)}and opens at nine.\n", "utf-8")
        model = cross_encoder(tmp_path / "cross")
        plain = {"corpus": {"paths": [corpus]}, "index": {"path": tmp_path / "index"}}
        question = "When does the forum open?"
        with Assistant.open(Settings(**plain)) as assistant:
            assistant.ingest()
            texts = [hit.chunk.text for hit in assistant.search(question, top_k=8)]
        wanted = [texts[i] for i in np.argsort(-CrossEncoderReranker(str(model)).scores(question, texts), kind="stable")]
        with Assistant.open(Settings(**plain, retrieval={"reranker": str(model)})) as assistant:
            assert [hit.chunk.text for hit in assistant.search(question, top_k=8)] == wanted


def test_scores_that_are_no_numbers_are_an_error() -> None:
    class Broken:
        def predict(self, pairs: list[tuple[str, str]], **options: object) -> np.ndarray:
            return np.full(len(pairs), np.nan)

    model = CrossEncoderReranker.__new__(CrossEncoderReranker)
    model._model = Broken()
    with pytest.raises(ModelUnavailable, match="no numbers"):
        model.scores("When?", TEXTS)
