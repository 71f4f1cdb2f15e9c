"""Makes a ModernBERT of random numbers and its ONNX file: `export_modernbert.py MINILM_FOLDER OUT`.

Random numbers are enough for speed. The shape is that of a small multilingual model of 2026 (12 layers of 384 numbers, a
gated unit of 1,536, every third layer global, a window of 128 tokens), with the tokenizer of all-MiniLM-L6-v2, so that the
texts have the tokens of the other tables. Written are a folder that rekall and sentence-transformers read, and
`modernbert.onnx` with pooling and normalisation in the graph. ONNX Runtime's fusions for BERT know no rotary positions, so
it optimises the graph by itself when it is loaded.
"""

import json
import logging
import pathlib
import shutil
import sys
import warnings

import torch
from safetensors.torch import save_file
from transformers import ModernBertConfig, ModernBertModel

INPUTS = ["input_ids", "attention_mask"]


class Sentence(torch.nn.Module):
    def __init__(self, network: ModernBertModel) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        tokens = self.network(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(tokens.dtype)
        return torch.nn.functional.normalize((tokens * weights).sum(1) / weights.sum(1), dim=1)


def network() -> ModernBertModel:
    torch.manual_seed(97)
    config = ModernBertConfig(
        vocab_size=30_522, hidden_size=384, intermediate_size=1_536, num_hidden_layers=12, num_attention_heads=12,
        max_position_embeddings=512, local_attention=128, pad_token_id=0, bos_token_id=101, eos_token_id=102,
        cls_token_id=101, sep_token_id=102, attn_implementation="eager",
    )
    made = ModernBertModel(config).eval()
    # Larger than a network is begun with, so that no difference is lost in the residual.
    for parameter in made.parameters():
        if parameter.dim() == 2:
            torch.nn.init.normal_(parameter, std=0.06)
    return made


def save(made: ModernBertModel, minilm: pathlib.Path, folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in made.state_dict().items()}, folder / "model.safetensors",
              metadata={"format": "pt"})
    for name in ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"]:
        if (minilm / name).exists():
            shutil.copy(minilm / name, folder / name)
    made.config.architectures = ["ModernBertModel"]
    (folder / "config.json").write_text(made.config.to_json_string())
    (folder / "1_Pooling").mkdir(exist_ok=True)
    modes = {f"pooling_mode_{mode}": mode == "mean_tokens" for mode in ["cls_token", "mean_tokens", "max_tokens"]}
    (folder / "1_Pooling/config.json").write_text(json.dumps({"word_embedding_dimension": 384, **modes}))
    path = "sentence_transformers.models."
    kinds = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    modules = [dict(idx=i, name=str(i), path=p, type=path + kind) for i, (p, kind) in enumerate(kinds)]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 256, "do_lower_case": False}))


def main(minilm: pathlib.Path, out: pathlib.Path) -> None:
    # Of tracing, which is well here: `agreement` compares the vectors.
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    made = network()
    save(made, minilm, out / "modernbert")
    ids, mask = torch.ones(2, 300, dtype=torch.long), torch.ones(2, 300, dtype=torch.long)
    mask[1, 40:] = 0
    axes = {name: {0: "texts", 1: "tokens"} for name in INPUTS} | {"vectors": {0: "texts"}}
    unfinished = out / "modernbert.new"
    torch.onnx.export(
        Sentence(made),
        (ids, mask),
        str(unfinished),
        input_names=INPUTS,
        output_names=["vectors"],
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )
    # Last, and whole at once: where it is, all is done.
    unfinished.rename(out / "modernbert.onnx")


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
