"""Keeps, of folders of pairs, what a model may be trained on and can learn from.

    clean.py PAIRS ... --out FOLDER --sources sources.tsv ... [--sets FOLDER]

A whole file is refused when no list of sources names it, or when its license does not allow training. Of the others,
these pairs are left out: too short ones; those whose query equals the passage; duplicates, also across files; those of
a query that has many passages already; and those of which a side shares a run of 12 words with a text of a judged set,
or equals one. The new folder holds a file for each source, and report.json with the counts. A million pairs take less
than a minute on one core.
"""

import argparse
import json
import pathlib
import sys
from collections import Counter
from collections.abc import Iterator

from judged import JudgedTexts, read_judged
from licenses import Source, allows, read_sources
from pairs import SUFFIXES, WORD_KINDS, Pair, source_files, read_pairs, source_name, words, write_pairs

# Fewer words than these say too little, in kinds of which a side is more than a word.
SHORTEST_PASSAGE = 4

# Letters that a side has at least.
SHORTEST_LETTERS = 2

# Passages that one query may have: the negatives of a batch are wrong where a query has many right answers.
PASSAGES_OF_A_QUERY = 8

OUTCOMES = ("kept", "short", "equal sides", "duplicate", "crowded query", "judged")


class Cleaner:
    """Decides on one pair after another."""

    def __init__(self, judged: JudgedTexts) -> None:
        self._judged = judged
        self._seen: set[int] = set()
        self._queries: Counter[int] = Counter()
        self.overlaps: Counter[str] = Counter()

    def outcome(self, pair: Pair) -> str:
        query, passage = words(pair.query), words(pair.passage)
        if is_short(pair, query, passage):
            return "short"
        if query == passage:
            return "equal sides"
        joined = " ".join(query)
        key = hash((joined, " ".join(passage)))
        if key in self._seen:
            return "duplicate"
        self._seen.add(key)
        key = hash((joined, pair.query_language, pair.passage_language))
        if self._queries[key] == PASSAGES_OF_A_QUERY:
            return "crowded query"
        place = self._judged.overlap(query) or self._judged.overlap(passage)
        if place:
            self.overlaps[place.split("/")[0]] += 1
            return "judged"
        self._queries[key] += 1
        return "kept"


def is_short(pair: Pair, query: list[str], passage: list[str]) -> bool:
    letters = min(sum(map(str.isalpha, side)) for side in ("".join(query), "".join(passage)))
    return letters < SHORTEST_LETTERS or pair.kind not in WORD_KINDS and len(passage) < SHORTEST_PASSAGE


def refusal(source: str, sources: dict[str, Source]) -> str | None:
    """Why nothing of a source may be used."""
    if source not in sources:
        return "no list of sources names it"
    if not allows(sources[source].license):
        return f"its license, {sources[source].license}, does not allow it"
    return None


def clean_file(path: pathlib.Path, out: pathlib.Path, cleaner: Cleaner) -> Counter[str]:
    """Writes the pairs of a file that are kept, and returns how many had which outcome."""
    counts: Counter[str] = Counter()

    def kept() -> Iterator[Pair]:
        for pair in read_pairs(path):
            outcome = cleaner.outcome(pair)
            counts[outcome] += 1
            if outcome == "kept":
                yield pair

    write_pairs(out / path.name, kept())
    return counts


def files_by_source(folders: list[pathlib.Path]) -> dict[str, pathlib.Path]:
    files: dict[str, pathlib.Path] = {}
    for path in (path for folder in folders for path in source_files(folder)):
        earlier = files.setdefault(source_name(path), path)
        if earlier != path:
            raise ValueError(f"{path}: the same source as {earlier}")
    return files


def clean(
    folders: list[pathlib.Path], out: pathlib.Path, judged: JudgedTexts, sources: dict[str, Source]
) -> dict[str, object]:
    """Cleans folders of pairs into another, and returns the report."""
    if out.resolve() in [folder.resolve() for folder in folders]:
        raise ValueError(f"{out}: the cleaned pairs need a folder of their own")
    files = files_by_source(folders)
    out.mkdir(parents=True, exist_ok=True)
    for earlier in out.iterdir():
        if earlier.name.endswith(SUFFIXES):
            earlier.unlink()
    cleaner, counts, refused = Cleaner(judged), {}, {}
    for source, path in files.items():
        if reason := refusal(source, sources):
            refused[source] = reason
            print(f"refused: {source}: {reason}", file=sys.stderr)
            continue
        counts[source] = clean_file(path, out, cleaner)
        print_row(source, counts[source])
    total = sum(counts.values(), Counter())
    print_row("all", total)
    return {"total": total, "files": counts, "refused": refused, "overlaps": cleaner.overlaps}


def print_row(name: str, counts: Counter[str]) -> None:
    print("\t".join([name, *(f"{counts[outcome]} {outcome}" for outcome in OUTCOMES)]), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Keeps the pairs that a model may be trained on.")
    parser.add_argument("pairs", type=pathlib.Path, nargs="+", help="folders of files of pairs")
    parser.add_argument(
        "--out", type=pathlib.Path, required=True, help="folder for the pairs that are kept, and report.json"
    )
    parser.add_argument("--sets", type=pathlib.Path, help="folder of the judged sets (default: none)")
    parser.add_argument("--sources", type=pathlib.Path, nargs="+", required=True, help="lists of sources and licenses")
    arguments = parser.parse_args()
    judged = read_judged(arguments.sets) if arguments.sets else JudgedTexts(iter(()))
    report = clean(arguments.pairs, arguments.out, judged, read_sources(arguments.sources))
    text = json.dumps(report, indent=1, ensure_ascii=False)
    (arguments.out / "report.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
