"""Publishing: an incremental generation finds what a rebuilt one finds, and no failure takes the published one away."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from assistant.errors import IndexBroken, IndexBusy
from assistant.index.embedded import EmbeddedEncoder
from assistant.index.generation import Generation, Manifest, current_number, folder_of, open_current
from assistant.index.lexical import LexicalIndex, LexicalQuery
from assistant.index.publishing import needs_publishing, remove_all_older
from assistant.index.store import Store
from assistant.index.vectors import VectorIndex
from tests.passages import CHUNKING, ENCODER, chunks, document, embed, publish_now, put, remove, word


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path)
    yield opened
    opened.close()


def identity(number: int) -> str:
    return f"default/tests/{number}.md"


def kept(index: Path) -> list[int]:
    return sorted(int(p.name) for p in (index / "generations").iterdir())


def needs(index: Path, store: Store, encoder: str = ENCODER.fingerprint, chunking: str = CHUNKING) -> bool:
    return needs_publishing(index, store, encoder, chunking)


def found(folder: Path, numbers: range) -> dict[int, tuple[list[str], list[str]]]:
    """For each number's made-up word: documents that lexical and dense search find, by every file of the generation."""
    generation = Generation(folder)
    dense = VectorIndex(folder / "chroma")
    result = {}
    try:
        owner = {key: chunk.document_id for key, chunk in generation.chunks(generation.keys.tolist()).items()}
        for number in numbers:
            lexical = generation.search_lexical(LexicalQuery((word(number * 100),)), 5)
            vector = ENCODER.encode_questions([f"Document {number} {word(number * 100)}"])[0]
            exact, graph = generation.search_dense(vector, 3), dense.search(vector, 3)
            assert [round(c, 2) for _, c in exact] == pytest.approx([round(c, 2) for _, c in graph], abs=0.02)
            result[number] = [owner[k] for k, _ in lexical], [owner[k] for k, _ in exact]
    finally:
        dense.close()
        generation.close()
    return result


def test_incremental_publication_finds_what_a_rebuild_finds(store: Store, tmp_path: Path) -> None:
    put(store, [document(n, language=("en", "de", "ja", "zh")[n % 4], passages=1 + n % 3) for n in range(40)])
    publish_now(tmp_path, store)
    remove(store, [identity(n) for n in range(4)])
    put(store, [document(n, text=f"Changed: {word(n * 100)} and more.") for n in range(4, 8)] + [document(n, collection="press") for n in range(50, 54)])
    second = publish_now(tmp_path, store)
    assert Manifest.read(folder_of(tmp_path, second)).tombstones > 0, "this one was built incrementally"
    incremental = found(folder_of(tmp_path, second), range(54))
    third = publish_now(tmp_path, store, rebuild=True)
    manifest = Manifest.read(folder_of(tmp_path, third))
    assert (manifest.tombstones, manifest.documents, manifest.passages) == (0, *store.counts())
    assert incremental == found(folder_of(tmp_path, third), range(54))
    assert incremental[0][0] == []
    assert incremental[5][0] == [identity(5)]
    assert incremental[51][0] == ["press/tests/51.md"]


def token_ids(folder: Path, encoder: EmbeddedEncoder) -> dict[str, list[int]]:
    """Token ids by passage; the files hold nothing else."""
    generation = Generation(folder)
    try:
        keys = generation.keys.tolist()
        chunks = generation.chunks(keys)
        rows = generation.token_ids(keys)
        assert (folder / "tokens.u32").stat().st_size == sum(map(len, rows)) * 4
        assert (folder / "tokens.i64").stat().st_size == (len(keys) + 1) * 8
        np.testing.assert_allclose(generation.rows(keys), encoder.encode_tokens(rows), atol=1e-3)
        return {chunks[key].id: ids.tolist() for key, ids in zip(keys, rows, strict=True)}
    finally:
        generation.close()


def expected_ids(store: Store, encoder: EmbeddedEncoder) -> dict[str, list[int]]:
    found = {}
    for key, _, _, text in store.passages():
        [(document_id, ordinal)] = store._db.execute("SELECT document_id, ordinal FROM chunks WHERE key = ?", (key,))
        found[f"{document_id}#{ordinal}"] = encoder.token_ids([text])[0].tolist()
    return found


def test_token_ids_go_along_with_every_change(store: Store, tmp_path: Path, tiny_table: EmbeddedEncoder) -> None:
    put(store, [document(n, language=("en", "de", "ja", "zh")[n % 4], passages=1 + n % 3) for n in range(20)], tiny_table)
    assert token_ids(folder_of(tmp_path, publish_now(tmp_path, store, tiny_table)), tiny_table) == expected_ids(store, tiny_table)
    remove(store, [identity(3), identity(6)])
    put(store, [document(n, text=f"Changed: {word(n)} and {word(n)} more.") for n in (4,)] + [document(40, collection="press", passages=2)], tiny_table)
    second = publish_now(tmp_path, store, tiny_table)
    assert Manifest.read(folder_of(tmp_path, second)).tombstones > 0, "this one was built incrementally"
    incremental = token_ids(folder_of(tmp_path, second), tiny_table)
    assert incremental == expected_ids(store, tiny_table)
    assert incremental == token_ids(folder_of(tmp_path, publish_now(tmp_path, store, tiny_table, rebuild=True)), tiny_table)
    remove(store, [identity(n) for n in range(20)])
    assert set(token_ids(folder_of(tmp_path, publish_now(tmp_path, store, tiny_table)), tiny_table)) == {"press/tests/40.md#0", "press/tests/40.md#1"}
    remove(store, ["press/tests/40.md"])
    assert token_ids(folder_of(tmp_path, publish_now(tmp_path, store, tiny_table)), tiny_table) == {}
    put(store, [document(1)], tiny_table)
    assert token_ids(folder_of(tmp_path, publish_now(tmp_path, store, tiny_table)), tiny_table) == expected_ids(store, tiny_table)


def test_unchanged_passages_take_their_token_ids_from_the_base(store: Store, tmp_path: Path, tiny_table: EmbeddedEncoder) -> None:
    put(store, [document(n) for n in range(8)], tiny_table)
    before = token_ids(folder_of(tmp_path, publish_now(tmp_path, store, tiny_table)), tiny_table)
    hashes = [hash_ for _, _, hash_ in store.placements()]
    store.put_vectors(tiny_table.fingerprint, hashes, np.zeros((8, tiny_table.dimensions), dtype=np.float32), [np.zeros(1, dtype=np.uint32)] * 8)
    put(store, [document(9)], tiny_table)
    after = token_ids(folder_of(tmp_path, publish_now(tmp_path, store, tiny_table)), tiny_table)
    assert {name: ids for name, ids in after.items() if name in before} == before
    assert len(after) == 9


_STEPS = st.lists(st.tuples(st.booleans(), st.sets(st.integers(0, 9), min_size=1, max_size=4)), min_size=1, max_size=3)


@given(_STEPS)
# A failing course is short already, and shrinking it would publish hundreds of times.
@settings(max_examples=6, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_any_course_of_changes_ends_in_the_store_s_content(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[bool, set[int]]]) -> None:
    index = tmp_path_factory.mktemp("index")
    store = Store(index)
    put(store, [document(n) for n in range(6)])
    publish_now(index, store)
    for step, (adds, numbers) in enumerate(steps):
        if adds:
            put(store, [document(n, text=f"Step {step}: {word(n * 100)}.") for n in numbers])
        else:
            remove(store, [identity(n) for n in numbers])
        publish_now(index, store)
    stored = {identity(n) for n in range(10) if store.document(identity(n))}
    for number, (lexical, _) in found(folder_of(index, current_number(index) or 0), range(10)).items():
        assert lexical == ([identity(number)] if identity(number) in stored else [])
    store.close()


def test_every_part_counts_the_same(store: Store, tmp_path: Path) -> None:
    put(store, [document(n, passages=3) for n in range(5)])
    folder = folder_of(tmp_path, publish_now(tmp_path, store))
    dense = VectorIndex(folder / "chroma")
    copy = sqlite3.connect(folder / "passages.sqlite")
    assert dense.counts() == {"default": 15}
    assert LexicalIndex(folder / "lexical").count() == 15
    assert copy.execute("SELECT count(*) FROM chunks").fetchone() == (15,)
    assert np.fromfile(folder / "keys.i64", dtype="<i8").tolist() == store.keys().tolist()
    assert (folder / "vectors.f16").stat().st_size == 15 * ENCODER.dimensions * 2
    copy.close()
    dense.close()


def test_an_index_without_passages_can_be_published(store: Store, tmp_path: Path) -> None:
    publish_now(tmp_path, store)
    put(store, [document(1)])
    publish_now(tmp_path, store)
    remove(store, [identity(1)])
    number = publish_now(tmp_path, store)
    generation = open_current(tmp_path)
    assert generation is not None
    assert (generation.manifest.number, generation.manifest.passages) == (number, 0)
    assert generation.search_dense(ENCODER.encode_questions(["forum"])[0], 5) == []
    assert generation.search_lexical(LexicalQuery(("forum",)), 5) == []
    generation.close()


def test_many_tombstones_make_it_build_anew(store: Store, tmp_path: Path) -> None:
    put(store, [document(n) for n in range(20)])
    publish_now(tmp_path, store)
    remove(store, [identity(0), identity(1)])
    assert Manifest.read(folder_of(tmp_path, publish_now(tmp_path, store))).tombstones == 2
    remove(store, [identity(2)])
    assert Manifest.read(folder_of(tmp_path, publish_now(tmp_path, store))).tombstones == 3, "they add up"
    remove(store, [identity(n) for n in range(3, 6)])
    number = publish_now(tmp_path, store)
    assert Manifest.read(folder_of(tmp_path, number)).tombstones == 0, "6 of 14 are more than a quarter"
    assert found(folder_of(tmp_path, number), range(3, 7))[6] == ([identity(6)], found(folder_of(tmp_path, number), range(6, 7))[6][1])


def test_a_generation_is_needed_exactly_when_something_changed(store: Store, tmp_path: Path) -> None:
    assert needs(tmp_path, store)
    put(store, [document(1)])
    publish_now(tmp_path, store)
    assert not needs(tmp_path, store)
    assert needs(tmp_path, store, encoder="another")
    assert needs(tmp_path, store, chunking="another")
    embed(store)
    store.purge()
    assert not needs(tmp_path, store)
    put(store, [document(2)])
    assert needs(tmp_path, store)


def test_going_back_is_one_line_and_numbers_are_never_used_again(store: Store, tmp_path: Path) -> None:
    put(store, [document(1)])
    publish_now(tmp_path, store)
    put(store, [document(2)])
    publish_now(tmp_path, store)
    assert kept(tmp_path) == [1, 2]
    (tmp_path / "CURRENT").write_text("1\n")
    back = open_current(tmp_path)
    assert back is not None
    assert (back.manifest.number, back.document(identity(2))) == (1, None)
    back.close()
    assert needs(tmp_path, store), "the next ingest goes forward again"
    assert publish_now(tmp_path, store) == 3
    forward = open_current(tmp_path)
    assert forward is not None
    assert forward.document(identity(2)) is not None
    forward.close()
    assert kept(tmp_path) == [1, 3]


def test_a_store_made_anew_counts_on(tmp_path: Path) -> None:
    for _ in range(2):
        store = Store(tmp_path)
        put(store, [document(1)])
        last = publish_now(tmp_path, store)
        store.close()
        for file in tmp_path.glob("*.sqlite*"):
            file.unlink()
    assert last == 2


def test_held_generations_stay_until_they_are_given_back(store: Store, tmp_path: Path) -> None:
    put(store, [document(1)])
    publish_now(tmp_path, store)
    reader = open_current(tmp_path)
    assert reader is not None
    for number in range(2, 6):
        put(store, [document(number)])
        publish_now(tmp_path, store)
    assert kept(tmp_path) == [1, 4, 5]
    assert len(reader.chunks(reader.keys.tolist())) == 1
    with pytest.raises(IndexBusy, match="generation 1"):
        remove_all_older(tmp_path, 0.2)
    reader.close()
    put(store, [document(6)])
    publish_now(tmp_path, store)
    assert kept(tmp_path) == [5, 6]
    remove_all_older(tmp_path, 0.2)
    assert kept(tmp_path) == [6]


def test_what_a_killed_writer_left_is_removed(store: Store, tmp_path: Path) -> None:
    put(store, [document(1)])
    publish_now(tmp_path, store)
    unfinished = folder_of(tmp_path, store.take_generation_number())
    (unfinished / "chroma").mkdir(parents=True)
    (unfinished / "chroma" / "chroma.sqlite3").write_bytes(b"half")
    put(store, [document(2)])
    assert publish_now(tmp_path, store) == 3
    assert kept(tmp_path) == [1, 3]


@pytest.mark.parametrize("current", ["garbage", "", "77"])
def test_a_spoilt_current_is_replaced(store: Store, tmp_path: Path, current: str) -> None:
    put(store, [document(1)])
    publish_now(tmp_path, store)
    (tmp_path / "CURRENT").write_text(current)
    with pytest.raises(IndexBroken):
        open_current(tmp_path)
    assert needs(tmp_path, store)
    number = publish_now(tmp_path, store)
    assert number > 1
    assert current_number(tmp_path) == number
    assert found(folder_of(tmp_path, number), range(1, 2))[1][0] == [identity(1)]


@pytest.mark.parametrize("part", ["chroma", "lexical"])
def test_a_spoilt_base_does_not_spread(store: Store, tmp_path: Path, part: str) -> None:
    """The new generation is checked against the store; what the old one lost is built anew, or nothing is published."""
    put(store, [document(n) for n in range(10)])
    folder = folder_of(tmp_path, publish_now(tmp_path, store))
    if part == "chroma":
        index = VectorIndex(folder / "chroma")
        index.remove(store.keys()[:5].tolist())
        index.close()
    else:
        LexicalIndex(folder / "lexical").change(store.keys()[:5].tolist(), [])
    put(store, [document(20)])
    number = publish_now(tmp_path, store)
    assert [lexical for lexical, _ in found(folder_of(tmp_path, number), range(10)).values()] == [[identity(n)] for n in range(10)]


@pytest.mark.parametrize("name", ["tokens.u32", "tokens.i64", "keys.i64", "vectors.f16"])
@pytest.mark.parametrize("damage", ["gone", "cut", "empty"])
def test_a_base_that_lacks_its_rows_is_built_anew(store: Store, tmp_path: Path, tiny_table: EmbeddedEncoder, name: str, damage: str) -> None:
    put(store, [document(n) for n in range(10)], tiny_table)
    file = folder_of(tmp_path, publish_now(tmp_path, store, tiny_table)) / name
    content = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        file.write_bytes(content[: len(content) // 2] if damage == "cut" else b"")
    put(store, [document(20)], tiny_table)
    assert token_ids(folder_of(tmp_path, publish_now(tmp_path, store, tiny_table)), tiny_table) == expected_ids(store, tiny_table)


def test_a_publication_that_fails_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    put(store, [document(1)])
    publish_now(tmp_path, store)
    with store.transaction():
        store.put(document(2), [], "tests", "/2")
    with store.transaction():
        store.put(document(3), chunks(document(3)), "tests", "/3")  # and no vector
    with pytest.raises(IndexBroken, match="no vector"):
        publish_now(tmp_path, store)
    assert (kept(tmp_path), current_number(tmp_path)) == ([1], 1)
    embed(store)
    assert publish_now(tmp_path, store) == 3


def test_progress_is_reported(store: Store, tmp_path: Path) -> None:
    from assistant.index.publishing import publish

    put(store, [document(n) for n in range(10)])
    seen: list[tuple[str, int, int]] = []
    _, timings = publish(tmp_path, store, ENCODER.fingerprint, CHUNKING, ENCODER.dimensions, progress=lambda *step: seen.append(step))
    assert ("vectors", 10, 10) in seen
    assert {"store", "vectors", "chroma", "tantivy", "check", "flush"} <= set(timings)
