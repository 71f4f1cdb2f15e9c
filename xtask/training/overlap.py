"""Checks that no pair holds a text of a judged set.

    overlap.py PAIRS --sets FOLDER

Lists the pairs of which a side shares a run of 12 words with a document or query of the sets, or equals one. The exit
status is 1 if there is any, so figures measured on the sets can be trusted when it is 0.
"""

import argparse
import pathlib
import sys
from collections.abc import Iterator

from judged import JudgedTexts, read_judged
from pairs import source_files, read_pairs, words


def overlaps(folder: pathlib.Path, judged: JudgedTexts) -> Iterator[str]:
    """A line for each pair that overlaps a judged text: where it is, the judged text, the pair."""
    for path in source_files(folder):
        for number, pair in enumerate(read_pairs(path), 1):
            place = judged.overlap(words(pair.query)) or judged.overlap(words(pair.passage))
            if place:
                yield f"{path.name}:{number}\t{place}\t{pair.query}\t{pair.passage}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Checks that no pair holds a text of a judged set.")
    parser.add_argument("pairs", type=pathlib.Path, help="folder of files of pairs")
    parser.add_argument("--sets", type=pathlib.Path, required=True, help="folder of the judged sets")
    arguments = parser.parse_args()
    judged = read_judged(arguments.sets)
    count = 0
    for line in overlaps(arguments.pairs, judged):
        print(line)
        count += 1
    print(f"{len(judged)} judged texts, {count} pairs that overlap one", file=sys.stderr)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
