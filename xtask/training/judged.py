"""The texts of the judged sets, which no pair may contain.

A set is a folder. Of its JSON lines (documents and queries) the member `text` is read; of its tables (tab separated,
with a heading) every column. Judgments (`qrels*.tsv`) name texts only and are not read.
"""

import json
import pathlib
from collections.abc import Iterator

from pairs import words

# Texts share a passage when they share a run of this many words.
RUN = 12

# A run of 12 words holds a whole block of 6 that begins at a multiple of 6, wherever the run begins. So it is enough
# to look up every sixth block of a text, and to look at its runs when one is found.
BLOCK = RUN // 2

# A corpus without questions, for timing searches. Its lemmas and definitions are pairs themselves.
NOT_JUDGED = frozenset({"wordnet-glosses"})


class JudgedTexts:
    """Finds the judged text that another text shares a run of words with, or is equal to."""

    def __init__(self, texts: Iterator[tuple[str, str]]) -> None:
        """Of texts, each with the place that a report names."""
        self._places: list[str] = []
        self._blocks: set[int] = set()
        self._runs: dict[int, int] = {}
        self._whole: dict[str, int] = {}
        for place, text in texts:
            number, found = len(self._places), words(text)
            self._places.append(place)
            self._blocks.update(map(hash, _grams(found, BLOCK)))
            for run in _grams(found, RUN):
                self._runs.setdefault(hash(run), number)
            if found:
                self._whole.setdefault(" ".join(found), number)

    def __len__(self) -> int:
        return len(self._places)

    def overlap(self, found: list[str]) -> str | None:
        """The place of a judged text that these words overlap."""
        number = self._whole.get(" ".join(found))
        if number is None and any(hash(block) in self._blocks for block in _grams(found, BLOCK, step=BLOCK)):
            runs = (self._runs.get(hash(run)) for run in _grams(found, RUN))
            number = next((number for number in runs if number is not None), None)
        return None if number is None else self._places[number]


def _grams(found: list[str], length: int, step: int = 1) -> Iterator[tuple[str, ...]]:
    return (tuple(found[start : start + length]) for start in range(0, len(found) - length + 1, step))


def read_judged(sets: pathlib.Path) -> JudgedTexts:
    """The texts of all judged sets of a folder."""
    folders = sorted(path for path in sets.iterdir() if path.is_dir() and path.name not in NOT_JUDGED)
    judged = JudgedTexts(text for folder in folders for text in _texts(folder))
    if not len(judged):
        raise ValueError(f"{sets}: expected folders of judged sets, found no text")
    return judged


def _texts(folder: pathlib.Path) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.iterdir()):
        if path.suffix == ".jsonl":
            read = _json_texts
        elif path.suffix == ".tsv" and not path.name.startswith("qrels"):
            read = _table_texts
        else:
            continue
        with path.open(encoding="utf-8", newline="\n") as lines:
            for number, text in read(lines):
                yield f"{folder.name}/{path.name}:{number}", text


def _json_texts(lines: Iterator[str]) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield number, json.loads(line)["text"]


def _table_texts(lines: Iterator[str]) -> Iterator[tuple[int, str]]:
    next(lines, None)
    for number, line in enumerate(lines, 2):
        for column in line.rstrip("\n").split("\t"):
            yield number, column
