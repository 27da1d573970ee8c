"""The one command: data in, a model folder out. Every stage is kept on disk; a second start goes on where the first stopped."""

from __future__ import annotations

import ctypes
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from tokenizers import Tokenizer

from assistant.errors import AssistantError
from assistant.training import corpus, tokenizer
from assistant.training.batches import Batches
from assistant.training.card import card
from assistant.training.export import write
from assistant.training.sources import LANGUAGES, Source, available
from assistant.training.table import Table, rate_at

# Characters of each language that the vocabulary is learned from: Han and kana say as much in half as many.
_CHARACTERS = {"en": 12e6, "de": 12e6, "ja": 6e6, "zh": 6e6, "ko": 6e6, "ar": 2e6, "fr": 9e6, "es": 9e6, "ru": 10e6, "pt": 7e6, "it": 7e6}
_SHARES = {"titles": 0.25, "sentences": 0.3, "documents": 0.15, "sections": 0.1, "questions": 0.2}
_THINNED = {"documents": 3, "sections": 3}  # every third line is enough
_SAVED_EVERY = 250  # steps

console = Console(stderr=True)


def main(
    data: Annotated[Path, typer.Option(help="Folder with pairs/*.jsonl.zst and heldout/.", exists=True, file_okay=False)],
    out: Annotated[Path, typer.Option(help="Folder the model is written to.")],
    exclude: Annotated[list[str], typer.Option(help="Leave a source out, by name; may be repeated.")] = [],  # noqa: B006
    work: Annotated[Path | None, typer.Option(help="Folder for what is kept between starts; OUT.work by default.")] = None,
    steps: Annotated[int, typer.Option(help="Half of them on sentences, half on passages.", min=0)] = 5600,
    short_batch: Annotated[int, typer.Option(help="Sentences in a batch.", min=2)] = 4096,
    long_batch: Annotated[int, typer.Option(help="Questions and passages in a batch.", min=2)] = 2048,
    vocabulary: Annotated[int, typer.Option(min=1000)] = 84992,
    dimensions: Annotated[int, typer.Option(min=8)] = 448,
    rate: Annotated[float, typer.Option(help="Adam's peak learning rate.")] = 0.05,
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    """Train the embedded encoder and write it with its model card."""
    started = time.monotonic()
    _keep_freed_memory()
    torch.set_num_threads(min(torch.get_num_threads(), 4))
    work = work or out.with_name(out.name + ".work")
    work.mkdir(parents=True, exist_ok=True)
    try:
        sources = available(data, exclude)
        words = _tokenizer(sources, data, work, vocabulary, seed)
        texts = _texts(sources, data, work, words)
        size = words.get_vocab_size()
        table = _train(Batches(texts, size, seed), work, Table.fresh(size, dimensions, seed), steps, rate, (short_batch, long_batch))
        write(out, table.rows.numpy(), words)
        recipe = {
            "steps": steps, "batch": f"{short_batch} sentences, {long_batch} passages", "peak rate": rate, "seed": seed, "vocabulary": size, "dimensions": dimensions,
        }  # fmt: skip
        console.print("measuring on held-out text")
        (out / "README.md").write_text(card(out, sources, data, recipe), "utf-8")
    except AssistantError as error:
        console.print(f"[red]{error}[/red]", soft_wrap=True)
        raise typer.Exit(1) from error
    console.print(f"written to {out} after {(time.monotonic() - started) / 60:.0f} minutes")


def _keep_freed_memory() -> None:
    """Let glibc reuse large blocks: handing them back and faulting them in anew at every step took half of the time."""
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(ctypes.c_int(-4), ctypes.c_int(0))  # M_MMAP_MAX
        libc.mallopt(ctypes.c_int(-1), ctypes.c_int(2**31 - 1))  # M_TRIM_THRESHOLD


def _tokenizer(sources: list[Source], data: Path, work: Path, vocabulary: int, seed: int) -> Tokenizer:
    path = work / "tokenizer.json"
    if not path.is_file():
        console.print("tokenizer: reading")
        chosen = tokenizer.balanced(_sampled(sources, data), _CHARACTERS, _SHARES, seed)
        console.print(f"tokenizer: learning from {sum(map(len, chosen)) / 1e6:.0f} million characters")
        tokenizer.train(chosen, vocabulary).save(str(path))
    return Tokenizer.from_file(str(path))


def _sampled(sources: list[Source], data: Path) -> Iterator[tuple[str, str, str]]:
    """(group, language, text) of what the vocabulary is learned from."""
    for _, group, rows in corpus.training_rows(sources, data):
        for number, (asked, found) in enumerate(rows):
            if number % _THINNED.get(group, 1):
                continue
            for side in (asked,) if asked is found else (asked, found):
                for language, text in side.items():
                    if language in LANGUAGES:
                        yield group, language, text


def _texts(sources: list[Source], data: Path, work: Path, words: Tokenizer) -> list[corpus.Texts]:
    made = []
    for name, group, rows in corpus.training_rows(sources, data):
        console.print(f"tokens: {name}")
        made.append(corpus.tokenised(name, group, rows, words, work / "tokens"))
    return [texts for texts in made if len(texts)]


def _train(batches: Batches, work: Path, table: Table, steps: int, rate: float, sizes: tuple[int, int]) -> Table:
    """Batches of sentences and of passages take turns; `sizes` are theirs."""
    path = work / "table.pt"
    if path.is_file():
        table = Table.load(path)
    columns = (TextColumn("training"), BarColumn(), TextColumn("{task.completed}/{task.total} loss {task.fields[loss]:.3f}"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task("", total=steps, completed=table.step, loss=float("nan"))
        while table.step < steps:
            long = table.step % 2 == 1
            loss = table.learn(batches.draw(table.step, sizes[long], long=long), rate_at(table.step, steps, rate))
            progress.update(task, completed=table.step, loss=loss)
            if table.step % _SAVED_EVERY == 0 or table.step == steps:
                table.save(path)
    return table


if __name__ == "__main__":
    typer.run(main)
