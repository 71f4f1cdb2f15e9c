"""Writes fixtures whose linear layers are in eight bits, as bitsandbytes and compressed-tensors write them.

    cargo xtask golden

Tiny networks of random numbers, with the tokenizers and texts of `make_modernbert.py`. The golden vectors are those of the
reference implementation with the same weights multiplied out, in floats: what is compared is whether the files are read as
they are meant. The roundings are those of bitsandbytes 0.50 (`int8_vectorwise_quant`) and compressed-tensors 0.20
(`calculate_qparams`, `quantize`, `pack_to_int32`), of which neither is needed here.
"""

import json

import torch
from make_modernbert import byte_level, golden, save, spread, unigram
from transformers import CamembertConfig, CamembertModel, ModernBertConfig, ModernBertModel, Qwen3Config, Qwen3Model

LIMIT = 192


def linears(network: torch.nn.Module, skipped: list[str]) -> dict[str, torch.nn.Linear]:
    found = {name: module for name, module in network.named_modules() if isinstance(module, torch.nn.Linear)}
    assert all(name in found for name in skipped)
    return {name: module for name, module in found.items() if name not in skipped}


def stored(network: torch.nn.Module, dtype: torch.dtype, layers: dict[str, torch.nn.Linear]) -> dict[str, torch.Tensor]:
    """All else of a network, rounded to `dtype` in the network, too."""
    tensors = {}
    for name, tensor in network.state_dict().items():
        if name.removesuffix(".weight") not in layers:
            tensors[name] = tensor.to(dtype)
            tensor.copy_(tensors[name])
    return tensors


def channel_wise(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Numbers and scales of compressed-tensors; the largest number of a row may become -128."""
    scale = weight.abs().amax(1, keepdim=True) / 127.5
    return (weight / scale).round().clamp(-128, 127).to(torch.int8), scale


def compressed(form: str, ignored: list[str], activations: bool) -> dict:
    weights = {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "channel", "dynamic": False, "group_size": None}
    inputs = {"num_bits": 8, "type": "int", "symmetric": True, "strategy": "token", "dynamic": True, "group_size": None}
    group = {"targets": ["Linear"], "weights": weights, "output_activations": None, "format": form}
    group["input_activations"] = inputs if activations else None
    return {
        "quant_method": "compressed-tensors", "format": form, "quantization_status": "compressed", "ignore": ignored,
        "kv_cache_scheme": None, "config_groups": {"group_0": group},
    }


@torch.no_grad()
def bitsandbytes() -> None:
    """Three matrices side by side, all else in halves, one layer left as it is."""
    tokenizer = unigram(LIMIT)
    config = CamembertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=46, max_position_embeddings=194, type_vocab_size=1, pad_token_id=1, bos_token_id=5,
        eos_token_id=6, layer_norm_eps=1e-5,
    )
    torch.manual_seed(51)
    network = CamembertModel(config, add_pooling_layer=False).eval()
    spread(network)
    skipped = ["encoder.layer.1.output.dense"]
    layers = linears(network, skipped)
    tensors = stored(network, torch.float16, layers)
    for name, layer in layers.items():
        weight = layer.weight.half()
        largest = weight.abs().amax(1).float()
        rounded = (weight * (127.0 / largest.unsqueeze(1))).round().to(torch.int8)
        tensors |= {f"{name}.weight": rounded, f"{name}.SCB": largest}
        tensors[f"{name}.weight_format"] = torch.tensor(0, dtype=torch.uint8)
        layer.weight.copy_(rounded.float() * largest.unsqueeze(1) / 127)
    golden("int8-bitsandbytes", network, tokenizer, "mean")
    written = json.loads(config.to_json_string()) | {"architectures": ["CamembertModel"]}
    written["quantization_config"] = {
        "quant_method": "bitsandbytes", "load_in_8bit": True, "load_in_4bit": False, "llm_int8_threshold": 6.0,
        "llm_int8_skip_modules": skipped, "llm_int8_has_fp16_weight": False,
    }
    save("int8-bitsandbytes", network, tokenizer, written, None, LIMIT, tensors)


@torch.no_grad()
def w8a8() -> None:
    """Keys that heads share, all else and the scales in `bf16`, one layer left as it is."""
    tokenizer = byte_level(LIMIT)
    config = Qwen3Config(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=12, intermediate_size=40, max_position_embeddings=2048,
        attn_implementation="eager",
    )
    torch.manual_seed(52)
    network = Qwen3Model(config).eval()
    spread(network)
    ignored = ["layers.1.mlp.down_proj"]
    layers = linears(network, ignored)
    tensors = stored(network, torch.bfloat16, layers)
    for name, layer in layers.items():
        rounded, scale = channel_wise(layer.weight.bfloat16())
        tensors |= {f"{name}.weight": rounded, f"{name}.weight_scale": scale}
        layer.weight.copy_(rounded.float() * scale.float())
    assert any((tensor == -128).any() for tensor in tensors.values() if tensor.dtype == torch.int8)
    golden("int8-w8a8", network, tokenizer, "mean")
    written = json.loads(config.to_json_string()) | {"architectures": ["Qwen3Model"], "model_type": "qwen3"}
    written["quantization_config"] = compressed("int-quantized", ignored, True)
    save("int8-w8a8", network, tokenizer, written, "mean_tokens", LIMIT, tensors)


@torch.no_grad()
def w8a16() -> None:
    """Four numbers in an integer, where rows are not of whole integers; halves of a matrix; all else in `f32`."""
    tokenizer = byte_level(LIMIT)
    config = ModernBertConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=36, intermediate_size=42, num_hidden_layers=3,
        num_attention_heads=2, max_position_embeddings=256, local_attention=32, pad_token_id=2, bos_token_id=0,
        eos_token_id=1, cls_token_id=0, sep_token_id=1, attn_implementation="eager",
    )
    torch.manual_seed(53)
    network = ModernBertModel(config).eval()
    spread(network)
    layers = linears(network, [])
    tensors = stored(network, torch.float32, layers)
    for name, layer in layers.items():
        rounded, scale = channel_wise(layer.weight)
        padded = torch.nn.functional.pad(rounded.to(torch.int32) + 128, (0, -rounded.shape[1] % 4))
        shifts = torch.tensor([0, 8, 16, 24])
        packed = (padded.unflatten(1, (-1, 4)).to(torch.int64) << shifts).sum(2)
        packed = torch.where(packed < 2**31, packed, packed - 2**32).to(torch.int32)
        tensors |= {f"{name}.weight_packed": packed, f"{name}.weight_scale": scale}
        tensors[f"{name}.weight_shape"] = torch.tensor(rounded.shape)
        layer.weight.copy_(rounded.float() * scale)
    golden("int8-w8a16", network, tokenizer, "mean")
    written = json.loads(config.to_json_string()) | {"architectures": ["ModernBertModel"]}
    written["quantization_config"] = compressed("pack-quantized", [], False)
    save("int8-w8a16", network, tokenizer, written, "mean_tokens", LIMIT, tensors)


if __name__ == "__main__":
    bitsandbytes()
    w8a8()
    w8a16()
