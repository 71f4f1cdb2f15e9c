"""Trains the token rows: contrast over the pairs, with a teacher in a part of the batches.

A schedule says when the teacher and the openings of questions (openings.py) come in. No one is best on all measures; the
model is the mean of a run of each (average_rows.py).

All that is random comes from the seed, and the length is a number of steps: two runs on one machine give equal rows.
"""

import argparse
import ctypes
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bags import KERNEL, WordTokenizer, add_gradient, mean_rows, pointer
from batches import Batch, PairSampler, TaughtSampler
from encode_pairs import Encoded
from measure import Measures
from objective import contrast, imitate
from openings import Openings

BETA_MEAN, BETA_SQUARE = 0.9, 0.99
WARM_UP_STEPS = 50
# The learning rate at the end, as a share of the highest.
LAST_RATE = 0.02
# Pairs of a batch; of a batch with a teacher one in SEEDS is drawn, and the others are near it.
BATCH, SEEDS = 1024, 8
# Share of the other batches that are of one source and kind.
ONE_GROUP = 0.6
# Factor of cosines before the softmax.
SCALE = 20.0
# Share of the target that follows the teacher.
TRUST = 0.5


@dataclass
class Stage:
    name: str
    steps: int
    # The highest learning rate, and the share of the steps before it falls.
    rate: float
    decay_from: float
    # Share of texts with an opening of a question before them.
    openings: float
    # Share of batches with a teacher, and the weight of its cosines.
    taught_share: float = 0.0
    imitation: float = 0.0


SCHEDULES = ("plain", "openings", "teacher")


def stages(schedule: str, steps: int, taught_steps: int) -> list[Stage]:
    teaching = Stage("teaching", taught_steps, 6e-4, 0.1, openings=0.3, taught_share=0.5, imitation=0.4)
    match schedule:
        case "plain":
            return [Stage("contrast", steps, 2e-3, 0.2, openings=0.0), teaching]
        case "openings":
            return [Stage("contrast", steps, 2e-3, 0.2, openings=0.2), teaching]
        case _:
            return [Stage("both", steps, 2e-3, 0.2, openings=0.3, taught_share=0.3, imitation=0.3)]


class Adam:
    """Adam that updates the rows a batch has touched, and leaves the moments of the others alone."""

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows
        self.gradient, self.means, self.squares = (np.zeros_like(rows) for _ in range(3))
        self.touched = np.zeros(len(rows), np.uint8)
        self.steps = 0

    def step(self, rate: float) -> None:
        self.steps += 1
        number = ctypes.c_float
        KERNEL.adam(
            ctypes.c_long(self.rows.shape[0]), ctypes.c_long(self.rows.shape[1]), pointer(self.touched),
            pointer(self.rows), pointer(self.gradient), pointer(self.means), pointer(self.squares),
            number(rate), number(BETA_MEAN), number(BETA_SQUARE),
            number(1 - BETA_MEAN**self.steps), number(1 - BETA_SQUARE**self.steps),
        )


def learning_rate(step: int, stage: Stage) -> float:
    """Rises, stays, and falls linearly to the end of the stage."""
    done = step / stage.steps
    fall = 1.0 if done < stage.decay_from else max(LAST_RATE, (1 - done) / (1 - stage.decay_from))
    return stage.rate * fall * min(1.0, (step + 1) / WARM_UP_STEPS)


class Trainer:
    """The rows, and what a stage draws batches from."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.tokenizer = WordTokenizer(arguments.tokenizer)
        self.pairs = Encoded.of_fields(np.load(arguments.pairs))
        self.rows = np.ascontiguousarray(np.load(arguments.start), np.float32)
        self.measures = Measures(arguments.sets, self.tokenizer) if arguments.sets else None
        self.started = time.monotonic()

    def run(self, stage: Stage) -> None:
        random = np.random.default_rng(self.arguments.seed)
        sampler = PairSampler(self.pairs, Openings(self.tokenizer, stage.openings, random), random)
        taught = []
        if stage.taught_share:
            taught = [TaughtSampler(path, self.tokenizer, random, SEEDS) for path in self.arguments.taught]
        adam = Adam(self.rows)
        losses: list[float] = []
        for step in range(stage.steps):
            if step % self.arguments.measure_every == 0:
                self.report(stage, step, losses)
            if taught and random.random() < stage.taught_share:
                batch = taught[random.integers(len(taught))].draw(BATCH)
                self.learn(batch, adam, stage.imitation)
            else:
                batch = sampler.of_one_group(BATCH) if random.random() < ONE_GROUP else sampler.of_all(BATCH)
                losses.append(self.learn(batch, adam, 0.0))
            adam.step(learning_rate(step, stage))
        self.report(stage, stage.steps, losses)

    def learn(self, batch: Batch, adam: Adam, imitation: float) -> float:
        """Adds the gradients of a batch; gives its contrastive loss."""
        queries, passages = mean_rows(batch.queries, self.rows), mean_rows(batch.passages, self.rows)
        teacher = None
        if batch.query_vectors is not None:
            teacher = batch.query_vectors @ batch.passage_vectors.T
        loss, of_queries, of_passages = contrast(queries, passages, batch.equal, SCALE, teacher, TRUST)
        if teacher is not None:
            # Queries of one half and passages of the other: texts of all lengths, none beside its own pair.
            half = len(queries) // 2
            _, gradient = imitate(
                np.concatenate([queries[:half], passages[half:]]),
                np.concatenate([batch.query_vectors[:half], batch.passage_vectors[half:]]),
            )
            of_queries[:half] += imitation * gradient[:half]
            of_passages[half:] += imitation * gradient[half:]
        add_gradient(batch.queries, of_queries, adam.gradient, adam.touched)
        add_gradient(batch.passages, of_passages, adam.gradient, adam.touched)
        return loss

    def report(self, stage: Stage, step: int, losses: list[float]) -> None:
        figures = self.measures.of_rows(self.rows) if self.measures else {}
        recent = losses[-self.arguments.measure_every :]
        loss = round(float(np.mean(recent)), 4) if recent else None
        minutes = round((time.monotonic() - self.started) / 60, 1)
        print(json.dumps({"stage": stage.name, "step": step, "loss": loss, "minutes": minutes, **figures}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=Path, help="encoded pairs, .npz")
    parser.add_argument("tokenizer", type=Path, help="tokenizer.json")
    parser.add_argument("start", type=Path, help="the rows to start from, .npy")
    parser.add_argument("out", type=Path, help="the rows to write, .npy")
    parser.add_argument("--taught", nargs="+", required=True, help="pairs with a teacher's vectors, .npz")
    parser.add_argument("--schedule", choices=SCHEDULES, default="plain", help="which stages (default: plain)")
    parser.add_argument("--steps", type=int, default=2400, help="batches of the first stage (default: 2400)")
    parser.add_argument("--taught-steps", type=int, default=500, help="batches of the second (default: 500)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sets", type=Path, help="folder of judged sets to measure on; they steer nothing")
    parser.add_argument("--measure-every", type=int, default=1300, help="steps between measures (default: 1300)")
    arguments = parser.parse_args()

    settings = {name: str(value) for name, value in vars(arguments).items()}
    print(json.dumps(settings), flush=True)
    trainer = Trainer(arguments)
    for stage in stages(arguments.schedule, arguments.steps, arguments.taught_steps):
        trainer.run(stage)
    np.save(arguments.out, trainer.rows)


if __name__ == "__main__":
    main()
