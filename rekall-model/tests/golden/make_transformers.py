"""Writes the transformers' fixtures and golden vectors with the reference implementation.

    pip install sentence-transformers==6.2.0
    python make_transformers.py [ALL_MINILM_L6_V2_FOLDER [MULTILINGUAL_E5_SMALL_Q4_FOLDER]]

Everything it writes is committed; the tests need no Python. The vectors of all-MiniLM-L6-v2
and multilingual-e5-small-q4 (both from `cargo xtask model`) are compared where those models are at
hand; with both folders given, the fixtures are left as they are.
"""

import base64
import json
import pathlib
import shutil
import sys

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers import models as modules
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent / "fixtures"
TEXTS = json.loads((HERE / "texts.json").read_text("utf-8"))


def two_hundred() -> list[str]:
    texts = list(TEXTS)
    texts += ["", " ", "\n\t", ".", "😀", "é", "the " * 300, "Ça va ? " * 20]
    # 5,000 characters, English and French.
    for word in ["connection pool exhausted after the nightly restart; ", "la sauvegarde a échoué cette nuit ; "]:
        texts.append((word * 200)[:5000])
    i = 0
    while len(texts) < 200:
        texts.append(" ".join(TEXTS[(i * step + i) % len(TEXTS)] for step in range(1, 2 + i % 7)))
        i += 1
    return texts


def write(name: str, model: SentenceTransformer, texts: list[str], prompt: str = "") -> None:
    rows = model.encode([prompt + t for t in texts], normalize_embeddings=True, batch_size=16)
    golden = {
        "dimensions": int(rows.shape[1]),
        "texts": texts,
        "rows_f32le_base64": base64.b64encode(rows.astype("<f4").tobytes()).decode(),
    }
    (HERE / f"{name}.json").write_text(json.dumps(golden, ensure_ascii=True, indent=1) + "\n")
    print(name, rows.shape)


def word_piece() -> Tokenizer:
    pieces = [chr(c) for c in range(ord("a"), ord("z") + 1)] + list(".,!?'0123456789")
    words = "the server error le serveur erreur base memory cache file".split()
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words, *pieces, *("##" + p for p in pieces)]
    tokenizer = Tokenizer(models.WordPiece({t: i for i, t in enumerate(vocab)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(vocab[:4])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return tokenizer


def unigram() -> Tokenizer:
    characters = "abcdefghijklmnopqrstuvwxyzéèàçABCDEFGHIJ.,!?'0123456789"
    words = "▁the ▁server ▁error ▁le ▁serveur ▁erreur ▁query ▁passage er re ou ti en".split()
    pieces = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -3.0)]
    pieces += [(w, -4.0 - i / 7) for i, w in enumerate(words)]
    pieces += [(c, -6.0 - i / 11) for i, c in enumerate(characters)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    tokenizer.add_special_tokens([piece for piece, _ in pieces[:4]])
    tokenizer.post_processor = processors.BertProcessing(("</s>", 2), ("<s>", 0))
    return tokenizer


def save(name: str, network, tokenizer: Tokenizer, special: dict[str, str], pooling: str, length: int, dtype) -> pathlib.Path:
    folder = FIXTURES / name
    shutil.rmtree(folder, ignore_errors=True)
    raw = folder / "raw"
    network.to(dtype).save_pretrained(raw)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=length, **special).save_pretrained(raw)
    transformer = modules.Transformer(str(raw), max_seq_length=length)
    model = SentenceTransformer(
        modules=[transformer, modules.Pooling(transformer.get_word_embedding_dimension(), pooling), modules.Normalize()],
        device="cpu",
    )
    model.float()
    # The classic files by hand: newer packages write other names.
    for file in ["config.json", "model.safetensors"]:
        shutil.copy(raw / file, folder / file)
    shutil.rmtree(raw)
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    kind = {"mean": "mean_tokens", "cls": "cls_token", "max": "max_tokens"}[pooling]
    (folder / "1_Pooling").mkdir()
    modes = {f"pooling_mode_{m}": m == kind for m in ["cls_token", "mean_tokens", "max_tokens"]}
    dump = lambda file, value: (folder / file).write_text(json.dumps(value, indent=1) + "\n")
    dump("1_Pooling/config.json", {"word_embedding_dimension": network.config.hidden_size, **modes})
    path = "sentence_transformers.models."
    dump(
        "modules.json",
        [
            {"idx": 0, "name": "0", "path": "", "type": path + "Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": path + "Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": path + "Normalize"},
        ],
    )
    dump("sentence_bert_config.json", {"max_seq_length": length, "do_lower_case": False})
    return model


def spread(network) -> None:
    """Random weights that make attention and activations do something."""
    for parameter in network.parameters():
        if parameter.dim() == 2:
            torch.nn.init.normal_(parameter, std=0.25)
        else:
            parameter.data += torch.randn_like(parameter) * 0.1


def tiny() -> None:
    torch.manual_seed(20)
    special = dict(unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]")
    tokenizer = word_piece()
    shape = dict(hidden_size=48, num_hidden_layers=2, num_attention_heads=3, intermediate_size=72)
    config = BertConfig(vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=64, **shape)
    for pooling in ["mean", "max"]:
        network = BertModel(config, add_pooling_layer=False)
        spread(network)
        model = save(f"bert-tiny-{pooling}", network, tokenizer, special, pooling, 48, torch.float32)
        write(f"bert-tiny-{pooling}", model, TEXTS)

    special = dict(unk_token="<unk>", pad_token="<pad>", cls_token="<s>", sep_token="</s>", bos_token="<s>", eos_token="</s>")
    tokenizer = unigram()
    shape = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
    config = XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=66, type_vocab_size=1, pad_token_id=1,
        bos_token_id=0, eos_token_id=2, layer_norm_eps=1e-5, **shape,
    )
    network = XLMRobertaModel(config, add_pooling_layer=False)
    spread(network)
    model = save("xlmr-tiny-cls-f16", network, tokenizer, special, "cls", 64, torch.float16)
    prompts = {"prompts": {"query": "query: ", "passage": "passage: "}, "default_prompt_name": None}
    (FIXTURES / "xlmr-tiny-cls-f16" / "config_sentence_transformers.json").write_text(json.dumps(prompts) + "\n")
    write("xlmr-tiny-cls-f16", model, TEXTS, prompt="passage: ")
    write("xlmr-tiny-cls-f16-query", model, TEXTS, prompt="query: ")


def bare(folder: str, prefix: str) -> None:
    """A folder without sentence-transformers' own files: the mean over tokens, as E5 does it."""
    network = BertModel.from_pretrained(folder, add_pooling_layer=False).float().eval()
    tokenizer = Tokenizer.from_file(folder + "/tokenizer.json")
    tokenizer.enable_truncation(512)
    rows = []
    for text in TEXTS:
        ids = torch.tensor([tokenizer.encode(prefix + text).ids])
        with torch.no_grad():
            row = network(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0].mean(0)
        rows.append((row / row.norm()).numpy())
    rows = np.stack(rows)
    # A folder of the hub's cache has a commit for a name.
    name = "multilingual-e5-small-q4"
    golden = {
        "dimensions": int(rows.shape[1]),
        "texts": TEXTS,
        "rows_f32le_base64": base64.b64encode(rows.astype("<f4").tobytes()).decode(),
    }
    (HERE / f"{name}.json").write_text(json.dumps(golden, ensure_ascii=True, indent=1) + "\n")
    print(name, rows.shape)


if len(sys.argv) < 3:
    tiny()
if len(sys.argv) > 1:
    write("all-MiniLM-L6-v2", SentenceTransformer(sys.argv[1], device="cpu"), two_hundred())
if len(sys.argv) > 2:
    bare(sys.argv[2], "passage: ")
