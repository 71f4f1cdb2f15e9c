"""The files of a model with 4-bit rows.

Packed, as the crate compiles it in (`model.safetensors`):

    embeddings_i4  U8 [tokens, dimensions / 2]: byte j of a row holds dimension j in its low four bits and dimension
                   j + dimensions / 2 in its high ones, each plus 8
    weights        F32 [tokens]: the scale of each row

and the same numbers in Model2Vec's own form (folder `model2vec`), which any loader of such files reads:

    embeddings     I8 [tokens, dimensions], values -7 .. 7
    weights        F32 [tokens]

A text's vector is the sum of weight times row over its tokens, normalized.
"""

import json
import shutil
import zlib
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

OFFSET = 8


def packed(values: np.ndarray) -> np.ndarray:
    half = values.shape[1] // 2
    nibbles = (values + OFFSET).astype(np.uint8)
    return nibbles[:, :half] | (nibbles[:, half:] << 4)


def unpacked(rows: np.ndarray) -> np.ndarray:
    return np.concatenate([rows & 15, rows >> 4], axis=1).astype(np.int8) - OFFSET


def write_model(out: Path, name: str, values: np.ndarray, weights: np.ndarray, tokenizer: Path) -> None:
    """Writes both forms and prints what they weigh compressed."""
    rows = packed(values)
    if not np.array_equal(unpacked(rows), values):
        raise ValueError("the values do not fit 4 bits")
    plain = out / "model2vec"
    plain.mkdir(parents=True, exist_ok=True)
    save_file({"embeddings_i4": rows, "weights": weights}, out / "model.safetensors")
    save_file({"embeddings": values, "weights": weights}, plain / "model.safetensors")
    for folder, kind in ((out, "int4"), (plain, "int8")):
        shutil.copyfile(tokenizer, folder / "tokenizer.json")
        config = {
            "model_type": "model2vec",
            "architectures": ["StaticModel"],
            "tokenizer_name": f"{name}: unigram, French and English, lower case",
            "hidden_dim": values.shape[1],
            "seq_length": 1_000_000,
            "normalize": True,
            "embedding_dtype": kind,
        }
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    (out / "NAME").write_text(f"{name}\n", encoding="utf-8")
    for file in (out / "model.safetensors", out / "tokenizer.json"):
        data = file.read_bytes()
        print(f"{file}: {len(data)} bytes, {len(zlib.compress(data, 9))} compressed")
