"""Finds the hard negatives of taught pairs: the other passages that the teacher finds nearest to a query.

Training puts a pair and such neighbors into one batch. A neighbor that answers the query as well is no danger: the
teacher's similarities are a part of the target, so it is not pushed away.
"""

import argparse
from pathlib import Path

import numpy as np

# Queries of one matrix product: 1,024 times all passages.
BLOCK = 1024


def neighbors(queries: np.ndarray, passages: np.ndarray, count: int, skip_above: float) -> np.ndarray:
    """For each query the `count` nearest passages but its own and but those above a cosine."""
    found = np.empty((len(queries), count), np.int32)
    for first in range(0, len(queries), BLOCK):
        cosines = queries[first : first + BLOCK] @ passages.T
        own = np.arange(len(cosines))
        cosines[own, first + own] = -1
        cosines[cosines > skip_above] = -1
        found[first : first + BLOCK] = np.argpartition(-cosines, count, axis=1)[:, :count]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("taught", type=Path, help="pairs with a teacher's vectors, .npz; the neighbors are added to it")
    parser.add_argument("--count", type=int, default=24, help="neighbors of a pair (default: 24)")
    parser.add_argument("--skip-above", type=float, default=0.95, help="cosine above which a passage is the same text")
    arguments = parser.parse_args()

    fields = dict(np.load(arguments.taught))
    queries, passages = (fields[name].astype(np.float32) for name in ("query_vectors", "passage_vectors"))
    fields["neighbors"] = neighbors(queries, passages, arguments.count, arguments.skip_above)
    np.savez(arguments.taught, **fields)
    print(f"{arguments.taught}: {arguments.count} neighbors of {len(queries)} pairs")


if __name__ == "__main__":
    main()
