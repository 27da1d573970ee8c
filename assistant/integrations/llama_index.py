"""This project as a LlamaIndex retriever: its passages as nodes, for query engines and agents built with LlamaIndex.

It translates and adds nothing; ranking and release rules are the assistant's. Importing it imports llama-index-core.
"""

from __future__ import annotations

from typing import Any

from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeRelationship, NodeWithScore, QueryBundle, RelatedNodeInfo, TextNode

from assistant.pipeline import Assistant
from assistant.schema import Filters, ScoredChunk


def as_node(found: ScoredChunk) -> NodeWithScore:
    """A passage as a node: its id, text and offsets, where it comes from, and its score."""
    chunk = found.chunk
    metadata: dict[str, Any] = {
        "title": chunk.title, "heading": chunk.heading, "language": chunk.language, "date": chunk.date, "source": chunk.source,
        "page": chunk.page, "document_id": chunk.document_id, "collection": chunk.collection,
    }  # fmt: skip
    node = TextNode(
        id_=chunk.id, text=chunk.text, metadata=metadata, start_char_idx=chunk.start, end_char_idx=chunk.end,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=chunk.document_id)},
    )  # fmt: skip
    return NodeWithScore(node=node, score=found.score)


class AssistantRetriever(BaseRetriever):
    """Retrieves with an open assistant. Raises what `Assistant.search` raises."""

    def __init__(self, assistant: Assistant, *, top_k: int = 5, filters: Filters | None = None) -> None:
        self._assistant = assistant
        self._top_k = top_k
        self._filters = filters
        super().__init__()

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return [as_node(found) for found in self._assistant.search(query_bundle.query_str, top_k=self._top_k, filters=self._filters)]
