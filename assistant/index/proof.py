"""The index as plain files: its size, and the proof of a delete, bytes that only the deleted document held.

It knows the store and raw files, nothing of search.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assistant.index.store import Store, context_text, vector_hash

_SNIPPET = 48
_TOKENS = 12  # a shorter run of token ids may stand in another passage
_BLOCK = 8 << 20
_M_PERTURB = -6


@dataclass(frozen=True, slots=True)
class Evidence:
    """What must not be found again: `needles` are byte strings that no other document accounts for."""

    document_id: str
    texts: tuple[str, ...]
    needles: tuple[bytes, ...]


def unique_evidence(store: Store, fingerprint: str, dimensions: int, document_id: str, going: Sequence[str]) -> Evidence:
    """Take snippets of each passage's text, its vector's bytes and its token ids, before the document goes.

    Text that stands in a document that stays proves nothing and is left out.
    """
    document = store.document(document_id)
    assert document is not None
    needles: list[bytes] = []
    passages = store.document_passages(document_id)
    for heading, text in passages:
        snippet = text[:_SNIPPET]
        alone = len(snippet) >= 8 and not store.contains_text(snippet, excluding=going)
        if alone:
            needles.append(snippet.encode("utf-8"))
        hash_ = vector_hash(context_text(document.title, heading, text))
        if store.has_vector(fingerprint, hash_) and not store.shares_vector(hash_, excluding=going):
            row = store.vectors(fingerprint, [hash_], dimensions)[0]
            (ids,) = store.tokens(fingerprint, [hash_])
            # Another text may have the same tokens in another order or case.
            if store.accounts_for(hash_, fingerprint, row.astype("<f2").tobytes(), ids.tobytes(), excluding=going):
                continue
            if np.count_nonzero(row) >= 16:
                needles.append(row.tobytes())
                needles.append(row.astype("<f4").tobytes())
            if alone and len(ids) >= _TOKENS:
                needles.append(ids.tobytes())
    return Evidence(document_id, tuple(text for _, text in passages), tuple(needles))


@contextmanager
def scrubbed_memory() -> Iterator[None]:
    """While it lasts, what is freed is overwritten; what was freed before goes back to the system (glibc; elsewhere nothing).

    Chroma writes whole buffers to its files, also the parts that it never filled: a deleted vector that this process once held
    was found in one of them.
    """
    libc = ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
    if libc:
        libc.mallopt(ctypes.c_int(_M_PERTURB), ctypes.c_int(0x5A))
        libc.malloc_trim(ctypes.c_size_t(0))
    try:
        yield
    finally:
        if libc:
            libc.mallopt(ctypes.c_int(_M_PERTURB), ctypes.c_int(0))


def traces(index: Path, evidence: Evidence) -> list[str]:
    """Names of the files below the index in which one of the needles still stands."""
    if not evidence.needles:
        return []
    found = []
    longest = max(map(len, evidence.needles))
    for path in sorted(p for p in index.rglob("*") if p.is_file()):
        tail = b""
        # A reader that opens the index makes files that are gone a moment later.
        with suppress(FileNotFoundError), path.open("rb") as file:
            while block := file.read(_BLOCK):
                window = tail + block
                if any(needle in window for needle in evidence.needles):
                    found.append(path.relative_to(index).as_posix())
                    break
                tail = window[-longest:]
    return found


def size(index: Path) -> int:
    """Bytes of all files below the index."""
    total = 0
    for path in index.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total
