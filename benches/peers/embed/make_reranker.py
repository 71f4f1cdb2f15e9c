"""Makes a reranker with all-MiniLM-L6-v2's network and a head of random numbers: `make_reranker.py MINILM_FOLDER OUT`.

Random numbers are enough for speed: the network has the shape of ms-marco-MiniLM-L6-v2. Written is the folder `reranker`,
which rekall and sentence-transformers read.
"""

import pathlib
import shutil
import sys

import torch
from transformers import BertForSequenceClassification


def main(minilm: pathlib.Path, out: pathlib.Path) -> None:
    torch.manual_seed(6)
    made = BertForSequenceClassification.from_pretrained(minilm, num_labels=1).eval()
    folder, unfinished = out / "reranker", out / "reranker.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    made.save_pretrained(unfinished)
    for name in ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"]:
        if (minilm / name).exists():
            shutil.copy(minilm / name, unfinished / name)
    # Last, and whole at once: where it is, all is done.
    unfinished.rename(folder)


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
