"""The model card: attribution, recipe, limits, and results measured on held-out text. It knows no training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from assistant.index.embedded import EmbeddedEncoder
from assistant.training import heldout
from assistant.training.sources import LANGUAGES, Source

_ASKED = ("en", "de", "ja", "zh", "fr", "es", "ko", "ru", "pt")

_HEAD = """---
license: cc-by-sa-4.0
library_name: model2vec
pipeline_tag: sentence-similarity
language: [{languages}]
---

# {name}

A static multilingual encoder: one row of {dimensions} numbers for each of {vocabulary:,} tokens; a text's vector is the sum of its
tokens' rows. It runs on tokenizers and numpy, without torch and without a network, and it serves late interaction
(MaxSim) from the same table. It was trained for Forum Assistant, to find passages in one language for questions in another.

Languages: English, German, Japanese, Chinese first; French, Spanish, Korean, Russian, Portuguese, Italian; some Arabic.

```python
from sentence_transformers import SentenceTransformer   # or: model2vec.StaticModel.from_pretrained(folder)

model = SentenceTransformer("assistant/models/{name}")
```

Both give the same vectors as this project's code gives for questions (cosine ≥ .9999, tested).{pooling}

## Files

`model.safetensors`: `embeddings` int8 [{vocabulary}, {dimensions}], `weights` float32 [{vocabulary}] (the scale of each row); `tokenizer.json`:
byte-safe BPE over NFKC lower case, cut by script. `max_length` is null: a text is not truncated.

## Recipe

`python -m assistant.training --data DATA --out FOLDER`, seeded, on a CPU. InfoNCE over in-batch negatives in both directions,
scale 20, Adam on the touched rows, the rate falling to nothing. Every other batch holds parallel sentences and titles, the
others passages: questions, headings, and spans of 4 to 16 tokens against sections and windows of neighbouring lines, mostly in another
language. Languages and sources are drawn by weight. The rows are then rounded to int8 with one scale each.

"""

_LIMITS = """
## Limits

- It sums words: it knows neither their order nor negation, and a passage with the right words in another sense looks right.
- Much of the parallel text of Portuguese, Italian, Russian and Korean is software documentation; everyday words
  that it lacks are weaker there. Arabic is trained on little.
- Rare names are known by their spelling only. Forum Assistant adds aliases and lexical search for them.
- The held-out texts are news. Questions of another domain may do better or worse.
- Published figures of transformer encoders are of other tests; it was not possible to run them beside it.

## Attribution and licence

The weights are licensed CC BY-SA 4.0, since part of the sources is share-alike. They were learned from these sources; where
a remark stands, the licence is to be checked again before a release.

| source | origin | licence | remark |
|---|---|---|---|
"""


def card(folder: Path, sources: Sequence[Source], data: Path, recipe: Mapping[str, object]) -> str:
    """The text of the card for the model in `folder`; measures it."""
    encoder = EmbeddedEncoder.load(folder)
    pooling = " In passages this project counts a token that occurs n times 1 + log n times." if "-log" in encoder.fingerprint else ""
    head = _HEAD.format(
        name=folder.name, dimensions=recipe["dimensions"], vocabulary=recipe["vocabulary"], languages=", ".join(LANGUAGES), pooling=pooling
    )
    settings = "| setting | value |\n|---|---|\n" + "".join(f"| {key} | {value} |\n" for key, value in recipe.items())
    rows = "".join(f"| {s.file} | {s.origin.replace('|', '/')} | {s.licence.replace('|', '/')} | {s.unconfirmed} |\n" for s in sources if not s.held)
    return head + settings + "\n" + results(encoder, sources, data) + _LIMITS + rows


def results(encoder: EmbeddedEncoder, sources: Sequence[Source], data: Path) -> str:
    """The held-out results as Markdown."""
    news = heldout.news(data)
    sentences = heldout.sentence_retrieval(encoder, news)
    parts = [
        "## Results on held-out text\n\nSentences: of 1,000 NTREX news sentences, how often a translation is found first (mean of both directions with English), percent.\n",
        _table(["", *sentences], [["first", *(_percent(v) for v in sentences.values())]]),
    ]
    asked = heldout.questions()
    found = heldout.passage_retrieval(encoder, news, asked, _ASKED)
    parts.append(
        f"Passages: {len(asked)} questions written for this project, each in nine languages, in a pool of 240 NTREX passages of one language; late interaction "
        "and dense together; R@5 (R@1), percent. Rows ask, columns answer.\n"
    )
    parts.append(
        _table(["", *_ASKED], [[row, *(f"{_percent(found[row, c][1])} ({_percent(found[row, c][0])})" for c in _ASKED)] for row in _ASKED])
    )
    for name, chosen in (("en, de, zh", ("en", "de", "zh")), ("en, de, zh, es, ru", ("en", "de", "zh", "es", "ru")), ("all nine", _ASKED)):
        same = [found[a, a] for a in chosen]
        across = [found[a, b] for a in chosen for b in chosen if a != b]
        parts.append(
            f"- {name}: same language R@5 {_mean(same, 1)} (R@1 {_mean(same, 0)}), across languages R@5 {_mean(across, 1)} (R@1 {_mean(across, 0)})"
        )
    mixed = heldout.mixed_pool(encoder, news, asked, _ASKED)
    parts.append(
        "\nMixed pool: the same passages in nine languages at once (2,160). Any version in the top 5, and a version in another language than the question's in the top 10, percent.\n"
    )
    parts.append(
        _table(["", *mixed], [["any, top 5", *(_percent(a) for a, _ in mixed.values())], ["another language, top 10", *(_percent(b) for _, b in mixed.values())]])
    )
    own = heldout.own_language(encoder, sources, data)
    parts.append("Held-out questions of the training's question sources, in a pool of up to 240 passages of their source, percent.\n")
    parts.append(_table(["", *own], [["R@5 (R@1)", *(f"{_percent(b)} ({_percent(a)})" for a, b in own.values())]]))
    return "\n".join(parts)


def _mean(pairs: Sequence[tuple[float, float]], which: int) -> str:
    return _percent(sum(pair[which] for pair in pairs) / len(pairs))


def _percent(share: float) -> str:
    return f"{100 * share:.0f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
