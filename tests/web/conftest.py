"""A real server over a small real index."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from assistant.web.access import hashed
from tests.servers import Pages, page_server

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


@contextmanager
def assistant_serving(folder: Path) -> Iterator[str]:
    """The address of `assistant serve` in a folder, in a process of its own."""
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
        # What it says later must not fill the pipe.
        threading.Thread(target=lambda: [None for _ in process.stderr or ()], daemon=True).start()
        yield found.group()
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stderr.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`assistant serve` over two small documents, open to whoever is at the machine."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "corpus").mkdir()
    (folder / "corpus" / "harbour.en.md").write_text(NOTES_EN, encoding="utf-8")
    (folder / "corpus" / "harbour.de.md").write_text(NOTES_DE, encoding="utf-8")
    with assistant_serving(folder) as address:
        yield address


@dataclass(frozen=True, slots=True)
class Site:
    """A server that is open to portals and keys only, and another server for pages of theirs.

    `origin` is where the portal `city` may be, `elsewhere` where only the portal `other` may be; `pages` are served at both.
    `keys` are a program's that sees what is public (`public`), one's that sees everything (`staff`), and one's that may only search (`search`).
    """

    server: str
    origin: str
    elsewhere: str
    pages: Pages
    keys: dict[str, str]
    folder: Path


SECRET_WORDS = ("Zephyrine", "Goldfasan", "ツェッペリン計画")
_PORTALS = """
[index]
path = "index"

[web]
console = false

[[corpus.sources]]
path = "press"
collection = "press"
visibility = "public"

[[corpus.sources]]
path = "guides"
collection = "guides"
visibility = "public"

[[corpus.sources]]
path = "internal"
collection = "internal"
visibility = "staff"

[[portals]]
id = "city"
origins = ["{origin}"]
collections = ["press", "internal"]
languages = ["en", "de", "ja", "zh", "fr", "es", "ko", "ar"]
ai_notice = "standard"
privacy = "https://www.example.org/privacy"
contact = "mailto:forum@example.org"
[portals.texts.en]
title = "Harbour questions"
welcome = "Ask about the Harbour Forum."
questions = ["When did the Harbour Forum take place?"]
[portals.quotas]
per_client = "5000/minute"
per_portal = "100000/hour"

[[portals]]
id = "other"
origins = ["{elsewhere}"]
collections = ["guides"]
ai_notice = {{ en = "A machine answers." }}
privacy = "https://www.example.org/privacy"
feedback = false
[portals.quotas]
per_client = "3/minute"

[[portals]]
id = "closed"
origins = []
collections = ["press"]
ai_notice = "standard"
privacy = "https://www.example.org/privacy"
"""
STAFF_NOTE = """---
title: Zephyrine plan for the Harbour Forum
language: en
date: 2024-07-01
kind: forum
place: Zephyrine Hall, Goldfasan
event_dates: [2027-03-01]
aliases:
  - [Harbour Forum, Zephyrine, ツェッペリン計画]
---

The Zephyrine plan moves the Harbour Forum to Goldfasan in March 2027. Its budget is 731 thousand euros.
"""
GUIDE = """---
title: Guide to the customs house
language: en
date: 2023-02-01
---

The customs house has three halls and a roof garden. It opened in 1901.
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Portals over public documents, beside staff documents that they must never show."""
    folder = tmp_path_factory.mktemp("portals")
    documents = {
        "press/harbour.en.md": NOTES_EN, "press/harbour.de.md": NOTES_DE, "guides/house.md": GUIDE, "internal/zephyrine.md": STAFF_NOTE,
        "press/held.md": STAFF_NOTE.replace("date: 2024-07-01", "date: 2024-07-01\nvisibility: staff"),
    }  # fmt: skip
    for name, text in documents.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    keys = {name: f"fa_{name}{'0' * 40}" for name in ("public", "staff", "search")}
    with page_server() as (origin, pages), page_server(pages) as (elsewhere, _):
        text = _PORTALS.format(origin=origin, elsewhere=elsewhere)
        for name, visibility, scopes in (("public", "public", ["ask", "search", "documents", "feedback"]), ("staff", "staff", ["ask", "search", "documents"]), ("search", "public", ["search"])):
            text += f'\n[[web.keys]]\nname = "{name}"\nsha256 = "{hashed(keys[name])}"\nscopes = {json.dumps(scopes)}\nvisibility = "{visibility}"\nquota = "100000/minute"\n'
        (folder / "assistant.toml").write_text(text, encoding="utf-8")
        with assistant_serving(folder) as address:
            yield Site(address, origin, elsewhere, pages, keys, folder)
