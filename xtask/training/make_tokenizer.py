"""Makes the tokenizer: a SentencePiece unigram model trained on the words of the pairs, as `tokenizer.json`.

It is trained on a table of words and their counts, English and French with equal weight, because one large source
or language would otherwise take the pieces.
"""

import argparse
import base64
import json
from collections import Counter
from pathlib import Path

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer

from normalize import normalize, write_rules
from pairs import read_pairs, source_files

# Count of all words of a language in the table.
LANGUAGE_TOTAL = 2e7
# A word that one source repeats counts less than one that many sources have.
SOURCE_EXPONENT = 0.9
MAX_WORDS = 400_000
MAX_WORD_LETTERS = 24
MIN_COUNT = 3


def count_words(folder: Path, limit: int) -> dict[str, Counter]:
    """The damped count of each word by language."""
    total = {"en": Counter(), "fr": Counter()}
    for file in source_files(folder):
        here = {"en": Counter(), "fr": Counter()}
        for pair in read_pairs(file, limit):
            here[pair.query_language].update(normalize(pair.query).split())
            here[pair.passage_language].update(normalize(pair.passage).split())
        for language, counts in here.items():
            for word, count in counts.items():
                total[language][word] += count**SOURCE_EXPONENT
    return total


def write_words(counts: dict[str, Counter], path: Path) -> None:
    balanced = Counter()
    for words in counts.values():
        scale = LANGUAGE_TOTAL / sum(words.values())
        for word, count in words.items():
            balanced[word] += count * scale
    with open(path, "w", encoding="utf-8") as file:
        # Equal counts in the order of the letters, so that two runs write the same table.
        for word, count in sorted(balanced.items(), key=lambda item: (-item[1], item[0]))[:MAX_WORDS]:
            if count >= MIN_COUNT and len(word) <= MAX_WORD_LETTERS:
                file.write(f"{word}\t{round(count)}\n")


def train(words: Path, out: Path, pieces: int) -> sentencepiece_model_pb2.ModelProto:
    rules = out / "rules.tsv"
    write_rules(rules)
    sentencepiece.SentencePieceTrainer.train(
        input=str(words),
        input_format="tsv",
        model_prefix=str(out / "sentencepiece"),
        model_type="unigram",
        vocab_size=pieces,
        character_coverage=0.99995,
        normalization_rule_tsv=str(rules),
        add_dummy_prefix=True,
        remove_extra_whitespaces=True,
        max_sentencepiece_length=20,
        seed_sentencepiece_size=400_000,
        num_sub_iterations=2,
        num_threads=1,
        unk_id=0,
        bos_id=-1,
        eos_id=-1,
        pad_id=-1,
        minloglevel=1,
    )
    model = sentencepiece_model_pb2.ModelProto()
    model.ParseFromString((out / "sentencepiece.model").read_bytes())
    return model


def tokenizer_json(model: sentencepiece_model_pb2.ModelProto) -> dict:
    """The model as a file of the `tokenizers` library."""
    normal = sentencepiece_model_pb2.ModelProto.SentencePiece.NORMAL
    vocabulary = [["<unk>", 0.0]] + [[p.piece, round(p.score, 4)] for p in model.pieces if p.type == normal]
    charsmap = base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode("ascii")
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    unknown = {"id": 0, "content": "<unk>", "special": True}
    unknown |= dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [unknown],
        "normalizer": {"type": "Precompiled", "precompiled_charsmap": charsmap},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]},
        "post_processor": None,
        "decoder": metaspace,
        "model": {"type": "Unigram", "unk_id": 0, "vocab": vocabulary, "byte_fallback": False},
    }


def check(path: Path) -> None:
    """The file's own normalization is that of normalize.py, and it knows the words of both languages."""
    tokenizer = Tokenizer.from_file(str(path))
    for text in ("L’élève n'a pas installé C++ (paquet : python3.11-doc), voilà !", "WhatIsThis e\u0301te\u0301"):
        whole = tokenizer.encode(text, add_special_tokens=False).tokens
        by_word = [
            token
            for word in normalize(text).split()
            for token in tokenizer.encode(word, add_special_tokens=False).tokens
        ]
        if whole != by_word:
            raise AssertionError(f"{text!r}: the file gives {whole}, normalize.py {by_word}")
        print(" ".join(whole))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path, help="folder of pairs")
    parser.add_argument("out", type=Path, help="folder for tokenizer.json and what it was made of")
    parser.add_argument("--pieces", type=int, default=32_000, help="size of the vocabulary (default: 32000)")
    parser.add_argument("--limit", type=int, default=40_000, help="most pairs counted of a source (default: 40000)")
    arguments = parser.parse_args()

    arguments.out.mkdir(parents=True, exist_ok=True)
    words = arguments.out / "words.tsv"
    write_words(count_words(arguments.pairs, arguments.limit), words)
    model = train(words, arguments.out, arguments.pieces)
    path = arguments.out / "tokenizer.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(tokenizer_json(model), file, ensure_ascii=False, separators=(",", ":"))
    check(path)
    print(f"{path}: {len(model.pieces)} pieces, {path.stat().st_size} bytes, "
          f"charsmap {len(model.normalizer_spec.precompiled_charsmap)} bytes")


if __name__ == "__main__":
    main()
