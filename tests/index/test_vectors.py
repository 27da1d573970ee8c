"""Nearest vectors: what was put in is found at its place, collections stay apart, nothing is made for a reader."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.index.vectors import VectorIndex

ROWS = np.random.default_rng(7).normal(size=(300, 32)).astype(np.float32)
ROWS /= np.linalg.norm(ROWS, axis=1, keepdims=True)
VECTORS = ROWS.astype(np.float16)


def test_each_row_finds_itself_by_cosine(tmp_path: Path) -> None:
    index = VectorIndex(tmp_path / "chroma", create=True)
    index.add("default", range(1, 301), VECTORS)
    for row in range(0, 300, 10):
        key, cosine = index.search(ROWS[row], 3)[0]
        assert key == row + 1
        assert cosine == pytest.approx(1.0, abs=2e-3)
    exact = np.argsort(-(ROWS @ ROWS[5]))[:10] + 1
    assert len(set(exact.tolist()) & {key for key, _ in index.search(ROWS[5], 10)}) >= 9
    index.close()


def test_results_are_ordered_over_all_collections(tmp_path: Path) -> None:
    index = VectorIndex(tmp_path / "chroma", create=True)
    index.add("a", range(0, 150), VECTORS[:150])
    index.add("b", range(150, 300), VECTORS[150:])
    found = index.search(ROWS[200], 40)
    assert [c for _, c in found] == sorted((c for _, c in found), reverse=True)
    assert len(found) == 40
    assert found[0][0] == 200
    assert all(key < 150 for key, _ in index.search(ROWS[200], 10, ["a"]))
    assert index.search(ROWS[200], 10, ["none"]) == []
    assert len(index.search(ROWS[200], 500, ["b"])) == 150, "no more than there are, and no error"
    index.close()


def test_adding_again_replaces_and_removing_removes(tmp_path: Path) -> None:
    index = VectorIndex(tmp_path / "chroma", create=True)
    index.add("default", [1, 2], VECTORS[:2])
    index.add("default", [1], VECTORS[2:3])
    assert index.counts() == {"default": 2}
    assert index.search(ROWS[2], 1)[0][0] == 1
    index.remove([1, 99])
    assert index.counts() == {"default": 1}
    assert [key for key, _ in index.search(ROWS[2], 5)] == [2]
    index.drop("default")
    index.drop("none")
    assert index.counts() == {}
    assert index.search(ROWS[2], 5) == []
    index.close()


def test_it_opens_again_with_everything(tmp_path: Path) -> None:
    index = VectorIndex(tmp_path / "chroma", create=True)
    index.add("default", range(300), VECTORS)
    index.close()
    again = VectorIndex(tmp_path / "chroma")
    assert again.counts() == {"default": 300}
    assert again.search(ROWS[3], 1)[0][0] == 3
    again.close()


def test_more_rows_than_one_call_of_chroma_takes(tmp_path: Path) -> None:
    many = np.random.default_rng(1).normal(size=(5600, 8)).astype(np.float16)
    index = VectorIndex(tmp_path / "chroma", create=True)
    index.add("default", range(5600), many)
    assert index.counts() == {"default": 5600}
    index.remove(range(5500))
    assert index.counts() == {"default": 100}
    index.close()


def test_a_reader_makes_nothing_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        VectorIndex(tmp_path / "chroma")
    assert not (tmp_path / "chroma").exists()
