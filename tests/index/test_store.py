"""The store of record: whole documents or none, vectors by content, nothing left of what was removed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import IndexBroken, IndexMismatch
from assistant.index.embedded import EmbeddedEncoder
from assistant.index.store import FILE, VECTOR_FILE, Store, context_text, read_document, vector_hash
from assistant.schema import Document, FailedFile, Page, Section
from tests.passages import ENCODER, chunks, document, embed, put, remove, sentence


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    yield opened
    opened.close()


def test_a_document_comes_back_as_it_went_in(store: Store) -> None:
    given = Document(
        "default/a/ü b/昌平.md", "Über 昌平\n\nText 🧬", "Titel", "de", "https://example.org/x", "2024-11", "default",
        {"display": "excerpt", "n": [1, {"a": None}], "kanji": "医"}, (("昌平", "Changping"), ("X",)), "hash", "public",
        (Section(("Über", "昌平"), 0, 7),), (Page(1, 0, 4), Page(2, 4, 15)),
    )  # fmt: skip
    with store.transaction():
        store.put(given, chunks(given), "a", "/a/昌平.md")
    assert store.document(given.id) == given
    assert store.document_passages(given.id) == [("", "Über 昌平"), ("", "Text 🧬")]
    assert store.known("default", "a")[given.id].origin == "/a/昌平.md"
    assert store.origin(given.id) == "/a/昌平.md"
    assert store.document("default/a/none.md") is None
    assert store.origin("default/a/none.md") is None


def test_putting_again_replaces_the_passages_and_gives_new_keys(store: Store) -> None:
    put(store, [document(1, passages=3)])
    before = set(store.keys().tolist())
    put(store, [document(1, passages=2)])
    assert store.counts() == (1, 2)
    assert not before & set(store.keys().tolist()), "a reader's generation may still use the old keys"


def test_a_failed_transaction_changes_nothing(store: Store) -> None:
    put(store, [document(1)])
    change = store.change
    with pytest.raises(RuntimeError), store.transaction():
        store.put(document(2), chunks(document(2)), "tests", "/2")
        raise RuntimeError
    assert (store.counts(), store.change) == ((1, 1), change)


def test_the_change_number_rises_with_every_change_of_content_only(store: Store) -> None:
    numbers = [store.change]
    for number in range(3):
        put(store, [document(number)])
        numbers.append(store.change)
    assert numbers == sorted(set(numbers))
    store.take_generation_number()
    store.drop_unused_vectors()
    store.purge()
    assert store.change == numbers[-1]


def test_generation_numbers_are_never_given_twice(store: Store, tmp_path: Path) -> None:
    taken = [store.take_generation_number() for _ in range(3)]
    store.close()
    again = Store(tmp_path)
    taken += [again.take_generation_number(), again.take_generation_number(above=20), again.take_generation_number(above=3)]
    again.close()
    assert taken == [1, 2, 3, 4, 21, 22]


def test_only_missing_vectors_are_asked_for(store: Store) -> None:
    put(store, [document(n) for n in range(3)])
    assert embed(store) == 0
    assert [t for batch in store.missing_vectors("another encoder") for _, t in batch] == [f"Document {n}\n{sentence(n * 100)}" for n in range(3)]
    # The same title and text elsewhere have the same vector.
    twin = document(1, collection="twin")
    with store.transaction():
        store.put(twin, chunks(twin), "tests", "/twin")
    assert embed(store) == 0


def test_vectors_come_in_the_order_asked_for(store: Store) -> None:
    put(store, [document(n) for n in range(5)])
    rows = [(hash_, text) for _, _, hash_, text in store.passages()][::-1]
    found = store.vectors(ENCODER.fingerprint, [h for h, _ in rows], ENCODER.dimensions)
    np.testing.assert_allclose(found, ENCODER.encode_passages([t for _, t in rows]), atol=1e-3)
    with pytest.raises(IndexBroken, match="no vector"):
        store.vectors(ENCODER.fingerprint, [b"none"], ENCODER.dimensions)


def test_token_ids_come_in_the_order_asked_for(store: Store, tiny_table: EmbeddedEncoder) -> None:
    put(store, [document(n, language=("en", "ja")[n % 2]) for n in range(5)], tiny_table)
    rows = [(hash_, text) for _, _, hash_, text in store.passages()][::-1]
    found = store.tokens(tiny_table.fingerprint, [h for h, _ in rows])
    assert [ids.tolist() for ids in found] == [ids.tolist() for ids in tiny_table.token_ids([t for _, t in rows])]
    assert {ids.dtype for ids in found} == {np.dtype("<u4")}
    assert store.tokens(tiny_table.fingerprint, []) == []
    with pytest.raises(IndexBroken, match="no vector"):
        store.tokens(tiny_table.fingerprint, [rows[0][0], b"none"])


def test_an_encoder_without_late_interaction_has_no_token_ids(store: Store, tiny_table: EmbeddedEncoder) -> None:
    put(store, [document(1)])
    embed(store, tiny_table)
    [(_, _, hash_, text)] = store.passages()
    assert [ids.tolist() for ids in store.tokens(ENCODER.fingerprint, [hash_])] == [[]]
    assert [ids.tolist() for ids in store.tokens(tiny_table.fingerprint, [hash_])] == [ids.tolist() for ids in tiny_table.token_ids([text])]


def test_a_passage_of_no_tokens_is_no_missing_one(store: Store) -> None:
    put(store, [document(1, text=" ", title="")])
    [(_, _, hash_, _)] = store.passages()
    store.put_vectors("late", [hash_], np.zeros((1, 4), dtype=np.float32), [np.zeros(0, dtype=np.uint32)])
    assert [ids.tolist() for ids in store.tokens("late", [hash_])] == [[]]
    assert list(store.missing_vectors("late")) == []


def test_vectors_and_token_ids_must_be_as_many_as_their_passages(store: Store) -> None:
    with pytest.raises(ValueError):
        store.put_vectors("late", [b"a", b"b"], np.zeros((2, 4), dtype=np.float32), [np.zeros(1, dtype=np.uint32)])
    assert not store.has_vector("late", b"a"), "all or nothing"


def test_a_vector_cache_of_an_earlier_version_is_replaced_and_no_document_lost(store: Store, tmp_path: Path) -> None:
    put(store, [document(n) for n in range(3)])
    change = store.change
    store.close()
    old = sqlite3.connect(tmp_path / VECTOR_FILE)
    old.executescript(
        "DROP TABLE vectors; CREATE TABLE vectors (hash BLOB, fingerprint TEXT, vector BLOB NOT NULL, PRIMARY KEY (hash, fingerprint));"
        f"INSERT INTO vectors VALUES (x'00', '{ENCODER.fingerprint}', x'00')"
    )
    old.close()
    again = Store(tmp_path)
    assert (again.counts(), again.change) == ((3, 3), change)
    assert embed(again) == 3, "they are worked out again"
    assert embed(again) == 0
    again.close()
    third = Store(tmp_path)
    assert embed(third) == 0, "and then they stay"
    third.close()


def test_unused_vectors_are_dropped_and_shared_ones_kept(store: Store) -> None:
    same = {"text": sentence(7), "title": "T"}
    put(store, [document(1, **same), document(2, **same), document(3)])
    shared, own = vector_hash(context_text("T", "", sentence(7))), vector_hash(context_text("Document 3", "", sentence(300)))
    assert store.shares_vector(shared, excluding=["default/tests/1.md"])
    assert not store.shares_vector(own, excluding=["default/tests/3.md"])
    remove(store, ["default/tests/1.md", "default/tests/3.md"])
    store.drop_unused_vectors()
    assert store.has_vector(ENCODER.fingerprint, shared)
    assert not store.has_vector(ENCODER.fingerprint, own)


def test_what_was_removed_is_in_no_file_after_the_purge(store: Store, tmp_path: Path, tiny_table: EmbeddedEncoder) -> None:
    put(store, [document(n) for n in range(40)], tiny_table)
    needle = sentence(3900).encode()
    hash_ = vector_hash(context_text("Document 39", "", sentence(3900)))
    vector = store.vectors(tiny_table.fingerprint, [hash_], tiny_table.dimensions).tobytes()
    ids = store.tokens(tiny_table.fingerprint, [hash_])[0].tobytes()
    assert any(ids in f.read_bytes() for f in tmp_path.iterdir())
    assert any(needle in f.read_bytes() for f in tmp_path.iterdir())
    remove(store, ["default/tests/39.md"])
    store.drop_unused_vectors()
    store.purge()
    for file in tmp_path.iterdir():
        assert needle not in file.read_bytes(), file.name
        assert vector not in file.read_bytes(), file.name
        assert ids not in file.read_bytes(), file.name


def test_tombstones_stay_until_they_are_forgotten(store: Store) -> None:
    put(store, [document(1)])
    with store.transaction():
        assert store.remove(["default/tests/1.md", "default/tests/gone.md"], tombstone=True) == 1
    assert store.tombstones() == {"default/tests/1.md", "default/tests/gone.md"}
    with store.transaction():
        store.forget_tombstones(["default/tests/1.md"])
    assert store.tombstones() == {"default/tests/gone.md"}


def test_failures_are_kept_by_source(store: Store) -> None:
    with store.transaction():
        store.record_failures("default", "a", [FailedFile("/a/1", "broken", "m"), FailedFile("/a/2", "partial", "m", partial=True)])
        store.record_failures("default", "b", [FailedFile("/b/1", "empty", "m")])
    with store.transaction():
        store.record_failures("default", "a", [FailedFile("/a/2", "broken", "n")])
    assert store.failures("default", "a") == [FailedFile("/a/2", "broken", "n")]
    assert store.failures("default", "b") == [FailedFile("/b/1", "empty", "m")]


def test_the_backup_is_whole_and_has_no_journal(store: Store, tmp_path: Path) -> None:
    put(store, [document(n) for n in range(3)])
    store.backup(tmp_path / "copy.sqlite")
    copy = sqlite3.connect(tmp_path / "copy.sqlite")
    assert copy.execute("SELECT count(*) FROM chunks").fetchone() == (3,)
    assert copy.execute("SELECT count(*) FROM journal").fetchone() == (0,)
    assert read_document(copy, "default/tests/1.md") == document(1)
    copy.close()
    assert not list(tmp_path.glob("copy.sqlite-*")), "readers open it as immutable: nothing may lie beside it"


@pytest.mark.parametrize("name", [FILE, VECTOR_FILE])
def test_a_file_that_is_no_database_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"no database at all" * 100)
    with pytest.raises(IndexBroken, match=f"{name} cannot be opened") as caught:
        Store(tmp_path)
    assert caught.value.fix


def test_another_schema_version_is_refused(store: Store, tmp_path: Path) -> None:
    with store.transaction():
        store.set_meta("schema_version", "99")
    with pytest.raises(IndexMismatch, match="schema version 99"):
        Store(tmp_path)


@pytest.mark.parametrize(
    ("title", "heading", "context"),
    [("T", "", "T\nx"), ("", "", "x"), ("T", "H", "T › H\nx"), ("T", "T › H", "T › H\nx"), ("", "H", "H\nx")],
)
def test_context_is_title_and_heading_each_once(title: str, heading: str, context: str) -> None:
    assert context_text(title, heading, "x") == context
