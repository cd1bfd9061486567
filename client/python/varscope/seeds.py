"""The seeds of random numbers: TensorFlow's rules for the graph's seed and an op's."""

from __future__ import annotations

from varscope import graph_data

# What TensorFlow takes for a graph without a seed.
_DEFAULT = 87654321
_LARGEST = 2**31 - 1


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
    # Two zeros stand for no seed.
    return (0, _LARGEST) if pair == (0, 0) else pair


def op_seeds(op_seed: int | None) -> tuple[int, int]:
    """Returns the same as the client takes them: two zeros for none."""
    first, second = get_seed(op_seed)
    return first or 0, second or 0


def is_seeded(op_seed: int | None) -> bool:
    """Whether an op of this seed has the same numbers in each process."""
    return op_seed is not None or graph_data.of_default().seed is not None
