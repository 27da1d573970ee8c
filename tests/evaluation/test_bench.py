"""The benchmark: its text is the same everywhere, its parts run, its ratios say who is ahead. No time is asserted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assistant.evaluation import bench
from assistant.evaluation.bench import Bench, Part
from assistant.language.detection import detect


def test_documents_are_the_same_every_time_and_differ_from_each_other() -> None:
    assert [bench.synthetic(n) for n in range(20)] == [bench.synthetic(n) for n in range(20)]
    assert len({bench.synthetic(n).markdown for n in range(200)}) == 200
    assert bench.synthetic(3, seed=1) != bench.synthetic(3, seed=2)


def test_documents_are_in_nine_languages_and_questions_are_of_theirs() -> None:
    documents = [bench.synthetic(n) for n in range(len(bench.WORDS))]
    assert {d.language for d in documents} == {"en", "de", "ja", "zh", "ko", "fr", "es", "ru", "ar"}
    for document in documents:
        assert detect(document.markdown.split("---\n", 2)[-1]) == document.language
        assert len(document.questions) == bench.PASSAGES_PER_DOCUMENT


def test_questions_are_drawn_in_several_languages_from_documents_that_exist() -> None:
    drawn = bench.drawn_questions(30, 40)
    assert drawn == bench.drawn_questions(30, 40)
    numbers = [int(name.removesuffix(".md")) for _, name in drawn]
    assert all(0 <= number < 30 for number in numbers)
    assert len({number % len(bench.WORDS) for number in numbers}) == len(bench.WORDS)
    assert all(text in bench.synthetic(number).questions for (text, _), number in zip(drawn, numbers, strict=True))
    assert len(bench.drawn_questions(1, 5)) == 5


def test_percentiles() -> None:
    assert bench.percentiles([float(n) for n in range(1, 101)]) == {"p50": 50.5, "p95": 96.0}
    assert bench.percentiles([4.0]) == {"p50": 4.0, "p95": 4.0}


def test_ratios_above_one_say_that_ours_is_ahead() -> None:
    ours = Part("ours", 1, 10, {"ingest_s": 2.0, "memory_mb": 100.0}, {"search": {"p50": 1.0, "p95": 2.0}})
    theirs = Part("theirs", 1, 10, {"ingest_s": 3.0, "memory_mb": 50.0}, {"search": {"p50": 5.0, "p95": 2.0}})
    assert bench.ratios(ours, theirs) == {"ingest": 1.5, "search_p50": 5.0, "search_p95": 1.0, "memory": 0.5}


@pytest.mark.slow
def test_the_command_measures_every_stage_and_the_cold_start(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out, work = tmp_path / "bench.json", tmp_path / "work"
    options = ["--passages", "60", "--compare", "0", "--questions", "9", "--cold", "1"]
    assert bench.main([*options, "--out", str(out), "--work", str(work)]) == 0
    found = json.loads(out.read_text(encoding="utf-8"))
    (ours,) = found["ours"]
    assert ours["documents"] == 6
    assert 50 <= ours["passages"] <= 70
    wanted = {f"ingest.{s}" for s in ("read", "store", "embed", "vectors", "chroma", "tantivy", "check", "flush")}
    wanted |= {f"search.{s}" for s in ("understand", "encode", "dense", "lexical", "fuse")}
    assert wanted | {"search", "ask", "one_process.read", "one_process.chunk"} <= set(ours["stages"])
    assert {"unchanged_s", "one_changed_s", "memory_mb", "ingest_passages_per_s"} <= set(ours["figures"])
    assert found["cold_start"]["runs"] == 1
    assert found["machine"]["chromadb"]
    assert "60 passages, 6 documents" in capfd.readouterr().out
    assert not list(work.iterdir())


@pytest.mark.slow
def test_llama_index_gets_the_same_documents_and_as_many_nodes(tmp_path: Path) -> None:
    bench.write_documents(tmp_path / "corpus", 3)
    part = bench.measure_llama_index(tmp_path, 3, 30, 4)
    assert part.documents == 3
    assert 24 <= part.passages <= 36
    assert part.figures["found_share"] == 1
    assert set(part.stages["search"]) == {"p50", "p95"}


def test_the_report_has_a_row_for_each_side_and_their_ratio() -> None:
    figures = {"ingest_s": 2.0, "ingest_passages_per_s": 5.0, "memory_mb": 100.0, "found_share": 1.0}
    ours = Part("ours", 1, 10, figures, {"search": {"p50": 1.0, "p95": 2.0}})
    theirs = Part("llama-index, defaults", 1, 8, {**figures, "ingest_s": 3.0}, {"search": {"p50": 4.0, "p95": 5.0}})
    run = Bench(bench.machine(), [ours], [theirs], ours, {theirs.name: bench.ratios(ours, theirs)}, {}, 9.0)
    text = bench.report(run)
    assert "| llama-index, defaults | 1.50 | 4.00 | 2.50 | 1.00 |" in text
    assert "| ours | 10 | 2.0 | 5 | 1.0 | 2.0 | 100 | 100% |" in text
