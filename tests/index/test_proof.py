"""The proof of a delete: it finds what is left wherever it lies, and does not cry for what others hold."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from assistant.index import proof
from assistant.index.proof import Evidence, traces, unique_evidence
from assistant.index.store import Store
from tests.passages import ENCODER, document, publish_now, put, remove, sentence


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    yield opened
    opened.close()


def evidence(store: Store, document_id: str) -> Evidence:
    return unique_evidence(store, ENCODER.fingerprint, ENCODER.dimensions, document_id, [document_id])


def test_a_present_document_is_found_in_store_and_generation(store: Store, tmp_path: Path) -> None:
    put(store, [document(n, language="ja") for n in range(5)])
    publish_now(tmp_path, store)
    names = traces(tmp_path, evidence(store, "default/tests/3.md"))
    assert "generations/1/passages.sqlite" in names
    assert "generations/1/vectors.f16" in names
    assert any(name.startswith("vectors.sqlite") for name in names)
    assert any(name.startswith("store.sqlite") for name in names)
    assert any(name.startswith("generations/1/chroma") for name in names)


def test_a_document_that_was_removed_and_purged_is_found_nowhere(store: Store, tmp_path: Path) -> None:
    put(store, [document(n) for n in range(5)])
    publish_now(tmp_path, store)
    item = evidence(store, "default/tests/3.md")
    remove(store, ["default/tests/3.md"])
    store.drop_unused_vectors()
    publish_now(tmp_path, store, rebuild=True)
    store.purge()
    assert traces(tmp_path, item), "the older generation still holds it"
    shutil.rmtree(tmp_path / "generations" / "1")
    assert traces(tmp_path, item) == []


def test_text_that_another_document_holds_proves_nothing(store: Store) -> None:
    same = {"text": sentence(7), "title": "T"}
    put(store, [document(1, **same), document(2, **same)])
    assert evidence(store, "default/tests/1.md").needles == ()
    both = unique_evidence(store, ENCODER.fingerprint, ENCODER.dimensions, "default/tests/1.md", ["default/tests/1.md", "default/tests/2.md"])
    assert both.needles
    assert both.texts == (sentence(7),)


def test_without_needles_nothing_is_found(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"anything")
    assert traces(tmp_path, Evidence("d", (), ())) == []


@pytest.mark.parametrize("place", [0, 4090, 4096, 8000])
def test_needles_across_blocks_are_found(tmp_path: Path, place: int) -> None:
    block, proof._BLOCK = proof._BLOCK, 4096
    try:
        needle = "Nadel 針 im Heu".encode()
        data = bytearray(np.random.default_rng(5).bytes(10_000))
        data[place : place + len(needle)] = needle
        (tmp_path / "deep").mkdir()
        (tmp_path / "deep" / "file").write_bytes(bytes(data))
        assert traces(tmp_path, Evidence("d", (), (b"other", needle))) == ["deep/file"]
    finally:
        proof._BLOCK = block
