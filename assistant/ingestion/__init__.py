"""Ingestion: files and connectors -> Document -> Chunk."""
