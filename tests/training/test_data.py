"""What training may read, how it is cut into tokens, and what a batch holds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import SourceError
from assistant.training import corpus, sources, tokenizer
from assistant.training.batches import Batches
from assistant.training.sources import GROUPS, LANGUAGES, available, registered
from tests import tables


def write_lines(path: Path, lines: Iterable[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(zstandard.compress("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a few registered files, one that is not, and held-out news."""
    folder = tmp_path_factory.mktemp("data")
    numbers = {"en": "forum", "de": "Forum", "ja": "フォーラム", "zh": "论坛", "ru": "форум"}
    pairs = [{code: f"{word} {n} {code} {tables.SENTENCES[n % 8]}" for code, word in numbers.items()} for n in range(120)]
    write_lines(folder / "pairs" / "tico19.pairs.jsonl.zst", pairs)
    write_lines(folder / "pairs" / "wikidict_titles.pairs.jsonl.zst", [{"en": f"title {n}", "ja": f"題{n}", "fr": f"titre {n}"} for n in range(60)])
    write_lines(folder / "pairs" / "tatoeba_anki.pairs.jsonl.zst", [{"en": "Good morning.", "de": "Guten Morgen."}, {"en": "Only here.", "fr": "Seulement ici."}])
    write_lines(folder / "pairs" / "tatoeba_es_ar.pairs.jsonl.zst", [{"en": "good  Morning!", "es": "Buenos días."}])
    write_lines(folder / "pairs" / "vue_docs.hs.jsonl.zst", [{"h": {"en": f"heading {n}", "ko": f"제목 {n}"}, "b": {"en": f"section {n} " * 30, "ko": f"본문 {n} " * 30}} for n in range(40)])
    write_lines(folder / "pairs" / "ms_security101.hs.jsonl.zst", [{"h": {"en": "held heading"}, "b": {"en": "held section"}}])
    write_lines(folder / "pairs" / "medquad.qa.jsonl.zst", [{"l": "en", "q": f"what is {n}", "p": f"it is the number {n}, which is told here"} for n in range(400)])
    write_lines(folder / "pairs" / "unknown.pairs.jsonl.zst", [{"en": "never read", "de": "nie gelesen"}])
    write_lines(folder / "heldout" / "ntrex.pairs.jsonl.zst", pairs)
    return folder


@pytest.fixture(scope="module")
def texts(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[corpus.Texts]:
    folder = tmp_path_factory.mktemp("tokens")
    rows = corpus.training_rows(available(data), data)
    return [corpus.tokenised(name, group, lines, tables.tokenizer(), folder) for name, group, lines in rows]


class TestSources:
    def test_every_source_says_where_it_comes_from_and_under_which_licence(self) -> None:
        found = registered()
        assert len({s.file for s in found}) == len(found)
        for source in found:
            assert source.origin
            assert source.licence
            assert source.group in GROUPS
            assert source.kind in ("pairs", "hs", "qa")
            assert not any(mark in source.licence.upper().replace("-", " ").split() for mark in ("NC", "ND"))

    def test_only_registered_files_are_read_and_held_ones_never_train(self, data: Path) -> None:
        found = available(data)
        assert "unknown.pairs" not in {s.file for s in found}
        read = json.dumps([list(rows) for _, _, rows in corpus.training_rows(found, data)], ensure_ascii=False)
        assert "never read" not in read
        assert "held section" not in read

    def test_a_source_can_be_left_out_by_name(self, data: Path) -> None:
        assert {s.name for s in available(data, ["medquad"])} == {s.name for s in available(data)} - {"medquad"}
        with pytest.raises(SourceError, match="medquat"):
            available(data, ["medquat"])

    def test_a_folder_without_data_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="no registered training file"):
            available(tmp_path)

    def test_dumps_that_share_their_english_become_parallel_in_all_languages(self, data: Path) -> None:
        rows = next(list(rows) for name, _, rows in corpus.training_rows(available(data), data) if name == "tatoeba.pairs")
        assert {"en": "Good morning.", "de": "Guten Morgen.", "es": "Buenos días."} in [row for row, _ in rows]

    def test_held_out_passages_do_not_train(self, data: Path) -> None:
        rows = next(list(rows) for name, _, rows in corpus.training_rows(available(data), data) if name == "medquad.qa")
        assert 370 < len(rows) < 400
        assert not any(corpus.held_out(found["en"]) for _, found in rows)


class TestTokenizer:
    @pytest.mark.parametrize("before", ["(", "昌平", "\n", "  ", "\t", "–", "です", ""])
    def test_a_word_begins_the_same_whatever_stands_before_it(self, before: str) -> None:
        own = tables.tokenizer().encode(before, add_special_tokens=False).tokens
        assert tables.tokenizer().encode(before + "forum", add_special_tokens=False).tokens == [*own, *tables.tokenizer().encode("forum").tokens]
        assert tables.tokenizer().encode("forum").tokens[0].startswith(" ")

    @given(st.text(st.sampled_from("abйи昌平フォーひら123新 포럼,."), max_size=30))
    def test_scripts_and_digits_share_no_token(self, text: str) -> None:
        kinds = [("Han", "昌平新"), ("kata", "フォー"), ("hira", "ひら"), ("digit", "123"), ("letter", "abйи포럼")]
        for token in tables.tokenizer().encode(text).tokens:
            assert len({name for name, members in kinds for c in token if c in members}) <= 1, token

    def test_what_the_vocabulary_lacks_falls_back_to_bytes(self) -> None:
        tokens = tables.tokenizer().encode("𠮷").tokens
        assert bytes(int(t[3:-1], 16) for t in tokens).decode() == "𠮷"

    def test_full_width_and_capitals_are_one(self) -> None:
        encode = tables.tokenizer().encode
        assert encode("ＦＯＲＵＭ ２０２４").ids == encode("forum 2024").ids

    def test_the_same_texts_give_the_same_tokenizer(self) -> None:
        one, other = (tokenizer.train(tables.SENTENCES, 700, progress=False).to_str() for _ in range(2))
        assert one == other

    def test_groups_fill_a_languages_share(self) -> None:
        items = [("titles", "en", f"title {n}") for n in range(100)] + [("sentences", "en", f"a sentence {n}") for n in range(1000)]
        chosen = tokenizer.balanced(items, {"en": 4000}, {"titles": 0.5, "sentences": 0.5}, 0)
        assert sum(text.startswith("title") for text in chosen) == 100, "what one group lacks the others give"
        assert 3900 < sum(map(len, chosen)) < 4100
        assert chosen == tokenizer.balanced(items, {"en": 4000}, {"titles": 0.5, "sentences": 0.5}, 0)


class TestCorpus:
    def test_each_text_lies_where_starts_and_sizes_say(self, data: Path, texts: list[corpus.Texts]) -> None:
        by_name = {item.name: item for item in texts}
        for source in available(data):
            item = by_name.get(source.file)
            if item is None or source.kind == "qa":
                continue
            for line, (asked, found) in enumerate(sources.sides(source, data)):
                for side, row in ((item.queries, asked), (item.passages, found)):
                    for position, language in enumerate(LANGUAGES):
                        start, size = side.starts[position, line], side.sizes[position, line]
                        wanted = tables.tokenizer().encode(row[language], add_special_tokens=False).ids if language in row else []
                        assert side.ids[start : start + size].tolist() == wanted

    def test_what_was_made_is_used_again(self, tmp_path: Path) -> None:
        rows = [({"en": "a"}, {"en": "b"})]
        first = corpus.tokenised("x.qa", "questions", rows, tables.tokenizer(), tmp_path)
        (tmp_path / "y.qa.unfinished.npz").write_bytes(b"broken")
        again = corpus.tokenised("x.qa", "questions", [], tables.tokenizer(), tmp_path)
        assert again.passages.ids.tolist() == first.passages.ids.tolist()
        assert len(corpus.tokenised("y.qa", "questions", rows, tables.tokenizer(), tmp_path)) == 1


class TestBatches:
    @pytest.mark.parametrize("long", [False, True])
    def test_a_batch_is_a_function_of_seed_and_number(self, texts: list[corpus.Texts], long: bool) -> None:
        size = tables.tokenizer().get_vocab_size()
        one, other, further = Batches(texts, size, 5), Batches(texts, size, 5), Batches(texts, size, 6)
        for number in range(3):
            a, b = one.draw(number, 64, long=long), other.draw(number, 64, long=long)
            assert (a.queries != b.queries).nnz == (a.passages != b.passages).nnz == 0
            assert a.tokens.tolist() == b.tokens.tolist()
        assert one.draw(0, 64, long=long).tokens.tolist() != further.draw(0, 64, long=long).tokens.tolist()

    @pytest.mark.parametrize("long", [False, True])
    def test_both_sides_are_filled_and_equal_texts_are_no_negatives(self, texts: list[corpus.Texts], long: bool) -> None:
        batch = Batches(texts, tables.tokenizer().get_vocab_size(), 1).draw(0, 128, long=long)
        assert batch.queries.shape == batch.passages.shape
        assert 100 < batch.queries.shape[0] <= 128
        assert (np.diff(batch.queries.indptr) > 0).all()
        assert (np.diff(batch.passages.indptr) > 0).all()
        assert not batch.same.diagonal().any()
        assert (batch.same == batch.same.T).all()
        dense = batch.passages.toarray()
        for row in range(len(dense)):
            equal = np.flatnonzero((dense == dense[row]).all(axis=1))
            assert batch.same[row, [i for i in equal if i != row]].all()

    def test_a_question_meets_its_own_passage(self, texts: list[corpus.Texts]) -> None:
        only = [item for item in texts if item.name == "medquad.qa"]
        batch = Batches(only, tables.tokenizer().get_vocab_size(), 1).draw(0, 32, long=True)
        queries, passages = (batch.tokens[side.indices].tolist() for side in (batch.queries, batch.passages))
        names = tables.tokenizer().id_to_token
        for row in range(32):
            asked = {names(t) for t in queries[batch.queries.indptr[row] : batch.queries.indptr[row + 1]]}
            found = {names(t) for t in passages[batch.passages.indptr[row] : batch.passages.indptr[row + 1]]}
            assert {t for t in asked if t[-1].isdigit()} <= found
