"""A judge model's opinion of a run's answers, by llama-index's evaluators: beside the measured figures, never in a gate.

Faithfulness: do the cited passages say what the answer says? Correctness: does the answer say what the gold says? A verdict that the
model could not give (a fault, or words that hold none) is unmeasured, which is neither yes nor no.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assistant.evaluation.reviews import Agreement, agreement
from assistant.schema import Progress, silent

if TYPE_CHECKING:
    from llama_index.core.llms import LLM

    from assistant.evaluation.runs import Result


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the judge says of one answer; None is unmeasured."""

    key: str
    faithful: bool | None
    correct: bool | None


@dataclass(frozen=True, slots=True)
class Judged:
    """All opinions, and how many faults of the model there were by name."""

    model: str
    opinions: tuple[Opinion, ...]
    faults: dict[str, int]


def judge(results: Sequence[Result], llm: LLM, *, workers: int = 2, progress: Progress = silent) -> Judged:
    """The judge's opinion of every answer that cites something. A model that fails makes verdicts unmeasured; nothing is raised."""
    from assistant.answering.models import model_name

    chosen = [result for result in results if result.citations]
    faults: Counter[str] = Counter()

    def opinion(result: Result) -> Opinion:
        return Opinion(result.key, asyncio.run(_faithful(result, llm, faults)), asyncio.run(_correct(result, llm, faults)) if result.gold else None)

    made: list[Opinion] = []
    with ThreadPoolExecutor(workers) as pool:
        for one in pool.map(opinion, chosen):
            made.append(one)
            progress("judge", len(made), len(chosen))
    return Judged(model_name(llm), tuple(made), dict(faults))


def agreements(found: Judged, results: Sequence[Result]) -> list[Agreement]:
    """How far the judge agrees: its correctness with the measured verdict, its faithfulness with the validity of citations."""
    by_key = {result.key: result for result in results}
    correct = [(one.correct, not by_key[one.key].score.wrong) for one in found.opinions if by_key[one.key].gold]
    faithful = [(one.faithful, by_key[one.key].score.valid == by_key[one.key].score.cited) for one in found.opinions]
    return [agreement(f"{found.model}: correct", correct), agreement(f"{found.model}: faithful", faithful)]


async def _faithful(result: Result, llm: LLM, faults: Counter[str]) -> bool | None:
    from llama_index.core.evaluation import FaithfulnessEvaluator

    try:
        found = await FaithfulnessEvaluator(llm=llm).aevaluate(query=result.question, response=result.text, contexts=[c["quote"] for c in result.citations])
    except Exception as error:  # noqa: BLE001 - whatever a provider raises, the verdict is unmeasured
        faults[type(error).__name__] += 1
        return None
    # The evaluator takes all that is not "yes" for a no, an empty answer too.
    return found.passing if re.search(r"\b(?:yes|no)\b", found.feedback or "", re.IGNORECASE) else None


async def _correct(result: Result, llm: LLM, faults: Counter[str]) -> bool | None:
    from llama_index.core.evaluation import CorrectnessEvaluator

    try:
        found = await CorrectnessEvaluator(llm=llm).aevaluate(query=result.question, response=result.text, reference="\n".join(gold["quote"] for gold in result.gold))
    except Exception as error:  # noqa: BLE001 - as above; its parser raises for words without a score too
        faults[type(error).__name__] += 1
        return None
    return found.passing if found.score is not None and 1 <= found.score <= 5 else None
