"""Index: the store of record, embedding, and the published generations that readers search."""
