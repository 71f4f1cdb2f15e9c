"""ONNX Runtime as a contender: `onnx_contender.py MODEL.onnx TOKENIZER.json THREADS`.

The graph pools and normalises, so what comes out are the sentence vectors.
"""

import gc
import sys

import numpy as np
import onnxruntime
import tokenizers
from contender import Contender, Vectors, longest_first, serve


class OnnxRuntime(Contender):
    versions = {"onnxruntime": onnxruntime.__version__, "tokenizers": tokenizers.__version__}

    def __init__(self, model: str, tokenizer: str, threads: int) -> None:
        self.model, self.tokenizer_file, self.threads = model, tokenizer, threads

    def load(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(self.model, options, providers=["CPUExecutionProvider"])
        self.inputs = {given.name for given in self.session.get_inputs()}
        self.tokenizer = tokenizers.Tokenizer.from_file(self.tokenizer_file)
        self.tokenizer.enable_truncation(256)
        self.tokenizer.enable_padding()

    def unload(self) -> None:
        del self.session, self.tokenizer
        gc.collect()

    def documents(self, texts: list[str]) -> Vectors:
        rows: Vectors = [[]] * len(texts)
        for batch in longest_first(texts):
            encoded = self.tokenizer.encode_batch([texts[i] for i in batch])
            ids = np.array([e.ids for e in encoded], dtype=np.int64)
            mask = np.array([e.attention_mask for e in encoded], dtype=np.int64)
            feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
            # Not every architecture has types.
            (vectors,) = self.session.run(None, {name: feed[name] for name in self.inputs})
            for i, row in zip(batch, vectors):
                rows[i] = row.tolist()
        return rows


serve(OnnxRuntime(sys.argv[1], sys.argv[2], int(sys.argv[3])))
