"""Measures models on the judged sets by the product itself, and prints the tables of docs/quality.md.

    quality.py SETS --evaluate PROGRAM --embedder PROGRAM --model NAME=SOURCE ... [--int8 NAME ...] [--keep NAME ...]
        --results FOLDER

How well questions find their answers comes from the example `evaluate`, which searches as a host would; sentence
similarity, translations and requests are measured on vectors that the example `embed_texts` computes. Each figure is
times 100. What a model reached is saved in the folder of results, and `--keep` takes it from there, so that a run that
was stopped goes on.
"""

import argparse
import json
import pathlib
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np

from measure import RETRIEVAL, Measures

SENTENCES = ("sts-en", "sts-fr", "ntrex", "clinc")
FRENCH = ("sts-fr", "ntrex")

# Of evaluate's modes.
WORDS, MEANING, HYBRID = "text", "semantic", "hybrid"

Figures = dict[str, dict[str, float]]


class WholeTexts:
    """Stands for a tokenizer where texts go to the product as they are."""

    def bags(self, texts) -> list[str]:
        return list(texts)


class Product:
    """The product's programs, and the sets that they are measured on."""

    def __init__(self, sets: pathlib.Path, evaluate: pathlib.Path, embedder: pathlib.Path) -> None:
        self.sets, self.evaluate, self.embedder = sets, evaluate, embedder
        self.parts = Measures(sets, WholeTexts()).parts

    def measures(self, model: list[str], english: bool) -> Iterator[tuple[str, Callable[[], dict[str, float]]]]:
        """The measures of a model (the programs' options for it) by name, without those of French if it knows none."""
        for name, folder, judgments, documents, queries in RETRIEVAL:
            if name in self.parts and not (english and "fr" in (documents, queries)):
                yield name, partial(self.searched, model, self.sets / folder, judgments, documents, queries)
        for name in SENTENCES:
            if name in self.parts and not (english and name in FRENCH):
                yield name, partial(self.compared, model, name)

    def searched(
        self, model: list[str], folder: pathlib.Path, judgments: str, documents: str | None, queries: str | None
    ) -> dict[str, float]:
        """nDCG@10 of each mode."""
        command = [str(self.evaluate), "--json", *model]
        for option, file in (("docs", "docs.jsonl"), ("queries", "queries.jsonl"), ("qrels", judgments)):
            command += [f"--{option}", str(folder / file)]
        for option, language in (("docs-lang", documents), ("lang", queries)):
            command += [f"--{option}", language] if language else []
        result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        return {mode: 100 * result[mode]["ndcg@10"] for mode in (WORDS, MEANING, HYBRID)}

    def compared(self, model: list[str], name: str) -> dict[str, float]:
        """What vectors alone reach."""

        def embed(texts: list[str]) -> np.ndarray:
            lines = "".join(" ".join(text.split()) + "\n" for text in texts)
            command = [str(self.embedder), *model]
            done = subprocess.run(command, check=True, input=lines.encode(), stdout=subprocess.PIPE)
            return np.frombuffer(done.stdout, "<f4").reshape(len(texts), -1)

        return {MEANING: 100 * float(self.parts[name].figure(embed))}


def print_tables(models: dict[str, Figures]) -> None:
    def print_row(cells: Iterable[str]) -> None:
        print(f"| {' | '.join(cells)} |")

    names = list(models)
    print_row(["set", "words", *names])
    print_row(["---"] * (len(names) + 2))
    for name, *_ in RETRIEVAL:
        words = (figures[name][WORDS] for figures in models.values() if name in figures)
        print_row([name, shown(next(words, None)), *(both(figures.get(name)) for figures in models.values())])
    print()
    print_row(["set", *names])
    print_row(["---"] * (len(names) + 1))
    for name in SENTENCES:
        print_row([name, *(shown(figures.get(name, {}).get(MEANING)) for figures in models.values())])


def both(figures: dict[str, float] | None) -> str:
    return f"{figures[MEANING]:.1f} / {figures[HYBRID]:.1f}" if figures else shown(None)


def shown(figure: float | None) -> str:
    return "–" if figure is None else f"{figure:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures models on the judged sets, and prints tables in Markdown.")
    parser.add_argument("sets", type=pathlib.Path, help="folder of judged sets")
    parser.add_argument("--evaluate", type=pathlib.Path, required=True, help="the built example evaluate")
    parser.add_argument("--embedder", type=pathlib.Path, required=True, help="the built example embed_texts")
    parser.add_argument("--model", action="append", required=True, help="NAME=SOURCE, as rekall's models are named")
    parser.add_argument("--english", action="append", default=[], help="NAME of a model that knows English alone")
    parser.add_argument("--int8", action="append", default=[], help="NAME of a transformer to measure in eight bits")
    parser.add_argument("--keep", action="append", default=[], help="NAME of a model: measure only what is missing")
    parser.add_argument("--results", type=pathlib.Path, required=True, help="folder for what each model reached")
    arguments = parser.parse_args()
    arguments.results.mkdir(parents=True, exist_ok=True)
    product = Product(arguments.sets, arguments.evaluate, arguments.embedder)
    models: dict[str, Figures] = {}
    for name, source in (model.split("=", 1) for model in arguments.model):
        saved = arguments.results / f"{name}.json"
        figures = json.loads(saved.read_text(encoding="utf-8")) if name in arguments.keep and saved.exists() else {}
        model = ["--model", source, "--precision", "int8" if name in arguments.int8 else "f32"]
        for set_name, measure in product.measures(model, name in arguments.english):
            if set_name not in figures:
                figures[set_name] = measure()
                saved.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
                print(f"{name}: {set_name}: {figures[set_name]}", file=sys.stderr, flush=True)
        models[name] = figures
    print_tables(models)


if __name__ == "__main__":
    main()
