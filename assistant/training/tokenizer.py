"""The tokenizer: byte-safe BPE over NFKC lower case, cut by script, balanced over languages.

A word of an alphabet keeps the space before it, so that a word's beginning differs from its middle; runs of Han, kana,
digits and letters never share a token, so kanji and Chinese share theirs. What the vocabulary lacks falls back to bytes.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Tokenizer

UNKNOWN = "<unk>"
_CJK = r"\p{Han}\p{Hiragana}\p{Katakana}ー"
_ALPHABETIC = rf"[\p{{L}}\p{{M}}&&[^{_CJK}]]"
_PIECES = rf" ?{_ALPHABETIC}+|[\p{{Han}}]+|[\p{{Hiragana}}]+|[\p{{Katakana}}ー]+|\p{{N}}+|[^\s\p{{L}}\p{{M}}\p{{N}}]"


def blank() -> Tokenizer:
    """The tokenizer without a vocabulary."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN, byte_fallback=True))
    # Each word gets the space that BPE needs to see its beginning, whatever stands before it ("(word", 昌平word).
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex(rf"(?<![ {_ALPHABETIC}])(?={_ALPHABETIC})"), " "),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(_PIECES), "isolated"), pre_tokenizers.Split(Regex(r"^\s+$"), "removed")]
    )
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


def balanced(texts: Iterable[tuple[str, str, str]], characters: Mapping[str, float], shares: Mapping[str, float], seed: int) -> list[str]:
    """Texts from (group, language, text): each language's characters, filled from the groups by their shares.

    What one group lacks, the others give.
    """
    pools: dict[str, dict[str, list[str]]] = {}
    for group, language, text in texts:
        pools.setdefault(language, {}).setdefault(group, []).append(text)
    chosen: list[str] = []
    for language in sorted(pools):
        groups = pools[language]
        sizes = {group: sum(map(len, pool)) for group, pool in groups.items()}
        left, share = characters[language], sum(shares[group] for group in groups)
        for group in sorted(groups, key=lambda g: sizes[g] / shares[g]):  # those that lack most first
            budget = min(sizes[group], int(left * shares[group] / share))
            left, share = left - budget, share - shares[group]
            pool = sorted(set(groups[group]))
            random.Random(seed).shuffle(pool)  # noqa: S311
            for text in pool:
                if budget <= 0:
                    break
                chosen.append(text)
                budget -= len(text)
    return chosen


def train(texts: Iterable[str], size: int, *, progress: bool = True) -> Tokenizer:
    """A tokenizer of `size` tokens learned from texts."""
    from tokenizers import Tokenizer, trainers

    tokenizer = blank()
    trainer = trainers.BpeTrainer(
        vocab_size=size - 256, min_frequency=3, limit_alphabet=7500, special_tokens=[UNKNOWN], show_progress=progress, max_token_length=20
    )
    tokenizer.train_from_iterator(texts, trainer)
    return Tokenizer.from_str(json.dumps(_with_bytes(json.loads(tokenizer.to_str()))))


def _with_bytes(parts: dict[str, Any]) -> dict[str, Any]:
    """The vocabulary with the 256 byte tokens behind it: the trainer does not know of them."""
    vocabulary = parts["model"]["vocab"]
    for byte in range(256):
        vocabulary.setdefault(f"<0x{byte:02X}>", len(vocabulary))
    return parts
