"""Rotates rows to their principal components and keeps the first dimensions.

A vector of fewer dimensions takes less of a user's file and of each search. The components are those of the rows as texts use
them, and of the rows alike, in equal shares: frequent pieces decide what most vectors are, rare ones what tells them apart. The
score of a piece of a unigram tokenizer is the logarithm of its frequency.

The first components are then scaled down a little, the last ones up, each by its deviation to a small power: a few strong
directions that most texts share say less than their length claims.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file


def components(rows: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """The principal components as columns, the strongest first."""
    used = (rows * frequencies[:, None]).T @ rows
    alike = rows.T @ rows
    _, columns = np.linalg.eigh(used / np.trace(used) + alike / np.trace(alike))
    return columns[:, ::-1]


def frequencies(tokenizer: Path) -> np.ndarray:
    """How often each piece is used, as a share; the unknown piece never is."""
    scores = np.array([score for _, score in json.loads(tokenizer.read_text(encoding="utf-8"))["model"]["vocab"]])
    shares = np.exp(scores)
    shares[0] = 0
    return shares / shares.sum()


def flattened(rows: np.ndarray, frequencies: np.ndarray, power: float) -> np.ndarray:
    """Each dimension divided by its deviation among the rows as texts use them, to the power."""
    deviations = np.sqrt((rows**2 * frequencies[:, None]).sum(0))
    return rows * (deviations / deviations.mean()) ** -power


def read_rows(path: Path) -> np.ndarray:
    if path.suffix == ".npy":
        return np.load(path)
    tensors = load_file(path)
    return tensors["embeddings"].astype(np.float32) * tensors["weights"][:, None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path, help="rows to reduce: .npy, or the model.safetensors of a Model2Vec folder")
    parser.add_argument("tokenizer", type=Path, help="tokenizer.json")
    parser.add_argument("out", type=Path, help="the rows to write, .npy")
    parser.add_argument("--dimensions", type=int, required=True, help="how many to keep")
    parser.add_argument("--flatten", type=float, default=0.0, help="the power: 0 changes no length, 1 makes all deviations alike")
    arguments = parser.parse_args()

    rows, used = read_rows(arguments.rows), frequencies(arguments.tokenizer)
    kept = flattened(rows @ components(rows, used), used, arguments.flatten)[:, : arguments.dimensions]
    np.save(arguments.out, kept.astype(np.float32))
    print(f"{arguments.out}: {arguments.dimensions} of {rows.shape[1]} dimensions")


if __name__ == "__main__":
    main()
