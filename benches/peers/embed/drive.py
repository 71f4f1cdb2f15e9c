"""rekall beside ONNX Runtime and sentence-transformers: the same texts, the same weights, taking turns.

Python's standard library only; the peers run in a virtual environment. Run by `cargo xtask bench-embed`.
"""

import argparse
import json
import os
import pathlib
import time

import measure
import report
import texts
from process import Contender, Process

HERE = pathlib.Path(__file__).resolve().parent
REPO = "sentence-transformers/all-MiniLM-L6-v2"
REFERENCE = "sentence-transformers"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="cargo xtask bench-embed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: some three minutes")
    parser.add_argument("--rekall", required=True, help="the program embed_contender")
    parser.add_argument("--python", required=True, help="the Python of the peers' environment")
    parser.add_argument("--hub-cache", type=pathlib.Path, required=True, help=f"a hub's cache with {REPO}")
    parser.add_argument("--model", type=pathlib.Path, required=True, help="its files in that cache")
    parser.add_argument(
        "--work", type=pathlib.Path, required=True, help="folder with fp32.onnx and int8.onnx"
    )
    parser.add_argument("--out", type=pathlib.Path, required=True, help="the figures, as JSON")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    os.environ["HF_HUB_CACHE"] = str(given.hub_cache)
    model = given.model

    def peer(script: str, *values: object) -> list[str]:
        return [given.python, str(HERE / script), *map(str, values)]

    def onnx(name: str) -> Contender:
        file, tokenizer = given.work / f"{name}.onnx", model / "tokenizer.json"
        return Contender(f"onnxruntime {name}", lambda n: peer("onnx_contender.py", file, tokenizer, n))

    def modern(folder: pathlib.Path) -> list[Contender]:
        """Of random numbers, which is enough for speed."""
        file, tokenizer = given.work / "modernbert.onnx", folder / "tokenizer.json"
        return [
            Contender("rekall", lambda n: [given.rekall, f"path:{folder}", str(n)]),
            Contender("rekall int8", lambda n: [given.rekall, f"path:{folder}", str(n), "int8"]),
            Contender(report.BASELINE, lambda n: peer("onnx_contender.py", file, tokenizer, n)),
            Contender(REFERENCE, lambda n: peer("torch_contender.py", folder, n)),
        ]

    def rerankers(folder: pathlib.Path) -> list[Contender]:
        """With a head of random numbers, which is enough for speed."""
        return [
            Contender("rekall", lambda n: [given.rekall, f"path:{folder}", str(n)]),
            Contender("rekall int8", lambda n: [given.rekall, f"path:{folder}", str(n), "int8"]),
            Contender(REFERENCE, lambda n: peer("cross_contender.py", folder, n)),
        ]

    rekall = Contender("rekall", lambda n: [given.rekall, f"hub:{REPO}", str(n)])
    rounded = Contender("rekall int8", lambda n: [given.rekall, f"hub:{REPO}", str(n), "int8"])
    bundled = Contender("rekall, built-in model", lambda n: [given.rekall, "bundled", str(n)])
    reference = Contender(REFERENCE, lambda n: peer("torch_contender.py", model, n))
    same_weights = [rekall, rounded, onnx("fp32"), onnx("int8"), reference]
    quick = given.quick
    started = time.monotonic()

    def say(what: str) -> None:
        print(f"-- {time.monotonic() - started:4.0f} s  {what}", flush=True)

    figures = {"machine": report.machine(), "quick": quick, "versions": {}}
    with Process(rekall, 1) as process:
        process.ask("load")
        sample = texts.make(
            lambda many: process.ask("tokens", texts=many)["tokens"],
            passages=32 if quick else 96,
            mixed=128 if quick else 256,
        )
    for contender in same_weights:
        with Process(contender, 1) as process:
            figures["versions"] |= process.ask("hello")["versions"]
    say("agreement")
    judged = sample.queries[:50] + sample.passages[:16] + sample.mixed[:34]
    figures["agreement"] = measure.agreement(reference, same_weights[:-1], judged)
    say("cold starts")
    figures["cold"] = measure.cold([*same_weights, bundled], sample.queries[0], rounds=2 if quick else 5)
    figures["speed"] = {}
    for threads in (1, 2):
        say(f"speed, {threads} thread(s)")
        rounds = 2 if quick else 7
        figures["speed"][threads] = measure.speed(same_weights, threads, sample, rounds)
    modernbert = modern(given.work / "modernbert")
    say("ModernBERT: agreement")
    agreement = measure.agreement(modernbert[-1], modernbert[:-1], judged)
    figures["modernbert"] = {"agreement": agreement, "speed": {}}
    for threads in (1, 2):
        say(f"ModernBERT: speed, {threads} thread(s)")
        rounds = 2 if quick else 5
        figures["modernbert"]["speed"][threads] = measure.speed(modernbert, threads, sample, rounds)
    figures["rerank"] = {}
    for threads in (1, 2):
        say(f"re-ranking, {threads} thread(s)")
        judges = rerankers(given.work / "reranker")
        figures["rerank"][threads] = measure.rerank(judges, threads, sample, rounds=2 if quick else 5)
    say("memory")
    for contender in [*same_weights, bundled]:
        figures.setdefault("memory", {})[contender.name] = measure.memory(contender, sample.passages[:32])
    say("built-in model")
    figures["bundled"] = measure.short_texts(bundled, sample.short, rounds=5)
    say(f"a memory of {measure.ENTRIES:,} entries (made once)")
    figures["store"] = measure.store(rekall, given.work / "entries.db", sample.short, sample.queries)
    figures["machine"]["load_after"] = round(os.getloadavg()[0], 2)
    figures["seconds"] = round(time.monotonic() - started)
    given.out.write_text(json.dumps(figures, indent=1) + "\n")
    say(f"figures in {given.out}")
    print(report.text(figures))


if __name__ == "__main__":
    main()
