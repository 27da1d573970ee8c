"""Retrieval: a question -> ranked passages."""
