"""Encodes pairs as token ids, once for all runs of training."""

import argparse
from pathlib import Path

import numpy as np

from bags import Bags, WordTokenizer
from pairs import read_pairs, source_files, source_name

MAX_QUERY_TOKENS = 64
MAX_PASSAGE_TOKENS = 112


class Encoded:
    """Pairs as bags, with the group of each: pairs of one source, kind and pair of languages."""

    def __init__(self, queries: Bags, passages: Bags, groups: np.ndarray, group_names: list[str]) -> None:
        self.queries, self.passages = queries, passages
        self.groups, self.group_names = groups, group_names

    def __len__(self) -> int:
        return len(self.queries)

    def fields(self) -> dict[str, np.ndarray]:
        """The arrays of a file. Ids take two bytes: a vocabulary has at most 65,536 pieces."""
        return {
            "query_ids": self.queries.ids.astype(np.uint16),
            "query_offsets": self.queries.offsets,
            "passage_ids": self.passages.ids.astype(np.uint16),
            "passage_offsets": self.passages.offsets,
            "groups": self.groups,
            "group_names": np.array(self.group_names),
        }

    @classmethod
    def of_fields(cls, fields: dict[str, np.ndarray]) -> "Encoded":
        return cls(
            Bags(fields["query_ids"], fields["query_offsets"]),
            Bags(fields["passage_ids"], fields["passage_offsets"]),
            fields["groups"],
            [str(name) for name in fields["group_names"]],
        )


def encode(folder: Path, tokenizer: WordTokenizer, limit: int) -> Encoded:
    """Encodes at most `limit` pairs of a source; pairs without a known token on a side are left out."""
    queries, passages, groups = Lists(), Lists(), []
    names: dict[str, int] = {}
    for file in source_files(folder):
        for pair in read_pairs(file, limit):
            query = tokenizer.ids(pair.query)[:MAX_QUERY_TOKENS]
            passage = tokenizer.ids(pair.passage)[:MAX_PASSAGE_TOKENS]
            if not query or not passage:
                continue
            name = f"{source_name(file)}/{pair.kind}/{pair.query_language}/{pair.passage_language}"
            queries.add(query)
            passages.add(passage)
            groups.append(names.setdefault(name, len(names)))
    return Encoded(queries.bags(), passages.bags(), np.array(groups, np.int16), list(names))


class Lists:
    """Lists of ids that grow in blocks: millions of Python lists would take gigabytes."""

    BLOCK = 100_000

    def __init__(self) -> None:
        self.lists: list[list[int]] = []
        self.blocks: list[Bags] = []

    def add(self, ids: list[int]) -> None:
        self.lists.append(ids)
        if len(self.lists) == self.BLOCK:
            self.close()

    def close(self) -> None:
        self.blocks.append(Bags.of(self.lists))
        self.lists = []

    def bags(self) -> Bags:
        self.close()
        lengths = np.concatenate([np.diff(block.offsets) for block in self.blocks])
        ids = np.concatenate([block.ids for block in self.blocks])
        return Bags(ids, np.concatenate([[0], np.cumsum(lengths)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=Path, help="folder of pairs")
    parser.add_argument("tokenizer", type=Path, help="tokenizer.json")
    parser.add_argument("out", type=Path, help="the file to write, .npz")
    parser.add_argument("--limit", type=int, default=70_000, help="most pairs of a source (default: 70000)")
    arguments = parser.parse_args()

    encoded = encode(arguments.pairs, WordTokenizer(arguments.tokenizer), arguments.limit)
    np.savez(arguments.out, **encoded.fields())
    print(f"{arguments.out}: {len(encoded)} pairs in {len(encoded.group_names)} groups")


if __name__ == "__main__":
    main()
