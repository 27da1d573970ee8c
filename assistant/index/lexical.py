"""The lexical index: BM25 over script-neutral tokens, in Tantivy.

It knows passage keys, collections and tokens; texts, names and fusion are other modules' business.
Facts honoured (tantivy-py 0.27): BM25's k1 and b are fixed; documents go in by `from_dict` with the schema, since an
int in an unsigned fast field given as a keyword kills the writer; a commit survives a kill.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.language.lexical import lexical_tokens

_WRITER_HEAP = 64_000_000


@dataclass(frozen=True, slots=True)
class LexicalQuery:
    """`terms` each count by BM25; of each name's `spellings` (token phrases) only the best match counts."""

    terms: tuple[str, ...]
    names: tuple[tuple[tuple[str, ...], ...], ...] = ()


def _schema() -> Any:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field("key", stored=True, indexed=True, fast=True)
    builder.add_text_field("collection", stored=False, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("body", stored=False, tokenizer_name="whitespace", index_option="position")
    return builder.build()


class LexicalIndex:
    """A Tantivy index in a folder: made or changed by one writer, searched by any number of readers.

    Only with `create` is a missing one made: a reader must meet an error, not an index without passages.
    """

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        import tantivy

        if create:
            folder.mkdir(parents=True, exist_ok=True)
        self._tantivy = tantivy
        self._schema = _schema()
        made = create and not (folder / "meta.json").exists()
        self._index = tantivy.Index(self._schema, path=str(folder)) if made else tantivy.Index.open(str(folder))
        self._index.register_tokenizer("whitespace", tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.whitespace()).build())
        self._searcher = self._index.searcher()

    def change(self, remove: Iterable[int], add: Iterable[tuple[int, str, str]]) -> None:
        """Remove passages by key and add (key, collection, text); one commit."""
        writer = self._index.writer(_WRITER_HEAP, 1)
        try:
            for key in remove:
                writer.delete_documents_by_query(self._tantivy.Query.term_query(self._schema, "key", int(key)))
            for key, collection, text in add:
                row = {"key": int(key), "collection": collection, "body": " ".join(lexical_tokens(text))}
                writer.add_document(self._tantivy.Document.from_dict(row, self._schema))
            writer.commit()
            writer.wait_merging_threads()
        except BaseException:
            writer.rollback()
            raise
        self._index.reload()
        self._searcher = self._index.searcher()

    def count(self) -> int:
        return int(self._searcher.num_docs)

    def frequency(self, term: str) -> int:
        """In how many passages a token stands; Tantivy counts removed ones until it merges their segment."""
        return int(self._searcher.doc_freq("body", term))

    def search(self, query: LexicalQuery, limit: int, collections: Sequence[str] = ()) -> list[tuple[int, float]]:
        """(key, BM25 score) of the best passages, best first; collections restrict without scoring."""
        q, occur = self._tantivy.Query, self._tantivy.Occur
        parts = [(occur.Should, q.term_query(self._schema, "body", term, "freq")) for term in query.terms]
        for spellings in query.names:
            phrases = [self._phrase(spelling) for spelling in spellings if spelling]
            if phrases:
                parts.append((occur.Should, q.disjunction_max_query(phrases)))
        if not parts or not self.count():
            return []
        wanted = q.boolean_query(parts)
        if collections:
            allowed = q.boolean_query([(occur.Should, q.term_query(self._schema, "collection", c)) for c in collections])
            wanted = q.boolean_query([(occur.Must, wanted), (occur.Must, q.const_score_query(allowed, 0.0))])
        hits = self._searcher.search(wanted, limit, count=False).hits
        return [(int(self._searcher.doc(address)["key"][0]), float(score)) for score, address in hits]

    def _phrase(self, tokens: tuple[str, ...]) -> Any:
        if len(tokens) == 1:
            return self._tantivy.Query.term_query(self._schema, "body", tokens[0], "freq")
        return self._tantivy.Query.phrase_query(self._schema, "body", list(tokens))
