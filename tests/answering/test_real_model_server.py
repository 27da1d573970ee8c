"""The protocol against a server that this project did not write: transformers' own, with a tiny model of random weights."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from assistant import Assistant, Settings
from assistant.answering.calls import Breaker, ModelFault, complete, hang_up, stream
from assistant.answering.citations import is_valid
from assistant.answering.models import load_llm
from assistant.language.packs import pack
from assistant.settings import LLMSettings
from tests.servers import running

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("accelerate") is None, reason="transformers' server needs accelerate: pip install accelerate"),
]
LAKE = "---\ntitle: Lake Health Forum\nlanguage: en\ndate: 2024-05-09\n---\nThe Lake Health Forum opens on 9 December 2024 in the congress hall. It expects 450 delegates.\n"
# All the words that the model has: none of the document's, so that nothing it says can be true of it.
NONSENSE = "Purple kettles juggle 77 ladders [1]. Nobody whistles at velvet spoons [2]. Thirsty umbrellas paint yodelling bricks [1]."
TEMPLATE = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant:"


def save_model(folder: Path) -> None:
    """A Llama of random weights that says at least 24 tokens, and then ends at every other one."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    tokenizer.train_from_iterator([NONSENSE] * 9, trainers.BpeTrainer(vocab_size=200, special_tokens=["<unk>", "<end>"], show_progress=False))
    fast: Any = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", eos_token="<end>", pad_token="<end>")  # type: ignore[no-untyped-call]
    fast.chat_template = TEMPLATE
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(fast), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=16_384, bos_token_id=None, eos_token_id=1
    )  # fmt: skip
    model: Any = LlamaForCausalLM(config)
    model.generation_config.update(do_sample=True, min_new_tokens=24, eos_token_id=list(range(1, len(fast), 2)), pad_token_id=1)
    model.save_pretrained(folder)
    fast.save_pretrained(folder)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LLMSettings]:
    """How to reach `transformers serve`, in a process of its own."""
    folder = tmp_path_factory.mktemp("served")
    save_model(folder / "tiny")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HOME": str(folder / "home"), "CUDA_VISIBLE_DEVICES": ""}
    command = [str(Path(sys.executable).with_name("transformers")), "serve", str(folder / "tiny"), "--device", "cpu", "--host", "127.0.0.1", "--port", "0", "--default-seed", "1"]
    told = folder / "told"
    with running(command, told, cwd=folder, env=environment) as process:
        until = time.monotonic() + 60
        while not (found := re.search(r"running on (http://127\.0\.0\.1:\d+)", told.read_text("utf-8"))):
            assert process.poll() is None, told.read_text("utf-8")
            assert time.monotonic() < until, told.read_text("utf-8")
            time.sleep(0.1)
        yield LLMSettings(
            provider="openai-like", model=str(folder / "tiny"), base_url=f"{found[1]}/v1", timeout_s=20, options={"temperature": 1.0, "max_tokens": 400}
        )  # type: ignore[call-arg]  # fmt: skip


@contextmanager
def called(settings: LLMSettings) -> Iterator[dict[str, Any]]:
    """The arguments of a call of this model."""
    from llama_index.core.base.llms.types import ChatMessage, MessageRole

    llm = load_llm(settings)
    try:
        yield {"llm": llm, "messages": [ChatMessage(role=MessageRole.USER, content="When?")], "seconds": 20.0, "breaker": Breaker()}
    finally:
        hang_up(llm)


def test_tokens_arrive_in_pieces_and_the_end_is_recognised(served: LLMSettings) -> None:
    with called(served) as call:
        pieces = [piece for piece in stream(**call) if piece]
        assert len(pieces) > 5
        assert len(complete(**call)) > 20


@pytest.mark.parametrize(("change", "reason"), [({"options": {"max_tokens": 5}}, "cut short"), ({"model": "another"}, "refused the request")])
def test_what_the_server_says_of_a_fault_is_understood(served: LLMSettings, change: dict[str, Any], reason: str) -> None:
    with called(served.model_copy(update=change)) as call, pytest.raises(ModelFault) as raised:
        complete(**call)
    assert raised.value.reason == reason


@pytest.mark.parametrize(("most", "note"), [(400, "left_out"), (5, "model_failed")])
def test_what_it_makes_up_is_not_shown_and_the_quotes_are(served: LLMSettings, tmp_path: Path, most: int, note: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "lake.md").write_text(LAKE, "utf-8")
    llm = {**served.model_dump(), "options": {"temperature": 1.0, "max_tokens": most}}
    values: dict[str, Any] = {"corpus": {"paths": [tmp_path / "docs"]}, "index": {"path": tmp_path / "index"}, "feedback": {"path": tmp_path / "feedback.sqlite"}}
    with Assistant.open(Settings(**values, llm=llm)) as assistant:
        assistant.ingest()
        assert assistant.model is not None  # what it imports, on a busy machine, is not the answer's time
        started = time.monotonic()
        *pieces, answer = list(assistant.stream("When does the Lake Health Forum open?"))
        assert time.monotonic() - started < 25
        assert not isinstance(answer, str)
        assert "".join(map(str, pieces)) == answer.text
        assert answer.mode == "extractive"
        assert re.fullmatch(re.escape(pack("en").answers[note]).replace(re.escape("{count}"), r"\d+"), answer.notes[0])
        assert "9 December 2024" in answer.citations[0].quote
        assert all(is_valid(citation, assistant.document(citation.document_id)) for citation in answer.citations)
        assert [statement.text for statement in answer.statements] == [citation.quote for citation in answer.citations]
        assert not re.search("kettle|ladder|velvet|spoon|umbrella|brick|77", answer.text)
