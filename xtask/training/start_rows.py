"""Makes the rows that training starts from: what a smaller model and a teacher already know about each piece.

The first half of the dimensions takes the rows of an earlier static model, by the pieces' text. The second half is
fitted to a teacher: rows whose mean over a text's pieces is near the teacher's vector of the text, by ridge regression
towards the teacher's vector of the piece alone. Both give directions; a row's length follows from how rare its piece
is, because the lengths of a regression rank texts badly.
"""

import argparse
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from bags import Bags, WordTokenizer, add_gradient, mean_rows, unit
from encode_pairs import MAX_PASSAGE_TOKENS, Encoded
from teach import embed

# A row's length falls with the frequency p of its piece: SMOOTHING / (SMOOTHING + p), but never below FLOOR.
SMOOTHING, FLOOR = 1e-3, 0.1
# Tells apart pieces that the earlier model spells alike.
NOISE = 0.2


def lengths(pairs: Encoded, pieces: int) -> np.ndarray:
    """The length of each piece's row."""
    counts = sum(np.bincount(bags.ids, minlength=pieces) for bags in (pairs.queries, pairs.passages)) + 1.0
    frequency = counts / counts.sum()
    return ((1 - FLOOR) * SMOOTHING / (SMOOTHING + frequency) + FLOOR).astype(np.float32)


def earlier_rows(folder: Path, tokenizer: WordTokenizer) -> np.ndarray:
    """Unit rows: the mean of the earlier model's rows for the piece as it is and capitalized."""
    tensors = load_file(folder / "model.safetensors")
    rows = tensors["embeddings"].astype(np.float32) * tensors["weights"][:, None]
    earlier = Tokenizer.from_file(str(folder / "tokenizer.json"))
    # A piece within a word must not be read as a word: the mark of its start is left out there.
    bare_mark = earlier.token_to_id("▁")
    result = np.zeros((tokenizer.size, rows.shape[1]), np.float32)
    for piece in range(1, tokenizer.size):
        text = tokenizer.tokenizer.id_to_token(piece).replace("▁", "")
        for spelling in {text, text.capitalize()}:
            ids = [i for i in earlier.encode(spelling, add_special_tokens=False).ids if i not in (0, bare_mark)]
            if ids:
                result[piece] += rows[ids].mean(0)
    return unit(result)[0]


def fitted_rows(bags: Bags, wanted: np.ndarray, prior: np.ndarray, ridge: float, rounds: int) -> np.ndarray:
    """Rows E that minimize |mean_rows(bags, E) - wanted|² + ridge |E - prior|², by conjugate gradients."""
    touched = np.zeros(len(prior), np.uint8)

    def spread(errors: np.ndarray) -> np.ndarray:
        total = np.zeros_like(prior)
        add_gradient(bags, errors, total, touched)
        return total

    # A mean of many rows is short: the prior is made as long as the vectors wanted.
    means = mean_rows(bags, prior)
    prior = prior * ((means * wanted).sum() / (means**2).sum())
    change = np.zeros_like(prior)
    residual = spread(wanted - mean_rows(bags, prior))
    direction, square = residual.copy(), (residual**2).sum(0)
    for _ in range(rounds):
        image = spread(mean_rows(bags, direction)) + ridge * direction
        step = square / np.maximum((direction * image).sum(0), 1e-12)
        change += step * direction
        residual -= step * image
        following = (residual**2).sum(0)
        direction = residual + following / np.maximum(square, 1e-12) * direction
        square = following
    return prior + change


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path, help="encoded pairs, .npz")
    parser.add_argument("tokenizer", type=Path, help="tokenizer.json")
    parser.add_argument("out", type=Path, help="the rows to write, .npy")
    parser.add_argument("--taught", type=Path, nargs="+", required=True, help="pairs with the teacher's vectors, .npz")
    parser.add_argument("--earlier", type=Path, required=True, help="folder of the earlier static model")
    parser.add_argument("--teacher", required=True, help="the teacher, as for teach.py")
    parser.add_argument("--embedder", type=Path, required=True, help="the built example embed_texts")
    parser.add_argument("--dimensions", type=int, default=512, help="of both halves together (default: 512)")
    parser.add_argument("--ridge", type=float, default=0.1, help="weight of the prior (default: 0.1)")
    parser.add_argument("--rounds", type=int, default=25, help="of conjugate gradients (default: 25)")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    arguments.max_tokens, arguments.threads = 16, 1

    tokenizer = WordTokenizer(arguments.tokenizer)
    pairs = Encoded.of_fields(np.load(arguments.pairs))
    random = np.random.default_rng(arguments.seed)

    first = earlier_rows(arguments.earlier, tokenizer)
    first += NOISE * random.standard_normal(first.shape, np.float32) / np.sqrt(np.float32(first.shape[1]))

    taught = [np.load(path) for path in arguments.taught]
    texts = [text for fields in taught for side in ("queries", "passages") for text in fields[side]]
    wanted = [fields[side] for fields in taught for side in ("query_vectors", "passage_vectors")]
    wanted = np.concatenate(wanted).astype(np.float32)
    bags = Bags.of(tokenizer.ids(text)[:MAX_PASSAGE_TOKENS] for text in texts)
    kept = np.flatnonzero(np.diff(bags.offsets) > 0)
    bags, wanted = bags.take(kept), wanted[kept]
    pieces = [tokenizer.tokenizer.id_to_token(i).replace("▁", "") or "." for i in range(tokenizer.size)]
    prior = embed(pieces, "", arguments)
    # Only as many dimensions as there is room for: those in which the teacher's vectors differ most.
    room = arguments.dimensions - first.shape[1]
    axes = np.linalg.eigh(wanted.T @ wanted)[1][:, ::-1][:, :room]
    wanted, prior = np.ascontiguousarray(wanted @ axes), np.ascontiguousarray(prior @ axes)
    # A teacher of English spells French: its vector of a piece counts by how English the piece is.
    english = english_share(taught, tokenizer)
    prior *= english[:, None]
    second = fitted_rows(bags, wanted, prior, arguments.ridge, arguments.rounds)
    cosine = (unit(mean_rows(bags, second))[0] * unit(wanted)[0]).sum(1).mean()
    print(f"mean cosine of {len(kept)} texts to the teacher: {cosine:.4f}")

    rows = np.concatenate([first, unit(second)[0]], axis=1) * lengths(pairs, tokenizer.size)[:, None]
    rows[0] = 0
    np.save(arguments.out, rows.astype(np.float32))
    print(f"{arguments.out}: {rows.shape[0]} x {rows.shape[1]}")


def english_share(taught: list[dict[str, np.ndarray]], tokenizer: WordTokenizer) -> np.ndarray:
    """The share of each piece's occurrences that is in English, one half where it does not occur."""
    seen = np.ones((2, tokenizer.size), np.float32)
    for fields in taught:
        groups = [str(group).split("/") for group in fields["groups"]]
        for side, language in (("queries", 1), ("passages", 2)):
            for text, group in zip(fields[side], groups, strict=True):
                np.add.at(seen[int(group[language] == "en")], tokenizer.ids(text), 1)
    return seen[1] / seen.sum(0)


if __name__ == "__main__":
    main()
