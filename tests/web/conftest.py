"""A real server over a small real index."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

NOTES_EN = """---
title: Harbour Forum on Life Science 2024
language: en
date: 2024-06-10
source: https://example.org/harbour-2024
aliases:
  - [Harbour Forum, Hafenforum, ハーバーフォーラム]
---

The Harbour Forum took place on 9 June 2024 in the old customs house. It gathered 340 guests.

## Hostile part

<script>window.attacked = 1</script> An image: ![x](http://203.0.113.9/x.png) and <img src="http://203.0.113.9/y.png" onerror="window.attacked = 2">.
The hostile sentence names <b>markup</b> and ends.
"""
NOTES_DE = """---
title: "Hafenforum 2024: Bericht"
language: de
date: 2024-06-11
---

Das Hafenforum fand am 9. Juni 2024 im alten Zollhaus statt. Ausrichterin war die Hafenbehörde. Es kamen 340 Gäste.
"""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `assistant serve` over two small documents, in a process of its own."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "harbour.en.md").write_text(NOTES_EN, encoding="utf-8")
    (folder / "corpus" / "harbour.de.md").write_text(NOTES_DE, encoding="utf-8")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ASSISTANT_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "assistant", "serve", "--port", "0"], cwd=folder, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    assert process.stderr is not None
    seen = []
    try:
        for line in process.stderr:
            seen.append(line)
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                break
        else:
            pytest.fail("the server did not start: " + "".join(seen))
        yield found.group()
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stderr.close()
