"""The proof of a delete: it finds what is left wherever it lies, and does not cry for what others hold."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from assistant.index import proof
from assistant.index.embedded import EmbeddedEncoder
from assistant.index.encoders import Encoder
from assistant.index.proof import Evidence, scrubbed_memory, traces, unique_evidence
from assistant.index.store import Store, context_text, vector_hash
from tests.passages import ENCODER, document, publish_now, put, remove, sentence


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    yield opened
    opened.close()


def evidence(store: Store, document_id: str, encoder: Encoder = ENCODER) -> Evidence:
    return unique_evidence(store, encoder.fingerprint, encoder.dimensions, document_id, [document_id])


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
    with scrubbed_memory():
        publish_now(tmp_path, store, rebuild=True)
    store.purge()
    assert traces(tmp_path, item), "the older generation still holds it"
    shutil.rmtree(tmp_path / "generations" / "1")
    assert traces(tmp_path, item) == []


def test_a_delete_leaves_no_token_ids_behind(store: Store, tmp_path: Path, tiny_table: EmbeddedEncoder) -> None:
    put(store, [document(n, language=("en", "ja")[n % 2]) for n in range(5)], tiny_table)
    publish_now(tmp_path, store, tiny_table)
    [ids] = store.tokens(tiny_table.fingerprint, [vector_hash(context_text("Document 3", "", sentence(300, "ja")))])
    item = evidence(store, "default/tests/3.md", tiny_table)
    assert ids.tobytes() in item.needles
    alone = Evidence("3", (), (ids.tobytes(),))
    names = traces(tmp_path, alone)
    assert "generations/1/tokens.u32" in names
    assert any(name.startswith("vectors.sqlite") for name in names)
    remove(store, ["default/tests/3.md"])
    store.drop_unused_vectors()
    with scrubbed_memory():
        publish_now(tmp_path, store, tiny_table, rebuild=True)
    store.purge()
    shutil.rmtree(tmp_path / "generations" / "1")
    assert traces(tmp_path, alone) == []
    assert traces(tmp_path, item) == []


LONG = "The forum in the new hospital opens on 12 May and doctors and nurses meet in Rotterdam until the end of June."


@pytest.mark.parametrize(
    "other", [LONG.upper(), LONG.replace(" ", "  "), LONG.replace("doctors and nurses", "nurses and doctors"), f"{LONG.upper()} Registration is open."],
    ids=["case", "spaces", "order", "more"],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["hashed", "table"])
def test_vectors_and_token_ids_that_another_document_has_as_well_prove_nothing(store: Store, tmp_path: Path, tiny_table: EmbeddedEncoder, kind: str, other: str) -> None:
    """Other texts may have the same tokens; a delete must not take what stays for what was left."""
    encoder: Encoder = ENCODER if kind == "hashed" else tiny_table
    put(store, [document(1, text=LONG, title="T"), document(2, text=other, title="T")], encoder)
    item = evidence(store, "default/tests/1.md", encoder)
    remove(store, ["default/tests/1.md"])
    store.drop_unused_vectors()
    with scrubbed_memory():
        publish_now(tmp_path, store, encoder)
    store.purge()
    assert traces(tmp_path, item) == []


def test_two_passages_that_go_together_still_prove_each_other(store: Store, tiny_table: EmbeddedEncoder) -> None:
    put(store, [document(1, text=f"{LONG}\n\n{LONG.upper()}", title="T"), document(2)], tiny_table)
    [ids] = tiny_table.token_ids([f"T\n{LONG}"])
    assert ids.tobytes() in evidence(store, "default/tests/1.md", tiny_table).needles


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
