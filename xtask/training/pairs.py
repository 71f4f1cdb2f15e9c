"""Files of pairs, and what the words of a text are.

A file is `NAME.tsv` or `NAME.tsv.zst`, where NAME is its source: UTF-8, one pair a line, five columns separated by
tabs and no heading: kind, language of the query, language of the passage, query, passage.

    head    title or heading -> text under it         qa      question -> answer
    syn     one-line summary -> description           def     word -> definition
    par     sentence -> its translation               icl     sentence -> the rest of its paragraph
    xhead   heading -> text under it in the other language
"""

import itertools
import pathlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TextIO

SUFFIXES = (".tsv.zst", ".tsv")

# Kinds whose sides may be single words.
WORD_KINDS = frozenset({"def", "par"})


class Pair(NamedTuple):
    kind: str
    query_language: str
    passage_language: str
    query: str
    passage: str


def source_files(folder: pathlib.Path) -> list[pathlib.Path]:
    """The files of pairs of a folder, by name."""
    files = sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIXES))
    if not files:
        raise FileNotFoundError(f"{folder}: expected files of pairs ({', '.join(SUFFIXES)})")
    return files


def source_name(path: pathlib.Path) -> str:
    """The source of a file of pairs, which is its name without the suffix."""
    for suffix in SUFFIXES:
        if path.name.endswith(suffix):
            return path.name.removesuffix(suffix)
    raise ValueError(f"{path}: expected a name that ends in {' or '.join(SUFFIXES)}")


def read_pairs(path: pathlib.Path, limit: int | None = None) -> Iterator[Pair]:
    """The pairs of a file in their order, at most `limit`."""
    with open_text(path, "r", compressed=is_compressed(path)) as lines:
        for number, line in enumerate(itertools.islice(lines, limit), 1):
            columns = line.rstrip("\n").split("\t")
            if len(columns) != len(Pair._fields):
                raise ValueError(f"{path}, line {number}: expected {len(Pair._fields)} columns, got {len(columns)}")
            yield Pair(*columns)


def write_pairs(path: pathlib.Path, pairs: Iterable[Pair]) -> int:
    """Writes a file of pairs and returns their number. The file has its name only when it is complete."""
    partial = path.with_name(path.name + ".partial")
    count = 0
    with open_text(partial, "w", compressed=is_compressed(path)) as lines:
        for pair in pairs:
            lines.write("\t".join(one_line(column) for column in pair) + "\n")
            count += 1
    partial.replace(path)
    return count


def is_compressed(path: pathlib.Path) -> bool:
    return path.suffix == ".zst"


def open_text(path: pathlib.Path, mode: str, compressed: bool) -> TextIO:
    # A line ends at "\n" alone, also where a text has one of Unicode's other line separators.
    if compressed:
        # Not part of Python before 3.14: plain files do without.
        import zstandard

        return zstandard.open(path, mode + "t", encoding="utf-8", newline="\n")
    return open(path, mode, encoding="utf-8", newline="\n")


def one_line(text: str) -> str:
    """The text with each run of white space as one space."""
    return " ".join(text.split())


def words(text: str) -> list[str]:
    """The words by which texts are compared: compatible forms, case and punctuation make no difference."""
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).lower())
