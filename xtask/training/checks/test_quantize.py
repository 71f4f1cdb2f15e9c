import unittest

import numpy as np

from pack import packed, unpacked
from quantize import LARGEST, quantized, rotated


class Quantization(unittest.TestCase):
    def setUp(self) -> None:
        self.rows = np.random.default_rng(2).standard_normal((40, 64)).astype(np.float32)

    def test_a_rotation_keeps_cosines(self) -> None:
        turned = rotated(self.rows, 0)
        np.testing.assert_allclose(turned @ turned.T, self.rows @ self.rows.T, atol=1e-4)
        self.assertGreater(np.abs(turned - self.rows).max(), 0.1)

    def test_rounding_loses_little(self) -> None:
        values, scales = quantized(self.rows)
        self.assertLessEqual(np.abs(values).max(), LARGEST)
        self.assertEqual(scales.max(), 1)
        restored = values * scales[:, None]
        factor = (restored * self.rows).sum() / (restored**2).sum()
        error = np.linalg.norm(restored * factor - self.rows) / np.linalg.norm(self.rows)
        # Four bits of a normal distribution with the best step: 0.115.
        self.assertLess(error, 0.13)

    def test_a_row_of_zeros_stays_one(self) -> None:
        self.rows[7] = 0
        values, scales = quantized(self.rows)
        self.assertFalse(values[7].any() or scales[7])

    def test_nibbles(self) -> None:
        values = np.array([[-7, 0, 3, 7]], np.int8)
        self.assertEqual(packed(values).tolist(), [[1 | 11 << 4, 8 | 15 << 4]])
        np.testing.assert_array_equal(unpacked(packed(values)), values)
