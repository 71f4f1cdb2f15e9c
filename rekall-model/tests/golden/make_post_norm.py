"""Writes the fixtures of DistilBERT, MPNet, NomicBERT, GTE and JinaBERT and their golden vectors.

    cargo xtask golden

Tiny networks of random numbers, with the tokenizers and texts of `make_modernbert.py`. The reference is transformers, with two
exceptions. It does not know the scaled positions of the authors' GTE files (`model_type` `new`, `rope_scaling` `ntk`): there
its network gets the angles that the description of the scaling gives (kexue.fm/archives/9706, formula 6). It does not have
JinaBERT: its reference is the code below, written after the paper (arXiv 2310.19923) and the names of the published tensors.
"""

import json
import tempfile

import torch
from make_modernbert import byte_level, golden, save, spread, unigram
from safetensors.torch import load_file
from transformers import (
    DistilBertConfig, DistilBertModel, GteConfig, GteModel, MPNetConfig, MPNetModel, NomicBertConfig, NomicBertModel,
)

LIMIT = 192


def published(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The tensors as transformers writes them into a file."""
    with tempfile.TemporaryDirectory() as folder:
        network.save_pretrained(folder)
        return load_file(folder + "/model.safetensors")


def as_written(config: object, **more: object) -> dict:
    return json.loads(config.to_json_string()) | more


def distilbert() -> None:
    """A network for masked words: its tensors have the prefix `distilbert.`."""
    tokenizer = byte_level(LIMIT)
    config = DistilBertConfig(
        vocab_size=tokenizer.get_vocab_size(), dim=32, hidden_dim=48, n_layers=2, n_heads=2, max_position_embeddings=LIMIT,
        pad_token_id=2,
    )
    torch.manual_seed(31)
    network = DistilBertModel(config).eval()
    spread(network)
    golden("distilbert-tiny", network, tokenizer, "mean")
    tensors = {"distilbert." + name: tensor for name, tensor in network.state_dict().items()}
    tensors["vocab_projector.bias"] = torch.zeros(config.vocab_size)
    save("distilbert-tiny", network, tokenizer, as_written(config), "mean_tokens", LIMIT, tensors)


def mpnet() -> None:
    """Long enough that the last classes of distances occur."""
    tokenizer = unigram(LIMIT)
    config = MPNetConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=36, num_hidden_layers=2, num_attention_heads=3,
        intermediate_size=40, max_position_embeddings=LIMIT + 2, pad_token_id=1, bos_token_id=5, eos_token_id=6,
        layer_norm_eps=1e-5,
    )
    torch.manual_seed(32)
    network = MPNetModel(config, add_pooling_layer=False).eval()
    spread(network)
    # Numbers that a score feels.
    network.encoder.relative_attention_bias.weight.data *= 4
    golden("mpnet-tiny", network, tokenizer, "mean")
    written = as_written(config, architectures=["MPNetForMaskedLM"])
    save("mpnet-tiny", network, tokenizer, written, "mean_tokens", LIMIT)


def nomic_bert() -> None:
    """`config.json` as the authors write it."""
    tokenizer = byte_level(LIMIT)
    config = NomicBertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=40, max_position_embeddings=8192, pad_token_id=2,
    )
    torch.manual_seed(33)
    network = NomicBertModel(config).eval()
    spread(network)
    golden("nomic-bert-tiny", network, tokenizer, "mean")
    written = dict(
        model_type="nomic_bert", architectures=["NomicBertModel"], vocab_size=config.vocab_size, type_vocab_size=2, n_embd=32,
        n_layer=2, n_head=2, n_inner=40, n_positions=8192, layer_norm_epsilon=1e-12, activation_function="swiglu",
        rotary_emb_base=1000, rotary_emb_fraction=1.0, rotary_emb_interleaved=False, rotary_emb_scale_base=None,
        rotary_scaling_factor=None, max_trained_positions=2048, qkv_proj_bias=False, mlp_fc1_bias=False, mlp_fc2_bias=False,
        prenorm=False, parallel_block=False, use_rms_norm=False, causal=False,
    )
    save("nomic-bert-tiny", network, tokenizer, written, "mean_tokens", LIMIT, published(network))


def gte() -> None:
    """As transformers writes it, without token types; and as the authors do, with scaled positions."""
    tokenizer = unigram(LIMIT)
    shape = dict(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=40, max_position_embeddings=8192, pad_token_id=1, bos_token_id=5, eos_token_id=6,
    )
    torch.manual_seed(34)
    config = GteConfig(type_vocab_size=0, **shape)
    network = GteModel(config).eval()
    spread(network)
    golden("gte-tiny", network, tokenizer, "cls")
    save("gte-tiny", network, tokenizer, as_written(config, architectures=["GteModel"]), "cls_token", LIMIT, published(network))

    # Saving has taken the limit off the other one.
    tokenizer = unigram(LIMIT)
    theta, factor, size = 20000.0, 8.0, 16
    network = GteModel(GteConfig(rope_parameters={"rope_type": "default", "rope_theta": theta}, **shape)).eval()
    spread(network)
    speeds = 1.0 / (theta * factor) ** (torch.arange(0, size, 2).float() / size)
    network.rotary_emb.inv_freq.copy_(speeds / factor ** (2 / size))
    golden("gte-tiny-ntk", network, tokenizer, "cls")
    written = shape | dict(
        model_type="new", architectures=["NewModel"], type_vocab_size=1, layer_norm_type="layer_norm", layer_norm_eps=1e-12,
        hidden_act="gelu", rope_theta=theta, rope_scaling={"factor": factor, "type": "ntk"}, position_embedding_type="rope",
        pack_qkv=True, logn_attention_scale=False, use_memory_efficient_attention=False, unpad_inputs=False,
    )
    tensors = {"new." + name: tensor for name, tensor in published(network).items()}
    save("gte-tiny-ntk", network, tokenizer, written, "cls_token", LIMIT, tensors)


class JinaBert(torch.nn.Module):
    """Embeddings, ALiBi, units with GELU, norms after each part."""

    def __init__(self, tokens: int, width: int, inner: int, layers: int, heads: int) -> None:
        super().__init__()
        self.config = type("Config", (), {"hidden_size": width})
        self.heads, self.inner, self.layers, self.width = heads, inner, layers, width
        shapes = {
            "embeddings.word_embeddings.weight": (tokens, width),
            "embeddings.token_type_embeddings.weight": (2, width),
            "embeddings.LayerNorm": (width,),
        }
        for layer in range(layers):
            name = f"encoder.layer.{layer}."
            for part in ["self.query", "self.key", "self.value", "output.dense"]:
                shapes[f"{name}attention.{part}"] = (width, width)
            shapes[name + "attention.output.LayerNorm"] = (width,)
            shapes[name + "mlp.gated_layers.weight"] = (2 * inner, width)
            shapes[name + "mlp.wo"] = (width, inner)
            shapes[name + "mlp.layernorm"] = (width,)
        self.tensors: dict[str, torch.Tensor] = {}
        for name, shape in shapes.items():
            if name.endswith(".weight"):
                self.tensors[name] = torch.randn(shape) * 0.25
            else:
                is_norm = len(shape) == 1
                self.tensors[name + ".weight"] = 1 + torch.randn(shape) * 0.1 if is_norm else torch.randn(shape) * 0.25
                self.tensors[name + ".bias"] = torch.randn(shape[0]) * 0.1

    def slopes(self) -> torch.Tensor:
        """A geometric series; beyond the largest power of two, every other number of the next one's."""
        below = 2 ** (self.heads.bit_length() - 1)
        series = [2 ** (-8 * i / below) for i in range(1, below + 1)]
        series += [2 ** (-8 * i / (2 * below)) for i in range(1, 2 * below + 1, 2)]
        return torch.tensor(series[: self.heads])

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> object:
        t = self.tensors

        def linear(x: torch.Tensor, name: str) -> torch.Tensor:
            return torch.nn.functional.linear(x, t[name + ".weight"], t.get(name + ".bias"))

        def norm(x: torch.Tensor, name: str) -> torch.Tensor:
            return torch.nn.functional.layer_norm(x, (self.width,), t[name + ".weight"], t[name + ".bias"], 1e-12)

        def split(x: torch.Tensor) -> torch.Tensor:
            return x.view(len(x), self.heads, -1).transpose(0, 1)

        ids = input_ids[0]
        x = t["embeddings.word_embeddings.weight"][ids] + t["embeddings.token_type_embeddings.weight"][0]
        x = norm(x, "embeddings.LayerNorm")
        positions = torch.arange(len(ids))
        bias = -self.slopes()[:, None, None] * (positions[:, None] - positions[None, :]).abs()
        for layer in range(self.layers):
            name = f"encoder.layer.{layer}."
            q, k, v = (split(linear(x, f"{name}attention.self.{part}")) for part in ["query", "key", "value"])
            scores = q @ k.transpose(1, 2) / (self.width // self.heads) ** 0.5 + bias
            context = (scores.softmax(-1) @ v).transpose(0, 1).reshape(len(ids), self.width)
            x = norm(linear(context, name + "attention.output.dense") + x, name + "attention.output.LayerNorm")
            gated, plain = linear(x, name + "mlp.gated_layers").split(self.inner, dim=-1)
            unit = torch.nn.functional.gelu(gated) * plain
            x = norm(linear(unit, name + "mlp.wo") + x, name + "mlp.layernorm")
        return type("Output", (), {"last_hidden_state": x[None]})


def jina_bert() -> None:
    """Three heads, which is no power of two."""
    tokenizer = byte_level(LIMIT)
    torch.manual_seed(35)
    network = JinaBert(tokenizer.get_vocab_size(), 36, 40, 2, 3)
    golden("jina-bert-tiny", network, tokenizer, "mean")
    written = dict(
        model_type="bert", architectures=["JinaBertForMaskedLM"], vocab_size=tokenizer.get_vocab_size(), hidden_size=36,
        num_hidden_layers=2, num_attention_heads=3, intermediate_size=40, hidden_act="gelu", max_position_embeddings=8192,
        type_vocab_size=2, layer_norm_eps=1e-12, pad_token_id=2, position_embedding_type="alibi", feed_forward_type="geglu",
        emb_pooler="mean",
    )
    save("jina-bert-tiny", network, tokenizer, written, "mean_tokens", LIMIT, network.tensors)


if __name__ == "__main__":
    distilbert()
    mpnet()
    nomic_bert()
    gte()
    jina_bert()
