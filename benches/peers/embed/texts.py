"""What is embedded: the sample notes in examples/data, cut into texts of wanted lengths."""

import json
import math
import pathlib
import random
from collections.abc import Callable
from dataclasses import dataclass

NOTES = pathlib.Path(__file__).resolve().parents[3] / "examples/data/notes.jsonl"

CountTokens = Callable[[list[str]], list[int]]


@dataclass(frozen=True)
class Texts:
    """Lengths are in the model's tokens, without special ones."""

    queries: list[str]
    """100 titles of 8 to 16 tokens."""
    passages: list[str]
    """Running text, 110 tokens each."""
    mixed: list[str]
    """The same, 5 to 256 tokens, short ones more often."""
    short: list[str]
    """10,000 windows of 12 words, English and French."""


def make(count_tokens: CountTokens, passages: int, mixed: int) -> Texts:
    notes = [json.loads(line) for line in NOTES.read_text("utf-8").splitlines()]
    titles = [note["title"] for note in notes]
    queries = [title for title, n in zip(titles, count_tokens(titles)) if 8 <= n <= 16][:100]
    if len(queries) != 100:
        raise SystemExit(f"expected 100 titles of 8 to 16 tokens, got {len(queries)}")
    english = " ".join(note["content"] for note in notes if note["lang"] == "en").split()
    lengths = [110] * passages + _mixed_lengths(mixed)
    cut = _cut(english, count_tokens(english), lengths)
    words = " ".join(f"{note['title']}. {note['content']}" for note in notes).split()
    short = [" ".join(words[at : at + 12]) for at in range(0, 20_000, 2)]
    return Texts(queries, cut[:passages], cut[passages:], short)


def _mixed_lengths(count: int) -> list[int]:
    """Evenly spread over the logarithm of the length, in an order that does not change."""
    lengths = [round(5 * math.exp(i / (count - 1) * math.log(256 / 5))) for i in range(count)]
    random.Random(7).shuffle(lengths)
    return lengths


def _cut(words: list[str], tokens: list[int], lengths: list[int]) -> list[str]:
    """Texts that follow one another, each of at least its length and no word more; round and round.

    The model's tokens never span words, so a text has as many as its words together."""
    texts, at = [], 0
    for length in lengths:
        text, total = [], 0
        while total < length:
            # A text of 256 must not be cut by the model.
            if total + tokens[at % len(words)] > 254:
                break
            text.append(words[at % len(words)])
            total += tokens[at % len(words)]
            at += 1
        texts.append(" ".join(text))
    return texts
