import unittest

import numpy as np

from average_rows import averaged
from quantize import rotated


class Mean(unittest.TestCase):
    def test_a_turned_and_scaled_run_is_the_same_run(self) -> None:
        rows = np.random.default_rng(5).standard_normal((60, 12)).astype(np.float32)
        mean = averaged([rows, 3 * rotated(rows, 4)], 2 * rotated(rows, 6))
        cosines = (mean * rows).sum(1) / np.linalg.norm(mean, axis=1) / np.linalg.norm(rows, axis=1)
        np.testing.assert_allclose(cosines, 1, atol=1e-5)
