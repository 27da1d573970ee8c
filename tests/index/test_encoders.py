"""One contract over every encoder: hashed, embedded (tiny and packaged), and sentence-transformers with models made here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import ModelUnavailable
from assistant.index.embedded import EmbeddedEncoder
from assistant.index.encoders import (
    Encoder,
    HashedEncoder,
    LateEncoder,
    SentenceTransformersEncoder,
    load_encoder,
    may_be,
)
from assistant.settings import EmbeddingSettings

TEXTS = ["The forum opens in Changping.", "昌平フォーラムは三月五日に開かれる。", "Das Forum beginnt um neun.", "新药研发平台", "1234", ""]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT with random weights and a character vocabulary; its folder's name says E5."""
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.pre_tokenizers import BertPreTokenizer
    from tokenizers.processors import TemplateProcessing
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-e5-base")
    characters = sorted({c for text in (*TEXTS, "query: passage: abcdefghijklmnopqrstuvwxyz") for c in text if not c.isspace()})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *characters, *(f"##{c}" for c in characters)]
    tokenizer = Tokenizer(WordPiece({token: i for i, token in enumerate(vocabulary)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    marks = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64, max_position_embeddings=128
    )
    # Without a pooling of its own, sentence-transformers takes the mean.
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=128, **marks).save_pretrained(folder)
    BertModel(config).save_pretrained(folder)
    return folder


HASHED = EmbeddingSettings(model="hashed", dimensions=64)


@pytest.fixture(params=["hashed", "tiny table", "packaged", *(pytest.param(name, marks=pytest.mark.slow) for name in ("tiny_model", "table_folder"))])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    match request.param:
        case "hashed":
            return load_encoder(HASHED)
        case "tiny table":
            tiny: EmbeddedEncoder = request.getfixturevalue("tiny_table")
            return tiny
        case "packaged":
            return load_encoder(EmbeddingSettings())
        case folder:  # one that sentence-transformers reads
            return load_encoder(EmbeddingSettings(model=str(request.getfixturevalue(folder)), batch_size=2))


class TestContract:
    def test_it_is_an_encoder(self, encoder: Encoder) -> None:
        assert isinstance(encoder, Encoder)
        assert encoder.dimensions > 0
        assert encoder.fingerprint

    @pytest.mark.parametrize("side", ["encode_passages", "encode_questions"])
    def test_one_unit_row_for_each_text(self, encoder: Encoder, side: str) -> None:
        rows = getattr(encoder, side)(TEXTS)
        assert rows.shape == (len(TEXTS), encoder.dimensions)
        assert rows.dtype == np.float32
        lengths = np.linalg.norm(rows, axis=1)
        assert lengths[:-1] == pytest.approx(1.0, abs=1e-4)
        assert np.isfinite(rows).all(), "an empty text may be a zero row, but never NaN"
        assert getattr(encoder, side)([]).shape == (0, encoder.dimensions)

    def test_the_same_text_gives_the_same_vector_whatever_stands_beside_it(self, encoder: Encoder) -> None:
        together = encoder.encode_passages(TEXTS)
        for row, text in zip(together, TEXTS, strict=True):
            np.testing.assert_allclose(encoder.encode_passages([text])[0], row, atol=1e-5)

    def test_different_texts_give_different_vectors(self, encoder: Encoder) -> None:
        rows = encoder.encode_passages(TEXTS[:5])
        assert (rows @ rows.T - np.eye(5)).max() < 0.9999

    def test_a_fingerprint_stays(self, encoder: Encoder) -> None:
        before = encoder.fingerprint
        encoder.encode_passages(TEXTS)
        assert encoder.fingerprint == before


@pytest.fixture(params=["tiny table", "packaged"])
def late(request: pytest.FixtureRequest) -> LateEncoder:
    found = request.getfixturevalue("tiny_table") if request.param == "tiny table" else load_encoder(EmbeddingSettings())
    assert isinstance(found, LateEncoder)
    return found


class TestLateContract:
    def test_token_ids_are_enough_for_the_vectors(self, late: LateEncoder) -> None:
        ids = late.token_ids(TEXTS)
        assert [one.dtype for one in ids] == [np.uint32] * len(TEXTS)
        assert [len(one) > 0 for one in ids] == [bool(text) for text in TEXTS]
        np.testing.assert_allclose(late.encode_tokens(ids), late.encode_passages(TEXTS), atol=1e-6)
        assert late.token_ids([]) == []
        assert late.encode_tokens([]).shape == (0, late.dimensions)

    def test_one_score_for_each_passage_between_minus_one_and_one(self, late: LateEncoder) -> None:
        passages = late.token_ids(TEXTS)
        for text in TEXTS:
            scores = late.late_interaction([late.token_ids([text])], passages)
            assert (scores.shape, scores.dtype) == ((len(TEXTS),), np.float32)
            assert (np.abs(scores) <= 1 + 1e-6).all()

    def test_a_text_is_nearest_to_itself(self, late: LateEncoder) -> None:
        passages = late.token_ids(TEXTS[:5])
        for place, passage in enumerate(passages):
            scores = late.late_interaction([[passage]], passages)
            assert scores.argmax() == place
            assert scores[place] == pytest.approx(1, abs=1e-4)

    def test_scores_do_not_depend_on_the_order_of_the_passages(self, late: LateEncoder) -> None:
        question = [late.token_ids(["When does it open?"]), late.token_ids(["Changping", "昌平"])]
        forwards = late.late_interaction(question, late.token_ids(TEXTS))
        backwards = late.late_interaction(question, late.token_ids(TEXTS[::-1]))
        np.testing.assert_allclose(forwards, backwards[::-1], atol=1e-5)


def test_only_those_that_rank_by_late_interaction_say_so(tiny_table: EmbeddedEncoder) -> None:
    assert isinstance(tiny_table, LateEncoder)
    assert not isinstance(load_encoder(HASHED), LateEncoder)


def test_the_hashed_encoder_is_the_same_in_every_process() -> None:
    script = "from assistant.index.encoders import HashedEncoder as H; print(H(64).encode_passages(['昌平 Forum 2024'])[0].tobytes().hex())"
    seen = {
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."}).stdout
        for seed in ("1", "2")
    }
    assert seen == {HashedEncoder(64).encode_passages(["昌平 Forum 2024"])[0].tobytes().hex() + "\n"}


@given(st.text(max_size=200))
def test_the_hashed_encoder_takes_any_text(text: str) -> None:
    row = HashedEncoder(64).encode_questions([text])[0]
    length = float(np.linalg.norm(row))
    assert length == pytest.approx(1.0, abs=1e-4) or length == 0


def test_the_hashed_encoder_finds_spellings_and_word_forms() -> None:
    encoder = HashedEncoder()
    question, near, far = encoder.encode_passages(["Muenchen conference", "Konferenzen in München: the conferences", "A report on cells"])
    assert question @ near > question @ far + 0.1
    written, full_width = encoder.encode_passages(["forum 2024", "ＦＯＲＵＭ　２０２４"])
    assert written @ full_width > 0.999


@pytest.mark.slow  # imports torch
def test_fingerprints_tell_whatever_changes_vectors_apart(tiny_model: Path) -> None:
    model = str(tiny_model)
    variants = [
        HASHED, EmbeddingSettings(model="hashed", dimensions=128), EmbeddingSettings(model=model), EmbeddingSettings(model=model, query_prefix=""),
        EmbeddingSettings(model=model, passage_prefix="p: "), EmbeddingSettings(),
    ]  # fmt: skip
    fingerprints = [load_encoder(v).fingerprint for v in variants]
    assert len(set(fingerprints)) == len(variants)
    assert fingerprints[2] == load_encoder(EmbeddingSettings(model=model, batch_size=7)).fingerprint
    assert fingerprints[5] == load_encoder(EmbeddingSettings(dimensions=64)).fingerprint, "only the hashed encoder's width is a setting"
    kinds = [v.model for v in variants]
    for fingerprint, kind in zip(fingerprints, kinds, strict=True):
        assert [may_be(fingerprint, v) for v in variants] == [(f == fingerprint) if kind == "hashed" else k == kind for f, k in zip(fingerprints, kinds, strict=True)]


@pytest.mark.slow  # imports torch
def test_e5_like_models_see_their_prefixes(tiny_model: Path) -> None:
    default = SentenceTransformersEncoder(EmbeddingSettings(model=str(tiny_model)))
    bare = SentenceTransformersEncoder(EmbeddingSettings(model=str(tiny_model), query_prefix="", passage_prefix=""))
    texts = ["the forum opens"]
    np.testing.assert_allclose(default.encode_questions(texts), bare.encode_questions(["query: the forum opens"]), atol=1e-5)
    np.testing.assert_allclose(default.encode_passages(texts), bare.encode_passages(["passage: the forum opens"]), atol=1e-5)
    assert np.abs(default.encode_questions(texts) - default.encode_passages(texts)).max() > 1e-3
    np.testing.assert_allclose(bare.encode_questions(texts), bare.encode_passages(texts), atol=1e-6)


@pytest.mark.slow  # imports torch
def test_a_model_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    for name in (str(tmp_path / "nowhere"), "no-such-owner/no-such-model"):
        with pytest.raises(ModelUnavailable, match="cannot be loaded") as caught:
            load_encoder(EmbeddingSettings(model=name))
        assert "embedding.model" in caught.value.fix


@pytest.mark.slow  # imports torch
def test_a_folder_that_is_no_model_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelUnavailable):
        load_encoder(EmbeddingSettings(model=str(tmp_path)))
