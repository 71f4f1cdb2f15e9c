"""Writes a static model as sentence-transformers stores it, and its golden vectors by that package.

    cargo xtask golden

Such a model (static-retrieval-mrl-en-v1 and its like) has no `config.json`; its files are in `0_StaticEmbedding`. A text's
vector is the plain mean of its tokens' vectors, the unknown token's among them, however long the text is.
"""

import base64
import json
import pathlib
import shutil

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

HERE = pathlib.Path(__file__).resolve().parent
NAME = "static-embedding"
FOLDER = HERE.parent / "fixtures" / NAME
WORDS = "the server error le serveur erreur base memory cache file token disk full login page".split()
TEXTS = [
    "The server error",
    "le serveur, la base de cache.",
    "the ☃ file of ☃ memory",
    "数据库 error",
    "☃",
    "",
    "disk " * 700 + "full",
]


def word_piece() -> Tokenizer:
    letters = "abcdefghijklmnopqrstuvwxyz.,"
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS, *letters, *("##" + letter for letter in letters)]
    tokenizer = Tokenizer(models.WordPiece({token: i for i, token in enumerate(vocab)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(vocab[:4])
    # The special tokens of the transformer that the tokenizer comes from; they are not added.
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


torch.manual_seed(41)
tokenizer = word_piece()
module = StaticEmbedding(tokenizer, embedding_dim=12)
torch.nn.init.normal_(module.embedding.weight)
model = SentenceTransformer(modules=[module], device="cpu")
rows = model.encode(TEXTS, normalize_embeddings=True)
# The vector of no token at all is zero, or not a number.
rows = np.nan_to_num(rows)
golden = {
    "dimensions": int(rows.shape[1]),
    "texts": TEXTS,
    "rows_f32le_base64": base64.b64encode(rows.astype("<f4").tobytes()).decode(),
}
(HERE / f"{NAME}.json").write_text(json.dumps(golden, ensure_ascii=True, indent=1) + "\n")
shutil.rmtree(FOLDER, ignore_errors=True)
model.save_pretrained(str(FOLDER))
print(sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.is_file()), rows.shape)
# The layout of the models that are published.
inner = FOLDER / "0_StaticEmbedding"
if not inner.exists():
    inner.mkdir()
    for name in ["model.safetensors", "tokenizer.json"]:
        (FOLDER / name).rename(inner / name)
    (FOLDER / "modules.json").write_text(
        json.dumps([{"idx": 0, "name": "0", "path": "0_StaticEmbedding", "type": "sentence_transformers.models.StaticEmbedding"}]) + "\n"
    )
(FOLDER / "README.md").unlink(missing_ok=True)
