"""Garbage under every suffix: each file is reported with its reason, the rest is indexed, the exit status says so."""

from __future__ import annotations

import json
import os
import random
import re
from pathlib import Path

import pytest

from assistant.ingestion.formats import FORMATS
from assistant.pipeline import Assistant
from tests import files
from tests.faults.runs import run

GOOD = "---\ntitle: Zephyr\nlanguage: en\n---\n# Zephyr\n\nThe zephyr hall is open to 300 visitors.\n"


@pytest.fixture
def rubbish(corpus: Path) -> list[str]:
    """Names of the files that must be reported."""
    generator = random.Random(7)
    (corpus / "good.md").write_text(GOOD, encoding="utf-8")
    bad = []
    for suffix in FORMATS:
        (corpus / f"empty{suffix}").write_bytes(b"")
        bad.append(f"empty{suffix}")
        (corpus / f"random{suffix}").write_bytes(generator.randbytes(3000))
    files.pdf(corpus / "locked.pdf", [["secret"]], password="pass", owner="other")
    files.encrypted_office(corpus / "locked.docx")
    files.old_office(corpus / "old.docx")
    files.zip_bomb(corpus / "bomb.docx", "word/document.xml", 300)
    (corpus / "cut.pdf").write_bytes(files.pdf(corpus / "whole.pdf", [["The zephyr report."]]).read_bytes()[:400])
    (corpus / "video.mp4").write_bytes(generator.randbytes(500))
    (corpus / "front.md").write_text('---\ntitle: "\\ud800 \\0 x"\naliases: [[a, {b: c}], 5, "\\udfff"]\ndate: [1]\nnote: "\\ud801"\n---\nThe zephyr front.\n', encoding="utf-8")
    (corpus / "yaml.md").write_text("---\na: &x [*x, *x\n---\nThe zephyr yaml.\n", encoding="utf-8")
    (corpus / "deep.html").write_text("<div>" * 50_000 + "zephyr", encoding="utf-8")
    (corpus / "nul.txt").write_bytes(b"zephyr\0" * 100)
    (corpus / ("n" * 200 + ".txt")).write_text("The zephyr name.", encoding="utf-8")
    return [*bad, "locked.pdf", "locked.docx", "old.docx", "bomb.docx", "cut.pdf", "video.mp4"]


@pytest.mark.slow
def test_garbage_is_reported_and_the_rest_goes_on(assistant: Assistant, corpus: Path, rubbish: list[str]) -> None:
    report = assistant.ingest()
    failed = {Path(f.path).name: f for f in report.failed if not f.partial}
    assert set(rubbish) <= set(failed), set(rubbish) - set(failed)
    for name, failure in failed.items():
        assert re.fullmatch("[a-z-]+", failure.reason), (name, failure)
        assert failure.message
        assert "\n" not in failure.message
        assert "Traceback" not in failure.message
    assert {failed[f"empty{suffix}"].reason for suffix in FORMATS} == {"empty"}
    assert (failed["locked.pdf"].reason, failed["locked.docx"].reason, failed["bomb.docx"].reason) == ("encrypted", "encrypted", "too-large")
    assert "default/corpus/good.md" in report.added
    assert "300 visitors" in assistant.ask("How many visitors may come to the zephyr hall?").text
    present = {p.name for p in corpus.iterdir()}
    told = set(failed) | {identity.split("/")[-1] for identity in report.added}
    assert told == present, "every file is either indexed or reported"
    again = assistant.ingest()
    assert (again.added, again.embedded, again.generation) == ((), 0, report.generation)


@pytest.mark.skipif(os.name != "posix" or (not os.path.supports_unicode_filenames and os.uname().sysname == "Darwin"), reason="macOS refuses such names")
def test_a_name_that_is_no_text_is_reported(assistant: Assistant, corpus: Path) -> None:
    (corpus / "good.md").write_text(GOOD, encoding="utf-8")
    with open(os.fsencode(corpus) + b"/\xff\xfe.md", "w", encoding="utf-8") as file:
        file.write(GOOD)
    report = assistant.ingest()
    assert report.added == ("default/corpus/good.md",)
    assert [(f.reason, f.message) for f in report.failed] == [("unreadable", "its name is not valid UTF-8; rename it")]
    json.dumps(report.failed[0].path).encode("utf-8")


def test_special_files_are_left_alone(assistant: Assistant, corpus: Path) -> None:
    """A pipe would block whoever opens it."""
    os.mkfifo(corpus / "pipe.md")
    (corpus / "dangling.md").symlink_to(corpus / "nowhere.md")
    (corpus / "loop").symlink_to(corpus)
    (corpus / "folder.md").mkdir()
    (corpus / "good.md").write_text(GOOD, encoding="utf-8")
    report = assistant.ingest()
    assert report.added == ("default/corpus/good.md",)


def test_the_exit_status_and_one_json_document_say_it(tmp_path: Path, corpus: Path) -> None:
    (corpus / "good.md").write_text(GOOD, encoding="utf-8")
    (corpus / "bad.pdf").write_bytes(b"%PDF-1.7 nothing")
    done = run(tmp_path / "index", corpus, "ingest", "--json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert report["added"] == ["default/corpus/good.md"]
    assert [(Path(f["path"]).name, f["reason"]) for f in report["failed"]] == [("bad.pdf", "broken")]
    (corpus / "bad.pdf").unlink()
    done = run(tmp_path / "index", corpus, "ingest", "--json")
    assert (done.returncode, json.loads(done.stdout)["failed"]) == (0, [])
