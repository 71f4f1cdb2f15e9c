"""How fast models of the published shapes run: `shapes.py MINILM_FOLDER PROGRAM WORK`.

Random numbers are enough for speed: each network has the layers, widths and parts of the models that it stands for, all-MiniLM-L6-v2's
tokenizer, so that the texts have the tokens of the other tables, and only that tokenizer's token vectors, whose number no speed
depends on. MPNet and JinaBERT, whose parts are BERT's and NomicBERT's but for how tokens know their distance, are left out.

Run by `cargo xtask bench-shapes`, which prints the table of docs/models.md: a short query and passages of 110 tokens, in floats
and in eight bits, on one thread; and how many numbers the layers' matrices have.
"""

import json
import pathlib
import shutil
import statistics
import sys
from collections.abc import Callable

import texts
import torch
import transformers as t
from process import Contender, Process

VOCABULARY = 30_522
QUERIES = 12
# Passages, of networks of so many numbers in their layers' matrices and more.
PASSAGES = {0: 96, 30_000_000: 32, 200_000_000: 8}
ROUNDS = 3


def bert(layers: int, width: int, inner: int) -> t.PreTrainedModel:
    return t.BertModel(t.BertConfig(
        vocab_size=VOCABULARY, hidden_size=width, num_hidden_layers=layers, intermediate_size=inner,
        num_attention_heads=width // (32 if width < 768 else 64),
    ), add_pooling_layer=False)


def modern(layers: int, width: int, inner: int) -> t.PreTrainedModel:
    return t.ModernBertModel(t.ModernBertConfig(
        vocab_size=VOCABULARY, hidden_size=width, num_hidden_layers=layers, intermediate_size=inner,
        num_attention_heads=12, local_attention=128, cls_token_id=101, sep_token_id=102, **specials(),
    ))


def distil() -> t.PreTrainedModel:
    return t.DistilBertModel(t.DistilBertConfig(vocab_size=VOCABULARY, pad_token_id=0))


def nomic() -> t.PreTrainedModel:
    return t.NomicBertModel(t.NomicBertConfig(vocab_size=VOCABULARY, pad_token_id=0))


def gte(layers: int, width: int, inner: int, heads: int) -> t.PreTrainedModel:
    return t.GteModel(t.GteConfig(
        vocab_size=VOCABULARY, type_vocab_size=0, hidden_size=width, num_hidden_layers=layers, intermediate_size=inner,
        num_attention_heads=heads, max_position_embeddings=8192, pad_token_id=0,
    ))


def qwen() -> t.PreTrainedModel:
    return t.Qwen3Model(t.Qwen3Config(
        vocab_size=VOCABULARY, hidden_size=1024, num_hidden_layers=28, intermediate_size=3072, num_attention_heads=16,
        num_key_value_heads=8, head_dim=128, max_position_embeddings=32768, pad_token_id=0,
    ))


def gemma() -> t.PreTrainedModel:
    return t.Gemma3TextModel(t.Gemma3TextConfig(
        vocab_size=VOCABULARY, hidden_size=768, num_hidden_layers=24, intermediate_size=1152, num_attention_heads=3,
        num_key_value_heads=1, head_dim=256, query_pre_attn_scalar=256, use_bidirectional_attention=True,
        sliding_window=512, max_position_embeddings=2048, pad_token_id=0,
    ))


def specials() -> dict[str, int]:
    return {"pad_token_id": 0, "bos_token_id": 101, "eos_token_id": 102}


SHAPES: dict[str, tuple[Callable[[], t.PreTrainedModel], str]] = {
    "BERT, 6 layers of 384": (lambda: bert(6, 384, 1536), "mean"),
    "BERT, 12 of 384": (lambda: bert(12, 384, 1536), "mean"),
    "ModernBERT, 12 of 384": (lambda: modern(12, 384, 1536), "cls"),
    "DistilBERT, 6 of 768": (distil, "mean"),
    "BERT, 12 of 768": (lambda: bert(12, 768, 3072), "mean"),
    "NomicBERT, 12 of 768": (nomic, "mean"),
    "GTE, 12 of 768": (lambda: gte(12, 768, 3072, 12), "cls"),
    "ModernBERT, 22 of 768": (lambda: modern(22, 768, 1152), "cls"),
    "Gemma 3, 24 of 768": (gemma, "mean"),
    "BERT, 24 of 1,024": (lambda: bert(24, 1024, 4096), "mean"),
    "GTE, 24 of 1,024": (lambda: gte(24, 1024, 4096, 16), "cls"),
    "Qwen3, 28 of 1,024": (qwen, "lasttoken"),
}


def write(made: t.PreTrainedModel, pooling: str, minilm: pathlib.Path, folder: pathlib.Path) -> int:
    """The model's files; gives the numbers of the layers' matrices."""
    shutil.rmtree(folder, ignore_errors=True)
    made.save_pretrained(folder)
    for name in ["tokenizer.json", "tokenizer_config.json"]:
        shutil.copy(minilm / name, folder / name)
    (folder / "1_Pooling").mkdir()
    modes = {"cls": "cls_token", "mean": "mean_tokens", "lasttoken": "lasttoken"}
    flags = {f"pooling_mode_{mode}": name == pooling for name, mode in modes.items()}
    width = {"word_embedding_dimension": made.config.hidden_size}
    (folder / "1_Pooling/config.json").write_text(json.dumps(width | flags))
    path = folder / "config.json"
    config = json.loads(path.read_text()) | {"architectures": [type(made).__name__]}
    if config["model_type"] == "qwen3":
        # As transformers 4 wrote it, and the authors' files have it.
        config |= {"rope_theta": config.pop("rope_parameters")["rope_theta"], "rope_scaling": None, "sliding_window": None}
    path.write_text(json.dumps(config))
    matrices = [p.numel() for name, p in made.named_parameters() if p.dim() == 2 and "embed" not in name]
    return sum(matrices)


def main(minilm: pathlib.Path, program: str, work: pathlib.Path) -> None:
    torch.manual_seed(22)
    t.utils.logging.disable_progress_bar()
    folder = work / "shape"

    def process(*options: str) -> Process:
        return Process(Contender("rekall", lambda n: [program, f"path:{folder}", str(n), *options]), 1)

    print("| shape | numbers in matrices, million | short query, ms: `f32`; int8 | passages a second: `f32`; int8 |")
    print("|---|---|---|---|", flush=True)
    sample = None
    for name, (make, pooling) in SHAPES.items():
        numbers = write(make(), pooling, minilm, folder)
        count = next(count for least, count in reversed(PASSAGES.items()) if numbers >= least)
        queries: list[list[float]] = [[], []]
        passages: list[list[float]] = [[], []]
        with process() as floats, process("int8") as rounded:
            both = [floats, rounded]
            for one in both:
                one.ask("load")
            if sample is None:
                sample = texts.make(lambda all: floats.ask("tokens", texts=all)["tokens"], max(PASSAGES.values()), 2)
            for turn in range(ROUNDS + 1):
                for at, one in enumerate(both):
                    each = one.ask("queries", texts=sample.queries[:QUERIES])["ms"]
                    whole = one.ask("documents", texts=sample.passages[:count])["ms"]
                    if turn:
                        queries[at] += each
                        passages[at].append(count / whole * 1e3)
        short = "; ".join(f"{statistics.median(each):.1f}" for each in queries)
        speed = "; ".join(f"{statistics.median(each):.1f}" for each in passages)
        print(f"| {name} | {numbers / 1e6:.0f} | {short} | {speed} |", flush=True)
    shutil.rmtree(folder)


main(pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3]))
