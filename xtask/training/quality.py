"""Measures models on the judged sets by the product itself, and prints the tables of docs/quality.md.

    quality.py SETS --evaluate PROGRAM --embedder PROGRAM --model NAME=SOURCE ... [--keep NAME ...] --results FOLDER

How well questions find their answers comes from the example `evaluate`, which searches as a host would; sentence
similarity, translations and requests are measured on vectors that the example `embed_texts` computes. Each figure is
times 100. What a model reached is saved in the folder of results, and `--keep` takes it from there.
"""

import argparse
import json
import pathlib
import subprocess
import sys

import numpy as np

from measure import RETRIEVAL, Measures

SENTENCES = ("sts-en", "sts-fr", "ntrex", "clinc")

# Of evaluate's modes.
WORDS, MEANING, HYBRID = "text", "semantic", "hybrid"

Figures = dict[str, dict[str, float]]


class WholeTexts:
    """Stands for a tokenizer where texts go to the product as they are."""

    def bags(self, texts) -> list[str]:
        return list(texts)


def searched(evaluate: pathlib.Path, source: str, sets: pathlib.Path) -> Figures:
    """nDCG@10 of each mode by set."""
    figures = {}
    for name, folder, judgments, documents, queries in RETRIEVAL:
        files = {"docs": "docs.jsonl", "queries": "queries.jsonl", "qrels": judgments}
        command = [str(evaluate), "--json", "--model", source]
        for option, file in files.items():
            command += [f"--{option}", str(sets / folder / file)]
        for option, language in (("docs-lang", documents), ("lang", queries)):
            command += [f"--{option}", language] if language else []
        result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        figures[name] = {mode: 100 * result[mode]["ndcg@10"] for mode in (WORDS, MEANING, HYBRID)}
    return figures


def compared(embedder: pathlib.Path, source: str, sets: pathlib.Path) -> Figures:
    """What vectors alone reach, by set."""

    def embed(texts: list[str]) -> np.ndarray:
        lines = "".join(" ".join(text.split()) + "\n" for text in texts)
        command = [str(embedder), "--model", source]
        done = subprocess.run(command, check=True, input=lines.encode(), stdout=subprocess.PIPE)
        return np.frombuffer(done.stdout, "<f4").reshape(len(texts), -1)

    parts = Measures(sets, WholeTexts()).parts
    return {name: {MEANING: 100 * parts[name].figure(embed)} for name in SENTENCES if name in parts}


def print_tables(models: dict[str, Figures]) -> None:
    names = list(models)
    print(f"| set | words | {' | '.join(names)} |")
    print("|---|---|" + "---|" * len(names))
    for name, *_ in RETRIEVAL:
        words = models[names[0]][name][WORDS]
        cells = (f"{figures[name][MEANING]:.1f} / {figures[name][HYBRID]:.1f}" for figures in models.values())
        print(f"| {name} | {words:.1f} | {' | '.join(cells)} |")
    print(f"\n| set | {' | '.join(names)} |")
    print("|---|" + "---|" * len(names))
    for name in SENTENCES:
        cells = (f"{figures[name][MEANING]:.1f}" for figures in models.values())
        print(f"| {name} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures models on the judged sets, and prints tables in Markdown.")
    parser.add_argument("sets", type=pathlib.Path, help="folder of judged sets")
    parser.add_argument("--evaluate", type=pathlib.Path, required=True, help="the built example evaluate")
    parser.add_argument("--embedder", type=pathlib.Path, required=True, help="the built example embed_texts")
    parser.add_argument("--model", action="append", required=True, help="NAME=SOURCE, as rekall's models are named")
    parser.add_argument("--keep", action="append", default=[], help="NAME of a model that was measured before")
    parser.add_argument("--results", type=pathlib.Path, required=True, help="folder for what each model reached")
    arguments = parser.parse_args()
    arguments.results.mkdir(parents=True, exist_ok=True)
    models = {}
    for name, source in (model.split("=", 1) for model in arguments.model):
        saved = arguments.results / f"{name}.json"
        if name not in arguments.keep:
            print(f"measuring {name}", file=sys.stderr, flush=True)
            figures = searched(arguments.evaluate, source, arguments.sets)
            figures |= compared(arguments.embedder, source, arguments.sets)
            saved.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        models[name] = json.loads(saved.read_text(encoding="utf-8"))
    print_tables(models)


if __name__ == "__main__":
    main()
