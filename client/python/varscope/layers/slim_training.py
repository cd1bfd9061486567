"""tf.contrib.slim.learning: a loss's train op, and the loop that runs it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from varscope import _core, messages
from varscope.collections_ import GraphKeys, get_collection
from varscope.counting import clip_by_norm
from varscope.scopes import control_dependencies, name_scope
from varscope.training.hooks import StopAtStepHook
from varscope.training.monitored import MonitoredTrainingSession
from varscope.training.scaffold import Scaffold

_THE_GRAPHS = 0


def clip_gradient_norms(gradients_to_variables: Iterable[Any],
                        max_norm: float) -> list[tuple[Any, Any]]:
    """Returns the pairs with each gradient scaled to at most this norm."""
    return [(None if gradient is None else clip_by_norm(gradient, max_norm), variable)
            for gradient, variable in gradients_to_variables]


def create_train_op(total_loss: Any, optimizer: Any, global_step: Any = _THE_GRAPHS,
                    update_ops: Iterable[Any] | None = None,
                    variables_to_train: Iterable[Any] | None = None,
                    transform_grads_fn: Callable[[Any], Any] | None = None,
                    clip_gradient_norm: float = 0, summarize_gradients: bool = False,
                    gate_gradients: int = 1, aggregation_method: Any = None,
                    colocate_gradients_with_ops: bool = False,
                    check_numerics: bool = True) -> _core.Tensor:
    """Returns the loss, after the update ops and a step of the optimizer."""
    if global_step is _THE_GRAPHS:
        global_step = _core.get_or_create_global_step()
    before = get_collection(GraphKeys.UPDATE_OPS) if update_ops is None else list(update_ops)
    with control_dependencies(before):
        loss = _core.identity(total_loss, "control_dependency") if before else total_loss
    pairs = optimizer.compute_gradients(loss, variables_to_train, gate_gradients)
    if transform_grads_fn is not None:
        pairs = transform_grads_fn(pairs)
    if clip_gradient_norm > 0:
        pairs = clip_gradient_norms(pairs, clip_gradient_norm)
    step = optimizer.apply_gradients(pairs, global_step)
    with name_scope("train_op"), control_dependencies([step]):
        return _core.identity(loss, "control_dependency")


def train(train_op: _core.Tensor, logdir: str | None, number_of_steps: int | None = None,
          log_every_n_steps: int = 1, master: str = "", is_chief: bool = True,
          global_step: Any = None, init_op: Any = None, init_feed_dict: Any = None,
          local_init_op: Any = None, init_fn: Callable[[Any], None] | None = None,
          summary_op: Any = None, save_summaries_secs: float | None = 600, saver: Any = None,
          save_interval_secs: float | None = 600, session_config: Any = None) -> Any:
    """Runs the train op up to a global step, with checkpoints and summaries in logdir; returns the
    last loss."""
    step = _core.get_or_create_global_step() if global_step is None else global_step
    scaffold = Scaffold(init_op, init_feed_dict, None if init_fn is None else (
        lambda _, session: init_fn(session)), local_init_op=local_init_op, summary_op=summary_op,
        saver=saver)
    hooks = [] if number_of_steps is None else [StopAtStepHook(last_step=number_of_steps)]
    loss = None
    with MonitoredTrainingSession(
            master, is_chief, logdir, scaffold, hooks, save_checkpoint_secs=save_interval_secs,
            save_summaries_secs=save_summaries_secs, save_summaries_steps=None,
            config=session_config, log_step_count_steps=None) as session:
        while not session.should_stop():
            loss, number = session.run([train_op, step])
            if np.isnan(loss):
                raise ValueError("LossTensor is inf or nan.")
            if log_every_n_steps and int(number) % log_every_n_steps == 0:
                messages.info("global step %d: loss = %.4f", int(number), loss)
    return loss
