import unittest

import numpy as np

from objective import contrast, imitate

PAIRS, DIMENSIONS, SCALE, TRUST = 12, 8, 5.0, 0.4


def normalized(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def log_softmax(logits: np.ndarray, axis: int) -> np.ndarray:
    return logits - np.log(np.exp(logits).sum(axis, keepdims=True))


def plain_contrast(queries: np.ndarray, passages: np.ndarray, teacher: np.ndarray | None) -> float:
    """The loss as its definition says, in double precision."""
    logits = SCALE * normalized(queries) @ normalized(passages).T
    loss = 0.0
    for axis in (0, 1):
        wanted = np.eye(PAIRS)
        if teacher is not None:
            wanted = (1 - TRUST) * wanted + TRUST * np.exp(log_softmax(SCALE * teacher, axis))
        loss -= (wanted * log_softmax(logits, axis)).sum() / (2 * PAIRS)
    return loss


def plain_imitation(texts: np.ndarray, teacher: np.ndarray) -> float:
    difference = normalized(texts) @ normalized(texts).T - teacher @ teacher.T
    np.fill_diagonal(difference, 0)
    return (difference**2).sum() / len(texts)


def slope(loss, at: np.ndarray, row: int, column: int) -> float:
    step = 1e-5
    change = np.zeros_like(at)
    change[row, column] = step
    return (loss(at + change) - loss(at - change)) / (2 * step)


class Gradients(unittest.TestCase):
    """The gradients are the slopes of the plainly written losses."""

    def setUp(self) -> None:
        self.random = np.random.default_rng(3)
        self.queries, self.passages = self.random.standard_normal((2, PAIRS, DIMENSIONS))

    def check_contrast(self, teacher: np.ndarray | None) -> None:
        single = None if teacher is None else teacher.astype(np.float32)
        _, of_queries, of_passages = contrast(
            self.queries.astype(np.float32), self.passages.astype(np.float32),
            np.zeros((PAIRS, PAIRS), bool), SCALE, single, TRUST,
        )  # fmt: skip
        for row, column in ((0, 0), (5, 2), (11, 7)):
            expected = slope(lambda x: plain_contrast(x, self.passages, teacher), self.queries, row, column)
            self.assertAlmostEqual(of_queries[row, column], expected, places=5)
            expected = slope(lambda x: plain_contrast(self.queries, x, teacher), self.passages, row, column)
            self.assertAlmostEqual(of_passages[row, column], expected, places=5)

    def test_contrast(self) -> None:
        self.check_contrast(None)

    def test_contrast_with_a_teacher(self) -> None:
        self.check_contrast(self.random.uniform(-0.5, 1, (PAIRS, PAIRS)))

    def test_imitation(self) -> None:
        teacher = normalized(self.random.standard_normal((PAIRS, 5)))
        _, gradient = imitate(self.queries.astype(np.float32), teacher.astype(np.float32))
        for row, column in ((0, 0), (5, 2), (11, 7)):
            expected = slope(lambda x: plain_imitation(x, teacher), self.queries, row, column)
            self.assertAlmostEqual(gradient[row, column], expected, places=5)

    def test_an_equal_text_is_no_negative(self) -> None:
        equal = np.zeros((PAIRS, PAIRS), bool)
        single = self.queries.astype(np.float32), self.passages.astype(np.float32)
        before, *_ = contrast(*single, equal, SCALE)
        equal[:, 1] = equal[1, :] = True
        equal[1, 1] = False
        after, *_ = contrast(*single, equal, SCALE)
        self.assertLess(after, before)
