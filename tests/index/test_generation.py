"""Generations as readers meet them: whole or a clear error, leased, followed, given back."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import IndexBroken
from assistant.index import generation as module
from assistant.index.embedded import EmbeddedEncoder
from assistant.index.generation import (
    Generation,
    Generations,
    Manifest,
    TokenFile,
    current_number,
    folder_of,
    nearest,
    open_current,
)
from assistant.index.lexical import LexicalQuery
from assistant.index.store import Store
from assistant.schema import Filters
from tests.passages import CHUNKING, ENCODER, document, publish_now, put, remove, word


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index that tests only read, or copy."""
    folder = tmp_path_factory.mktemp("index")
    store = Store(folder)
    put(
        store,
        [
            document(1, date="2024"), document(2, language="de", date="2024-11"), document(3, language="ja", date="2024-11-15"),
            document(4, language="zh", collection="press", passages=2), document(5, date="2025-01-31", collection="press"),
        ],
    )  # fmt: skip
    publish_now(folder, store)
    store.close()
    return folder


@pytest.fixture
def index(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template, tmp_path / "index")


@pytest.fixture
def store(index: Path) -> Iterator[Store]:
    opened = Store(index)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def generation(template: Path) -> Iterator[Generation]:
    opened = open_current(template)
    assert opened is not None
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def late_template(tmp_path_factory: pytest.TempPathFactory, tiny_table: EmbeddedEncoder) -> Path:
    """An index of an encoder that has token ids."""
    folder = tmp_path_factory.mktemp("late")
    store = Store(folder)
    put(store, [document(n, language=("en", "ja", "zh")[n % 3], passages=2) for n in range(1, 4)], tiny_table)
    publish_now(folder, store, tiny_table)
    store.close()
    return folder


@pytest.fixture
def late_index(late_template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(late_template, tmp_path / "late")


def names(generation: Generation, filters: Filters, hidden: tuple[str, ...] = ()) -> list[str]:
    keys = generation.keys_passing(filters, hidden).tolist()
    return [generation.chunks([key])[key].id.split("/")[-1] for key in keys]


def test_nothing_is_open_before_the_first_publication(tmp_path: Path) -> None:
    assert current_number(tmp_path) is None
    assert open_current(tmp_path) is None


def test_the_manifest_tells_what_is_inside(generation: Generation, store: Store) -> None:
    assert generation.manifest == Manifest(1, store.change, 5, 6, 0, ENCODER.dimensions, ENCODER.fingerprint, CHUNKING)
    assert len(generation.keys) == len(generation.vectors) == generation.lexical.count() == 6


def test_passages_and_documents_are_the_stores(generation: Generation, store: Store) -> None:
    for document_id in ("default/tests/1.md", "press/tests/4.md"):
        assert generation.document(document_id) == store.document(document_id)
    assert generation.document("none") is None
    found = generation.chunks(generation.keys.tolist())
    assert len(found) == 6
    for chunk in found.values():
        stands_in = generation.document(chunk.document_id)
        assert stands_in is not None
        assert stands_in.text[chunk.start : chunk.end] == chunk.text
        assert (chunk.title, chunk.date, chunk.collection, chunk.language) == (stands_in.title, stands_in.date, stands_in.collection, stands_in.language)


def test_rows_belong_to_their_keys(generation: Generation) -> None:
    keys = generation.keys[::-1].tolist()
    chunks = generation.chunks(keys)
    expected = ENCODER.encode_passages([f"{chunks[k].title}\n{chunks[k].text}" for k in keys])
    np.testing.assert_allclose(generation.rows(keys), expected, atol=1e-3)
    assert generation.rows([]).shape == (0, ENCODER.dimensions)


def test_token_ids_belong_to_their_keys(late_template: Path, tiny_table: EmbeddedEncoder) -> None:
    generation = open_current(late_template)
    assert generation is not None
    keys = [generation.keys.tolist()[i] for i in (4, 0, 5, 0)]
    chunks = generation.chunks(keys)
    expected = tiny_table.token_ids([f"{chunks[k].title}\n{chunks[k].text}" for k in keys])
    assert [ids.tolist() for ids in generation.token_ids(keys)] == [ids.tolist() for ids in expected]
    assert generation.token_ids([]) == []
    # They are all that the passages' vectors and late interaction need.
    np.testing.assert_allclose(tiny_table.encode_tokens(generation.token_ids(keys)), generation.rows(keys), atol=1e-3)
    scores = tiny_table.late_interaction([tiny_table.token_ids([chunks[keys[0]].text])], generation.token_ids(keys))
    assert scores.argmax() == 0
    generation.close()


def test_without_late_interaction_there_are_no_token_ids(generation: Generation) -> None:
    assert [ids.tolist() for ids in generation.token_ids(generation.keys.tolist())] == [[]] * 6


@given(st.lists(st.lists(st.integers(0, 2**32 - 1), max_size=5), max_size=8), st.data())
def test_token_files_give_back_what_they_were_given(tmp_path: Path, rows: list[list[int]], data: st.DataObject) -> None:
    TokenFile.of_rows([np.array(row, dtype=np.uint32) for row in rows]).write(tmp_path)
    file = TokenFile.open(tmp_path)
    wanted = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=9)) if rows else []
    assert [ids.tolist() for ids in file.of(np.array(wanted, dtype=np.int64))] == [rows[i] for i in wanted]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), ["1.md#0", "2.md#0", "3.md#0", "4.md#0", "4.md#1", "5.md#0"]),
        (Filters(languages=("de", "ja")), ["2.md#0", "3.md#0"]),
        (Filters(collections=("press",)), ["4.md#0", "4.md#1", "5.md#0"]),
        (Filters(documents=("press/tests/4.md", "none")), ["4.md#0", "4.md#1"]),
        (Filters(collections=("press",), languages=("en",)), ["5.md#0"]),
        # A document without a date passes no date filter; a coarse date passes what it overlaps.
        (Filters(date_from="2024-11-15"), ["1.md#0", "2.md#0", "3.md#0", "5.md#0"]),
        (Filters(date_from="2024-11-16"), ["1.md#0", "2.md#0", "5.md#0"]),
        (Filters(date_from="2024-12"), ["1.md#0", "5.md#0"]),
        (Filters(date_to="2024-11-14"), ["1.md#0", "2.md#0"]),
        (Filters(date_to="2024-11"), ["1.md#0", "2.md#0", "3.md#0"]),
        (Filters(date_to="2024"), ["1.md#0", "2.md#0", "3.md#0"]),
        (Filters(date_from="2025-01-31", date_to="2025-01-31"), ["5.md#0"]),
        (Filters(languages=("fr",)), []),
    ],
)
def test_filters(generation: Generation, filters: Filters, expected: list[str]) -> None:
    assert names(generation, filters) == expected


def test_hidden_documents_pass_no_filter(generation: Generation) -> None:
    assert names(generation, Filters(languages=("en",)), ("default/tests/1.md", "none")) == ["5.md#0"]
    assert names(generation, Filters(documents=("default/tests/1.md",)), ("default/tests/1.md",)) == []


def test_dense_and_lexical_search_find_a_passage_by_its_own_words(generation: Generation) -> None:
    key = int(generation.keys[3])
    chunk = generation.chunks([key])[key]
    vector = ENCODER.encode_questions([f"{chunk.title}\n{chunk.text}"])[0]
    assert generation.search_dense(vector, 3)[0][0] == key
    assert all(k in generation.keys[3:] for k, _ in generation.search_dense(vector, 10, ["press"]))
    assert generation.search_lexical(LexicalQuery((word(400),)), 5)[0][0] == key
    assert generation.search_lexical(LexicalQuery((word(400),)), 5, ["default"]) == []


def test_nearest_is_exact_and_ordered() -> None:
    keys, scores = np.arange(100), np.random.default_rng(3).normal(size=100).astype(np.float32)
    expected = [(int(k), float(scores[k])) for k in np.argsort(-scores)]
    for limit in (1, 7, 100, 1000):
        assert nearest(keys, scores, limit) == expected[:limit]
    assert nearest(keys[:0], scores[:0], 5) == []


def test_large_generations_search_by_chroma_and_find_the_same(store: Store, index: Path) -> None:
    put(store, [document(n) for n in range(10, 200)])
    publish_now(index, store)
    exact = open_current(index)
    assert exact is not None
    limit = module.EXACT_ROWS
    try:
        module.EXACT_ROWS = 10
        graph = open_current(index)
    finally:
        module.EXACT_ROWS = limit
    assert graph is not None
    for vector in ENCODER.encode_questions([f"Document {n} {word(n * 100)}" for n in range(10, 60)]):
        assert exact.search_dense(vector, 1)[0][0] in {key for key, _ in graph.search_dense(vector, 3)}
    exact.close()
    graph.close()


@pytest.mark.parametrize("name", ["a#b", "a?b", "50%20", "a b ü 昌"])
def test_an_index_may_lie_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path / name)
    put(store, [document(1)])
    publish_now(tmp_path / name, store)
    store.close()
    generation = open_current(tmp_path / name)
    assert generation is not None
    assert generation.document("default/tests/1.md") is not None
    generation.close()


# -- broken ones -------------------------------------------------------------------------------------------------------


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


BREAKS: dict[str, Callable[[Path], object]] = {
    "manifest gone": lambda f: (f / "generation.json").unlink(),
    "manifest garbage": lambda f: (f / "generation.json").write_bytes(b"\xff\x00garbage"),
    "manifest of another kind": lambda f: (f / "generation.json").write_text("[1]"),
    "keys gone": lambda f: (f / "keys.i64").unlink(),
    "vectors cut": lambda f: _cut(f / "vectors.f16"),
    "vectors gone": lambda f: (f / "vectors.f16").unlink(),
    "token ids cut": lambda f: _cut(f / "tokens.u32"),
    "token ids gone": lambda f: (f / "tokens.u32").unlink(),
    "token ids of another generation": lambda f: (f / "tokens.u32").write_bytes(b"\0\0\0\0" * 999),
    "token beginnings cut": lambda f: _cut(f / "tokens.i64"),
    "token beginnings gone": lambda f: (f / "tokens.i64").unlink(),
    "token beginnings empty": lambda f: (f / "tokens.i64").write_bytes(b""),
    "token beginnings garbage": lambda f: (f / "tokens.i64").write_bytes(b"garbage!" * 7),
    "token beginnings below zero": lambda f: (f / "tokens.i64").write_bytes(b"\xff" * 56),
    "lexical gone": lambda f: shutil.rmtree(f / "lexical"),
    "lexical garbage": lambda f: (f / "lexical" / "meta.json").write_bytes(b"garbage"),
    "passages gone": lambda f: (f / "passages.sqlite").unlink(),
    "passages garbage": lambda f: (f / "passages.sqlite").write_bytes(b"garbage" * 1000),
    "everything gone": shutil.rmtree,
}


@pytest.mark.parametrize("damage", BREAKS)
def test_a_broken_generation_is_one_clear_error(late_index: Path, damage: str) -> None:
    BREAKS[damage](folder_of(late_index, 1))
    with pytest.raises(IndexBroken) as caught:
        open_current(late_index)
    assert caught.value.fix
    assert "1" in caught.value.message or "missing" in caught.value.message


@pytest.mark.parametrize("text", ["", "one", "1 2", "\x00", "ü"])
def test_a_current_that_names_no_number_is_one_clear_error(index: Path, text: str) -> None:
    (index / "CURRENT").write_text(text, encoding="utf-8")
    with pytest.raises(IndexBroken, match="CURRENT"):
        open_current(index)


# -- leases ------------------------------------------------------------------------------------------------------------


def test_a_lease_keeps_its_generation_while_a_new_one_is_served(store: Store, index: Path) -> None:
    generations = Generations(index, poll_seconds=60)
    with generations.lease() as old:
        assert old is not None
        put(store, [document(9)])
        publish_now(index, store)
        generations.refresh()
        with generations.lease() as new:
            assert new is not None
            assert (old.manifest.number, new.manifest.number) == (1, 2)
            assert old.document("default/tests/9.md") is None
            assert new.document("default/tests/9.md") is not None
        assert len(old.chunks(old.keys.tolist())) == 6, "the old one is still open"
    with pytest.raises(FileNotFoundError):
        Generation(index / "generations" / "none")
    generations.close()


def test_a_new_generation_is_followed_by_itself(store: Store, index: Path) -> None:
    generations = Generations(index, poll_seconds=0.02)
    with generations.lease() as first:
        assert first is not None
    remove(store, ["default/tests/1.md"])
    publish_now(index, store)
    deadline = time.monotonic() + 10
    number = 1
    while number == 1 and time.monotonic() < deadline:
        time.sleep(0.02)
        with generations.lease() as now:
            assert now is not None
            number = now.manifest.number
    assert number == 2
    generations.close()


def test_a_broken_next_generation_leaves_the_old_one_serving(index: Path) -> None:
    generations = Generations(index, poll_seconds=0.02)
    with generations.lease() as first:
        assert first is not None
        (index / "CURRENT").write_text("garbage")
        time.sleep(0.2)
    with generations.lease() as still:
        assert still is first
    generations.close()


def test_without_an_index_the_lease_is_empty(tmp_path: Path) -> None:
    generations = Generations(tmp_path)
    with generations.lease() as nothing:
        assert nothing is None
    generations.close()


def test_many_threads_lease_while_generations_change(store: Store, index: Path) -> None:
    """Every lease sees one whole generation: as many documents as its manifest says, and no error."""
    generations = Generations(index, poll_seconds=0.01)
    stop, errors, seen = threading.Event(), list[BaseException](), set[int]()

    def read() -> None:
        try:
            while not stop.is_set():
                with generations.lease() as current:
                    assert current is not None
                    count = current.db.execute("SELECT count(*) FROM documents").fetchone()[0]
                    assert count == current.manifest.documents
                    assert len(current.chunks(current.keys.tolist())) == current.manifest.passages
                    seen.add(current.manifest.number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(20, 23):
        put(store, [document(number)])
        publish_now(index, store)
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    generations.close()
    assert not errors, errors[0]
    assert len(seen) > 1


def test_manifests_are_read_as_they_were_written(tmp_path: Path) -> None:
    manifest = Manifest(3, 4, 5, 6, 7, 8, "e", "c")
    manifest.write(tmp_path)
    assert Manifest.read(tmp_path) == manifest
    assert Manifest.read(tmp_path) != replace(manifest, number=4)
