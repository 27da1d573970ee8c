"""This project as a LlamaIndex retriever and query engine: passages as nodes, and verified answers as responses.

It translates and adds nothing; ranking and release rules are the assistant's. Importing it imports llama-index-core.
"""

from __future__ import annotations

import asyncio
from typing import Any

from llama_index.core.base.base_query_engine import BaseQueryEngine
from llama_index.core.base.response.schema import Response
from llama_index.core.callbacks import CallbackManager
from llama_index.core.prompts.mixin import PromptMixinType
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


class AssistantQueryEngine(BaseQueryEngine):
    """Answers with an open assistant: the response is its text, the source nodes are the cited quotes, in the order of their numbers.

    `metadata` holds mode, abstained and notes. Raises what `Assistant.ask` raises.
    """

    def __init__(self, assistant: Assistant, *, filters: Filters | None = None) -> None:
        self._assistant = assistant
        self._filters = filters
        super().__init__(callback_manager=CallbackManager([]))

    def _query(self, query_bundle: QueryBundle) -> Response:
        answer = self._assistant.ask(query_bundle.query_str, filters=self._filters)
        sources = [
            NodeWithScore(
                node=TextNode(
                    text=c.quote, start_char_idx=c.start, end_char_idx=c.end, relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=c.document_id)},
                    metadata={"number": c.number, "title": c.title, "heading": c.heading, "language": c.language, "date": c.date, "source": c.source, "page": c.page, "document_id": c.document_id},
                )
            )
            for c in answer.citations
        ]  # fmt: skip
        return Response(answer.text, source_nodes=sources, metadata={"mode": answer.mode, "abstained": answer.abstained, "notes": list(answer.notes)})

    async def _aquery(self, query_bundle: QueryBundle) -> Response:
        return await asyncio.to_thread(self._query, query_bundle)

    def _get_prompt_modules(self) -> PromptMixinType:
        return {}
