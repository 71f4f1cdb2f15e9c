"""Measures a static model on the judged sets, in process: seconds, where the product's `evaluate` takes minutes.

nDCG@10 of the semantic search (pydoc, xquad-en, debdoc by language, debdoc's French by English questions), Spearman's
correlation with judged similarities (sts-en, sts-fr), how often a French sentence finds its English original (ntrex),
and how often the nearest utterance has the same intent (clinc); each times 100. Sets that are not in the folder are
left out.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bags import WordTokenizer, Bags, mean_rows, unit

CUTOFF = 10
# name, folder, judgments, language of the documents, language of the queries.
RETRIEVAL = [
    ("pydoc", "pydoc", "qrels.tsv", None, None),
    ("xquad-en", "xquad-en", "qrels.tsv", None, None),
    ("debdoc-en", "debdoc", "qrels.tsv", "en", "en"),
    ("debdoc-fr", "debdoc", "qrels.tsv", "fr", "fr"),
    ("fr-by-en", "debdoc", "qrels-xling.tsv", "fr", "en"),
    ("en-by-fr", "debdoc", "qrels-xling.tsv", "en", "fr"),
]

Embed = Callable[[Bags], np.ndarray]


def lines_of(path: Path) -> list[dict]:
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def columns_of(path: Path) -> list[list[str]]:
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file]


def table_of(path: Path) -> list[list[str]]:
    """The rows of a table below its heading."""
    return columns_of(path)[1:]


class Retrieval:
    """Documents, questions, and the documents that answer each."""

    def __init__(self, folder: Path, judgments: str, of: str | None, by: str | None, tokenizer: WordTokenizer) -> None:
        documents = [entry for entry in lines_of(folder / "docs.jsonl") if of in (None, entry.get("lang"))]
        places = {entry["id"]: place for place, entry in enumerate(documents)}
        relevant: dict[str, set[int]] = {}
        for query, document, relevance in columns_of(folder / judgments):
            if int(relevance) > 0 and document in places:
                relevant.setdefault(query, set()).add(places[document])
        queries = [
            entry
            for entry in lines_of(folder / "queries.jsonl")
            if by in (None, entry.get("lang")) and entry["id"] in relevant
        ]
        self.documents = tokenizer.bags(entry["text"] for entry in documents)
        self.queries = tokenizer.bags(entry["text"] for entry in queries)
        self.relevant = [relevant[entry["id"]] for entry in queries]

    def figure(self, embed: Embed) -> float:
        cosines = unit(embed(self.queries))[0] @ unit(embed(self.documents))[0].T
        best = np.argsort(-cosines, axis=1, kind="stable")[:, :CUTOFF]
        gains = 1 / np.log2(np.arange(2, CUTOFF + 2))
        total = 0.0
        for found, relevant in zip(best, self.relevant, strict=True):
            hits = np.array([document in relevant for document in found])
            total += gains[: len(hits)][hits].sum() / gains[: len(relevant)].sum()
        return total / len(self.relevant)


class Similarity:
    """Pairs of sentences with a judged similarity."""

    def __init__(self, rows: list[list[str]], first: int, tokenizer: WordTokenizer) -> None:
        self.judged = np.array([float(row[0]) for row in rows])
        self.first = tokenizer.bags(row[first] for row in rows)
        self.second = tokenizer.bags(row[first + 1] for row in rows)

    def figure(self, embed: Embed) -> float:
        cosines = (unit(embed(self.first))[0] * unit(embed(self.second))[0]).sum(1)
        return float(np.corrcoef(ranks(self.judged), ranks(cosines))[0, 1])


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks, and the mean of them for equal values."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]


class Nearest:
    """Texts whose nearest neighbor must have the same label."""

    def __init__(self, texts: Bags, labels: list[str], among: Bags, among_labels: list[str]) -> None:
        self.texts, self.among = texts, among
        self.labels, self.among_labels = np.array(labels), np.array(among_labels)

    def figure(self, embed: Embed) -> float:
        cosines = unit(embed(self.texts))[0] @ unit(embed(self.among))[0].T
        return float((self.among_labels[cosines.argmax(1)] == self.labels).mean())


class Measures:
    """All measures whose set is in the folder."""

    def __init__(self, folder: Path, tokenizer: WordTokenizer) -> None:
        self.parts: dict[str, Retrieval | Similarity | Nearest] = {}
        for name, subfolder, judgments, of, by in RETRIEVAL:
            if (folder / subfolder).exists():
                self.parts[name] = Retrieval(folder / subfolder, judgments, of, by, tokenizer)
        sentences = folder / "sts-images" / "sts-images-dev.tsv"
        if sentences.exists():
            rows = table_of(sentences)
            self.parts["sts-en"] = Similarity(rows, 1, tokenizer)
            self.parts["sts-fr"] = Similarity(rows, 3, tokenizer)
        translations = folder / "ntrex-enfr" / "pairs.tsv"
        if translations.exists():
            rows = table_of(translations)
            numbers = [row[0] for row in rows]
            french, english = (tokenizer.bags(row[column] for row in rows) for column in (3, 2))
            self.parts["ntrex"] = Nearest(french, numbers, english, numbers)
        utterances = folder / "clinc150" / "utterances.tsv"
        if utterances.exists():
            rows = table_of(utterances)
            asked, known = ([row for row in rows if row[0] == split] for split in ("val", "train"))
            self.parts["clinc"] = Nearest(
                tokenizer.bags(row[3] for row in asked), [row[2] for row in asked],
                tokenizer.bags(row[3] for row in known), [row[2] for row in known],
            )
        if not self.parts:
            raise FileNotFoundError(f"no judged set in {folder}")

    def of_rows(self, rows: np.ndarray) -> dict[str, float]:
        """Each figure times 100."""
        return {
            name: round(100 * float(part.figure(lambda bags: mean_rows(bags, rows))), 2)
            for name, part in self.parts.items()
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, help="folder of judged sets")
    parser.add_argument("tokenizer", type=Path, help="tokenizer.json")
    parser.add_argument("rows", type=Path, nargs="+", help="rows, .npy, or a model folder")
    arguments = parser.parse_args()

    measures = Measures(arguments.sets, WordTokenizer(arguments.tokenizer))
    print("| rows |", " | ".join(measures.parts), "|")
    print("|---|" + "---|" * len(measures.parts))
    for path in arguments.rows:
        figures = measures.of_rows(rows_of(path))
        print(f"| {path.stem} |", " | ".join(f"{figure:.1f}" for figure in figures.values()), "|", flush=True)


def rows_of(path: Path) -> np.ndarray:
    """The rows of a file .npy, or of a folder in Model2Vec's form."""
    if path.suffix == ".npy":
        return np.ascontiguousarray(np.load(path), np.float32)
    from safetensors.numpy import load_file

    tensors = load_file(path / "model.safetensors")
    return np.ascontiguousarray(tensors["embeddings"].astype(np.float32) * tensors["weights"][:, None])


if __name__ == "__main__":
    main()
