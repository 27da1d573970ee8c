"""Chooses how dense and lexical scores are mixed, on public QA passages, held out by source.

    python -m assistant.evaluation.fusion --data DATA [--json OUT]

DATA/pairs holds `*.qa.jsonl.zst`: lines {"l": language, "q": question, "p": passage}. For every source the weights are
chosen on all the other sources and reported on it. The parts are the project's own: hashed encoder, Tantivy, question
terms, z-scores. It knows neither documents nor the pipeline, and it sets nothing: the defaults in `settings` are
changed by hand.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.index.encoders import HashedEncoder
from assistant.index.generation import nearest
from assistant.index.lexical import LexicalIndex, LexicalQuery
from assistant.language.lexical import lexical_tokens
from assistant.retrieval.names import Names
from assistant.retrieval.questions import understand
from assistant.retrieval.search import _standardised

# The shipped lengths first: everything else is compared with them.
SHIPPED = HashedEncoder._LENGTHS
LENGTHS: tuple[tuple[float, ...], ...] = (
    SHIPPED,
    (0.25, 0.7, 1.0, 1.0),
    (0.0, 0.7, 1.0, 1.0),
    (0.0, 1.0, 1.0, 1.0),
    (0.0, 0.0, 1.0, 1.0),
    (0.5, 1.0, 1.0, 0.5),
    (0.5, 1.0, 1.0),
    (0.0, 1.0, 1.0),
    (0.1, 0.5, 1.0, 1.0, 1.0),
)
GRID = tuple(round(step * 0.05, 2) for step in range(21))
RRF_K = 60
CANDIDATES = 200
_DEPTH = 10
_RESAMPLES = 10_000
_SEED = 20_260
_SMALLEST_POOL = 50

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pool:
    """Distinct passages of one source and language, and questions that some of them answer.

    `questions` are (text, rows of the passages that the source gives for it: mostly one); `clusters` number what must be
    resampled together: the questions of a passage and of its translations (the source lists translations one after the
    other).
    """

    source: str
    language: str
    passages: tuple[str, ...]
    questions: tuple[tuple[str, tuple[int, ...]], ...]
    clusters: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """What is tried beside the weights: n-gram length weights, and whether the lexical query drops stop words."""

    lengths: tuple[float, ...] = SHIPPED
    drops_stop_words: bool = True

    @property
    def name(self) -> str:
        shown = " ".join(f"{weight:g}" for weight in self.lengths)
        return f"({shown}){'' if self.drops_stop_words else ', stop words kept'}"


@dataclass(frozen=True, slots=True)
class Ranks:
    """Rank of the first right passage (1-based, 0 = not found): int [questions, GRID and one column of plain RRF]."""

    source: str
    language: str
    clusters: NDArray[np.int64]
    ranks: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean with its 95% cluster-bootstrap interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{100 * self.mean:.1f} [{100 * self.low:.1f} {100 * self.high:.1f}]"


# -- data ---------------------------------------------------------------------------------------------------------


def load_pools(folder: Path, *, passages: int, questions: int) -> list[Pool]:
    """A seeded sample of each source and language."""
    found: list[Pool] = []
    for file in sorted((folder / "pairs").glob("*.qa.jsonl.zst")):
        found.extend(_source_pools(file.name.split(".")[0], _lines(file), passages, questions))
    return found


def _lines(file: Path) -> list[dict[str, str]]:
    import zstandard

    with (
        file.open("rb") as stream,
        io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(stream), "utf-8") as text,
    ):
        return [json.loads(line) for line in text if line.strip()]


def _source_pools(source: str, lines: Sequence[Mapping[str, str]], size: int, most: int) -> list[Pool]:
    clusters: dict[tuple[str, str], int] = {}
    answers: dict[str, dict[str, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
    run, seen = 0, set[str]()
    for line in lines:
        if line["l"] in seen:
            run, seen = run + 1, set()
        seen.add(line["l"])
        clusters.setdefault((line["l"], line["p"]), run)
        answers[line["l"]][line["q"]][line["p"]] = None
    pools = []
    for language, by_question in sorted(answers.items()):
        generator = np.random.default_rng(_SEED)
        distinct = list(dict.fromkeys(passage for found in by_question.values() for passage in found))
        chosen = [distinct[i] for i in sorted(generator.permutation(len(distinct))[:size])]
        row = {passage: i for i, passage in enumerate(chosen)}
        usable = [
            (question, rows)
            for question, found in by_question.items()
            if (rows := tuple(row[p] for p in found if p in row))
        ]
        picked = [usable[i] for i in sorted(generator.permutation(len(usable))[:most])]
        if picked and len(chosen) >= min(_SMALLEST_POOL, size):
            numbers = tuple(clusters[language, chosen[rows[0]]] for _, rows in picked)
            pools.append(Pool(source, language, tuple(chosen), tuple(picked), numbers))
    return pools


# -- searching ----------------------------------------------------------------------------------------------------


def encoder_with(lengths: tuple[float, ...]) -> HashedEncoder:
    """The project's hashed encoder with other n-gram length weights."""
    return type("Varied", (HashedEncoder,), {"_LENGTHS": lengths})()  # type: ignore[no-any-return]


def search_pool(pool: Pool, variants: Sequence[Variant]) -> dict[Variant, Ranks]:
    """Every question of the pool against its passages, once for each variant."""
    keys = np.arange(len(pool.passages), dtype=np.int64)
    lexical: dict[bool, list[list[tuple[int, float]]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        index = LexicalIndex(Path(folder), create=True)
        index.change([], ((int(key), "pool", pool.passages[key]) for key in keys))
        for drops in {variant.drops_stop_words for variant in variants}:
            lexical[drops] = [index.search(LexicalQuery(_terms(text, drops)), CANDIDATES) for text, _ in pool.questions]
    dense: dict[tuple[float, ...], Floats] = {}
    found: dict[Variant, Ranks] = {}
    for variant in variants:
        if variant.lengths not in dense:
            encoder = encoder_with(variant.lengths)
            # As stored: half precision.
            rows = encoder.encode_passages(pool.passages).astype(np.float16).astype(np.float32)
            dense[variant.lengths] = (encoder.encode_questions([text for text, _ in pool.questions]) @ rows.T).astype(
                np.float64
            )
        cosines = dense[variant.lengths]
        ranks = [
            question_ranks(nearest(keys, cosines[i].astype(np.float32), CANDIDATES), hits, cosines[i], right)
            for i, ((_, right), hits) in enumerate(zip(pool.questions, lexical[variant.drops_stop_words], strict=True))
        ]
        found[variant] = Ranks(pool.source, pool.language, np.asarray(pool.clusters), np.asarray(ranks, dtype=np.int64))
    return found


def _terms(text: str, drops_stop_words: bool) -> tuple[str, ...]:
    return understand(text, Names(())).terms if drops_stop_words else tuple(dict.fromkeys(lexical_tokens(text)))


def question_ranks(
    dense: Sequence[tuple[int, float]], lexical: Sequence[tuple[int, float]], cosines: Floats, right: Sequence[int]
) -> list[int]:
    """The rank of the first right passage at each dense weight of GRID, fused as `Retriever` does, then by plain RRF.

    Weight 1 is dense alone, weight 0 lexical alone (what lexical search did not find ties behind what it found).
    """
    by_lexical = dict(lexical)
    candidates = sorted({key for key, _ in dense} | by_lexical.keys())
    positions = [i for i, key in enumerate(candidates) if key in right]
    if not positions:
        return [0] * (len(GRID) + 1)
    z_dense = _standardised([float(cosines[key]) for key in candidates])
    z_lexical = _standardised([by_lexical.get(key, 0.0) for key in candidates])
    weights = np.asarray(GRID)[:, None]
    reciprocal = dict.fromkeys(candidates, 0.0)
    for hits in (dense, lexical):
        for rank, (key, _) in enumerate(hits, 1):
            reciprocal[key] += 1 / (RRF_K + rank)
    scores = np.vstack([weights * z_dense + (1 - weights) * z_lexical, [list(reciprocal.values())]])
    # Stable, as in `Retriever`: equal scores by key.
    order = np.argsort(-scores, axis=1, kind="stable")
    return [int(rank) + 1 for rank in np.isin(order, positions).argmax(axis=1)]


# -- statistics ---------------------------------------------------------------------------------------------------


def success(ranks: NDArray[np.int64], depth: int) -> Floats:
    """1 where a right passage is among the first `depth`; recall@depth where there is only one, as nearly always."""
    return ((ranks > 0) & (ranks <= depth)).astype(np.float64)


def reciprocal_rank(ranks: NDArray[np.int64]) -> Floats:
    """1 / rank down to rank 10, else 0; its mean is MRR@10."""
    return np.where((ranks > 0) & (ranks <= _DEPTH), 1 / np.maximum(ranks, 1), 0.0)


METRICS = {"Success@1": lambda r: success(r, 1), "Success@5": lambda r: success(r, 5), "MRR@10": reciprocal_rank}


class Resampled:
    """One source's means under a fixed set of cluster resamples, so that differences are paired.

    A source's mean is the mean over its languages. Clusters go as a whole, through all languages.
    """

    def __init__(self, pools: Sequence[Ranks], resamples: int = _RESAMPLES, seed: int = _SEED) -> None:
        self._pools = pools
        _, joined = np.unique(np.concatenate([pool.clusters for pool in pools]), return_inverse=True)
        ends = np.cumsum([len(pool.clusters) for pool in pools])[:-1]
        self._clusters = np.split(joined, ends)
        self._count = int(joined.max()) + 1
        generator = np.random.default_rng(seed)
        drawn = [
            np.bincount(generator.integers(self._count, size=self._count), minlength=self._count)
            for _ in range(resamples)
        ]
        self._weights = np.asarray(drawn, dtype=np.float32)

    def means(self, values: Sequence[Floats]) -> Floats:
        """[1 + resamples]: the mean of `values` (one array of questions per pool), first as it is, then resampled."""
        total: Floats = np.zeros(1 + len(self._weights))
        for clusters, one in zip(self._clusters, values, strict=True):
            sums = np.bincount(clusters, one, self._count).astype(np.float32)
            sizes = np.bincount(clusters, minlength=self._count).astype(np.float32)
            resampled = (self._weights @ sums) / np.maximum(self._weights @ sizes, 1)
            total += np.concatenate([[one.mean()], resampled])
        return total / len(values)


def interval(means: Floats) -> Figure:
    """The first value with the 2.5% and 97.5% points of the rest."""
    low, high = np.percentile(means[1:], [2.5, 97.5])
    return Figure(float(means[0]), float(low), float(high))


def by_source(pools: Sequence[Ranks]) -> dict[str, list[Ranks]]:
    grouped: dict[str, list[Ranks]] = {}
    for pool in pools:
        grouped.setdefault(pool.source, []).append(pool)
    return grouped


def choose(sources: Sequence[Sequence[Ranks]]) -> int:
    """The column of GRID with the best MRR@10, each source counting the same, each language within it the same."""
    return int(np.argmax(surface(sources)[: len(GRID)]))


def surface(sources: Sequence[Sequence[Ranks]]) -> Floats:
    """MRR@10 of every column, as the mean over sources of the mean over languages."""
    means = [np.mean([reciprocal_rank(pool.ranks).mean(axis=0) for pool in pools], axis=0) for pools in sources]
    result: Floats = np.mean(means, axis=0)
    return result


@dataclass(frozen=True, slots=True)
class HeldOut:
    """A source (or "all": their mean) under weights that other sources chose, beside the alternatives."""

    name: str
    languages: str
    questions: int
    passages: int
    dense_weight: float
    figures: dict[str, dict[str, Figure]]
    against: dict[str, Figure]


METHODS = ("chosen", "dense", "lexical", "rrf")


def held_out(
    pools: Sequence[Ranks], sizes: Mapping[tuple[str, str], int], resamples: int
) -> tuple[list[HeldOut], dict[str, Floats]]:
    """Leave-one-source-out, and the mean over sources. Also the resampled MRR@10 by source, for pairing with others."""
    grouped = by_source(pools)
    rows: list[HeldOut] = []
    means: dict[str, dict[str, dict[str, Floats]]] = {}
    for name, members in grouped.items():
        column = choose([other for source, other in grouped.items() if source != name])
        columns = {"chosen": column, "dense": len(GRID) - 1, "lexical": 0, "rrf": len(GRID)}
        resampled = Resampled(members, resamples)
        means[name] = {
            metric: {method: resampled.means([score(p.ranks[:, c]) for p in members]) for method, c in columns.items()}
            for metric, score in METRICS.items()
        }
        languages = [p.language for p in members]
        rows.append(
            _row(
                name,
                " ".join(languages),
                sum(len(p.ranks) for p in members),
                sum(sizes[name, c] for c in languages),
                GRID[column],
                means[name],
            )
        )
    everywhere = {
        metric: {method: np.mean([means[name][metric][method] for name in grouped], axis=0) for method in METHODS}
        for metric in METRICS
    }
    rows.append(
        _row(
            "all",
            "",
            sum(r.questions for r in rows),
            sum(r.passages for r in rows),
            GRID[choose(list(grouped.values()))],
            everywhere,
        )
    )
    return rows, {**{name: means[name]["MRR@10"]["chosen"] for name in grouped}, "all": everywhere["MRR@10"]["chosen"]}


def _row(
    name: str, languages: str, questions: int, passages: int, weight: float, means: Mapping[str, Mapping[str, Floats]]
) -> HeldOut:
    figures = {method: {metric: interval(means[metric][method]) for metric in METRICS} for method in METHODS}
    against = {method: interval(means["MRR@10"]["chosen"] - means["MRR@10"][method]) for method in METHODS[1:]}
    return HeldOut(name, languages, questions, passages, weight, figures, against)


@dataclass(frozen=True, slots=True)
class Trial:
    """A variant at its own held-out weights against the shipped one: paired differences of MRR@10."""

    name: str
    dense_weight: float
    mrr: Figure
    dense_mrr: float
    lexical_mrr: float
    difference: Figure
    by_source: dict[str, Figure]
    dense_by_source: dict[str, float]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Everything the command reports; `dense_weight` is what all sources together choose."""

    dense_weight: float
    lexical_weight: float
    rows: list[HeldOut]
    curve: dict[str, float]
    trials: list[Trial]
    seconds: float


def run(
    folder: Path, *, passages: int = 2000, questions: int = 400, resamples: int = _RESAMPLES, workers: int = 2
) -> Outcome:
    """Search every pool with every variant, choose, and compare. Deterministic for one set of files."""
    started = time.perf_counter()
    pools = load_pools(folder, passages=passages, questions=questions)
    if len({pool.source for pool in pools}) < 2:
        raise SystemExit(f"{folder}/pairs needs *.qa.jsonl.zst of two sources or more")
    variants = [*dict.fromkeys(Variant(lengths) for lengths in LENGTHS), replace(Variant(), drops_stop_words=False)]
    if workers > 1:
        with ProcessPoolExecutor(workers) as executor:
            searched = list(executor.map(search_pool, pools, [variants] * len(pools)))
    else:
        searched = [search_pool(pool, variants) for pool in pools]
    sizes = {(pool.source, pool.language): len(pool.passages) for pool in pools}
    trials: list[Trial] = []
    rows, shipped = held_out([found[variants[0]] for found in searched], sizes, resamples)
    for variant in variants:
        own, means = (
            held_out([found[variant] for found in searched], sizes, resamples)
            if variant != variants[0]
            else (rows, shipped)
        )
        figures = own[-1].figures
        trials.append(
            Trial(
                variant.name,
                own[-1].dense_weight,
                figures["chosen"]["MRR@10"],
                figures["dense"]["MRR@10"].mean,
                figures["lexical"]["MRR@10"].mean,
                interval(means["all"] - shipped["all"]),
                {name: interval(means[name] - shipped[name]) for name in means if name != "all"},
                {row.name: row.figures["dense"]["MRR@10"].mean for row in own[:-1]},
            )
        )
    curve = surface(list(by_source([found[variants[0]] for found in searched]).values()))
    weight = rows[-1].dense_weight
    return Outcome(
        weight,
        round(1 - weight, 2),
        rows,
        {f"{w:.2f}": float(v) for w, v in zip(GRID, curve, strict=False)},
        trials,
        time.perf_counter() - started,
    )


def report(outcome: Outcome) -> str:
    """The outcome as Markdown tables; percentages with 95% cluster-bootstrap intervals."""
    lines = [
        "| held-out source | languages | questions / passages | dense weight chosen on the others | metric "
        "| weighted | dense only | lexical only | plain RRF |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in outcome.rows:
        for number, metric in enumerate(METRICS):
            head = (
                (row.name, row.languages, f"{row.questions} / {row.passages}", f"{row.dense_weight:.2f}")
                if not number
                else ("", "", "", "")
            )
            if not number and row.name == "all":
                head = ("mean of sources", "", head[2], f"({row.dense_weight:.2f} on all)")
            cells = [str(row.figures[method][metric]) for method in METHODS]
            lines.append("| " + " | ".join((*head, metric, *cells)) + " |")
    lines += ["", "| weighted minus …, MRR@10 | dense only | lexical only | plain RRF |", "|---|---|---|---|"]
    lines += [f"| {row.name} | " + " | ".join(str(row.against[m]) for m in METHODS[1:]) + " |" for row in outcome.rows]
    lines += ["", "| dense weight | " + " | ".join(outcome.curve) + " |", "|---|" + "---|" * len(outcome.curve)]
    lines += [
        "| MRR@10, mean of sources | " + " | ".join(f"{100 * value:.1f}" for value in outcome.curve.values()) + " |"
    ]
    names = list(outcome.trials[0].by_source)
    lines += [
        "",
        "| n-gram length weights (1, 2, …) | own dense weight | MRR@10 | dense only | lexical only | minus shipped | "
        + " | ".join(names)
        + " |",
    ]
    lines += ["|---|---|---|---|---|---|" + "---|" * len(names)]
    for trial in outcome.trials:
        cells = [
            f"{trial.dense_weight:.2f}",
            str(trial.mrr),
            f"{100 * trial.dense_mrr:.1f}",
            f"{100 * trial.lexical_mrr:.1f}",
            str(trial.difference),
        ]
        lines.append("| " + " | ".join((trial.name, *cells, *(str(trial.by_source[name]) for name in names))) + " |")
    lines += ["", "| dense only, MRR@10 | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    lines += [
        f"| {t.name} | " + " | ".join(f"{100 * t.dense_by_source[n]:.1f}" for n in names) + " |"
        for t in outcome.trials[:-1]
    ]
    lines += [
        "",
        f"Chosen: dense_weight {outcome.dense_weight:.2f}, lexical_weight {outcome.lexical_weight:.2f}. "
        f"{outcome.seconds:.0f} s.",
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m assistant.evaluation.fusion",
        description="Choose the fusion weights on QA passages, held out by source.",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds pairs/*.qa.jsonl.zst")
    parser.add_argument("--json", type=Path, help="write every figure to this file")
    parser.add_argument("--passages", type=int, default=2000, help="most passages per source and language")
    parser.add_argument("--questions", type=int, default=400, help="most questions per source and language")
    parser.add_argument("--resamples", type=int, default=_RESAMPLES, help="bootstrap resamples")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    chosen = parser.parse_args(arguments)
    outcome = run(
        chosen.data,
        passages=chosen.passages,
        questions=chosen.questions,
        resamples=chosen.resamples,
        workers=chosen.workers,
    )
    print(report(outcome))
    if chosen.json:
        values: dict[str, Any] = asdict(outcome)
        chosen.json.write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
