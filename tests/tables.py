"""Makes a tiny tokenizer and a table with random rows, as a model folder and as an encoder.

The sentences are the tests' own.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from assistant.index.embedded import EmbeddedEncoder
from assistant.training.export import quantised, write
from assistant.training.tokenizer import train

SENTENCES = [
    "The forum on new medicines opens in the spring and ends in the autumn.",
    "Das Forum über neue Arzneimittel beginnt im Frühjahr und endet im Herbst.",
    "新薬に関するフォーラムは春に始まり、秋に終わる。研究者と企業が集まる。",
    "新药论坛春季开幕，秋季闭幕。研究人员和企业参加会议。",
    "신약 포럼은 봄에 시작하여 가을에 끝난다. 연구자와 기업이 모인다.",
    "Форум по новым лекарствам открывается весной и заканчивается осенью.",
    "يبدأ المنتدى حول الأدوية الجديدة في الربيع وينتهي في الخريف.",
    "Le forum sur les nouveaux médicaments ouvre au printemps et finit en automne.",
]
DIMENSIONS = 32


@cache
def tokenizer() -> Tokenizer:
    return train(SENTENCES * 4, 900, progress=False)


def rows(seed: int = 0) -> np.ndarray:
    """float32 [vocabulary, DIMENSIONS], of different lengths."""
    random = np.random.default_rng(seed)
    size = tokenizer().get_vocab_size()
    return (random.normal(size=(size, DIMENSIONS)) * random.uniform(0.2, 3, (size, 1))).astype(np.float32)


def encoder(seed: int = 0, *, log_tf: bool = True) -> EmbeddedEncoder:
    table, scales = quantised(rows(seed))
    return EmbeddedEncoder(tokenizer(), table, scales, f"tiny-{seed}", log_tf=log_tf)


def folder(path: Path, seed: int = 0) -> Path:
    write(path, rows(seed), tokenizer())
    return path
