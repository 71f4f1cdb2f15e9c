"""Batches of pairs: from one group, from all groups, or around pairs that a teacher finds alike."""

from dataclasses import dataclass

import numpy as np

from bags import Bags, WordTokenizer
from encode_pairs import MAX_PASSAGE_TOKENS, MAX_QUERY_TOKENS, Encoded
from openings import Openings

# A group of n pairs is drawn from in proportion to n ** SIZE_EXPONENT times the weight of its kind. Definitions are many,
# and nobody asks for one by its text.
SIZE_EXPONENT = 0.75
KIND_WEIGHTS = {"def": 0.6}
# Smaller groups give no negatives of their own.
MIN_GROUP = 50


@dataclass
class Batch:
    queries: Bags
    passages: Bags
    equal: np.ndarray
    # Unit vectors of the teacher, for pairs that it has seen.
    query_vectors: np.ndarray | None = None
    passage_vectors: np.ndarray | None = None


def equal_texts(queries: np.ndarray, passages: np.ndarray) -> np.ndarray:
    """Which other pairs of a batch share a text, given the texts' hashes."""
    equal = (queries[:, None] == queries) | (passages[:, None] == passages) | (queries[:, None] == passages)
    np.fill_diagonal(equal, False)
    return equal


class Shuffled:
    """Sets of pairs, each in random order and used up before it repeats."""

    def __init__(self, members: list[np.ndarray], weights: list[float], random: np.random.Generator) -> None:
        self.random = random
        self.members = [random.permutation(indices) for indices in members]
        self.weights = np.array(weights) / np.sum(weights)
        self.used = [0] * len(members)

    def take(self, number: int, count: int) -> np.ndarray:
        """The next `count` pairs of a set, or all if it has fewer."""
        members = self.members[number]
        count = min(count, len(members))
        if self.used[number] + count > len(members):
            self.random.shuffle(members)
            self.used[number] = 0
        first = self.used[number]
        self.used[number] += count
        return members[first : first + count]

    def of_one(self, size: int) -> np.ndarray:
        """Pairs of one set drawn by weight, filled up from others if it is small."""
        indices = self.take(self.draw(), size)
        while len(indices) < size:
            indices = np.concatenate([indices, self.take(self.draw(), size - len(indices))])
        return indices

    def of_all(self, size: int) -> np.ndarray:
        counts = self.random.multinomial(size, self.weights)
        return np.concatenate([self.take(number, count) for number, count in enumerate(counts) if count])

    def draw(self) -> int:
        return int(self.random.choice(len(self.weights), p=self.weights))


class PairSampler:
    """Draws batches of pairs that no teacher has seen: of all groups, or of one (a source and kind), whose passages are
    harder to tell apart."""

    def __init__(self, pairs: Encoded, openings: Openings, random: np.random.Generator) -> None:
        self.pairs, self.openings = pairs, openings
        names = [name.split("/") for name in pairs.group_names]
        self.query_languages, self.passage_languages = (np.array([name[column] for name in names]) for column in (-2, -1))
        self.query_hashes, self.passage_hashes = pairs.queries.hashes(), pairs.passages.hashes()
        members, weights = [], []
        for name, indices in zip(names, split(pairs.groups, len(names)), strict=True):
            if len(indices) >= MIN_GROUP:
                members.append(indices)
                weights.append(len(indices) ** SIZE_EXPONENT * KIND_WEIGHTS.get(name[-3], 1.0))
        self.groups = Shuffled(members, weights, random)

    def of_all(self, size: int) -> Batch:
        return self.batch(self.groups.of_all(size))

    def of_one_group(self, size: int) -> Batch:
        return self.batch(self.groups.of_one(size))

    def batch(self, indices: np.ndarray) -> Batch:
        # A set that was shuffled in between can give a pair twice.
        indices = np.unique(indices)
        groups = self.pairs.groups[indices]
        return Batch(
            self.openings.before(self.pairs.queries.take(indices), self.query_languages[groups]),
            self.openings.before(self.pairs.passages.take(indices), self.passage_languages[groups]),
            equal_texts(self.query_hashes[indices], self.passage_hashes[indices]),
        )


def split(labels: np.ndarray, count: int) -> list[np.ndarray]:
    """The positions of each label."""
    order = np.argsort(labels, kind="stable")
    bounds = np.searchsorted(labels[order], np.arange(count + 1))
    return [order[bounds[label] : bounds[label + 1]] for label in range(count)]


class TaughtSampler:
    """Draws batches of pairs with a teacher's vectors.

    With neighbors (mine_negatives.py) a batch is made of seeds and of the pairs whose passages the teacher finds near
    their queries: hard negatives for each other.
    """

    def __init__(self, path: str, tokenizer: WordTokenizer, random: np.random.Generator, seed_share: int) -> None:
        fields = np.load(path)
        self.random, self.seed_share = random, seed_share
        self.queries = Bags.of(tokenizer.ids(text)[:MAX_QUERY_TOKENS] for text in fields["queries"])
        self.passages = Bags.of(tokenizer.ids(text)[:MAX_PASSAGE_TOKENS] for text in fields["passages"])
        self.query_vectors, self.passage_vectors = fields["query_vectors"], fields["passage_vectors"]
        self.neighbors = fields["neighbors"] if "neighbors" in fields else None
        self.query_hashes, self.passage_hashes = self.queries.hashes(), self.passages.hashes()
        known = (np.diff(self.queries.offsets) > 0) & (np.diff(self.passages.offsets) > 0)
        self.usable = np.flatnonzero(known)
        self.known = known

    def draw(self, size: int) -> Batch:
        if self.neighbors is None:
            return self.batch(self.random.choice(self.usable, size, replace=False))
        seeds = self.random.choice(self.usable, size // self.seed_share, replace=False)
        near = self.random.permuted(self.neighbors[seeds], axis=1)[:, : self.seed_share - 1]
        indices = np.unique(np.concatenate([seeds, near.ravel()]))
        indices = indices[self.known[indices]]
        missing = size - len(indices)
        if missing > 0:
            indices = np.unique(np.concatenate([indices, self.random.choice(self.usable, missing, replace=False)]))
        return self.batch(indices)

    def batch(self, indices: np.ndarray) -> Batch:
        return Batch(
            self.queries.take(indices),
            self.passages.take(indices),
            equal_texts(self.query_hashes[indices], self.passage_hashes[indices]),
            self.query_vectors[indices].astype(np.float32),
            self.passage_vectors[indices].astype(np.float32),
        )
