"""A real LlamaIndex query engine over this project's passages."""

from __future__ import annotations

from pathlib import Path

from assistant import Assistant, Settings


def test_a_query_engine_answers_from_our_passages(tmp_path: Path) -> None:
    from llama_index.core.llms import MockLLM
    from llama_index.core.query_engine import RetrieverQueryEngine
    from llama_index.core.response_synthesizers import get_response_synthesizer

    from assistant.integrations.llama_index import AssistantRetriever

    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "hafen.md").write_text("# Hafenforum\n\nDas Hafenforum beginnt am 9. Juni 2025.\n\n# Anreise\n\nMit der Fähre.\n", encoding="utf-8")
    with Assistant.open(Settings(corpus={"paths": [tmp_path / "docs"]}, index={"path": tmp_path / "index"})) as assistant:
        assistant.ingest()
        retriever = AssistantRetriever(assistant, top_k=1)
        engine = RetrieverQueryEngine(retriever, response_synthesizer=get_response_synthesizer(llm=MockLLM()))
        response = engine.query("Wann beginnt das Hafenforum?")
        (source,) = response.source_nodes
        document = assistant.document(source.node.metadata["document_id"])
        assert "9. Juni 2025" in source.node.text
        assert document.text[source.node.start_char_idx : source.node.end_char_idx] == source.node.text
        assert source.node.source_node.node_id == document.id
        assert source.score == assistant.search("Wann beginnt das Hafenforum?", top_k=1)[0].score


def test_our_answers_are_a_query_engines(tmp_path: Path) -> None:
    from assistant.integrations.llama_index import AssistantQueryEngine

    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "hafen.md").write_text("# Hafenforum\n\nDas Hafenforum beginnt am 9. Juni 2025.\n\n# Anreise\n\nMit der Fähre.\n", encoding="utf-8")
    with Assistant.open(Settings(corpus={"paths": [tmp_path / "docs"]}, index={"path": tmp_path / "index"})) as assistant:
        assistant.ingest()
        response = AssistantQueryEngine(assistant).query("Wann beginnt das Hafenforum?")
        assert "9. Juni 2025" in str(response)
        assert response.metadata is not None
        assert response.metadata["mode"] == "extractive"
        source = response.source_nodes[0].node
        document = assistant.document(source.metadata["document_id"])
        assert document.text[source.start_char_idx : source.end_char_idx] == source.get_content()
