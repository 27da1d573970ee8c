"""A shelf of small documents about forums that do not exist, and the ways to ask it without an index."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from assistant.answering import extractive, selection
from assistant.answering.evidence import Needs, TokenSet, held_by, needs
from assistant.answering.matching import Matcher
from assistant.index.encoders import packaged_table
from assistant.ingestion.chunking import chunk
from assistant.retrieval.names import Names
from assistant.retrieval.questions import understand
from assistant.schema import Answer, Chunk, Document, ScoredChunk
from assistant.settings import AnsweringSettings

NAMES = Names([["Lake Health Forum", "湖畔健康论坛", "レイクヘルスフォーラム", "Seeforum"], ["Copper Cluster", "Kupfercluster"]])


def document(name: str, language: str, title: str, text: str, date: str = "2024-05-09", metadata: Mapping[str, Any] | None = None) -> Document:
    return Document(f"default/shelf/{name}.md", text, title, language, source=f"https://example.org/{name}", date=date, metadata=metadata or {})


DOCUMENTS = [
    document(
        "lake", "en", "Lake Health Forum",
        "The Lake Health Forum opens on 9 December 2024 in the congress hall. It expects 450 delegates from 12 countries. "
        "The Lake Health Forum is organised by the Blue Water Association.\n\n"
        "The forum has three goals:\n- share vaccine data\n- train nurses\n- reach remote patients\n\n"
        "The forum was founded because rural clinics lacked vaccines.",
    ),
    document(
        "see", "de", "Seeforum",
        "Das Seeforum beginnt am 9. Dezember 2024 in der Kongresshalle. Es werden 450 Gäste aus 12 Ländern erwartet. "
        "Die Anmeldung kostet z. B. für Studierende 20 Euro.",
    ),
    document("hu", "zh", "湖畔健康论坛", "湖畔健康论坛将于2024年12月9日在会议中心开幕。预计有450名代表参加。论坛的目标是共享疫苗数据。", date=""),
    document("mizuumi", "ja", "レイクヘルスフォーラム", "レイクヘルスフォーラムは2024年12月9日に開幕する。450名の参加が見込まれる。「ワクチンのデータを共有したい。」と主催者は述べた。"),
    document("copper", "en", "Copper Cluster", "The Copper Cluster links seven laboratories. Its annual budget is 3.5 million euros. A library was added in 2019.", date="2023"),
]  # fmt: skip
BY_ID = {item.id: item for item in DOCUMENTS}


def passages_of(documents: Sequence[Document] = DOCUMENTS, size: int = 160) -> list[Chunk]:
    return [item for document in documents for item in chunk(document, size, 0)]


def wanting(question: str, documents: Sequence[Document] = DOCUMENTS, language: str = "") -> Needs:
    held = [TokenSet(f"{c.title} {c.text}") for c in passages_of(documents)]
    return needs(understand(question, NAMES, language=language), lambda term: sum(tokens.has_term(term) == 1 for tokens in held), len(held))


def ranked(wanted: Needs, documents: Sequence[Document] = DOCUMENTS) -> list[ScoredChunk]:
    """The passages, those that hold most of the question first."""
    scored = [(held_by(wanted, [(TokenSet(f"{c.title} {c.text}"), 1.0)]).all, c) for c in passages_of(documents)]
    scored.sort(key=lambda pair: -pair[0])
    return [ScoredChunk(item, score, rank) for rank, (score, item) in enumerate(scored, 1)]


def ask(question: str, documents: Sequence[Document] = DOCUMENTS, language: str = "", **settings: Any) -> Answer:
    wanted = wanting(question, documents)
    shelf = {item.id: item for item in documents}
    return answered(wanted, ranked(wanted, documents), shelf.__getitem__, language, **settings)


def answered(wanted: Needs, passages: Sequence[ScoredChunk], documents: Callable[[str], Document], language: str = "", **settings: Any) -> Answer:
    """The answer that the passages give, by the packaged table and selection."""
    considered = extractive.consider(wanted, passages, NAMES, Matcher(packaged_table()))
    return extractive.answer(considered, passages, documents, NAMES, selection.read(), AnsweringSettings(**settings), language)
