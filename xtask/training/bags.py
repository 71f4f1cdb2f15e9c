"""Texts as bags of tokens, and their vectors as means of token rows: the static model's forward and backward pass.

The loops over tokens are C (kernel.c), compiled on the first use into the folder `target/training`.
"""

import ctypes
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from normalize import normalize

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "target" / "training"


@dataclass
class Bags:
    """Token ids of texts: those of text i are `ids[offsets[i]:offsets[i + 1]]`."""

    ids: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @classmethod
    def of(cls, lists: Iterable[list[int]]) -> "Bags":
        lists = list(lists)
        offsets = np.zeros(len(lists) + 1, np.int64)
        np.cumsum([len(ids) for ids in lists], out=offsets[1:])
        return cls(np.fromiter((id for ids in lists for id in ids), np.int32, offsets[-1]), offsets)

    def take(self, indices: np.ndarray) -> "Bags":
        starts, lengths = self.offsets[indices], np.diff(self.offsets)[indices]
        offsets = np.zeros(len(indices) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        places = np.arange(offsets[-1]) + np.repeat(starts - offsets[:-1], lengths)
        return Bags(self.ids[places].astype(np.int32), offsets)

    def followed_by(self, other: "Bags") -> "Bags":
        """Each text with the tokens of the other's after its own."""
        offsets = self.offsets + other.offsets
        ids = np.empty(offsets[-1], np.int32)
        for bags, before in ((self, other.offsets[:-1]), (other, self.offsets[1:])):
            ids[np.arange(len(bags.ids)) + np.repeat(before, np.diff(bags.offsets))] = bags.ids
        return Bags(ids, offsets)

    def hashes(self) -> np.ndarray:
        """A number a bag that is equal for equal lists of tokens."""
        factor = np.uint64(0x9E3779B97F4A7C15)
        with np.errstate(over="ignore"):
            mixed = (self.ids.astype(np.uint64) + np.uint64(1)) * factor
            mixed = (mixed ^ (mixed >> np.uint64(29))) * factor
            sums = np.concatenate([[np.uint64(0)], np.cumsum(mixed ^ (mixed >> np.uint64(32)), dtype=np.uint64)])
            return sums[self.offsets[1:]] - sums[self.offsets[:-1]]


class WordTokenizer:
    """tokenizer.json with a cache by word, which makes millions of texts affordable. Unknown tokens are dropped."""

    def __init__(self, path: Path) -> None:
        self.tokenizer = Tokenizer.from_file(str(path))
        self.size = self.tokenizer.get_vocab_size()
        self.unknown = 0
        self.words: dict[str, list[int]] = {}

    def ids(self, text: str) -> list[int]:
        ids: list[int] = []
        for word in normalize(text).split():
            known = self.words.get(word)
            if known is None:
                encoded = self.tokenizer.encode(word, add_special_tokens=False).ids
                known = self.words[word] = [id for id in encoded if id != self.unknown]
            ids += known
        return ids

    def bags(self, texts: Iterable[str]) -> Bags:
        return Bags.of(self.ids(text) for text in texts)


def library() -> ctypes.CDLL:
    source = HERE / "kernel.c"
    built = BUILD / "kernel.so"
    if not built.exists() or built.stat().st_mtime < source.stat().st_mtime:
        BUILD.mkdir(parents=True, exist_ok=True)
        flags = ["-O3", "-march=native", "-ffast-math", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror"]
        subprocess.run(["cc", *flags, "-o", built, source, "-lm"], check=True)
    return ctypes.CDLL(built)


KERNEL = library()


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    if not array.flags.c_contiguous:
        raise ValueError("expected an array without gaps")
    return array.ctypes.data_as(ctypes.c_void_p)


def mean_rows(bags: Bags, rows: np.ndarray) -> np.ndarray:
    """The mean of the rows of each text's tokens; zeros for a text without any."""
    means = np.empty((len(bags), rows.shape[1]), np.float32)
    KERNEL.mean_rows(
        pointer(bags.ids), pointer(bags.offsets), ctypes.c_long(len(bags)), ctypes.c_long(rows.shape[1]),
        pointer(rows), pointer(means),
    )
    return means


def add_gradient(bags: Bags, gradient: np.ndarray, total: np.ndarray, touched: np.ndarray) -> None:
    """Adds the gradient of the means to that of the rows, and marks the rows it reached."""
    gradient = np.ascontiguousarray(gradient, np.float32)
    KERNEL.add_gradient(
        pointer(bags.ids), pointer(bags.offsets), ctypes.c_long(len(bags)), ctypes.c_long(gradient.shape[1]),
        pointer(gradient), pointer(total), pointer(touched),
    )


def unit(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of length 1, and the lengths they had."""
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return vectors / lengths, lengths
