"""What TensorFlow's distribution strategies say about variables. The store decides for itself; a
program may name them."""

from __future__ import annotations

import enum


class VariableSynchronization(enum.Enum):
    """When copies of a variable are brought together."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


class VariableAggregation(enum.Enum):
    """How copies of a variable are brought together."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3
    ONLY_FIRST_TOWER = 3


def trainable_by(trainable: bool | None,
                 synchronization: VariableSynchronization) -> bool | None:
    """Returns whether a variable is trained: one that is only read together is not. ValueError where
    a program says both."""
    if synchronization is not VariableSynchronization.ON_READ:
        return trainable
    if trainable:
        raise ValueError("Synchronization value can be set to VariableSynchronization.ON_READ only "
                         "for non-trainable variables. You have specified trainable=True and "
                         "synchronization=VariableSynchronization.ON_READ.")
    return False
