"""sentence-transformers' CrossEncoder on the processor as a contender: `cross_contender.py FOLDER THREADS`."""

import gc
import sys

import sentence_transformers
import torch
from contender import BATCH, Contender, Vectors, serve


class CrossEncoder(Contender):
    versions = {"sentence-transformers": sentence_transformers.__version__, "torch": torch.__version__}

    def __init__(self, folder: str, threads: int) -> None:
        self.folder = folder
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)

    def load(self) -> None:
        # The network's own numbers, which is what rekall gives.
        self.model = sentence_transformers.CrossEncoder(
            self.folder, device="cpu", activation_fn=torch.nn.Identity()
        )

    def unload(self) -> None:
        del self.model
        gc.collect()

    def documents(self, texts: list[str]) -> Vectors:
        raise NotImplementedError("a reranker makes no vectors")

    def scores(self, query: str, passages: list[str]) -> list[float]:
        pairs = [(query, passage) for passage in passages]
        return self.model.predict(pairs, batch_size=BATCH, show_progress_bar=False).tolist()


serve(CrossEncoder(sys.argv[1], int(sys.argv[2])))
