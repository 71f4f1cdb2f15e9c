"""Writes the fixtures of ModernBERT and CamemBERT and their golden vectors with the reference implementation.

    cargo xtask golden

Tiny networks of random numbers: what is compared is the arithmetic, not what it means. Everything written is committed;
the tests need no Python. Texts are words that are one token each, so that their lengths are known: 1, 2 and 17 tokens; 128
and 129, longer than the local attention reaches; 300, cut at the model's limit.
"""

import base64
import json
import pathlib
import shutil

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import CamembertConfig, CamembertModel, ModernBertConfig, ModernBertForMaskedLM, ModernBertModel

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent / "fixtures"
WORDS = "the server error le serveur erreur base memory cache file token disk full login page query".split()
LENGTHS = [1, 2, 3, 17, 63, 64, 65, 128, 129, 190, 300]


def texts() -> list[str]:
    """Of each length one, a few as people write, and some that the tokenizer cuts into bytes."""
    by_length = [" ".join(WORDS[(length + i * i) % len(WORDS)] for i in range(length)) for length in LENGTHS]
    return by_length + [
        "The server's cache is full!",
        "Le disque est plein, l'erreur vient de la base.",
        "login\tpage\n\n  memory",
        "数据库 error",
        "naïve café — 7.1.3",
    ]


def byte_level(limit: int) -> Tokenizer:
    """As ModernBERT's: BPE over bytes, no unknown token."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: i for i, token in enumerate(["[CLS]", "[SEP]", "[PAD]", "[MASK]", *alphabet])}
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
        merge("Ġ", whole)
    tokenizer = Tokenizer(models.BPE(vocab, merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["[CLS]", "[SEP]", "[PAD]", "[MASK]"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 0), ("[SEP]", 1)]
    )
    tokenizer.enable_truncation(limit)
    return tokenizer


def unigram(limit: int) -> Tokenizer:
    """As CamemBERT's: SentencePiece pieces behind a few tokens of its own."""
    letters = "abcdefghijklmnopqrstuvwxyzéèàçïABCDEFGHIJKLMNOPQRSTUVWXYZ.,!?'0123456789"
    pieces = [("<s>NOTUSED", 0.0), ("<pad>", 0.0), ("</s>NOTUSED", 0.0), ("<unk>", 0.0), ("<unk>NOTUSED", -100.0)]
    pieces += [("<s>", 0.0), ("</s>", 0.0), ("▁", -3.0)]
    pieces += [("▁" + word, -4.0 - i / 7) for i, word in enumerate(WORDS)]
    pieces += [(letter, -6.0 - i / 11) for i, letter in enumerate(letters)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>"])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 6), ("<s>", 5), add_prefix_space=False)
    tokenizer.enable_truncation(limit)
    return tokenizer


def spread(network: torch.nn.Module) -> None:
    """Random weights that make attention and activations do something."""
    for parameter in network.parameters():
        if parameter.dim() == 2:
            torch.nn.init.normal_(parameter, std=0.25)
        else:
            parameter.data += torch.randn_like(parameter) * 0.1


def golden(
    name: str, network: torch.nn.Module, tokenizer: Tokenizer, pooling: str, dense: list[torch.nn.Module] | None = None
) -> None:
    """One text at a time, so nothing is padded; the vectors are normalized. `dense`: what the pooled row goes through."""
    rows = []
    for text in texts():
        ids = torch.tensor([tokenizer.encode(text).ids])
        with torch.no_grad():
            tokens = network(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
        row = {"cls": tokens[0], "last": tokens[-1]}.get(pooling, tokens.mean(0))
        for module in dense or []:
            row = module(row).detach()
        rows.append(row / row.norm())
    table = torch.stack(rows).numpy()
    value = {
        "dimensions": int(table.shape[1]),
        "texts": texts(),
        "rows_f32le_base64": base64.b64encode(table.astype("<f4").tobytes()).decode(),
    }
    (HERE / f"{name}.json").write_text(json.dumps(value, ensure_ascii=True, indent=1) + "\n")
    print(name, table.shape)


def save(
    name: str, network: torch.nn.Module, tokenizer: Tokenizer, config: dict, pooling: str | None, limit: int,
    tensors: dict[str, torch.Tensor] | None = None,
) -> None:
    """`pooling`: a flag of the file's first form, or the name of a mode in that of sentence-transformers 6. `tensors`: those
    of the network under the names that published files have, where they are not its own."""
    folder = FIXTURES / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    # Tied weights are one tensor in the files that people publish.
    tensors = tensors or network.state_dict()
    tensors = {key: value.contiguous() for key, value in tensors.items() if key != "decoder.weight"}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    tokenizer.no_truncation()
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)

    def dump(file: str, value: object) -> None:
        (folder / file).write_text(json.dumps(value, indent=1) + "\n")

    dump("config.json", config)
    dump("tokenizer_config.json", {"model_max_length": limit})
    if pooling:
        (folder / "1_Pooling").mkdir()
        flags = {f"pooling_mode_{mode}": mode == pooling for mode in ["cls_token", "mean_tokens", "max_tokens"]}
        if pooling == "lasttoken":
            flags |= {"pooling_mode_lasttoken": True}
        width = network.config.hidden_size
        old = {"word_embedding_dimension": width, **flags}
        new = {"embedding_dimension": width, "pooling_mode": pooling, "include_prompt": True}
        dump("1_Pooling/config.json", old if any(flags.values()) else new)
        path = "sentence_transformers.models."
        modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
        dump("modules.json", [dict(idx=i, name=str(i), path=p, type=path + t) for i, (p, t) in enumerate(modules)])


def modernbert() -> None:
    """`ModernBertModel` with a mean, as its first files were: thetas as numbers, every third layer global."""
    limit = 192
    tokenizer = byte_level(limit)
    given = dict(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, intermediate_size=40, num_hidden_layers=4,
        num_attention_heads=2, max_position_embeddings=256, local_attention=32, pad_token_id=2, bos_token_id=0,
        eos_token_id=1, cls_token_id=0, sep_token_id=1, attn_implementation="eager",
    )
    thetas = dict(global_attn_every_n_layers=3, global_rope_theta=160000.0, local_rope_theta=10000.0)
    torch.manual_seed(21)
    network = ModernBertModel(ModernBertConfig(**given, **thetas)).eval()
    spread(network)
    golden("modernbert-tiny-mean", network, tokenizer, "mean")
    old = {key: value for key, value in given.items() if key != "attn_implementation"}
    old |= thetas | dict(
        model_type="modernbert", architectures=["ModernBertModel"], norm_eps=1e-5, norm_bias=False, attention_bias=False,
        mlp_bias=False, hidden_activation="gelu",
    )
    save("modernbert-tiny-mean", network, tokenizer, old, "mean_tokens", limit)


def masked() -> None:
    """`ModernBertForMaskedLM` with the first token's vector, as its files are now: layers by name, thetas in
    `rope_parameters`; with all biases, SiLU, and heads that are no multiple of a register."""
    limit = 192
    tokenizer = byte_level(limit)
    config = ModernBertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=36, intermediate_size=20, num_hidden_layers=3,
        num_attention_heads=3, max_position_embeddings=192, local_attention=64, pad_token_id=2, bos_token_id=0,
        eos_token_id=1, cls_token_id=0, sep_token_id=1, norm_bias=True, attention_bias=True, mlp_bias=True,
        hidden_activation="silu", norm_eps=1e-6, attn_implementation="eager",
        layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        rope_parameters={
            "full_attention": {"rope_type": "default", "rope_theta": 80000.0},
            "sliding_attention": {"rope_type": "default", "rope_theta": 5000.0},
        },
    )
    torch.manual_seed(22)
    network = ModernBertForMaskedLM(config).eval()
    spread(network)
    golden("modernbert-tiny-masked", network.model, tokenizer, "cls")
    written = json.loads(config.to_json_string())
    written["architectures"] = ["ModernBertForMaskedLM"]
    network.to(torch.float32)
    save("modernbert-tiny-masked", network, tokenizer, written, "cls", limit)


def camembert() -> None:
    """A bare transformer, to be pooled by the mean; positions begin after the padding's."""
    limit = 192
    tokenizer = unigram(limit)
    config = CamembertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=48, max_position_embeddings=194, type_vocab_size=1, pad_token_id=1, bos_token_id=5,
        eos_token_id=6, layer_norm_eps=1e-5,
    )
    torch.manual_seed(23)
    network = CamembertModel(config, add_pooling_layer=False).eval()
    spread(network)
    golden("camembert-tiny", network, tokenizer, "mean")
    written = json.loads(config.to_json_string())
    written["architectures"] = ["CamembertModel"]
    save("camembert-tiny", network, tokenizer, written, None, limit)


if __name__ == "__main__":
    modernbert()
    masked()
    camembert()
