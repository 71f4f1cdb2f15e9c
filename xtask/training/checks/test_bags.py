import ctypes
import unittest

import numpy as np

from bags import KERNEL, Bags, add_gradient, mean_rows, pointer

LISTS = [[3, 1, 3], [], [2]]


class Kernel(unittest.TestCase):
    """The C loops do what the same lines of numpy do."""

    def setUp(self) -> None:
        self.rows = np.random.default_rng(1).standard_normal((5, 6)).astype(np.float32)
        self.bags = Bags.of(LISTS)

    def test_mean_rows(self) -> None:
        expected = [self.rows[ids].mean(0) if ids else np.zeros(6) for ids in LISTS]
        np.testing.assert_allclose(mean_rows(self.bags, self.rows), expected, rtol=1e-5)

    def test_gradient(self) -> None:
        gradient = np.arange(18, dtype=np.float32).reshape(3, 6)
        total, touched = np.zeros_like(self.rows), np.zeros(5, np.uint8)
        add_gradient(self.bags, gradient, total, touched)
        expected = np.zeros_like(self.rows)
        for of_text, ids in zip(gradient, LISTS, strict=True):
            for id in ids:
                expected[id] += of_text / len(ids)
        np.testing.assert_allclose(total, expected, rtol=1e-5)
        self.assertEqual(touched.tolist(), [0, 1, 1, 1, 0])

    def test_adam_moves_touched_rows_alone(self) -> None:
        rows, gradient = self.rows.copy(), np.ones_like(self.rows)
        means, squares = np.zeros_like(rows), np.zeros_like(rows)
        touched = np.array([0, 1, 0, 0, 0], np.uint8)
        number = ctypes.c_float
        KERNEL.adam(
            ctypes.c_long(5), ctypes.c_long(6), pointer(touched), pointer(rows), pointer(gradient), pointer(means),
            pointer(squares), number(0.1), number(0.9), number(0.99), number(0.1), number(0.01),
        )  # fmt: skip
        # The first step is the rate in the direction of the gradient.
        np.testing.assert_allclose(rows[1], self.rows[1] - 0.1, rtol=1e-4)
        np.testing.assert_array_equal(np.delete(rows, 1, 0), np.delete(self.rows, 1, 0))
        self.assertEqual((touched.sum(), gradient[1].sum()), (0, 0))


class Selection(unittest.TestCase):
    def test_take(self) -> None:
        taken = Bags.of(LISTS).take(np.array([2, 0, 1]))
        self.assertEqual(taken.ids.tolist(), [2, 3, 1, 3])
        self.assertEqual(taken.offsets.tolist(), [0, 1, 4, 4])

    def test_followed_by(self) -> None:
        joined = Bags.of(LISTS).followed_by(Bags.of([[9], [8, 7], []]))
        self.assertEqual(joined.ids.tolist(), [3, 1, 3, 9, 8, 7, 2])
        self.assertEqual(joined.offsets.tolist(), [0, 4, 6, 7])

    def test_equal_lists_have_equal_hashes(self) -> None:
        hashes = Bags.of([[4, 5], [6], [4, 5], [5, 6]]).hashes()
        self.assertEqual(hashes[0], hashes[2])
        self.assertEqual(len(set(hashes.tolist())), 3)
