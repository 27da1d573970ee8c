"""kill -9 at any moment of an ingest: the published index answers, and the next ingest completes."""

from __future__ import annotations

import random
import shutil
import time
from pathlib import Path

import pytest

from assistant.errors import IndexNotFound
from assistant.pipeline import Assistant
from assistant.settings import Settings
from tests.faults.runs import corpus, run, start

DOCUMENTS = 60
KILLS = 5


def opened(index: Path, source: Path) -> Assistant:
    return Assistant.open(Settings(index={"path": index}, corpus={"paths": [source]}, reading={"workers": 1}))


def editions(assistant: Assistant) -> set[str]:
    """The editions that all passages together show: one, if the generation is whole."""
    found = assistant.search("Zephyr hall shows edition of its collection", top_k=1000)
    assert len({h.chunk.document_id for h in found}) == DOCUMENTS
    for hit in found[:20]:
        assert assistant.document(hit.chunk.document_id).text[hit.chunk.start : hit.chunk.end] == hit.chunk.text
    answer = assistant.ask("What does Zephyr hall 7 show?")
    assert answer.citations
    return {h.chunk.text.split("edition ")[1][0] for h in found}


def everything(assistant: Assistant) -> dict[str, list[tuple[str, float]]]:
    """What is stored and what some questions find, without ranks of equals."""
    result = {"": [(identity, float(len(assistant.document(identity).text))) for identity in assistant.document_ids()]}
    for number in range(0, DOCUMENTS, 7):
        question = f"Zephyr hall {number} part 2"
        result[question] = sorted((h.chunk.id, round(h.score, 3)) for h in assistant.search(question, top_k=3))
    return result


@pytest.mark.slow
@pytest.mark.parametrize("first", [False, True], ids=["update", "first"])
def test_kills_at_random_moments_lose_nothing(tmp_path: Path, first: bool) -> None:
    index, source = tmp_path / "index", tmp_path / "corpus"
    moments = random.Random(20241115)
    edition = 1
    corpus(source, DOCUMENTS, edition)
    started = time.monotonic()
    assert run(index, source, "ingest").returncode == 0
    length = time.monotonic() - started
    killed = 0
    for _ in range(3 * KILLS):
        if killed == KILLS:
            break
        if first and (index / "CURRENT").exists():
            shutil.rmtree(index)
        elif not first:
            edition += 1
            corpus(source, DOCUMENTS, edition % 10)
        process = start(index, source, "ingest")
        time.sleep(moments.uniform(0.15, 0.95) * length)
        process.kill()
        process.communicate()
        killed += process.returncode == -9
        with opened(index, source) as assistant:
            if first:
                try:
                    assert editions(assistant) == {"1"}
                except IndexNotFound:
                    continue
            else:
                assert len(editions(assistant)) == 1, "an answer mixes two generations"
    assert killed == KILLS
    done = run(index, source, "ingest")
    assert done.returncode == 0, done.stderr
    fresh = tmp_path / "fresh"
    assert run(fresh, source, "ingest").returncode == 0
    with opened(index, source) as mended, opened(fresh, source) as anew:
        assert editions(mended) == {str(edition % 10)}
        assert everything(mended) == everything(anew)
        assert mended.status()["passages"] == anew.status()["passages"]
    assert sorted(p.name for p in (index / "generations").iterdir())[-1] == (index / "CURRENT").read_text().strip()


def test_a_kill_between_store_and_publication_heals_itself(tmp_path: Path) -> None:
    """As if killed after the last commit: the files are unchanged, and yet the next ingest publishes them."""
    index, source = tmp_path / "index", tmp_path / "corpus"
    corpus(source, 3)
    with opened(index, source) as assistant:
        assistant.ingest()
        corpus(source, 3, edition=2)
        assistant.ingest()
    # The generation before is what a kill just before the publication would have left.
    (index / "CURRENT").write_text("1\n")
    shutil.rmtree(index / "generations" / "2")
    with opened(index, source) as assistant:
        assert "edition 1" in assistant.search("Zephyr hall 1")[0].chunk.text
        report = assistant.ingest()
        assert (len(report.unchanged), report.embedded, report.generation) == (3, 0, 3)
        assert "edition 2" in assistant.search("Zephyr hall 1")[0].chunk.text
