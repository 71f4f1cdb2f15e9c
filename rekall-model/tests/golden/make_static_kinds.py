"""Writes static models with tokenizers and numbers of each kind, and their golden vectors by Python's model2vec.

    cargo xtask golden

`make_static.py` has WordPiece; here are BPE over bytes (as of models distilled from ModernBERT), BPE with visible spaces
and an unknown token, and SentencePiece's Unigram (as of potion-multilingual), each with a quantised vocabulary: fewer rows
than tokens, a mapping from token to row, and a weight for each token.
"""

import base64
import json
import pathlib
import shutil

import numpy as np
from model2vec import StaticModel
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent / "fixtures"
WORDS = "the server error le serveur erreur base memory cache file token disk full login page".split()
TEXTS = [
    "The server error",
    "le serveur, la base de cache.",
    "memory leak of the server",
    "login\tpage\n\n  memory",
    "zyx 7.1.3",
    "naïve café — 数据库",
    "☃",
    "",
    "file file file disk",
    " ".join(WORDS * 3),
]


def byte_level() -> Tokenizer:
    vocab = {token: i for i, token in enumerate(["[PAD]", *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    merges = merged(vocab, "Ġ")
    tokenizer = Tokenizer(models.BPE(vocab, merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.add_special_tokens(["[PAD]"])
    return tokenizer


def metaspace() -> Tokenizer:
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZéè.,▁"
    vocab = {token: i for i, token in enumerate(["<pad>", "<unk>", *letters])}
    merges = merged(vocab, "▁")
    tokenizer = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens(["<pad>", "<unk>"])
    return tokenizer


def unigram() -> Tokenizer:
    letters = "abcdefghijklmnopqrstuvwxyzéèàç.,0123456789"
    pieces = [("[PAD]", 0.0), ("[UNK]", 0.0), ("▁", -3.0)]
    pieces += [("▁" + word, -4.0 - i / 7) for i, word in enumerate(WORDS)]
    pieces += [(letter, -6.0 - i / 11) for i, letter in enumerate(letters)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=1))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.add_special_tokens(["[PAD]", "[UNK]"])
    return tokenizer


def merged(vocab: dict[str, int], space: str) -> list[tuple[str, str]]:
    """Merges that make each word one token, behind a space and not."""
    merges: list[tuple[str, str]] = []

    def merge(a: str, b: str) -> str:
        if a + b not in vocab:
            vocab[a + b] = len(vocab)
            merges.append((a, b))
        return a + b

    for word in WORDS:
        whole = word[0]
        for letter in word[1:]:
            whole = merge(whole, letter)
        merge(space, whole)
    return merges


def write(name: str, tokenizer: Tokenizer, dtype: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    tokens, rows = tokenizer.get_vocab_size(), 24
    vectors = random.normal(size=(rows, 8)).astype(np.float32)
    vectors = {
        "f32": lambda: vectors,
        "f16": lambda: vectors.astype(np.float16),
        "int8": lambda: np.clip(np.rint(vectors * 40), -127, 127).astype(np.int8),
    }[dtype]()
    folder = FIXTURES / name
    shutil.rmtree(folder, ignore_errors=True)
    model = StaticModel(
        vectors,
        tokenizer,
        config={"model_type": "model2vec"},
        normalize=True,
        weights=random.uniform(0.05, 1.5, size=tokens).astype(np.float32),
        token_mapping=random.integers(0, rows, size=tokens),
    )
    model.save_pretrained(folder)
    for extra in ["README.md", "modules.json"]:
        (folder / extra).unlink(missing_ok=True)
    model = StaticModel.from_pretrained(folder)
    # Not the cut by characters; see the documentation of `static_model`.
    model.median_token_length = 1000
    # With f16 rows the package rounds its results to f16, too.
    model.embedding = model.embedding.astype(np.float32)
    table = model.encode(TEXTS)
    golden = {
        "dimensions": int(table.shape[1]),
        "texts": TEXTS,
        "rows_f32le_base64": base64.b64encode(table.astype("<f4").tobytes()).decode(),
    }
    (HERE / f"{name}.json").write_text(json.dumps(golden, ensure_ascii=True, indent=1) + "\n")
    print(name, table.shape, "zero rows:", int((np.abs(table).sum(1) == 0).sum()))


write("static-bpe-bytes-f16", byte_level(), "f16", 31)
write("static-bpe-spaces", metaspace(), "f32", 32)
write("static-unigram-int8", unigram(), "int8", 33)
