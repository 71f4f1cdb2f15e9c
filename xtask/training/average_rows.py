"""Averages the rows of several runs of training and of their start.

Runs differ in what they learned by chance, and their mean has less of it. A share of the start keeps what no pair spoke
of. Each is first turned onto the first one: a rotation changes no cosine, and without it the axes of different runs may mean
different things.
"""

import argparse
from pathlib import Path

import numpy as np

# What no pair spoke of is not forgotten: the share of the start in the mean.
START_SHARE = 0.15


def scaled(rows: np.ndarray) -> np.ndarray:
    """Rows whose mean length is 1."""
    return rows / np.linalg.norm(rows, axis=1).mean()


def turned(rows: np.ndarray, onto: np.ndarray) -> np.ndarray:
    """The rows after the rotation that brings them nearest to others (orthogonal Procrustes)."""
    left, _, right = np.linalg.svd(rows.T @ onto)
    return rows @ (left @ right)


def averaged(runs: list[np.ndarray], start: np.ndarray) -> np.ndarray:
    first = scaled(runs[0])
    mean = np.mean([first, *(turned(scaled(rows), first) for rows in runs[1:])], axis=0)
    return (1 - START_SHARE) * mean + START_SHARE * turned(scaled(start), first)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the rows to write, .npy")
    parser.add_argument("runs", type=Path, nargs="+", help="rows of each run, .npy")
    parser.add_argument("--start", type=Path, required=True, help="the rows that they started from, .npy")
    arguments = parser.parse_args()

    rows = averaged([np.load(path) for path in arguments.runs], np.load(arguments.start))
    np.save(arguments.out, rows.astype(np.float32))
    print(f"{arguments.out}: mean of {len(arguments.runs)} runs")


if __name__ == "__main__":
    main()
