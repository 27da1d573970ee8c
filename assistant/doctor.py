"""What is wrong with an installation, and its fix: settings, sources, index, encoder, language packs.

It looks and reports; it mends nothing. It knows the pipeline and what stands below it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import AssistantError
from assistant.index.generation import Generation, current_number, folder_of
from assistant.index.vectors import VectorIndex
from assistant.language.packs import codes, missing
from assistant.pipeline import Assistant
from assistant.retrieval.glossary import Glossary
from assistant.settings import Settings

_FREE_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `fix` says what to do where it is not ok."""

    ok: bool
    what: str
    fix: str = ""


def examine(settings_file: Path | None = None) -> list[Finding]:
    """Everything there is to look at, in the order in which to mend it."""
    try:
        settings = Settings.load(settings_file)
    except AssistantError as error:
        return [Finding(False, error.message, error.fix)]
    findings = [Finding(True, f"settings: {settings_file or 'assistant.toml or defaults'} and the environment are valid")]
    findings.extend(_sources(settings))
    findings.extend(_names(settings))
    findings.extend(_index(settings))
    findings.extend(_packs())
    return findings


def _sources(settings: Settings) -> Iterator[Finding]:
    for source in settings.sources():
        if source.path is None:
            yield Finding(True, f"source {source.name}: reader {source.reader} (tried at ingest)")
        elif not source.path.exists():
            yield Finding(False, f"source {source.path} does not exist", "mend corpus.paths or corpus.sources, or mount it")
        elif source.path.is_dir() and not any(source.path.iterdir()):
            yield Finding(False, f"source {source.path} is empty", "put documents into it, or take it out of the settings")
        else:
            yield Finding(True, f"source {source.path} is there")


def _names(settings: Settings) -> Iterator[Finding]:
    try:
        glossary = Glossary.read(settings.names.glossary)
    except AssistantError as error:
        yield Finding(False, error.message, error.fix)
    else:
        yield Finding(True, f"glossary {settings.names.glossary}: {len(glossary.groups)} names")


def _index(settings: Settings) -> Iterator[Finding]:
    path = settings.index.path
    folder = path if path.exists() else next(p for p in path.resolve().parents if p.exists())
    free = shutil.disk_usage(folder).free
    if free < _FREE_BYTES:
        yield Finding(False, f"only {free / 1e6:.0f} MB are free where the index lies", "free some space: a publication needs as much as the index itself")
    try:
        number = current_number(path)
        if number is None:
            yield Finding(False, f"nothing is indexed in {path}", "assistant ingest")
            return
        with Assistant.open(settings) as assistant:
            status = assistant.status()
            shown = {portal.id: len(assistant.limited(portal.scope).document_ids()) for portal in settings.portals}
        generation = Generation(folder_of(path, number))
        dense = VectorIndex(folder_of(path, number) / "chroma")
        try:
            counts = {
                "passages": generation.db.execute("SELECT count(*) FROM chunks").fetchone()[0],
                "vectors": len(generation.keys),
                "Chroma": sum(dense.counts().values()),
                "Tantivy": generation.lexical.count(),
            }
        finally:
            dense.close()
            generation.close()
    except AssistantError as error:
        yield Finding(False, error.message, error.fix)
        return
    except (OSError, ValueError) as error:
        yield Finding(False, f"the index cannot be opened ({type(error).__name__})", "assistant ingest --rebuild")
        return
    agree = len(set(counts.values())) == 1
    yield Finding(agree, f"index: generation {number}, " + ", ".join(f"{n} {c}" for n, c in counts.items()), "" if agree else "assistant ingest --rebuild")
    yield Finding(True, f"encoder: {status['encoder']}")
    for portal in settings.portals:
        if not portal.origins:
            yield Finding(False, f"the portal {portal.id} lists no origins, so no page may hold it", "name the pages' origins in portals.origins")
        if shown[portal.id]:
            yield Finding(True, f"portal {portal.id}: {shown[portal.id]} public documents")
        else:
            yield Finding(False, f"the portal {portal.id} has no public document in {', '.join(portal.collections)}", 'set visibility = "public" on the source, and let front matter not say staff')
    broken = [f for f in status["failures"] if not f["partial"]]
    if broken:
        yield Finding(False, f"{len(broken)} files could not be read, the first: {broken[0]['path']}", "assistant status lists them with their reasons")
    if status["undated"]:
        yield Finding(True, f"{len(status['undated'])} documents have no date (assistant status lists them); a name.meta.yaml beside the file can give it")


def _packs() -> Iterator[Finding]:
    for code in codes():
        yield from examine_language(code) if missing(code) else ()
    yield Finding(True, f"language packs: {', '.join(codes())}")


def examine_language(code: str) -> list[Finding]:
    """What the pack of a language lacks, against the English one."""
    lacking = missing(code)
    if not lacking:
        return [Finding(True, f"the language pack {code} is complete")]
    state = f"the language pack {code} lacks {len(lacking)} keys" if code in codes() else f"there is no language pack for {code}; it would need {len(lacking)} keys"
    return [Finding(False, f"{state}: {', '.join(lacking)}", f"write them in assistant/language/packs/{code}.toml, after the pattern of en.toml")]
