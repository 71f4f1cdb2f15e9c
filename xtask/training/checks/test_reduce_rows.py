import unittest

import numpy as np

from reduce_rows import components


class Components(unittest.TestCase):
    def test_what_no_row_uses_is_dropped_without_loss(self) -> None:
        random = np.random.default_rng(8)
        flat = random.standard_normal((50, 4)) @ random.standard_normal((4, 10))
        kept = flat @ components(flat, np.full(50, 1 / 50))[:, :4]
        np.testing.assert_allclose(kept @ kept.T, flat @ flat.T, atol=1e-9)

    def test_the_strongest_comes_first(self) -> None:
        rows = np.diag([1.0, 5.0, 3.0])
        strengths = np.abs(rows @ components(rows, np.full(3, 1 / 3))).sum(0)
        self.assertEqual(list(strengths), sorted(strengths, reverse=True))


if __name__ == "__main__":
    unittest.main()
