"""The seeds of random numbers: TensorFlow's rules for the graph's seed and an op's."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from varscope import graph_data

# What TensorFlow takes for a graph without a seed.
_DEFAULT = 87654321
_LARGEST = 2**31 - 1


# Far apart, so that seeds that a program counts up give no step another one's numbers.
_BETWEEN_STEPS = 1000003


class _Step(threading.local):
    """Which step of a loop a thread makes ops of, where each step has ops of its own."""

    number = 0


_step = _Step()


@contextlib.contextmanager
def step_of_loop(number: int, begun: int) -> Iterator[None]:
    """Ops of this block are a loop's step: a loop has one op of them for all steps, which draws other
    numbers in each. `begun` is how many seeds the graph had given before the first step."""
    data, outside = graph_data.of_default(), _step.number
    after = data.seeds_given
    if number:
        data.seeds_given = begun
    _step.number = number + 7919 * outside  # a loop in a loop
    try:
        yield
    finally:
        _step.number = outside
        if number:
            data.seeds_given = after


def seeds_given() -> int:
    """Returns how many seeds the default graph has given to ops without one."""
    return graph_data.of_default().seeds_given


def set_random_seed(seed: int) -> None:
    """Sets the seed of the default graph, for random ops that are made from here on."""
    graph_data.of_default().seed = int(seed)


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """Returns the two seeds of an op; both None without a seed of the graph and of the op.

    In a graph with a seed the ops without one are numbered.
    """
    data = graph_data.of_default()
    if data.seed is None:
        if op_seed is None:
            return None, None
        pair = _DEFAULT, int(op_seed) % _LARGEST
    else:
        if op_seed is None:
            op_seed = data.seeds_given
            data.seeds_given += 1
        pair = data.seed % _LARGEST, int(op_seed) % _LARGEST
    if _step.number:
        pair = pair[0], (pair[1] + _step.number * _BETWEEN_STEPS) % _LARGEST
    # Two zeros stand for no seed.
    return (0, _LARGEST) if pair == (0, 0) else pair


def op_seeds(op_seed: int | None) -> tuple[int, int]:
    """Returns the same as the client takes them: two zeros for none."""
    first, second = get_seed(op_seed)
    return first or 0, second or 0


def is_seeded(op_seed: int | None) -> bool:
    """Whether an op of this seed has the same numbers in each process."""
    return op_seed is not None or graph_data.of_default().seed is not None
