"""sentence-transformers on the processor as a contender: `torch_contender.py FOLDER THREADS`."""

import gc
import sys

import sentence_transformers
import torch
from contender import BATCH, Contender, Vectors, serve


class SentenceTransformers(Contender):
    versions = {"sentence-transformers": sentence_transformers.__version__, "torch": torch.__version__}

    def __init__(self, folder: str, threads: int) -> None:
        self.folder = folder
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)

    def load(self) -> None:
        self.model = sentence_transformers.SentenceTransformer(self.folder, device="cpu")

    def unload(self) -> None:
        del self.model
        gc.collect()

    def documents(self, texts: list[str]) -> Vectors:
        rows = self.model.encode(texts, batch_size=BATCH, normalize_embeddings=True, show_progress_bar=False)
        return rows.tolist()


serve(SentenceTransformers(sys.argv[1], int(sys.argv[2])))
