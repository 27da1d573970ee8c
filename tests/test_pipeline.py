"""The public door: ingest, search, ask, stream, delete over real files, as design.md section 5 promises them."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from assistant.answering.citations import is_valid
from assistant.errors import (
    DocumentCollision,
    DocumentNotFound,
    IndexBroken,
    IndexMismatch,
    IndexNotFound,
    PruneRefused,
    QuestionError,
    SourceError,
)
from assistant.index.encoders import HashedEncoder, Vectors
from assistant.pipeline import Assistant
from assistant.schema import Answer, Filters, Message, ScoredChunk
from assistant.settings import Settings

DOCUMENTS = {
    "harbour.en.md": (
        "---\ntitle: Harbour Forum\nlanguage: en\ndate: 2024-11-15\nsource: https://example.org/harbour\naliases:\n  - [Harbour Forum, Hafenforum, 港湾フォーラム, 港湾论坛]\n---\n"
        "# Harbour Forum\n\n## Opening\n\nThe Harbour Forum opens on 12 May 2025 in Rotterdam. About 640 delegates are expected.\n\n"
        "## Aims\n\nIts aims are shared laboratories, faster trials and open data.\n"
    ),
    "brücke.de.md": (
        "---\ntitle: Brückenkonferenz\nlanguage: de\ndate: 2024-03\n---\n# Brückenkonferenz\n\n"
        "Die Brückenkonferenz beginnt am 9. Dezember 2024 in Dresden. Veranstaltet wird sie vom Verein Elbklinik.\n\n"
        "Sie verfolgt drei Ziele: Ausbildung, Austausch und Versorgung.\n"
    ),
    "midori.ja.md": (
        "---\ntitle: みどり医療フォーラム\nlanguage: ja\ndate: 2025-02-01\n---\n# みどり医療フォーラム\n\n"
        "みどり医療フォーラムは2025年6月3日に仙台で開催される。参加者は約320人の見込みである。\n"
    ),
    "lvqiao.zh.txt": "绿桥创新平台\n\n绿桥创新平台位于青岛，占地面积12万平方米。平台于2023年10月启用，已有45家企业入驻。\n",
}


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def page(title: str, body: str, **front: object) -> str:
    lines = "".join(f"{key}: {value}\n" for key, value in {"title": title, "language": "en", **front}.items())
    return f"---\n{lines}---\n# {title}\n\n{body}\n"


def fill(folder: Path) -> None:
    for name, text in DOCUMENTS.items():
        write(folder, name, text)


def made(tmp_path: Path, **sections: Any) -> Settings:
    return Settings(**{"corpus": {"paths": [tmp_path / "corpus"]}, "index": {"path": tmp_path / "index"}, "reading": {"workers": 1}, **sections})


def documents(hits: Sequence[ScoredChunk]) -> list[str]:
    return list(dict.fromkeys(h.chunk.document_id.split("/", 2)[2] for h in hits))


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Assistant]:
    """The four documents in four languages, indexed once for the tests that only read."""
    folder = tmp_path_factory.mktemp("library")
    fill(folder / "corpus")
    write(folder / "press", "harbour.md", page("Harbour notice", "The Harbour Forum moves to hall seven.", date="2025-01-10"))
    corpus = {"paths": [folder / "corpus"], "sources": [{"path": folder / "press", "collection": "press", "visibility": "public"}]}
    with Assistant.open(made(folder, corpus=corpus)) as assistant:
        report = assistant.ingest()
        assert not report.failed, report.failed
        yield assistant


# -- asking -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "language", "document", "said"),
    [
        ("When does the Harbour Forum open?", "en", "harbour.en.md", "12 May 2025"),
        ("Wann beginnt die Brückenkonferenz?", "de", "brücke.de.md", "9. Dezember 2024"),
        ("みどり医療フォーラムはいつ開催されますか。", "ja", "midori.ja.md", "2025年6月3日"),
        ("绿桥创新平台位于哪里？", "zh", "lvqiao.zh.txt", "青岛"),
    ],
)
def test_a_question_is_answered_in_its_language_with_a_valid_citation(library: Assistant, question: str, language: str, document: str, said: str) -> None:
    answer = library.ask(question)
    assert (answer.question, answer.language, answer.mode, answer.abstained) == (question, language, "extractive", False)
    assert said in answer.text
    assert any(said in c.quote for c in answer.citations)
    assert answer.citations[0].document_id == f"default/corpus/{document}"
    assert answer.timings_ms["total"] > 0
    check(library, answer)


def check(assistant: Assistant, answer: Answer) -> None:
    """The invariants of every answer."""
    numbers = [c.number for c in answer.citations]
    assert numbers == list(range(1, len(numbers) + 1))
    for citation in answer.citations:
        document = assistant.document(citation.document_id)
        assert is_valid(citation, document)
        assert document.text[citation.start : citation.end] == citation.quote
        assert f"[{citation.number}]" in answer.text
    for statement in answer.statements:
        assert statement.citations
        assert set(statement.citations) <= set(numbers)
    assert answer.abstained == (answer.mode == "abstained")
    assert not (answer.abstained and answer.citations)
    for rank, hit in enumerate(answer.passages, 1):
        assert hit.rank == rank
        document = assistant.document(hit.chunk.document_id)
        assert document.text[hit.chunk.start : hit.chunk.end] == hit.chunk.text


@pytest.mark.parametrize(
    ("question", "language"),
    [("Who invented the steam engine?", "en"), ("Wer erfand die Dampfmaschine?", "de"), ("蒸気機関を発明したのは誰ですか。", "ja"), ("谁发明了蒸汽机？", "zh")],
)
def test_what_the_documents_do_not_hold_is_not_answered(library: Assistant, question: str, language: str) -> None:
    answer = library.ask(question)
    assert answer.abstained
    assert answer.language == language
    assert answer.text.strip()
    check(library, answer)


def test_names_cross_scripts(library: Assistant) -> None:
    for question in ("Wann öffnet das Hafenforum?", "港湾フォーラムはいつ開催されますか。", "港湾论坛什么时候开幕？"):
        # Another notice names the forum as well.
        assert "harbour.en.md" in documents(library.search(question))[:2], question


def test_the_answer_can_be_asked_for_in_another_language(library: Assistant) -> None:
    answer = library.ask("When does the Harbour Forum open?", language="de")
    assert answer.language == "de"
    assert "12 May 2025" in answer.text
    check(library, answer)


def test_a_follow_up_keeps_the_name_of_the_question_before(library: Assistant) -> None:
    history = [Message("user", "When does the Harbour Forum open?"), Message("assistant", "On 12 May 2025.")]
    assert documents(library.search("How many delegates are expected?"))
    answer = library.ask("How many delegates are expected?", history)
    assert "640" in answer.text
    check(library, answer)


@pytest.mark.parametrize("question", ["When does the Harbour Forum open?", "Who invented the steam engine?"])
def test_the_stream_is_the_answer_in_pieces(library: Assistant, question: str) -> None:
    *pieces, last = library.stream(question)
    assert isinstance(last, Answer)
    assert all(isinstance(piece, str) for piece in pieces)
    assert "".join(map(str, pieces)) == last.text
    assert last.text == library.ask(question).text


def test_search_ranks_from_one_and_says_what_found_it(library: Assistant) -> None:
    hits = library.search("Harbour Forum opens", top_k=3)
    assert [h.rank for h in hits] == [1, 2, 3]
    assert [h.score for h in hits] == sorted((h.score for h in hits), reverse=True)
    assert hits[0].found_by == ("dense", "lexical")
    assert hits[0].chunk.heading == "Opening"
    assert hits[0].chunk.source == "https://example.org/harbour"
    assert len(library.search("forum", top_k=100)) <= 100


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(collections=("press",)), {"harbour.md"}),
        (Filters(collections=("default",), languages=("en",)), {"harbour.en.md"}),
        (Filters(languages=("de", "ja")), {"brücke.de.md", "midori.ja.md"}),
        (Filters(documents=("default/corpus/lvqiao.zh.txt",)), {"lvqiao.zh.txt"}),
        (Filters(date_from="2025-01-01"), {"harbour.md", "midori.ja.md"}),
        (Filters(date_from="2024-03-10", date_to="2024-11-15"), {"harbour.en.md", "brücke.de.md"}),
        (Filters(date_from=dt.date(2025, 1, 10), date_to=dt.date(2025, 1, 10)), {"harbour.md"}),  # type: ignore[arg-type]
        (Filters(languages=("fr",)), set()),
        (Filters(collections=("none",)), set()),
        (Filters(collections=("none",), languages=("en",)), set()),
    ],
)
def test_filters_let_through_what_they_name_and_nothing_else(library: Assistant, filters: Filters, expected: set[str]) -> None:
    assert set(documents(library.search("Forum conference 平台 フォーラム", top_k=50, filters=filters))) == expected
    answer = library.ask("When does the Harbour Forum open?", filters=filters)
    assert {c.document_id.split("/", 2)[2] for c in answer.citations} <= expected
    assert set(documents(answer.passages)) <= expected


def test_visibility_comes_from_the_source(library: Assistant) -> None:
    assert library.document("press/press/harbour.md").visibility == "public"
    assert library.document("default/corpus/harbour.en.md").visibility == "staff"


@pytest.mark.parametrize("question", ["", "  \n", "x" * 2001])
def test_a_question_that_cannot_be_asked_says_why(library: Assistant, question: str) -> None:
    for call in (library.search, library.ask, lambda q: list(library.stream(q))):
        with pytest.raises(QuestionError) as caught:
            call(question)
        assert caught.value.fix
    with pytest.raises(QuestionError):
        library.search("forum", top_k=0)


@pytest.mark.parametrize("question", ["?", "…", "🧬", "\x00", "a" * 2000, "医" * 2000, "SELECT * FROM documents; --", '" OR body:*', "﷽ \u202e x", "\ud800"])
def test_odd_questions_are_answered_or_refused_but_never_break(library: Assistant, question: str) -> None:
    check(library, library.ask(question))
    library.search(question)


def test_a_document_that_is_not_there_is_an_error(library: Assistant) -> None:
    with pytest.raises(DocumentNotFound) as caught:
        library.document("default/corpus/none.md")
    assert caught.value.public == "There is no such document."


def test_status_tells_what_is_indexed(library: Assistant) -> None:
    status = library.status()
    assert status["indexed"]
    assert (status["documents"], status["generation"]) == (5, 1)
    assert status["collections"] == {"default": {"de": 1, "en": 1, "ja": 1, "zh": 1}, "press": {"en": 1}}
    assert status["newest"] == "2025-02-01"
    assert status["undated"] == ["default/corpus/lvqiao.zh.txt"]
    assert status["failures"] == status["deleted"] == []
    assert library.document_ids() == sorted(library.document_ids())
    assert len(library.document_ids()) == 5


def test_without_an_index_every_question_says_what_to_do(assistant: Assistant) -> None:
    for call in (lambda: assistant.search("x"), lambda: assistant.ask("x"), lambda: assistant.document("x"), assistant.document_ids):
        with pytest.raises(IndexNotFound, match="assistant ingest"):
            call()
    assert assistant.status()["indexed"] is False


# -- ingesting ----------------------------------------------------------------------------------------------------------


class CountingEncoder(HashedEncoder):
    """Counts what it is asked to embed."""

    def __init__(self) -> None:
        super().__init__(64)
        self.passages = 0

    def encode_passages(self, texts: Sequence[str]) -> Vectors:
        self.passages += len(texts)
        return super().encode_passages(texts)

    def encode_questions(self, texts: Sequence[str]) -> Vectors:
        return HashedEncoder(64).encode_passages(texts)


def test_unchanged_files_cost_nothing_and_changed_ones_replace_their_passages(settings: Settings, corpus: Path) -> None:
    fill(corpus)
    encoder = CountingEncoder()
    with Assistant.open(settings, encoder=encoder) as assistant:
        first = assistant.ingest()
        assert sorted(first.added) == [f"default/corpus/{name}" for name in sorted(DOCUMENTS)]
        assert (first.updated, first.unchanged, first.deleted, first.failed) == ((), (), (), ())
        assert first.embedded == encoder.passages == first.passages
        second = assistant.ingest()
        assert (second.added, second.embedded, second.generation, len(second.unchanged)) == ((), 0, first.generation, 4)
        assert encoder.passages == first.passages

        write(corpus, "harbour.en.md", DOCUMENTS["harbour.en.md"].replace("12 May 2025", "19 May 2025"))
        third = assistant.ingest()
        assert (third.updated, third.embedded, third.generation) == (("default/corpus/harbour.en.md",), 1, first.generation + 1)
        text = assistant.ask("When does the Harbour Forum open?").text
        assert "19 May 2025" in text
        assert "12 May 2025" not in text
        assert not [h for h in assistant.search("12 May 2025", top_k=50) if "12 May" in h.chunk.text]

        # A touched file with the same content is unchanged; a renamed one embeds nothing.
        os.utime(corpus / "harbour.en.md")
        (corpus / "midori.ja.md").rename(corpus / "midori2.ja.md")
        fourth = assistant.ingest()
        assert (fourth.added, fourth.embedded, fourth.deleted) == (("default/corpus/midori2.ja.md",), 0, ())


@pytest.mark.slow
def test_a_thousand_unchanged_documents_embed_nothing(settings: Settings, corpus: Path) -> None:
    for number in range(1000):
        write(corpus, f"{number % 10}/{number}.txt", f"Note {number} says that room {number} is open.\n")
    encoder = CountingEncoder()
    with Assistant.open(settings, encoder=encoder) as assistant:
        assert len(assistant.ingest().added) == 1000
        encoder.passages = 0
        again = assistant.ingest()
        assert (len(again.unchanged), again.embedded, again.generation, encoder.passages) == (1000, 0, 1, 0)


def test_paths_may_be_folders_or_single_files(assistant: Assistant, tmp_path: Path) -> None:
    write(tmp_path, "notes/a.md", page("Alpha", "Alpha is first."))
    write(tmp_path, "notes/deep/b.md", page("Beta", "Beta is second."))
    assert assistant.ingest([tmp_path / "notes" / "a.md"]).added == ("default/notes/a.md",)
    report = assistant.ingest([str(tmp_path / "notes")])
    assert (report.added, report.unchanged) == (("default/notes/deep/b.md",), ("default/notes/a.md",))


def test_a_rebuild_reads_and_embeds_everything_anew(settings: Settings, corpus: Path) -> None:
    fill(corpus)
    with Assistant.open(settings) as assistant:
        first = assistant.ingest()
        again = assistant.ingest(rebuild=True)
        assert (len(again.updated), again.embedded, again.generation) == (4, first.passages, 2)


def test_another_encoder_or_chunking_is_refused_until_a_rebuild(tmp_path: Path, corpus: Path) -> None:
    fill(corpus)
    with Assistant.open(made(tmp_path)) as assistant:
        assistant.ingest()
    for section in ({"embedding": {"model": "hashed", "dimensions": 64}}, {"chunking": {"size": 50}}):
        other = made(tmp_path, **section)
        with pytest.raises(IndexMismatch, match="assistant ingest --rebuild"):
            Assistant.open(other)
        with Assistant(other) as assistant, pytest.raises(IndexMismatch, match="assistant ingest --rebuild"):
            assistant.ingest()
        with Assistant(other) as assistant, pytest.raises(IndexMismatch):
            assistant.ask("When does the Harbour Forum open?")
    with Assistant(made(tmp_path, embedding={"model": "hashed", "dimensions": 64})) as assistant:
        assistant.ingest(rebuild=True)
        assert "12 May 2025" in assistant.ask("When does the Harbour Forum open?").text


@pytest.mark.parametrize("damage", ["CURRENT", "manifest", "passages", "everything"])
def test_a_spoilt_index_is_mended_by_the_fix_it_names(tmp_path: Path, corpus: Path, damage: str) -> None:
    fill(corpus)
    with Assistant.open(made(tmp_path)) as assistant:
        assistant.ingest()
    generation = tmp_path / "index" / "generations" / "1"
    if damage == "CURRENT":
        (tmp_path / "index" / "CURRENT").write_text("garbage")
    elif damage == "everything":
        shutil.rmtree(generation)
    else:
        (generation / {"manifest": "generation.json", "passages": "passages.sqlite"}[damage]).write_bytes(b"garbage")
    with pytest.raises(IndexBroken, match="assistant ingest"), Assistant.open(made(tmp_path)) as assistant:
        assistant.ask("When does the Harbour Forum open?")
    with Assistant(made(tmp_path)) as assistant:
        assert assistant.ingest(rebuild=True).generation == 2
        assert "12 May 2025" in assistant.ask("When does the Harbour Forum open?").text


def test_a_missing_source_is_one_clear_error(settings: Settings) -> None:
    settings.corpus.paths[0].rmdir()
    with Assistant.open(settings) as assistant, pytest.raises(SourceError, match="does not exist"):
        assistant.ingest()


def test_what_cannot_be_read_is_reported_and_what_was_indexed_of_it_stays(assistant: Assistant, corpus: Path) -> None:
    fill(corpus)
    assistant.ingest()
    (corpus / "harbour.en.md").write_bytes(b"")
    (corpus / "b.pdf").write_bytes(b"%PDF-1.4 broken")
    (corpus / "a.xyz").write_bytes(b"?")
    report = assistant.ingest()
    assert sorted((Path(f.path).name, f.reason) for f in report.failed) == [("a.xyz", "unsupported"), ("b.pdf", "broken"), ("harbour.en.md", "empty")]
    assert "12 May 2025" in assistant.ask("When does the Harbour Forum open?").text
    assert len(assistant.status()["failures"]) == 3
    # The same failures again are nothing new to publish.
    assert assistant.ingest().generation == report.generation
    for name in ("a.xyz", "b.pdf"):
        (corpus / name).unlink()
    write(corpus, "harbour.en.md", DOCUMENTS["harbour.en.md"])
    mended = assistant.ingest()
    assert mended.failed == ()
    assert assistant.status()["failures"] == []


# -- pruning ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def ten(assistant: Assistant, corpus: Path) -> Assistant:
    for number in range(10):
        write(corpus, f"{number}.md", page(f"Note {number}", f"Note {number} is about zephyr{number}."))
    assistant.ingest()
    return assistant


def test_what_left_the_folder_stays_until_a_prune(ten: Assistant, corpus: Path) -> None:
    (corpus / "3.md").unlink()
    (corpus / "4.md").unlink()
    assert ten.ingest().deleted == ()
    assert len(ten.document_ids()) == 10
    assert sorted(ten.ingest(prune=True).deleted) == ["default/corpus/3.md", "default/corpus/4.md"]
    assert len(ten.document_ids()) == 8
    assert ten.status()["deleted"] == [], "a pruned file may come back"
    write(corpus, "3.md", page("Note 3", "Note 3 is back."))
    assert ten.ingest(prune=True).added == ("default/corpus/3.md",)


def test_a_prune_that_would_take_much_stops_before_anything_changes(ten: Assistant, corpus: Path) -> None:
    for number in range(3):
        (corpus / f"{number}.md").unlink()
    with pytest.raises(PruneRefused, match=r"3 of 10 documents .*is the share mounted\?.*--prune --yes"):
        ten.ingest(prune=True)
    assert len(ten.document_ids()) == 10
    assert len(ten.ingest(prune=True, confirmed=True).deleted) == 3
    assert len(ten.document_ids()) == 7


def test_a_prune_of_an_empty_or_missing_folder_stops(ten: Assistant, corpus: Path) -> None:
    shutil.rmtree(corpus)
    with pytest.raises(SourceError):
        ten.ingest(prune=True)
    corpus.mkdir()
    with pytest.raises(PruneRefused, match="all 10"):
        ten.ingest(prune=True)
    assert len(ten.document_ids()) == 10


def test_a_single_file_prunes_nothing_of_its_folder(ten: Assistant, corpus: Path) -> None:
    report = ten.ingest([corpus / "1.md"], prune=True, confirmed=True)
    assert (report.deleted, len(ten.document_ids())) == ((), 10)


@pytest.mark.slow
def test_a_folder_that_cannot_be_read_is_not_pruned(tmp_path: Path, corpus: Path) -> None:
    """In a process without root's right to read everything."""
    for number in range(20):
        write(corpus, f"{'shut' if number < 2 else 'open'}/{number}.md", page(f"Note {number}", f"Note {number}."))
    script = (
        "import sys\nfrom assistant import Assistant, Settings\n"
        f"s = Settings(corpus={{'paths': [{str(corpus)!r}]}}, index={{'path': {str(tmp_path / 'index')!r}}}, reading={{'workers': 1}})\n"
        "with Assistant.open(s) as a:\n    r = a.ingest(prune=True)\n    print(len(a.document_ids()), [f.reason for f in r.failed])\n"
    )
    assert unprivileged(script) == "20 []\n"
    (corpus / "shut").chmod(0)
    (corpus / "open" / "5.md").chmod(0)
    try:
        assert unprivileged(script) == "20 ['unreadable', 'unreadable']\n"
    finally:
        (corpus / "shut").chmod(0o700)


def unprivileged(script: str) -> str:
    command = [sys.executable, "-c", script]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root reads everything, and there is no setpriv to give that up")
        command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- deleting -----------------------------------------------------------------------------------------------------------


def test_a_deleted_document_is_gone_everywhere_and_stays_away(assistant: Assistant, corpus: Path, tmp_path: Path) -> None:
    fill(corpus)
    assistant.ingest()
    identity = "default/corpus/harbour.en.md"
    report = assistant.delete([identity])
    assert report.deleted == (identity,)
    assert len(report.checks) == 3
    assert identity not in assistant.document_ids()
    assert identity not in {h.chunk.document_id for h in assistant.search("Harbour Forum opens in Rotterdam", top_k=50)}
    with pytest.raises(DocumentNotFound):
        assistant.document(identity)
    for needle in ("opens on 12 May 2025 in Rotterdam", "shared laboratories, faster trials"):
        for file in (tmp_path / "index").rglob("*"):
            assert not file.is_file() or needle.encode() not in file.read_bytes(), file
    assert [p.name for p in (tmp_path / "index" / "generations").iterdir()] == [str(report.generation)]
    # The file still lies there, and does not come back; nor does it as a changed file or with a rebuild.
    assert assistant.ingest().added == ()
    write(corpus, "harbour.en.md", DOCUMENTS["harbour.en.md"] + "\nMore.\n")
    assert assistant.ingest().added == ()
    assert assistant.ingest(rebuild=True).added == ()
    assert assistant.status()["deleted"] == [identity]
    assert assistant.delete([identity]).passages == 0, "deleting twice is no error"
    assert assistant.ingest(forget_tombstones=[identity]).added == (identity,)
    assert "12 May 2025" in assistant.ask("When does the Harbour Forum open?").text


def test_a_reader_of_an_older_generation_stops_finding_it(assistant: Assistant, settings: Settings, corpus: Path) -> None:
    fill(corpus)
    assistant.ingest()
    with Assistant.open(settings) as reader:
        assert documents(reader.search("Harbour Forum"))[0] == "harbour.en.md"
        done = threading.Thread(target=assistant.delete, args=[["default/corpus/harbour.en.md"]])
        done.start()
        deadline = time.monotonic() + 20
        while "harbour.en.md" in documents(reader.search("Harbour Forum", top_k=50)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        done.join()


def test_an_unknown_id_deletes_nothing(assistant: Assistant, corpus: Path) -> None:
    fill(corpus)
    assistant.ingest()
    with pytest.raises(DocumentNotFound, match="none"):
        assistant.delete(["default/corpus/harbour.en.md", "none"])
    assert len(assistant.document_ids()) == 4


# -- what may be shown --------------------------------------------------------------------------------------------------


def release(tmp_path: Path, clock: str | None = None) -> Assistant:
    return Assistant.open(made(tmp_path, answering={"clock": clock} if clock else {}))


def shown(tmp_path: Path, clock: str) -> set[str]:
    with release(tmp_path, clock) as assistant:
        found = set(documents(assistant.search("zephyr notes", top_k=50)))
        assert set(documents(assistant.search("zephyr notes", top_k=50, filters=Filters(languages=("en",))))) == found
        cited = {c.document_id.split("/", 2)[2] for c in assistant.ask("What do the zephyr notes say?").citations}
        assert cited <= found
        return found


def test_embargo_and_expiry_follow_the_clock(tmp_path: Path, corpus: Path) -> None:
    write(corpus, "open.md", page("Open zephyr notes", "These zephyr notes are open."))
    write(corpus, "later.md", page("Later zephyr notes", "These zephyr notes come later.", embargo_until="2025-05-12T10:00+02:00"))
    write(corpus, "day.md", page("Day zephyr notes", "These zephyr notes come with the day.", embargo_until="2025-06-01"))
    write(corpus, "old.md", page("Old zephyr notes", "These zephyr notes are old.", expires="2025-05-12"))
    write(corpus, "odd.md", page("Odd zephyr notes", "These zephyr notes have an odd date.", embargo_until="when we say so"))
    with release(tmp_path) as assistant:
        report = assistant.ingest()
        assert len(report.added) + len(report.failed) == 5
    assert shown(tmp_path, "2025-05-12T07:59:00+00:00") == {"open.md", "old.md"}
    assert shown(tmp_path, "2025-05-12T08:01:00+00:00") == {"open.md", "old.md", "later.md"}
    assert shown(tmp_path, "2025-05-14T00:00:00+00:00") == {"open.md", "later.md"}
    assert shown(tmp_path, "2025-06-02T00:00:00+00:00") == {"open.md", "later.md", "day.md"}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_never_expires_in_any_time_zone(tmp_path: Path, corpus: Path, zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write(corpus, "a.md", page("Zephyr notes", "Zephyr notes stay.", expires="9999-12-31", embargo_until="1000-01-01"))
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        with release(tmp_path) as assistant:
            assistant.ingest()
            assert documents(assistant.search("zephyr")) == ["a.md"]
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_replacement_hides_what_it_replaces_once_it_is_out(tmp_path: Path, corpus: Path) -> None:
    write(corpus, "v1.md", page("First zephyr notes", "The zephyr notes say ten."))
    write(corpus, "x1.md", page("Other zephyr notes", "The zephyr notes say six."))
    write(corpus, "v2.md", page("Second zephyr notes", "The zephyr notes say twelve.", replaces="[v1.md, default/corpus/x1.md]", embargo_until="2025-05-12"))
    with release(tmp_path) as assistant:
        assistant.ingest()
    assert shown(tmp_path, "2025-05-01T00:00:00+00:00") == {"v1.md", "x1.md"}
    assert shown(tmp_path, "2025-05-13T00:00:00+00:00") == {"v2.md"}


def test_display_decides_how_much_is_shown(tmp_path: Path, corpus: Path) -> None:
    body = " ".join(f"Sentence {n} of the zephyr notes tells a little more about hall number {n}." for n in range(12))
    for display in ("full", "excerpt", "link", "exerpt"):
        write(corpus, f"{display}.md", page(f"{display} zephyr notes", body, display=display))
    with release(tmp_path) as assistant:
        assistant.ingest()
        hits = assistant.search("zephyr notes hall number", top_k=50)
        assert set(documents(hits)) == {"full.md", "excerpt.md", "link.md", "exerpt.md"}
        for hit in hits:
            text, name = hit.chunk.text, hit.chunk.document_id.split("/")[-1]
            assert hit.chunk.title
            assert assistant.document(hit.chunk.document_id).text[hit.chunk.start : hit.chunk.end] == text
            if name == "full.md":
                assert len(text) > 300
            elif name == "excerpt.md":
                assert 0 < len(text) <= 300
                assert text.endswith(".")
            else:
                assert text == ""
        answer = assistant.ask("What do the zephyr notes tell about hall number 3?")
        assert {c.document_id.split("/")[-1] for c in answer.citations} <= {"full.md", "excerpt.md"}
        check(assistant, answer)


@pytest.mark.parametrize("opening", ["Sperrfrist", "EMBARGO: not before the minister has spoken", "【解禁】"])
def test_an_opening_embargo_holds_the_file_back_and_says_so(assistant: Assistant, corpus: Path, opening: str) -> None:
    write(corpus, "press.md", f"{opening}\n\nThe zephyr hall opens with 300 guests.\n")
    write(corpus, "open.md", page("Open", "The zephyr notes are open."))
    report = assistant.ingest()
    assert report.added == ("default/corpus/open.md",)
    assert len(report.held) == 1
    assert report.held[0].path.endswith("press.md")
    assert report.held[0].reason == "embargo"
    assert "embargo_until" in report.held[0].message
    assert documents(assistant.search("zephyr hall guests", top_k=50)) == ["open.md"]
    assert [Path(f["path"]).name for f in assistant.status()["failures"]] == ["press.md"]
    again = assistant.ingest()
    assert (len(again.held), again.generation) == (1, report.generation)
    # The sidecar says until when, and the file is indexed.
    write(corpus, "press.md.meta.yaml", "embargo_until: 2020-05-12\ntitle: Zephyr hall\ndate: 2020-05-11\n")
    assert assistant.ingest().added == ("default/corpus/press.md",)
    assert assistant.document("default/corpus/press.md").title == "Zephyr hall"
    assert "press.md" in documents(assistant.search("zephyr hall guests", top_k=50))


@pytest.mark.parametrize("opening", ["Sperrfrist: 12. Mai 2099, 10 Uhr", "EMBARGO until 12 May 2099", "【解禁】2099年5月12日"])
def test_an_opening_embargo_with_a_date_is_obeyed(assistant: Assistant, tmp_path: Path, corpus: Path, opening: str) -> None:
    write(corpus, "press.md", f"{opening}\n\nThe zephyr hall opens with 300 guests.\n")
    assistant.ingest()
    assert shown(tmp_path, "2099-05-10T00:00:00+00:00") == set()
    assert shown(tmp_path, "2099-05-14T00:00:00+00:00") == {"press.md"}


def test_a_sidecar_overrides_and_its_change_is_a_change(assistant: Assistant, corpus: Path) -> None:
    write(corpus, "a.md", page("Own title", "The zephyr notes.", date="2020-01-01"))
    assistant.ingest()
    write(corpus, "a.meta.yaml", "title: Better title\nlanguage: de\naliases: [[Zephyr, ゼファー]]\n")
    assert assistant.ingest().updated == ("default/corpus/a.md",)
    document = assistant.document("default/corpus/a.md")
    assert (document.title, document.language, document.date, document.aliases) == ("Better title", "de", "2020-01-01", (("Zephyr", "ゼファー"),))
    assert assistant.ingest().unchanged == ("default/corpus/a.md",)
    assert len(assistant.document_ids()) == 1, "a sidecar is no document"
    (corpus / "a.meta.yaml").unlink()
    assistant.ingest()
    assert assistant.document("default/corpus/a.md").title == "Own title"


def test_a_file_may_ask_not_to_be_indexed(assistant: Assistant, corpus: Path) -> None:
    write(corpus, "SOURCES.md", page("Sources", "Where it all comes from.", index="false"))
    write(corpus, "a.md", page("Alpha", "Alpha is first."))
    assert assistant.ingest().added == ("default/corpus/a.md",)


# -- sources ------------------------------------------------------------------------------------------------------------


def test_two_sources_of_one_name_are_a_collision(tmp_path: Path) -> None:
    for place in ("a", "b"):
        write(tmp_path / place / "docs", "x.md", page(place, f"This is {place}."))
    paths = [tmp_path / "a" / "docs", tmp_path / "b" / "docs"]
    with Assistant.open(made(tmp_path, corpus={"paths": paths})) as assistant:
        with pytest.raises(DocumentCollision, match="name of its own"):
            assistant.ingest()
        assert assistant.ingest([paths[0]]).added == ("default/docs/x.md",)
        with pytest.raises(DocumentCollision):
            assistant.ingest([paths[1]])
        assert "This is a." in assistant.document("default/docs/x.md").text
    named = {"sources": [{"path": paths[0], "name": "a"}, {"path": paths[1], "name": "b"}]}
    with Assistant.open(made(tmp_path, corpus=named, index={"path": tmp_path / "named"})) as assistant:
        assert sorted(assistant.ingest().added) == ["default/a/x.md", "default/b/x.md"]


def test_a_folder_that_moved_keeps_its_documents(tmp_path: Path) -> None:
    write(tmp_path / "old" / "docs", "x.md", page("X", "This is x."))
    with Assistant.open(made(tmp_path)) as assistant:
        assistant.ingest([tmp_path / "old" / "docs"])
        (tmp_path / "old").rename(tmp_path / "new")
        assert assistant.ingest([tmp_path / "new" / "docs"]).unchanged == ("default/docs/x.md",)


def test_links_that_leave_the_folder_are_refused(assistant: Assistant, corpus: Path, tmp_path: Path) -> None:
    outside = write(tmp_path / "outside", "secret.md", page("Secret", "The secret zephyr."))
    write(corpus, "a.md", page("Alpha", "Alpha is first."))
    (corpus / "inside.md").symlink_to(corpus / "a.md")
    (corpus / "out.md").symlink_to(outside)
    (corpus / "folder").symlink_to(outside.parent)
    report = assistant.ingest()
    assert sorted(report.added) == ["default/corpus/a.md", "default/corpus/inside.md"]
    assert sorted((Path(f.path).name, f.reason) for f in report.failed) == [("folder", "link"), ("out.md", "link")]


@pytest.mark.parametrize(
    ("source", "claimed", "visibility"),
    [("staff", None, "staff"), ("staff", "public", "staff"), ("public", None, "public"), ("public", "staff", "staff"), ("public", "secret", "staff")],
)
def test_a_document_may_restrict_its_visibility_never_widen_it(tmp_path: Path, corpus: Path, source: str, claimed: str | None, visibility: str) -> None:
    write(corpus, "a.md", page("Alpha", "Alpha is first.", **({"visibility": claimed} if claimed else {})))
    sources = {"sources": [{"path": corpus, "visibility": source}]}
    with Assistant.open(made(tmp_path, corpus=sources)) as assistant:
        assistant.ingest()
        assert assistant.document("default/corpus/a.md").visibility == visibility


def test_a_source_that_becomes_staff_only_takes_its_documents_along(tmp_path: Path, corpus: Path) -> None:
    write(corpus, "a.md", page("Alpha", "Alpha is first."))
    for visibility in ("public", "staff"):
        with Assistant.open(made(tmp_path, corpus={"sources": [{"path": corpus, "visibility": visibility}]})) as assistant:
            assistant.ingest()
            assert assistant.document("default/corpus/a.md").visibility == visibility


@pytest.fixture
def events(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "events.db")
    connection.execute("CREATE TABLE events (id INTEGER PRIMARY KEY, title TEXT, date TEXT, body TEXT)")
    rows = [(n, f"Event {n}", f"2025-0{n}-01", f"The zephyr event {n} takes place in hall {n}.") for n in range(1, 5)]
    connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", rows)
    connection.commit()
    yield connection
    connection.close()


def reader(tmp_path: Path, **options: Any) -> dict[str, Any]:
    return {
        "reader": "llama_index.readers.database.DatabaseReader", "name": "events", "id_field": "id", "collection": "events",
        "arguments": {"uri": f"sqlite:///{tmp_path / 'events.db'}"},
        "load": {"query": "SELECT * FROM events", "metadata_cols": ["id", "title", "date"], "excluded_text_cols": ["id"]}, **options,
    }  # fmt: skip


@pytest.mark.slow  # imports llama_index
class TestReader:
    """A connector from LlamaIndex, over a real database."""

    def test_a_nightly_run_adds_nothing_anew(self, tmp_path: Path, events: sqlite3.Connection) -> None:
        settings = made(tmp_path, corpus={"sources": [reader(tmp_path)]})
        with Assistant.open(settings) as assistant:
            first = assistant.ingest()
            assert sorted(first.added) == [f"events/events/{n}" for n in range(1, 5)]
            document = assistant.document("events/events/2")
            assert (document.title, document.date, document.collection) == ("Event 2", "2025-02-01", "events")
            assert "hall 2" in document.text
        with Assistant.open(settings) as assistant:
            second = assistant.ingest()
            assert (second.added, second.updated, second.embedded, second.generation) == ((), (), 0, 1)
            events.execute("UPDATE events SET body = 'The zephyr event 2 moved to the garden.' WHERE id = 2")
            events.execute("DELETE FROM events WHERE id = 3")
            events.execute("INSERT INTO events VALUES (9, 'Event 9', '2025-09-01', 'The zephyr event 9 is new.')")
            events.commit()
            third = assistant.ingest()
            assert (third.added, third.updated) == (("events/events/9",), ("events/events/2",))
            assert "garden" in assistant.document("events/events/2").text
            with pytest.raises(PruneRefused, match="1 of 5"):
                made_strict = made(tmp_path, corpus={"sources": [reader(tmp_path)], "prune_limit": 0.1})
                with Assistant.open(made_strict) as strict:
                    strict.ingest(prune=True)
            assert assistant.ingest(prune=True).deleted == ("events/events/3",)
            answer = assistant.ask("Where did the zephyr event 2 move?")
            assert "garden" in answer.text
            check(assistant, answer)

    def test_an_id_field_that_is_not_there_or_not_unique_is_an_error(self, tmp_path: Path, events: sqlite3.Connection) -> None:
        with Assistant.open(made(tmp_path, corpus={"sources": [reader(tmp_path, id_field="number")]})) as assistant:
            with pytest.raises(SourceError, match="has no 'number'.*id, title, date"):
                assistant.ingest()
        events.execute("UPDATE events SET title = 'Same'")
        events.commit()
        with Assistant.open(made(tmp_path, corpus={"sources": [reader(tmp_path, id_field="title")]})) as assistant:
            with pytest.raises(DocumentCollision, match="events/events/Same"):
                assistant.ingest()

    def test_a_reader_that_fails_is_one_clear_error_and_nothing_goes(self, tmp_path: Path, events: sqlite3.Connection) -> None:
        with Assistant.open(made(tmp_path, corpus={"sources": [reader(tmp_path)]})) as assistant:
            assistant.ingest()
            events.execute("ALTER TABLE events RENAME TO other")
            events.commit()
            with pytest.raises(SourceError, match="failed"):
                assistant.ingest(prune=True, confirmed=True)
            assert len(assistant.document_ids()) == 4
        for wrong in ({"reader": "llama_index.readers.nothing.Reader"}, {"reader": "Reader"}, {"arguments": {"uri": "no-such-dialect://"}}):
            with Assistant.open(made(tmp_path, corpus={"sources": [reader(tmp_path, **wrong)]})) as assistant, pytest.raises(SourceError):
                assistant.ingest()

    def test_two_readers_of_one_name_are_a_collision(self, tmp_path: Path, events: sqlite3.Connection) -> None:
        other = reader(tmp_path, load={"query": "SELECT id, body FROM events", "metadata_cols": ["id"]})
        with Assistant.open(made(tmp_path, corpus={"sources": [reader(tmp_path), other]})) as assistant, pytest.raises(DocumentCollision):
            assistant.ingest()


# -- properties ---------------------------------------------------------------------------------------------------------

_WORDS = st.sampled_from(["Forum", "zephyr", "Changping", "opens", "am 11. Mai", "120", "昌平フォーラム", "开幕", "é", "🧬", "z.B.", "2025年", "<b>", "[1]", "---", "\u202e", "\ufeff", "\u200d"])
_SENTENCES = st.builds(lambda words, end: " ".join(words) + end, st.lists(_WORDS, min_size=1, max_size=12), st.sampled_from([".", "。", "?", "！", "", " …"]))
_BLOCKS = st.builds(lambda mark, text: mark + text, st.sampled_from(["", "", "", "# ", "## ", "- ", "> ", "1. ", "```\n", "| a | b |\n|---|---|\n| "]), _SENTENCES | st.text(max_size=40))
_PAGES = st.lists(_BLOCKS, min_size=1, max_size=8).map("\n\n".join)


@pytest.mark.slow
@given(pages=st.lists(_PAGES, min_size=1, max_size=4), question=_SENTENCES)
@hypothesis_settings(max_examples=6, deadline=None)
def test_citations_are_valid_whatever_the_documents_hold(tmp_path_factory: pytest.TempPathFactory, pages: list[str], question: str) -> None:
    folder = tmp_path_factory.mktemp("random")
    for number, text in enumerate(pages):
        (folder / "corpus").mkdir(exist_ok=True)
        (folder / "corpus" / f"{number}.md").write_bytes(text.encode("utf-8", "surrogatepass"))
    with Assistant.open(made(folder)) as assistant:
        report = assistant.ingest()
        assert len(report.added) + len(report.failed) + len(report.held) == len(pages)
        for asked in (question, "When does the Forum open?", "昌平フォーラムはいつですか。"):
            check(assistant, assistant.ask(asked))


# -- side by side -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_threads_ask_while_another_ingests(settings: Settings, corpus: Path) -> None:
    """Two documents always say the same edition; an answer that saw half a publication would mix editions."""

    def edition(number: int) -> None:
        for name in ("a", "b"):
            write(corpus, f"{name}.md", page(f"Zephyr {name}", f"The zephyr hall {name} shows edition {number}."))

    edition(0)
    with Assistant.open(settings) as writer, Assistant.open(settings) as reader:
        writer.ingest()
        stop, errors, seen = threading.Event(), list[BaseException](), set[str]()

        def ask(assistant: Assistant) -> None:
            try:
                while not stop.is_set():
                    texts = {h.chunk.text.split("edition ")[1] for h in assistant.search("zephyr hall edition", top_k=10)}
                    assert len(texts) == 1, texts
                    seen.update(texts)
                    check_whole(assistant.ask("What does the zephyr hall show?"))
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=ask, args=[a]) for a in (writer, reader, reader)]
        for thread in threads:
            thread.start()
        for number in range(1, 4):
            edition(number)
            writer.ingest()
        deadline = time.monotonic() + 10
        while "3." not in {h.chunk.text.split("edition ")[1] for h in reader.search("zephyr hall edition")} and time.monotonic() < deadline:
            time.sleep(0.1)
        stop.set()
        for thread in threads:
            thread.join()
        assert not errors, errors[0]
        assert {"3."} < seen


def check_whole(answer: Answer) -> None:
    assert len({c.quote.split("edition ")[1] for c in answer.citations}) <= 1


def test_vectors_of_two_encoders_never_meet(tmp_path: Path, corpus: Path) -> None:
    """An assistant that still holds the old encoder is told, and gives no answer from mismatched vectors."""
    fill(corpus)
    with Assistant.open(made(tmp_path)) as old:
        old.ingest()
        old.search("Harbour Forum")
        with Assistant(made(tmp_path, embedding={"model": "hashed", "dimensions": 64})) as new:
            new.ingest(rebuild=True)
        deadline = time.monotonic() + 10
        with pytest.raises(IndexMismatch):
            while time.monotonic() < deadline:
                assert np.isfinite(old.search("Harbour Forum")[0].score)
                time.sleep(0.05)


def test_a_path_inside_a_source_is_that_sources(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    for name in ("a/one.txt", "a/two.txt", "b/three.txt"):
        write(corpus, name, f"The {Path(name).stem} forum opens on 3 May 2026.\n")
    with Assistant.open(made(tmp_path)) as assistant:
        assistant.ingest()
        write(corpus, "a/two.txt", "The two forum moves to 4 May 2026.\n")
        write(corpus, "b/broken.pdf", "%PDF-1.4")
        assert [f.reason for f in assistant.ingest().failed] == ["broken"]
        (corpus / "a" / "one.txt").unlink()
        part = assistant.ingest([corpus / "a"], prune=True, confirmed=True)
        assert (part.added, part.deleted) == ((), ("default/corpus/a/one.txt",))
        assert assistant.document_ids() == ["default/corpus/a/two.txt", "default/corpus/b/three.txt"]
        # What was not looked at keeps its failures.
        assert [Path(f["path"]).name for f in assistant.status()["failures"]] == ["broken.pdf"]


def test_a_rebuild_of_a_part_may_not_mix_two_ways_of_cutting(tmp_path: Path) -> None:
    write(tmp_path / "corpus", "a/one.txt", "The one forum opens on 3 May 2026.\n")
    write(tmp_path / "corpus", "b/two.txt", "The two forum opens on 4 May 2026.\n")
    with Assistant.open(made(tmp_path)) as assistant:
        assistant.ingest()
    with Assistant(made(tmp_path, chunking={"size": 40})) as assistant:
        with pytest.raises(IndexMismatch, match="keep their old passages"):
            assistant.ingest([tmp_path / "corpus" / "a"], rebuild=True)
        assert len(assistant.ingest(rebuild=True).updated) == 2


def test_a_dated_embargo_is_reported_and_obeyed(tmp_path: Path) -> None:
    write(tmp_path / "corpus", "news.txt", "SPERRFRIST: 1. März 2099, 10 Uhr\n\nDas Hafenlabor öffnet am 3. März 2099.\n")
    with Assistant.open(made(tmp_path)) as assistant:
        report = assistant.ingest()
        assert [(f.reason, f.partial) for f in report.held] == [("embargo", True)]
        assert "2099-03-01" in report.held[0].message
        assert report.failed == ()
        assert assistant.ask("Wann öffnet das Hafenlabor?").abstained
        assert [f["reason"] for f in assistant.status()["failures"]] == ["embargo"]
        assistant.ingest()
        assert [f["reason"] for f in assistant.status()["failures"]] == ["embargo"]
