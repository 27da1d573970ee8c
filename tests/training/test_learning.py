"""The gradients against automatic differentiation, learning, and the whole command on a small scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.sparse import csr_matrix
from typer.testing import CliRunner

from assistant.index.embedded import EmbeddedEncoder
from assistant.training import heldout
from assistant.training.batches import Batch
from assistant.training.card import card
from assistant.training.export import quantised
from assistant.training.sources import available, registered
from tests import tables
from tests.training.test_data import data  # noqa: F401 - the fixture

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow  # imports torch

SIZE, TOKENS, WIDTH = 7, 24, 10


@pytest.fixture
def batch() -> Batch:
    random = np.random.default_rng(2)
    sides = []
    for share in (0.2, 0.5):
        side = (random.random((SIZE, TOKENS)) < share) * random.integers(1, 4, (SIZE, TOKENS)).astype(np.float32)
        side[np.arange(SIZE), np.arange(SIZE)] = 1  # none is empty
        sides.append(csr_matrix(side.astype(np.float32)))
    same = np.zeros((SIZE, SIZE), dtype=bool)
    same[0, 3] = same[3, 0] = True
    return Batch(np.arange(TOKENS), sides[0], sides[1], same)


@pytest.fixture
def block() -> torch.Tensor:
    return torch.randn(TOKENS, WIDTH, generator=torch.Generator().manual_seed(1))


def test_the_dense_loss_has_the_right_gradient(batch: Batch, block: torch.Tensor) -> None:
    from assistant.training import table

    rows = block.clone().requires_grad_()
    unit = torch.nn.functional.normalize
    queries, passages = (unit(torch.tensor(side.toarray()) @ rows) for side in (batch.queries, batch.passages))
    scores = (table._SCALE * queries @ passages.T).masked_fill(torch.from_numpy(batch.same), -torch.inf)
    right = torch.arange(SIZE)
    loss = (torch.nn.functional.cross_entropy(scores, right) + torch.nn.functional.cross_entropy(scores.T, right)) / 2
    loss.backward()
    found, gradient = table.info_nce(block, batch)
    assert found == pytest.approx(float(loss.detach()), abs=1e-4)
    torch.testing.assert_close(gradient, rows.grad, atol=1e-5, rtol=1e-3)


def test_learning_brings_translations_together(block: torch.Tensor) -> None:
    from assistant.training.table import Table, rate_at

    # Token i of one language is token i + half of the other.
    half = TOKENS // 2
    table = Table.fresh(TOKENS, WIDTH, 0)
    random = np.random.default_rng(0)
    losses = []
    for step in range(120):
        words = np.stack([random.choice(half, 3, replace=False) for _ in range(16)])
        sides = [np.zeros((16, TOKENS), dtype=np.float32) for _ in range(2)]
        for side, shift in zip(sides, (0, half), strict=True):
            side[np.arange(16)[:, None], words + shift] = 1
        keys = np.sort(words, axis=1) @ np.array([1, 100, 10_000])
        same = (keys[:, None] == keys) & ~np.eye(16, dtype=bool)
        losses.append(table.learn(Batch(np.arange(TOKENS), csr_matrix(sides[0]), csr_matrix(sides[1]), same), rate_at(step, 120, 0.05)))
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:5])
    rows = torch.nn.functional.normalize(table.rows)
    assert ((rows[:half] @ rows[half:].T).argmax(1) == torch.arange(half)).all()


def test_training_goes_on_as_if_it_had_not_stopped(batch: Batch, tmp_path: Path) -> None:
    from assistant.training.table import Table

    table = Table.fresh(TOKENS, WIDTH, 0)
    table.learn(batch, 0.05)
    table.save(tmp_path / "table.pt")
    loaded = Table.load(tmp_path / "table.pt")
    for one in (table, loaded):
        one.learn(batch, 0.03)
    assert loaded.step == table.step == 2
    assert torch.equal(loaded.rows, table.rows)


def test_the_rate_rises_falls_and_ends_at_nothing() -> None:
    from assistant.training.table import rate_at

    rates = [rate_at(step, 1000, 0.05) for step in range(1000)]
    assert max(rates) == pytest.approx(0.05)
    assert rates.index(max(rates)) < 40
    assert 0 < rates[-1] < 1e-3
    assert rate_at(0, 1, 0.05) > 0


def test_rounding_keeps_directions() -> None:
    rows = np.random.default_rng(0).normal(size=(200, 448)).astype(np.float32)
    rows[3] = 0
    table, scales = quantised(rows)
    back = table * scales[:, None]
    assert not back[3].any()
    kept = np.delete(np.arange(200), 3)
    cosines = (rows[kept] * back[kept]).sum(1) / np.linalg.norm(rows[kept], axis=1) / np.linalg.norm(back[kept], axis=1)
    assert cosines.min() > 0.9995


class TestHeldOut:
    def test_every_question_has_nine_languages(self) -> None:
        asked = heldout.questions()
        assert len(asked) >= 20
        assert all(len(q.texts) == 9 and all(map(str.strip, q.texts.values())) for q in asked)

    def test_a_text_finds_itself_and_figures_are_shares(self, data: Path) -> None:  # noqa: F811
        rows = heldout.news(data)
        encoder = tables.encoder()
        asked = [heldout.Question(n, {"en": heldout.passages(rows, "en")[n], "de": "forum"}) for n in range(20)]
        found = heldout.passage_retrieval(encoder, rows, asked, ("en", "de"), late=True)
        assert found["en", "en"] == (1.0, 1.0)
        assert found["de", "de"][1] <= 0.5
        sentences = heldout.sentence_retrieval(encoder, rows)
        assert 0 <= sentences["de"] <= 1
        mixed = heldout.mixed_pool(encoder, rows, asked, ("en", "de"))
        assert mixed["en"][0] == 1.0


def test_the_card_names_every_source_and_figure(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(heldout, "questions", lambda: [heldout.Question(1, dict.fromkeys(("en", "de", "ja", "zh", "fr", "es", "ko", "ru", "pt"), "forum"))])
    rows = [dict.fromkeys(("en", "de", "ja", "zh", "fr", "es", "ko", "ru", "pt", "it", "ar"), f"forum {n}") for n in range(20)]
    monkeypatch.setattr(heldout, "news", lambda folder: rows)
    sources = available(data)
    text = card(tables.folder(tmp_path / "model"), sources, data, {"vocabulary": 1, "dimensions": 32})
    front = yaml.safe_load(text.split("---")[1])
    assert front["license"] == "cc-by-sa-4.0"
    assert "ja" in front["language"]
    assert "no" not in front["language"]
    for source in sources:
        assert (f"| {source.file} |" in text) is not source.held
    assert {line.count("|") for line in text.splitlines() if line.startswith("| medquad")} == {5}
    assert registered()


@pytest.mark.slow
def test_the_command_makes_a_model_and_makes_it_again(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    import typer

    from assistant.training import __main__ as command

    monkeypatch.setattr(command, "card", lambda *arguments: "card\n")
    app = typer.Typer()
    app.command()(command.main)
    sizes = ["--steps", "8", "--short-batch", "24", "--long-batch", "16", "--vocabulary", "1000", "--dimensions", "16"]

    def run(out: Path, *more: str) -> None:
        done = CliRunner().invoke(app, ["--data", str(data), "--out", str(out), *sizes, *more])
        assert done.exit_code == 0, done.output

    run(tmp_path / "one")
    run(tmp_path / "two")
    first = (tmp_path / "one" / "model.safetensors").read_bytes()
    assert first == (tmp_path / "two" / "model.safetensors").read_bytes()
    assert {p.name for p in (tmp_path / "one").iterdir()} == {"README.md", "config.json", "model.safetensors", "modules.json", "tokenizer.json"}
    assert EmbeddedEncoder.load(tmp_path / "one").encode_questions(["forum"]).any()

    monkeypatch.setattr(command, "_SAVED_EVERY", 2)
    learn, steps = command.Table.learn, []

    def stopped(self: object, *arguments: object, **more: object) -> float:
        if len(steps) == 5:
            raise KeyboardInterrupt
        steps.append(1)
        return learn(self, *arguments, **more)

    monkeypatch.setattr(command.Table, "learn", stopped)
    CliRunner().invoke(app, ["--data", str(data), "--out", str(tmp_path / "three"), *sizes])
    assert not (tmp_path / "three").exists()
    monkeypatch.setattr(command.Table, "learn", learn)
    run(tmp_path / "three")
    assert first == (tmp_path / "three" / "model.safetensors").read_bytes()

    done = CliRunner().invoke(app, ["--data", str(data), "--out", str(tmp_path / "four"), "--exclude", "nothing-like-it", *sizes])
    assert done.exit_code == 1
    assert "nothing-like-it" in done.output
