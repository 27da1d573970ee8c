"""The management pages: uploads that come in whole or not at all, deleting, names, reports, feedback, refused questions."""

from __future__ import annotations

import csv
import io
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.settings import Settings
from assistant.web import uploads
from assistant.web.manage import as_csv
from assistant.web.works import Works
from tests import files
from tests.web.conftest import assistant_serving
from tests.web.test_signing import client, laid_out, sign_in

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("manage")]
NEW = "---\ntitle: Neues Forum\nlanguage: de\n---\n\nDas Neue Forum fand am 3. Mai 2026 in Jena statt. Es hieß früher Future Science City(未来科学城).\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = laid_out(tmp_path_factory.mktemp("manage"), '[feedback]\nrefused = "all"\npath = "feedback.sqlite"\n[names]\nglossary = "glossary.toml"\n[web]\nupload_mb = 1')
    (folder / "press" / "broken.pdf").write_bytes(b"%PDF-1.4 no more")
    with assistant_serving(folder) as address:
        yield address, folder


@pytest.fixture
def admin(place: tuple[str, Path]) -> Iterator[httpx.Client]:
    with client(place[0]) as http:
        assert sign_in(http, "anna").status_code == 303
        yield http


def finished(http: httpx.Client) -> str:
    """How the work ended."""
    until = time.monotonic() + 60
    while (told := http.get("/manage/work").json())["running"]:
        assert time.monotonic() < until
        time.sleep(0.05)
    return str(told["text"])


def upload(http: httpx.Client, *sent: tuple[str, bytes], **form: str) -> httpx.Response:
    return http.post("/manage/upload", data={"collection": "press", **form}, files=[("files", file) for file in sent])


def test_the_index_page_says_what_there_is_and_what_failed(admin: httpx.Client) -> None:
    page = admin.get("/manage/index", headers={"Accept-Language": "de"}).text
    assert "broken.pdf" in page
    assert "Dokumente" in page
    assert page.count("<form") == 3


def test_documents_are_uploaded_read_found_replaced_and_deleted(admin: httpx.Client, place: tuple[str, Path], tmp_path: Path) -> None:
    word = files.docx(tmp_path / "a.docx", [("", "博鳌健康论坛于2026年5月3日开幕。")]).read_bytes()
    page = files.pdf(tmp_path / "a.pdf", [["The Lake Summit opened on 7 May 2026."]]).read_bytes()
    documents = (("neu.md", NEW.encode()), ("报告.docx", word), ("lake.pdf", page))
    assert upload(admin, *documents).headers["location"] == "index"
    assert finished(admin) == "Done: 3 added, 0 updated, 1 not read."
    assert "3. Mai 2026" in admin.post("/api/v1/ask", json={"question": "Wann fand das Neue Forum statt?"}).json()["text"]
    assert "2026年5月3日" in admin.post("/api/v1/ask", json={"question": "博鳌健康论坛什么时候开幕？"}).json()["text"]
    again = upload(admin, ("neu.md", b"other"))
    assert again.status_code == 422
    assert "neu.md is there already" in again.text
    assert (place[1] / "press" / "neu.md").read_bytes() == NEW.encode()
    assert upload(admin, ("neu.md", NEW.replace("3. Mai", "4. Mai").encode()), replace="on").status_code == 303
    assert finished(admin) == "Done: 0 added, 1 updated, 1 not read."
    listed = admin.get("/manage/documents", params={"search": "neues FORUM"}).text
    assert "press/press/neu.md" in listed
    assert "press/press/harbour.md" not in listed
    assert admin.post("/manage/delete", data={"document": "press/press/none.md"}).status_code == 404
    assert admin.post("/manage/delete", data={"document": "press/press/neu.md", "title": "Neues Forum"}).status_code == 303
    assert finished(admin) == "Deleted: Neues Forum"
    assert admin.get("/api/v1/documents/press/press/neu.md").status_code == 404
    assert "press/press/neu.md" in admin.get("/manage/index").text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("../../evil.md", b"x", ""), (".hidden.md", b"x", "not a file name"), ("tool.exe", b"MZ", "cannot be read"), ("a" * 250 + ".md", b"x", "not a file name"),
        ("..", b"x", "not a file name"), ("con:.md", b"x", "not a file name"),
    ],
)  # fmt: skip
def test_names_that_lead_elsewhere_are_not_taken(admin: httpx.Client, place: tuple[str, Path], name: str, content: bytes, said: str) -> None:
    before = {path for path in place[1].rglob("*") if "index" not in path.parts}
    answered = upload(admin, (name, content))
    finished(admin)
    new = {path for path in place[1].rglob("*") if "index" not in path.parts} - before
    if said:
        assert answered.status_code == 422
        assert said in answered.text
        assert new == set()
    else:
        # The path is taken off, the name stays.
        assert new == {place[1] / "press" / "evil.md"}


def test_of_several_files_all_come_in_or_none(admin: httpx.Client, place: tuple[str, Path]) -> None:
    for several in ((("one.md", b"# One"), ("two.exe", b"x")), (("same.md", b"# One"), ("SAME.md", b"# Two"))):
        assert upload(admin, *several).status_code == 422
        assert not {"one.md", "same.md", "SAME.md"} & {path.name for path in (place[1] / "press").iterdir()}


def test_an_upload_has_a_limit_and_a_place(admin: httpx.Client) -> None:
    told = upload(admin, ("large.md", b"x" * 1_500_000))
    assert told.status_code == 413
    assert "larger than 1 MB" in told.text
    assert upload(admin, ("larger.md", b"x" * 3_000_000)).status_code == 413
    assert upload(admin, ("a.md", b"x"), collection="elsewhere").status_code == 422


def test_who_may_not_upload_sends_nothing_in(place: tuple[str, Path]) -> None:
    for name in ("ben", "eva"):
        with client(place[0]) as http:
            sign_in(http, name)
            assert upload(http, ("mine.md", b"# Mine")).status_code == 403
            assert http.post("/manage/delete", data={"document": "press/press/harbour.md"}).status_code == 403
    with client(place[0]) as http:
        assert upload(http, ("mine.md", b"# Mine")).status_code == 401
    assert not (place[1] / "press" / "mine.md").exists()


def test_what_the_disk_refuses_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        uploads.save(tmp_path, [("a.md", io.BytesIO(b"a")), ("b.md", io.BytesIO(b"b"))], replace=False)
    assert list(tmp_path.iterdir()) == []


@given(st.text(min_size=1, max_size=60))
def test_whatever_a_browser_calls_a_file_it_stays_in_the_folder(given_name: str) -> None:
    try:
        name = uploads.named(f"{given_name}.md")
    except uploads.UploadRefused:
        return
    assert Path(name).name == name
    assert name not in (".", "..")


def test_only_folders_take_uploads(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "file.md").write_text("x")
    sources = [{"path": tmp_path / "file.md", "collection": "a"}, {"path": tmp_path / "one", "collection": "b"}, {"path": tmp_path / "none", "collection": "c"}]
    assert list(uploads.places(Settings(corpus={"sources": sources}))) == ["b"]


def test_names_are_accepted_and_ignored(admin: httpx.Client, place: tuple[str, Path]) -> None:
    text = "---\ntitle: Namen\nlanguage: de\n---\n\nDie Future Science City(未来科学城) liegt in Peking. Das Life Science Park(生命科学园) auch.\n"
    upload(admin, ("namen.md", text.encode()))
    finished(admin)
    page = admin.get("/manage/names").text
    ids = [part.partition('"')[0] for part in page.split('name="name" value="')[1:]]
    assert len(ids) == 2
    assert "Accepted" in admin.post("/manage/names", data={"name": ids[:1], "judgement": "accept"}).text
    assert "no new names" in admin.post("/manage/names", data={"name": ids[1:], "judgement": "ignore"}).text
    assert (place[1] / "glossary.toml").read_text("utf-8").count("[[") == 2
    assert admin.post("/manage/names", data={"name": ["unknown"], "judgement": "accept"}).status_code == 404


def test_refused_questions_are_listed_by_language_and_portal(admin: httpx.Client) -> None:
    for question in ("Wie hoch war das Budget des Hafenforums in Nowosibirsk?", "Wie hoch war das Budget des Hafenforums in Nowosibirsk?", "=cmd|' /C calc'!A1 gibt es Kaviar?"):
        assert admin.post("/api/v1/ask", json={"question": question}).json()["abstained"]
    assert admin.post("/api/v1/ask", json={"question": "Hallo!"}).json()["mode"] == "talk"
    rows = list(csv.DictReader(io.StringIO(admin.get("/manage/refused.csv").text.removeprefix("\ufeff"))))
    found = {row["question"]: (row["channel"], row["language"], row["count"]) for row in rows}
    assert found["Wie hoch war das Budget des Hafenforums in Nowosibirsk?"] == ("console", "de", "2")
    assert "'=cmd|' /C calc'!A1 gibt es Kaviar?" in found
    assert "Hallo!" not in found
    assert "Nowosibirsk" in admin.get("/manage/refused").text


def test_feedback_is_listed_and_downloaded(admin: httpx.Client) -> None:
    answer = admin.post("/api/v1/ask", json={"question": "When did the Harbour Forum take place?"}).json()
    admin.post("/api/v1/feedback", json={"receipt": answer["receipt"], "rating": "down", "reason": "wrong", "comment": "<b>no</b>"})
    page = admin.get("/manage/feedback").text
    assert "&lt;b&gt;no&lt;/b&gt;" in page
    rows = list(csv.DictReader(io.StringIO(admin.get("/manage/feedback.csv").text.removeprefix("\ufeff"))))
    assert (rows[-1]["rating"], rows[-1]["reason"], rows[-1]["documents"]) == ("down", "wrong", "press/press/harbour.md")


def test_reports_of_evaluation_runs_stand_apart(place: tuple[str, Path]) -> None:
    runs = place[1] / "evals" / "runs"
    runs.mkdir(parents=True)
    header: dict[str, Any] = {"format": 1, "made": "2026-01-01T00:00:00+00:00", "revision": "", "index": "", "settings": {}, "prompts": {}, "sets": [], "questions": "", "count": 0}
    from assistant.evaluation import runs as module

    (runs / "mine.jsonl").write_text(json.dumps({**header, "format": module._FORMAT}) + "\n")
    (runs / "other.txt").write_text("x")
    with client(place[0]) as http:
        sign_in(http, "eva")
        assert "mine.jsonl" in http.get("/manage/evaluation").text
        report = http.get("/manage/runs/mine.jsonl")
        assert report.status_code in (200, 500)
        for name in ("other.txt", "../../assistant.toml", "..%2F..%2Fassistant.toml", "none.jsonl"):
            assert http.get(f"/manage/runs/{name}").status_code == 404


def test_one_piece_of_work_at_a_time_and_its_failure_is_told() -> None:
    import threading

    works, go = Works(), threading.Event()

    def slow(progress: Any) -> Any:
        progress("read", 1, 3)
        go.wait(10)
        raise RuntimeError("secret path")

    assert works.begin("ingest", "", slow)
    assert not works.begin("delete", "", slow)
    until = time.monotonic() + 10
    while works.last is None or works.last.total != 3:
        assert time.monotonic() < until
        time.sleep(0.01)
    go.set()
    works.wait()
    assert works.last is not None
    assert not works.last.running
    assert works.last.reason
    assert "secret" not in works.last.reason
    assert works.begin("ingest", "", lambda progress: (_ for _ in ()).throw(RuntimeError))
    works.wait()


def test_a_table_is_no_program() -> None:
    rows = list(csv.reader(io.StringIO(as_csv(("a",), [["=1+1"], ["+1"], ["-1"], ["@x"], ["\t=1"], ["a,\"b\"\nc"]]).removeprefix("\ufeff"))))
    assert [row[0] for row in rows] == ["a", "'=1+1", "'+1", "'-1", "'@x", "'\t=1", 'a,"b"\nc']
