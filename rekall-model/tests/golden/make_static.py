"""Writes the static models' fixtures and golden vectors with the reference implementation.

    pip install -r requirements.txt
    python make_static.py            # in this folder; or cargo xtask bundle-model

Everything it writes is committed; the tests need no Python.
"""

import base64
import json
import pathlib

import numpy as np
from model2vec import StaticModel
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent / "fixtures"
BUNDLED = HERE.parent.parent / "data" / "static-fren"
BUNDLED_V1 = HERE.parent.parent.parent / "rekall-model-v1" / "data"

TEXTS = json.loads((HERE / "texts.json").read_text("utf-8"))
LONG = [
    " ".join(TEXTS) * 3,
    "The connection pool was exhausted because each worker kept its handle open. " * 60,
    "Le cache n'est jamais la vérité ; il peut être jeté à tout moment. " * 80,
]


def encoded(rows: np.ndarray) -> str:
    return base64.b64encode(rows.astype("<f4").tobytes()).decode()


def write(name: str, model: StaticModel, texts: list[str]) -> None:
    rows = model.encode(texts)
    # Model2Vec gives zero rows for texts without a known token.
    golden = {"dimensions": int(rows.shape[1]), "texts": texts, "rows_f32le_base64": encoded(rows)}
    (HERE / f"{name}.json").write_text(json.dumps(golden, ensure_ascii=True, indent=1) + "\n")
    print(name, rows.shape, rows.dtype, "zero rows:", int((np.abs(rows).sum(1) == 0).sum()))


def tiny_tokenizer() -> Tokenizer:
    words = "the a of server error memory leak le la de serveur erreur fix file base cache".split()
    pieces = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    vocab = ["[PAD]", "[UNK]", *words, *(p for p in pieces if p not in words), *("##" + p for p in pieces), ".", ","]
    tokenizer = Tokenizer(
        models.WordPiece({t: i for i, t in enumerate(vocab)}, unk_token="[UNK]", max_input_chars_per_word=100)
    )
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(["[PAD]", "[UNK]"])
    return tokenizer


def packed(rows: np.ndarray) -> np.ndarray:
    """Rows of -8 to 7 with two numbers a byte; see `static_model/number.rs`."""
    numbers, half = (rows + 8).astype(np.uint8), rows.shape[1] // 2
    return numbers[:, :half] | numbers[:, half:] << 4


def unpacked(rows: np.ndarray) -> np.ndarray:
    return np.concatenate([rows & 15, rows >> 4], axis=1).astype(np.int8) - 8


def in_eight_bits(folder: pathlib.Path) -> StaticModel:
    """A model with rows of four bits, which the package does not read."""
    tensors = load_file(folder / "model.safetensors")
    return StaticModel(
        vectors=unpacked(tensors["embeddings_i4"]),
        weights=tensors["weights"],
        tokenizer=Tokenizer.from_file(str(folder / "tokenizer.json")),
        config=json.loads((folder / "config.json").read_text("utf-8")),
        normalize=True,
    )


def tiny_models() -> None:
    random = np.random.default_rng(20)
    tokenizer = tiny_tokenizer()
    n = tokenizer.get_vocab_size()
    rows = random.normal(size=(n, 8)).astype(np.float32)
    weights = random.uniform(0.05, 1.5, size=n).astype(np.float32)
    int8 = np.clip(np.rint(rows * 40), -127, 127).astype(np.int8)
    mapping = random.integers(0, 20, size=n)
    variants = {
        "f32": dict(vectors=rows),
        "f32-weights": dict(vectors=rows, weights=weights),
        "f16": dict(vectors=rows.astype(np.float16)),
        "f16-weights": dict(vectors=rows.astype(np.float16), weights=weights),
        "int8": dict(vectors=int8),
        "int8-weights": dict(vectors=int8, weights=weights),
        "int4-weights": dict(vectors=np.clip(np.rint(rows * 3), -8, 7).astype(np.int8), weights=weights),
        "mapping": dict(vectors=rows[:20], weights=weights, token_mapping=mapping),
        "short": dict(vectors=rows, max_length=5),
        "raw": dict(vectors=rows, normalize=False),
    }
    texts = [
        "The server error", "le serveur, la base de cache.", "memory leak", "fix file", "zyx", "a", "LE",
        "unknown \u2603 snowman", "\u2603", "", "error error error fix", "the cache of the file of the server",
    ]
    for name, parts in variants.items():
        folder = FIXTURES / f"static-{name}"
        options = {"normalize": True, **parts}
        model = StaticModel(tokenizer=tokenizer, config={"model_type": "model2vec"}, **options)
        model.save_pretrained(folder)
        for extra in ["README.md", "modules.json"]:
            (folder / extra).unlink(missing_ok=True)
        model = StaticModel.from_pretrained(folder)
        # Not the cut by characters, which here would fall into the middle of short texts; see the
        # documentation of `static_model`.
        model.median_token_length = 1000
        if name.startswith("f16"):
            # With f16 rows the package rounds its results to f16 too; compare with those, and, more
            # sharply, with what it gives for the same numbers in f32.
            write(f"static-{name}-rounded", model, texts)
            model.embedding = model.embedding.astype(np.float32)
        write(f"static-{name}", model, texts)
        if name.startswith("int4"):
            tensors = load_file(folder / "model.safetensors")
            tensors["embeddings_i4"] = packed(tensors.pop("embeddings"))
            save_file(tensors, folder / "model.safetensors")


tiny_models()
write("static-fren", in_eight_bits(BUNDLED), [*TEXTS, *LONG])
write("static-fren-v1", StaticModel.from_pretrained(BUNDLED_V1), [*TEXTS, *LONG])
