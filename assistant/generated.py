"""Files that are made from others: the table in docs/settings.md and corpus/SOURCES.md.

`python -m assistant.generated` writes them; a test fails when they are out of date.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from assistant.settings import table

ROOT = Path(__file__).resolve().parent.parent
_BETWEEN = re.compile(r"(<!-- table -->\n).*?(<!-- /table -->)", re.DOTALL)
_SIDECAR = ".meta.yaml"
_HEAD = """---
title: Sources of the starter corpus
index: false
---

# Sources of the starter corpus

The documents restate facts from the sources below in words of their own. Made from the documents' front matter by
`make docs`.
"""


def settings_page(page: str) -> str:
    """docs/settings.md with its table made anew."""
    return _BETWEEN.sub(lambda m: m.group(1) + table() + m.group(2), page)


def front_matter(file: Path) -> dict[str, Any]:
    """The front matter of a Markdown document; empty without one."""
    parts = file.read_text(encoding="utf-8").split("---\n", 2)
    found = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0].strip() else {}
    return found if isinstance(found, dict) else {}


def corpus_documents(corpus: Path) -> list[tuple[Path, dict[str, Any]]]:
    """The corpus's documents with their metadata, by path; originals and pages about the corpus are none."""
    found = []
    for file in corpus.rglob("*"):
        if "originals" in file.relative_to(corpus).parts or file.name in ("SOURCES.md", "README.md"):
            continue
        if file.suffix == ".md":
            found.append((file, front_matter(file)))
        elif file.name.endswith(_SIDECAR):
            found.append((file.with_name(file.name.removesuffix(_SIDECAR)), yaml.safe_load(file.read_text("utf-8"))))
    return sorted(found, key=lambda item: item[0])


def sources_page(corpus: Path) -> str:
    """corpus/SOURCES.md: every document with what it was written from."""
    lines = [_HEAD]
    for file, found in corpus_documents(corpus):
        lines.append(f"## {found['title']}\n\n`{file.relative_to(corpus).as_posix()}` · {found['language']} · {found.get('date', 'undated')}\n")
        for source in found.get("sources", []):
            facts = ", ".join(str(source[key]) for key in ("language", "date") if source.get(key))
            title = str(source["title"]).replace("[", "(").replace("]", ")")
            link = f"[{title}]({source['url']})" if source.get("url") else title
            lines.append(f"- {link}{f' ({facts})' if facts else ''}")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    settings = ROOT / "docs" / "settings.md"
    settings.write_text(settings_page(settings.read_text(encoding="utf-8")), encoding="utf-8")
    (ROOT / "corpus" / "SOURCES.md").write_text(sources_page(ROOT / "corpus"), encoding="utf-8")


if __name__ == "__main__":
    main()
