"""Makes documents with passages, and stores filled with them, without reading files.

The texts are the tests' own: numbered sentences in four languages, each with a word that no other one has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from assistant.index.encoders import Encoder, HashedEncoder, LateEncoder
from assistant.index.publishing import publish
from assistant.index.store import Store
from assistant.schema import Chunk, Document

ENCODER = HashedEncoder(64)
CHUNKING = "v1-test"
_SENTENCES = {
    "en": "Forum number {n} deals with topic {word} and opens in room {n}.",
    "de": "Das Forum Nummer {n} behandelt Thema {word} und beginnt in Saal {n}.",
    "ja": "第{n}回フォーラムは{word}を扱い、会議室{n}で開かれる。",
    "zh": "第{n}届论坛讨论{word}，在{n}号厅举行。",
}


def word(number: int) -> str:
    """A made-up word that belongs to this number alone."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return "".join(chr(ord("a") + int(digest[i : i + 2], 16) % 26) for i in range(0, 16, 2))


def sentence(number: int, language: str = "en") -> str:
    return _SENTENCES[language].format(n=number, word=word(number))


def document(number: int, *, language: str = "en", passages: int = 1, collection: str = "default", **fields: Any) -> Document:
    texts = [sentence(number * 100 + i, language) for i in range(passages)]
    text = fields.pop("text", "\n\n".join(texts))
    digest = hashlib.sha256(text.encode()).hexdigest()
    values = {"title": f"Document {number}", "content_hash": digest, **fields}
    return Document(id=f"{collection}/tests/{number}.md", text=text, language=language, collection=collection, **values)


def chunks(document: Document) -> list[Chunk]:
    """One passage for each paragraph."""
    found, position = [], 0
    for ordinal, text in enumerate(document.text.split("\n\n")):
        start = document.text.index(text, position)
        position = start + len(text)
        found.append(
            Chunk(
                f"{document.id}#{ordinal}", document.id, text, start, position, language=document.language, title=document.title,
                date=document.date, source=document.source, collection=document.collection,
            )
        )  # fmt: skip
    return found


def put(store: Store, documents: Iterable[Document], encoder: Encoder = ENCODER) -> None:
    with store.transaction():
        for item in documents:
            store.put(item, chunks(item), "tests", f"/tests/{item.id}")
    embed(store, encoder)


def embed(store: Store, encoder: Encoder = ENCODER) -> int:
    """Vectors, and token ids where the encoder has them, for the passages that lack them; returns how many."""
    count = 0
    for batch in store.missing_vectors(encoder.fingerprint):
        texts = [text for _, text in batch]
        tokens = encoder.token_ids(texts) if isinstance(encoder, LateEncoder) else ()
        store.put_vectors(encoder.fingerprint, [h for h, _ in batch], encoder.encode_passages(texts), tokens)
        count += len(batch)
    return count


def remove(store: Store, document_ids: Sequence[str]) -> None:
    with store.transaction():
        store.remove(document_ids, tombstone=False)


def publish_now(index: Path, store: Store, encoder: Encoder = ENCODER, *, rebuild: bool = False) -> int:
    return publish(index, store, encoder.fingerprint, CHUNKING, encoder.dimensions, rebuild=rebuild)[0]
