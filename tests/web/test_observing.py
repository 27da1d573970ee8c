"""What operators see: metrics, lines with request ids and without questions, traces, readiness that looks at the index, an orderly end."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from assistant.errors import SettingsError
from assistant.feedback import FeedbackStore
from assistant.schema import Answer
from assistant.settings import Settings
from assistant.web import observing
from assistant.web.observing import Observer, lines
from tests.models import Model, model_server
from tests.web.inside import PORTAL, bearer, key, serving, settings_of

pytestmark = [pytest.mark.xdist_group("observing")]
LAKE = "---\ntitle: Lake Health Forum\nlanguage: en\ndate: 2024-05-09\n---\nThe Lake Health Forum opens on 9 December 2024 in the congress hall.\n"
QUESTION = "When does the Lake Health Forum open?"


def observed(server: str, name: str = "watch") -> dict[str, float]:
    response = httpx.get(f"{server}/metrics", headers=bearer(name))
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in response.text.splitlines() if not line.startswith("#")}


KEYS = [key("watch", scopes=["metrics"]), key("ask", scopes=["ask"], visibility="staff")]


def test_metrics_count_answers_refusals_citations_and_requests(tmp_path: Path) -> None:
    with serving(settings_of(tmp_path, {"press/lake.md": LAKE}, web={"keys": KEYS}, portals=[PORTAL])) as server:
        for question in (QUESTION, "Wie hoch war das Budget in Nowosibirsk?", "Hello!"):
            assert httpx.post(f"{server}/api/v1/ask", json={"question": question}, headers=bearer("ask"), timeout=60).status_code == 200
        found = observed(server)
        assert found['assistant_answers_total{abstained="false",channel="key:ask",language="en",mode="extractive"}'] == 1
        assert sum(value for name, value in found.items() if name.startswith("assistant_answers_total") and 'abstained="true"' in name) == 1
        assert found['assistant_citations_total{channel="key:ask"}'] >= 1
        assert found['assistant_stage_seconds_count{stage="total"}'] >= 2
        assert found["assistant_first_text_seconds_count"] == 3
        assert found['assistant_requests_total{method="POST",route="/api/v1/ask",status="200"}'] == 3
        assert found["assistant_index_generation"] == 1
        assert found["assistant_questions_waiting"] == 0
        assert httpx.get(f"{server}/metrics", headers=bearer("ask")).status_code == 403
        assert httpx.get(f"{server}/metrics").status_code == 401


def test_a_models_faults_are_counted(tmp_path: Path) -> None:
    model = Model(lambda messages: "", "500")
    with model_server(model) as upstream:
        llm = {"provider": "openai-like", "model": "tiny", "base_url": upstream, "timeout_s": 10}
        with serving(settings_of(tmp_path, {"press/lake.md": LAKE}, web={"keys": KEYS}, llm=llm)) as server:
            httpx.post(f"{server}/api/v1/ask", json={"question": QUESTION}, headers=bearer("ask"), timeout=60)
            assert observed(server)['assistant_model_faults_total{kind="model_failed"}'] == 1


def test_paths_of_documents_are_in_no_metric(tmp_path: Path) -> None:
    with serving(settings_of(tmp_path, {"press/lake.md": LAKE}, web={"keys": KEYS})) as server:
        for path in ("/api/v1/documents/press/press/secret-name.md", "/secret-path", "/documents/secret", "/embed/secret"):
            httpx.get(server + path)
        text = httpx.get(f"{server}/metrics", headers=bearer("watch")).text
        assert "secret" not in text
        assert 'route="none"' in text


def test_every_response_has_a_request_id_and_lines_name_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with lines("json"), serving(settings_of(tmp_path, {"press/lake.md": LAKE}, web={"keys": KEYS, "log": "json"})) as server:
        first = httpx.post(f"{server}/api/v1/ask", json={"question": QUESTION}, headers={**bearer("ask"), "X-Request-Id": "abcdefgh-1234"}, timeout=60)
        assert first.headers["x-request-id"] == "abcdefgh-1234"
        for given in ("short", "with space in it", "x" * 65, "semi;colon;semi"):
            named = httpx.get(f"{server}/healthz", headers={"X-Request-Id": given})
            assert re.fullmatch(r"[0-9a-f]{32}", named.headers["x-request-id"])
        httpx.get(f"{server}/nowhere?secret=1")
    said = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    answer = next(line for line in said if line["event"] == "answer")
    request = next(line for line in said if line["event"] == "request" and line["route"] == "/api/v1/ask")
    assert answer["request_id"] == request["request_id"] == "abcdefgh-1234"
    assert answer["citations"] == 1
    assert answer["timings_ms"]["total"] > 0
    assert {"time", "level", "method", "status", "ms"} <= set(request)
    whole = json.dumps(said)
    assert "Lake" not in whole
    assert "secret" not in whole
    assert "127.0.0.1" not in whole


def test_questions_stand_in_the_lines_only_where_they_may(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with lines("text"), serving(settings_of(tmp_path, {"press/lake.md": LAKE}, web={"keys": KEYS, "log": "text", "log_questions": True})) as server:
        httpx.post(f"{server}/api/v1/ask", json={"question": QUESTION}, headers=bearer("ask"), timeout=60)
    assert f'question="{QUESTION}"' in capfd.readouterr().err


def test_lines_stop_with_their_server(capfd: pytest.CaptureFixture[str]) -> None:
    with lines("json"):
        pass
    logging.getLogger("assistant.web").warning("after")
    assert not [line for line in capfd.readouterr().err.splitlines() if line.startswith("{")]


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """Takes traces as an OpenTelemetry collector does."""
    taken: list[bytes] = []

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Taking)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_traces_hold_the_request_the_answer_and_its_stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    with collector() as (address, taken):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        with serving(settings_of(tmp_path, {"press/lake.md": LAKE}, web={"keys": KEYS, "traces": True})) as server:
            httpx.post(f"{server}/api/v1/ask", json={"question": QUESTION}, headers=bearer("ask"), timeout=60)
    spans = [span for body in taken for resource in ExportTraceServiceRequest.FromString(body).resource_spans for scope in resource.scope_spans for span in scope.spans]
    by_name = {span.name: span for span in spans}
    request, answer = by_name["POST /api/v1/ask"], by_name["answer"]
    assert answer.parent_span_id == request.span_id
    stages = [span for span in spans if span.parent_span_id == answer.span_id]
    assert {"dense", "lexical", "answer"} & {span.name for span in stages}
    assert all(span.trace_id == request.trace_id for span in stages)
    assert not any(b"Lake" in body for body in taken)


def test_traces_without_the_extra_are_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(SettingsError, match="forum-assistant\\[otel\\]"):
        Observer(Settings(web={"traces": True}), FeedbackStore(tmp_path / "f.sqlite", 1))


@pytest.mark.parametrize(("kept", "words"), [("all", {"", "Warum?"} - {""}), ("staff", {"", "Warum?"}), ("none", {""})])
def test_refused_questions_keep_their_words_where_they_may(tmp_path: Path, kept: str, words: set[str]) -> None:
    store = FeedbackStore(tmp_path / "f.sqlite", 30)
    observer = Observer(Settings(feedback={"refused": kept}), store)
    refused = Answer("Warum?", "Die Dokumente …", "de", "abstained", True)
    for channel in ("console", "city", "city"):
        list(observer.watched(iter([refused]), channel))
    found = store.refused()
    assert {one.question for one in found} == words
    assert {(one.channel, one.language, one.count) for one in found} == {("console", "de", 1), ("city", "de", 2)}


def test_an_answer_is_not_lost_because_the_file_of_refusals_is_broken(tmp_path: Path) -> None:
    (tmp_path / "f.sqlite").write_bytes(b"no database at all" * 100)
    observer = Observer(Settings(), FeedbackStore(tmp_path / "f.sqlite", 30))
    refused = Answer("Warum?", "…", "de", "abstained", True)
    assert list(observer.watched(iter([refused]), "console")) == [refused]


def test_old_refusals_are_forgotten(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "f.sqlite", 30)
    store.refuse("Warum?", "de", "console")
    with sqlite3.connect(tmp_path / "f.sqlite") as db:
        db.execute("UPDATE refused SET day = '2020-01-01'")
    assert store.refused() == []


def test_it_is_ready_only_while_its_parts_agree(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, {"press/lake.md": LAKE}, web={"keys": KEYS})
    with serving(settings) as server:
        assert httpx.get(f"{server}/readyz").json() == {"status": "ready"}
    passages = next((tmp_path / "index" / "generations").iterdir()) / "passages.sqlite"
    with sqlite3.connect(passages) as db:
        db.execute("DELETE FROM chunks")
    from assistant.errors import IndexBroken
    from assistant.pipeline import Assistant

    with Assistant.open(settings) as assistant, pytest.raises(IndexBroken, match="passages: 0 instead of 1"):
        assistant.check_ready()


@pytest.mark.slow
def test_answers_under_way_are_finished_when_it_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "lake.md").write_text(LAKE, "utf-8")
    model = Model(lambda messages: (time.sleep(3), "The Lake Health Forum opens on 9 December 2024 [1].")[1])
    with model_server(model) as upstream:
        (tmp_path / "assistant.toml").write_text(f'[corpus]\npaths = ["docs"]\n[web]\nlog = "json"\n[llm]\nprovider = "openai-like"\nmodel = "tiny"\nbase_url = "{upstream}"\ntimeout_s = 30\n', "utf-8")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ASSISTANT_")}
        process = subprocess.Popen([sys.executable, "-m", "assistant", "serve", "--port", "0"], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
        try:
            assert process.stderr is not None
            server = next(found.group() for line in process.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
            answers: list[str] = []
            asking = threading.Thread(target=lambda: answers.append(httpx.post(f"{server}/api/v1/ask", json={"question": QUESTION}, timeout=60).json()["mode"]))
            asking.start()
            until = time.monotonic() + 30
            while not model.requests:
                assert time.monotonic() < until
                time.sleep(0.05)
            process.send_signal(signal.SIGTERM)
            asking.join(40)
            assert answers == ["generated"]
            assert process.wait(timeout=40) in (0, -signal.SIGTERM)
            said = process.stderr.read()
            assert '"event": "answer"' in said
            assert "Traceback" not in said
        finally:
            process.kill()
            process.wait()
            if process.stderr:
                process.stderr.close()


def test_a_line_for_a_person_and_one_for_a_machine_say_the_same() -> None:
    record = logging.LogRecord("assistant.web", logging.INFO, "", 0, "answer", None, None)
    record.said = {"language": "ja", "abstained": False}
    assert json.loads(observing._Lines(as_json=True).format(record))["language"] == "ja"
    assert observing._Lines(as_json=False).format(record).endswith('answer language="ja" abstained=false')
