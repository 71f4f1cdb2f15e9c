"""Rounds token rows to 4 bits with a scale a token, and writes the model (pack.py) in both forms.

Rows are first turned by a random rotation. It changes no cosine, but spreads what single dimensions stand out with over
all of them, and 15 steps then lose less.
"""

import argparse
from pathlib import Path

import numpy as np

from pack import write_model

# A value is one of -7 .. 7: sixteen steps without the lowest, so that a row and its opposite round alike.
LARGEST = 7
# A row's largest component may be cut to such a share if that loses less; each share is tried.
CLIPS = np.linspace(0.35, 1.0, 27)


def rotated(rows: np.ndarray, seed: int) -> np.ndarray:
    square = np.random.default_rng(seed).standard_normal((rows.shape[1], rows.shape[1]))
    return (rows @ np.linalg.qr(square)[0]).astype(np.float32)


def quantized(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values of -7 .. 7, and the scale of each row; the scales' largest is 1."""
    largest = np.abs(rows).max(1, keepdims=True)
    largest[largest == 0] = 1
    values = np.zeros_like(rows)
    error = np.full((len(rows), 1), np.inf, np.float32)
    for clip in CLIPS:
        step = largest * np.float32(clip / LARGEST)
        tried = np.clip(np.rint(rows / step), -LARGEST, LARGEST)
        tried_error = ((tried * step - rows) ** 2).sum(1, keepdims=True)
        better = tried_error < error
        values, error = np.where(better, tried, values), np.where(better, tried_error, error)
    # The scale that loses least for these values.
    scales = (values * rows).sum(1) / np.maximum((values**2).sum(1), 1e-9)
    return values.astype(np.int8), (scales / scales.max()).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path, help="trained rows, .npy")
    parser.add_argument("tokenizer", type=Path, help="tokenizer.json")
    parser.add_argument("out", type=Path, help="folder to write the model to")
    parser.add_argument("--name", default="static-fren-32k-320-i4", help="the model's name")
    parser.add_argument("--seed", type=int, default=0, help="of the rotation (default: 0)")
    arguments = parser.parse_args()

    rows = rotated(np.load(arguments.rows), arguments.seed)
    # The unknown token has no part in a text.
    rows[0] = 0
    values, scales = quantized(rows)
    lost = values * scales[:, None]
    factor = (lost * rows).sum() / (lost**2).sum()
    print(f"relative error {np.sqrt(((lost * factor - rows) ** 2).sum() / (rows**2).sum()):.4f}")
    write_model(arguments.out, arguments.name, values, scales, arguments.tokenizer)


if __name__ == "__main__":
    main()
