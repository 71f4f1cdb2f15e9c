"""What training minimizes, and its gradients.

`contrast` is symmetric InfoNCE over a batch: each query must find its passage among all passages of the batch, and each
passage its query. With a teacher the aim is softer: a part of the target is the teacher's own distribution, so that a
passage that also answers is not pushed away. `imitate` draws the cosines of any two texts to the teacher's.
"""

import numpy as np

from bags import unit

def both_softmaxes(cosines: np.ndarray, equal: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """The sum of the softmax by row and by column of scaled cosines, and the diagonal of the first alone.

    One exponential serves both: a cosine is at most 1, so that nothing overflows without subtracting the largest.
    """
    weights = cosines - np.float32(1)
    weights *= np.float32(scale)
    np.exp(weights, out=weights)
    weights[equal] = 0
    of_rows, of_columns = 1 / weights.sum(1, keepdims=True), 1 / weights.sum(0, keepdims=True)
    diagonal = np.diag(weights) * of_rows[:, 0]
    weights *= of_rows + of_columns
    return weights, diagonal


def through_unit(gradient: np.ndarray, units: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The gradient of vectors from that of their unit vectors."""
    return (gradient - units * (units * gradient).sum(1, keepdims=True)) / lengths


def contrast(
    queries: np.ndarray,
    passages: np.ndarray,
    equal: np.ndarray,
    scale: float,
    teacher: np.ndarray | None = None,
    trust: float = 0.0,
) -> tuple[float, np.ndarray, np.ndarray]:
    """The loss and its gradients for the queries and for the passages.

    `equal` marks candidates that are no negatives because a text occurs twice. `teacher` has the teacher's cosines of
    queries and passages; `trust` is the share of the target that follows them.
    """
    count = len(queries)
    query_units, query_lengths = unit(queries)
    passage_units, passage_lengths = unit(passages)
    error, hits = both_softmaxes(query_units @ passage_units.T, equal, scale)
    loss = -float(np.log(np.maximum(hits, 1e-12)).mean())
    diagonal = np.arange(count)
    if teacher is None:
        error[diagonal, diagonal] -= 2
    else:
        wanted, _ = both_softmaxes(teacher, equal, scale)
        wanted *= np.float32(trust)
        error -= wanted
        error[diagonal, diagonal] -= 2 * (1 - trust)
    error *= np.float32(scale / (2 * count))
    return (
        loss,
        through_unit(error @ passage_units, query_units, query_lengths),
        through_unit(error.T @ query_units, passage_units, passage_lengths),
    )


def imitate(texts: np.ndarray, teacher: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean squared difference of cosines to the teacher's, and its gradient; `teacher` has unit vectors."""
    units, lengths = unit(texts)
    difference = units @ units.T - teacher @ teacher.T
    np.fill_diagonal(difference, 0)
    loss = float((difference**2).mean())
    # By text, as the other loss, and not by pair of texts: 1 / n and not 1 / n².
    gradient = difference @ units * np.float32(4 / len(texts))
    return loss, through_unit(gradient, units, lengths)
