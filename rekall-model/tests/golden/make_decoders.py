"""Writes the fixtures of Qwen3 and Gemma 3 and their golden vectors with the reference implementation.

    cargo xtask golden

Tiny networks of random numbers, with the tokenizers and texts of `make_modernbert.py`.
"""

import json

import torch
from make_modernbert import FIXTURES, byte_level, golden, save, spread, unigram
from safetensors.torch import save_file
from tokenizers import processors
from transformers import Gemma3TextConfig, Gemma3TextModel, Qwen3Config, Qwen3Model

LIMIT = 192


def qwen3() -> None:
    """As Qwen3-Embedding: two heads share keys and values, a token sees those before it, the last one's vector is taken, which
    the tokenizer adds."""
    tokenizer = byte_level(LIMIT)
    added = processors.TemplateProcessing(single="$A [SEP]", special_tokens=[("[SEP]", 1)])
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), added])
    config = Qwen3Config(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=12, intermediate_size=40, max_position_embeddings=32768,
        rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}, attn_implementation="eager",
    )
    torch.manual_seed(41)
    network = Qwen3Model(config).eval()
    spread(network)
    golden("qwen3-tiny", network, tokenizer, "last")
    # As transformers 4 wrote it, and the authors' files have it.
    written = json.loads(config.to_json_string())
    written |= {"architectures": ["Qwen3ForCausalLM"], "rope_theta": written.pop("rope_parameters")["rope_theta"]}
    written |= {"rope_scaling": None, "sliding_window": None, "model_type": "qwen3"}
    save("qwen3-tiny", network, tokenizer, written, "lasttoken", LIMIT)


def gemma() -> None:
    """As EmbeddingGemma: a token sees both sides, the mean goes through two dense modules."""
    tokenizer = unigram(LIMIT)
    config = Gemma3TextConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=3, num_attention_heads=4,
        num_key_value_heads=1, head_dim=16, query_pre_attn_scalar=24, intermediate_size=40, max_position_embeddings=2048,
        use_bidirectional_attention=True, sliding_window=64, rms_norm_eps=1e-6, pad_token_id=1, bos_token_id=5,
        eos_token_id=6, layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        attn_implementation="eager",
    )
    torch.manual_seed(42)
    network = Gemma3TextModel(config).eval()
    spread(network)
    dense = [torch.nn.Linear(32, 48, bias=False), torch.nn.Linear(48, 32, bias=True)]
    golden("gemma3-tiny", network, tokenizer, "mean", [dense[0], dense[1], torch.nn.Tanh()])
    written = json.loads(config.to_json_string()) | {"architectures": ["Gemma3TextModel"], "model_type": "gemma3_text"}
    save("gemma3-tiny", network, tokenizer, written, "mean_tokens", LIMIT)
    modules = json.loads((FIXTURES / "gemma3-tiny/modules.json").read_text())
    normalize = modules.pop()
    for number, (linear, activation) in enumerate(zip(dense, ["linear.Identity", "activation.Tanh"]), 2):
        folder = FIXTURES / f"gemma3-tiny/{number}_Dense"
        folder.mkdir()
        settings = {
            "in_features": linear.in_features, "out_features": linear.out_features, "bias": linear.bias is not None,
            "activation_function": "torch.nn.modules." + activation,
        }
        (folder / "config.json").write_text(json.dumps(settings, indent=1) + "\n")
        tensors = {"linear." + name: tensor.detach().contiguous() for name, tensor in linear.named_parameters()}
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        path = "sentence_transformers.models.Dense"
        modules.append({"idx": number, "name": str(number), "path": folder.name, "type": path})
    modules.append(normalize | {"idx": 4, "name": "4", "path": "4_Normalize"})
    (FIXTURES / "gemma3-tiny/modules.json").write_text(json.dumps(modules, indent=1) + "\n")


if __name__ == "__main__":
    qwen3()
    gemma()
