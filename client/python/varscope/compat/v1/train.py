"""tf.train: optimizers, Saver, the global step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from varscope._core import Variable, get_or_create_global_step
from varscope.collections_ import GraphKeys, get_collection
from varscope.compat.v1._missing import missing_of
from varscope.optimizers import (AdadeltaOptimizer, AdagradOptimizer, AdamOptimizer,
                                 AdamWOptimizer, FtrlOptimizer, GradientDescentOptimizer,
                                 LAMBOptimizer, MomentumOptimizer, Optimizer, RMSPropOptimizer)
from varscope.saver import Saver, latest_checkpoint
from varscope.session import BaseSession


def get_global_step() -> Variable | None:
    """Returns the default graph's global step; None when it has none."""
    steps = get_collection(GraphKeys.GLOBAL_STEP)
    return steps[0] if steps else None


def global_step(sess: BaseSession, global_step_tensor: Variable) -> int:
    """Returns the value of the global step."""
    return int(sess.run(global_step_tensor))


__all__ = [
    "AdadeltaOptimizer", "AdagradOptimizer", "AdamOptimizer", "AdamWOptimizer", "FtrlOptimizer",
    "GradientDescentOptimizer", "LAMBOptimizer", "MomentumOptimizer", "Optimizer",
    "RMSPropOptimizer", "Saver", "get_global_step", "get_or_create_global_step", "global_step",
    "latest_checkpoint"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
