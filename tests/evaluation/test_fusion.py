"""The choice of fusion weights: the project's own fusion, held out by source, with intervals over clusters."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from assistant.evaluation import fusion
from assistant.evaluation.fusion import GRID, Pool, Ranks, Resampled, Variant
from assistant.retrieval.names import Names
from assistant.retrieval.questions import understand
from assistant.retrieval.search import Scored, Weights, _standardised

PLACES = ["Changping", "Qiantan", "Halle", "Pudong", "Leiden", "Sapporo", "Ulm", "Daejeon"]
THINGS = ["vaccine registry", "protein atlas", "robot clinic", "cell bank", "tissue library", "gene archive"]


def _write(folder: Path, source: str, language: str = "en") -> None:
    lines = []
    for place in PLACES:
        for number, thing in enumerate(THINGS):
            passage = f"The {thing} of {place} was opened in {1990 + number} by {source}. It has {number + 3} rooms."
            lines.append({"l": language, "q": f"When was the {thing} of {place} opened?", "p": passage})
    data = "\n".join(json.dumps(line) for line in lines).encode()
    (folder / "pairs").mkdir(exist_ok=True)
    (folder / "pairs" / f"{source}.qa.jsonl.zst").write_bytes(zstandard.compress(data))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for source in ("first", "second", "third"):
        _write(tmp_path, source)
    return tmp_path


def test_the_command_chooses_weights_that_sum_to_one(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    options = ["--passages", "40", "--questions", "12", "--resamples", "50", "--workers", "1"]
    assert fusion.main(["--data", str(data), "--json", str(out), *options]) == 0
    printed = capsys.readouterr().out
    found = json.loads(out.read_text(encoding="utf-8"))
    assert found["dense_weight"] in GRID
    assert found["dense_weight"] + found["lexical_weight"] == pytest.approx(1)
    assert [row["name"] for row in found["rows"]] == ["first", "second", "third", "all"]
    assert f"dense_weight {found['dense_weight']:.2f}" in printed
    for row in found["rows"]:
        for method in fusion.METHODS:
            figure = row["figures"][method]["MRR@10"]
            assert 0 <= figure["low"] <= figure["mean"] + 1e-6 <= figure["high"] + 2e-6 <= 1 + 2e-6


def test_one_source_cannot_be_held_out(tmp_path: Path) -> None:
    _write(tmp_path, "only")
    with pytest.raises(SystemExit, match="two sources"):
        fusion.run(tmp_path, workers=1)


def test_pools_are_seeded_and_distinct_and_questions_point_at_their_passages(data: Path) -> None:
    pools = fusion.load_pools(data, passages=40, questions=12)
    assert pools == fusion.load_pools(data, passages=40, questions=12)
    assert [pool.source for pool in pools] == ["first", "second", "third"]
    for pool in pools:
        assert len(pool.passages) == len(set(pool.passages)) == 40
        assert len(pool.questions) == len(pool.clusters) == 12
        for question, rows in pool.questions:
            thing = question.removeprefix("When was the ").removesuffix(" opened?")
            assert [thing in pool.passages[row] for row in rows] == [True]


def test_translations_listed_together_are_one_cluster(tmp_path: Path) -> None:
    (tmp_path / "pairs").mkdir()
    stream = io.StringIO()
    for number in range(60):
        for language in ("de", "ja"):
            print(json.dumps({"l": language, "q": f"{language} q{number}", "p": f"{language} p{number}"}), file=stream)
    (tmp_path / "pairs" / "two.qa.jsonl.zst").write_bytes(zstandard.compress(stream.getvalue().encode()))
    german, japanese = fusion.load_pools(tmp_path, passages=100, questions=100)
    assert german.clusters == japanese.clusters == tuple(range(60))


@given(st.data())
def test_ranks_are_those_of_the_retriever(draw: st.DataObject) -> None:
    size = draw.draw(st.integers(3, 30))
    generator = np.random.default_rng(draw.draw(st.integers(0, 2**32)))
    cosines = generator.normal(size=size)
    order = np.argsort(-cosines)
    dense = [(int(key), float(cosines[key])) for key in order[: draw.draw(st.integers(1, size))]]
    found = generator.permutation(size)[: draw.draw(st.integers(0, size))]
    lexical = sorted(((int(key), float(generator.uniform(1, 9))) for key in found), key=lambda hit: -hit[1])
    right = int(generator.integers(size))
    ranks = fusion.question_ranks(dense, lexical, cosines, [right])
    assert len(ranks) == len(GRID) + 1
    found_at = dict(lexical)
    keys = sorted({key for key, _ in dense} | found_at.keys())
    parts = np.stack([_standardised([float(cosines[key]) for key in keys]), np.zeros(len(keys)), _standardised([found_at.get(key, 0.0) for key in keys])])
    scored = Scored(understand("which?", Names(())), keys, parts, dict(dense).keys(), found_at.keys(), [])
    for weight, rank in zip(GRID, ranks, strict=False):
        keys = [scored.keys[position] for position in scored.ranked(Weights(weight, 0.0, 1 - weight))[0]]
        assert rank == (keys.index(right) + 1 if right in keys else 0)


def test_plain_rrf_ranks_what_both_searches_found_first() -> None:
    cosines = np.array([0.9, 0.5, 0.8])
    ranks = fusion.question_ranks([(0, 0.9), (2, 0.8)], [(1, 7.0), (2, 6.0)], cosines, [2])
    assert ranks[-1] == 1


def test_intervals_resample_clusters_not_questions() -> None:
    ranks = np.tile(np.repeat([1, 0], 50)[:, None], (1, len(GRID) + 1))
    alone = Resampled([Ranks("s", "en", np.arange(100), ranks)], 500)
    together = Resampled([Ranks("s", "en", np.repeat(np.arange(10), 10), ranks)], 500)
    values = fusion.success(ranks[:, 0], 1)
    narrow, wide = (fusion.interval(r.means([values])) for r in (alone, together))
    assert narrow.mean == wide.mean == 0.5
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_the_weights_are_chosen_on_the_other_sources() -> None:
    def source(name: str, best: int) -> Ranks:
        ranks = np.full((4, len(GRID) + 1), 2)
        ranks[:, best] = 1
        return Ranks(name, "en", np.arange(4), ranks)

    pools = [source("a", 3), source("b", 9), source("c", 9)]
    rows, _ = fusion.held_out(pools, {(name, "en"): 4 for name in "abc"}, 20)
    assert [row.dense_weight for row in rows[:1]] == [GRID[9]]
    assert rows[0].figures["chosen"]["Success@1"].mean == 0


def test_a_variant_changes_the_encoder_only_by_its_lengths() -> None:
    pool = Pool("s", "en", ("the cell bank of Halle", "the gene archive of Ulm"), (("gene archive?", (1,)),), (0,))
    found = fusion.search_pool(pool, [Variant(), Variant((0.0, 0.0, 1.0, 1.0)), Variant(drops_stop_words=False)])
    assert all(ranks.ranks[0].tolist() == [1] * (len(GRID) + 1) for ranks in found.values())
    assert len({variant.name for variant in found}) == 3
