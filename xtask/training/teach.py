"""Lets a transformer embed a part of the pairs, so that training can follow its similarities.

The teacher is run by this project's own example `embed_texts`. A translation takes the vector of its original: a
teacher of English alone thereby teaches French, too. Of pairs in other languages than the teacher's none is taken.

What is written can be used with any tokenizer: texts, and a vector for each.
"""

import argparse
import subprocess
from pathlib import Path

import numpy as np

from pairs import Pair, read_pairs, source_files, source_name

# How many pairs of a kind are taken, relative to the others. Translations cost one vector for two texts.
SHARES = {"qa": 2.0, "par": 1.5, "def": 1.0, "head": 1.0, "syn": 1.0, "xhead": 1.0, "icl": 0.7}
# Larger sources give more pairs, but not in proportion.
SIZE_EXPONENT = 0.6


def taught_side(pair: Pair, languages: set[str]) -> tuple[str, str] | None:
    """The texts whose vectors stand for the query and the passage; `None` if the teacher does not know the pair."""
    if pair.kind == "par" and "fr" not in languages:
        english = pair.query if pair.query_language == "en" else pair.passage
        return english, english
    if {pair.query_language, pair.passage_language} <= languages:
        return pair.query, pair.passage
    return None


def choose(arguments: argparse.Namespace, languages: set[str]) -> list[Pair]:
    """A sample of the pairs that the teacher can teach, from all groups."""
    passage_languages = set(arguments.passages.split(","))
    groups: dict[tuple[str, ...], list[Pair]] = {}
    for file in source_files(arguments.pairs):
        if arguments.source not in ("", source_name(file)):
            continue
        for pair in read_pairs(file, arguments.limit):
            if pair.passage_language in passage_languages and taught_side(pair, languages):
                key = (file.name, pair.kind, pair.query_language, pair.passage_language)
                groups.setdefault(key, []).append(pair)
    random = np.random.default_rng(arguments.seed)
    weights = {key: SHARES[key[1]] * len(pairs) ** SIZE_EXPONENT for key, pairs in groups.items()}
    scale = arguments.count / sum(weights.values())
    chosen: list[Pair] = []
    for key, pairs in groups.items():
        order = random.permutation(len(pairs))[: round(weights[key] * scale)]
        chosen += [pairs[i] for i in sorted(order)]
    return chosen


def cut(text: str, words: int) -> str:
    return " ".join(text.split()[:words])


def embed(texts: list[str], prefix: str, arguments: argparse.Namespace) -> np.ndarray:
    """The teacher's vectors, one row a text."""
    command = [str(arguments.embedder), "--model", arguments.teacher, "--prefix", prefix]
    command += ["--max-tokens", str(arguments.max_tokens), "--threads", str(arguments.threads)]
    lines = "".join(f"{text}\n" for text in texts)
    result = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=True)
    return np.frombuffer(result.stdout, "<f4").reshape(len(texts), -1)


def embed_once(texts: list[str], prefix: str, arguments: argparse.Namespace) -> np.ndarray:
    """The same with equal texts embedded once."""
    unique = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    rows = embed(list(unique), prefix, arguments)
    return rows[[unique[text] for text in texts]]


def centered(queries: np.ndarray, passages: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both less their common mean, of length 1 again."""
    mean = (queries.mean(0) + passages.mean(0)) / 2
    return unit(queries - mean), unit(passages - mean)


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path, help="folder of pairs")
    parser.add_argument("out", type=Path, help="the file to write, .npz")
    parser.add_argument("--teacher", required=True, help="the teacher: path:FOLDER, as rekall's models are named")
    parser.add_argument("--embedder", type=Path, required=True, help="the built example embed_texts")
    parser.add_argument("--source", default="", help="take pairs of this source alone")
    parser.add_argument("--languages", default="en", help="languages that the teacher knows (default: en)")
    parser.add_argument("--passages", default="en,fr", help="take pairs whose passage is in these (default: en,fr)")
    parser.add_argument("--query-prefix", default="", help="what the teacher wants before a query")
    parser.add_argument("--passage-prefix", default="", help="what the teacher wants before a passage")
    parser.add_argument("--count", type=int, default=80_000, help="pairs to take (default: 80000)")
    parser.add_argument("--words", type=int, default=40, help="cut texts at so many words (default: 40)")
    parser.add_argument("--max-tokens", type=int, default=64, help="and at so many of its tokens (default: 64)")
    parser.add_argument("--threads", type=int, default=1, help="of the teacher (default: 1)")
    parser.add_argument("--limit", type=int, default=70_000, help="most pairs read of a source (default: 70000)")
    parser.add_argument("--center", action="store_true", help="subtract the mean vector: E5's are all alike")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    languages = set(arguments.languages.split(","))
    chosen = choose(arguments, languages)
    sides = [taught_side(pair, languages) for pair in chosen]
    queries = [cut(query, arguments.words) for query, _ in sides]
    passages = [cut(passage, arguments.words) for _, passage in sides]
    query_vectors = embed_once(queries, arguments.query_prefix, arguments)
    passage_vectors = embed_once(passages, arguments.passage_prefix, arguments)
    if arguments.center:
        query_vectors, passage_vectors = centered(query_vectors, passage_vectors)
    np.savez(
        arguments.out,
        queries=np.array([cut(pair.query, arguments.words) for pair in chosen]),
        passages=np.array([cut(pair.passage, arguments.words) for pair in chosen]),
        groups=np.array([f"{pair.kind}/{pair.query_language}/{pair.passage_language}" for pair in chosen]),
        query_vectors=query_vectors.astype(np.float16),
        passage_vectors=passage_vectors.astype(np.float16),
    )
    print(f"{arguments.out}: {len(chosen)} pairs")


if __name__ == "__main__":
    main()
