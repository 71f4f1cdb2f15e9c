"""Writes tiny rerankers of random numbers and golden scores with the reference implementation.

    cargo xtask golden

A network of each head that is known: BERT's (a pooler, two token types), that of RoBERTa and its like, ModernBERT's with the
mean and all biases. Some pairs are longer than the networks read.
"""

import json
import pathlib
import shutil

import torch
from make_modernbert import byte_level, spread, unigram
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    ModernBertConfig,
    ModernBertForSequenceClassification,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent / "fixtures"
LIMIT = 48
QUERIES = ["the server error", "base", "le disque est plein ?", "token " * 30]
PASSAGES = [
    "memory cache file",
    "le serveur",
    "The disk is full, the page is not.",
    "error " * 60,
    "cache",
    "page login token disk full " * 4,
    "数据库",
]


def word_piece(limit: int) -> Tokenizer:
    letters = "abcdefghijklmnopqrstuvwxyz.,!?'0123456789"
    words = "the server error le serveur erreur base memory cache file token disk full login page".split()
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words, *letters, *("##" + letter for letter in letters)]
    tokenizer = Tokenizer(models.WordPiece({token: i for i, token in enumerate(vocab)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(vocab[:4])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.enable_truncation(limit)
    return tokenizer


def write(name: str, network: torch.nn.Module, tokenizer: Tokenizer) -> None:
    torch.manual_seed(51)
    network.eval()
    spread(network)
    scores = []
    for query in QUERIES:
        row = []
        for passage in PASSAGES:
            encoded = tokenizer.encode(query, passage)
            given = {"input_ids": torch.tensor([encoded.ids])}
            if network.config.model_type == "bert":
                given["token_type_ids"] = torch.tensor([encoded.type_ids])
            with torch.no_grad():
                row.append(float(network(**given).logits[0, 0]))
        scores.append(row)
    folder = FIXTURES / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    tensors = {key: value.contiguous() for key, value in network.state_dict().items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer.no_truncation()
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    network.config.architectures = [type(network).__name__]
    (folder / "config.json").write_text(network.config.to_json_string())
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": LIMIT}) + "\n")
    golden = {"queries": QUERIES, "passages": PASSAGES, "scores": scores}
    (HERE / f"{name}.json").write_text(json.dumps(golden, ensure_ascii=True, indent=1) + "\n")
    print(name, [min(map(min, scores)), max(map(max, scores))])


shape = dict(hidden_size=24, num_hidden_layers=2, num_attention_heads=2, num_labels=1)
tokenizer = word_piece(LIMIT)
config = BertConfig(
    vocab_size=tokenizer.get_vocab_size(), intermediate_size=40, max_position_embeddings=64, type_vocab_size=2, **shape
)
write("rerank-bert", BertForSequenceClassification(config), tokenizer)

tokenizer = unigram(LIMIT)
config = XLMRobertaConfig(
    vocab_size=tokenizer.get_vocab_size(), intermediate_size=40, max_position_embeddings=66, type_vocab_size=1,
    pad_token_id=1, bos_token_id=5, eos_token_id=6, layer_norm_eps=1e-5, **shape,
)
write("rerank-xlm-roberta", XLMRobertaForSequenceClassification(config), tokenizer)

tokenizer = byte_level(LIMIT)
tokenizer.post_processor = processors.TemplateProcessing(
    single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 1)]
)
config = ModernBertConfig(
    vocab_size=tokenizer.get_vocab_size(), intermediate_size=20, max_position_embeddings=64, local_attention=16,
    pad_token_id=2, bos_token_id=0, eos_token_id=1, cls_token_id=0, sep_token_id=1, norm_bias=True, attention_bias=True,
    mlp_bias=True, classifier_pooling="mean", classifier_bias=True, attn_implementation="eager", **shape,
)
write("rerank-modernbert", ModernBertForSequenceClassification(config), tokenizer)
