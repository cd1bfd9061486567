"""How estimators run: tf.estimator.RunConfig."""

from __future__ import annotations

import copy
from typing import Any

_CHECKPOINTS = ("save_checkpoints_steps", "save_checkpoints_secs")


class RunConfig:
    """Where an estimator keeps its checkpoints, and how often it saves and tells how it goes."""

    def __init__(self, model_dir: str | None = None, tf_random_seed: int | None = None,
                 save_summary_steps: int | None = 100, save_checkpoints_steps: int | None = None,
                 save_checkpoints_secs: float | None = None, session_config: Any = None,
                 keep_checkpoint_max: int | None = 5,
                 keep_checkpoint_every_n_hours: float = 10000.0,
                 log_step_count_steps: int | None = 100) -> None:
        if save_checkpoints_steps is not None and save_checkpoints_secs is not None:
            raise ValueError("Can not provide both save_checkpoints_steps and "
                             "save_checkpoints_secs.")
        if save_checkpoints_steps is None and save_checkpoints_secs is None:
            save_checkpoints_secs = 600
        self.model_dir = model_dir
        self.tf_random_seed = tf_random_seed
        self.save_summary_steps = save_summary_steps
        self.save_checkpoints_steps = save_checkpoints_steps
        self.save_checkpoints_secs = save_checkpoints_secs
        self.session_config = session_config
        self.keep_checkpoint_max = keep_checkpoint_max
        self.keep_checkpoint_every_n_hours = keep_checkpoint_every_n_hours
        self.log_step_count_steps = log_step_count_steps

    # One process: varscope's clusters are sessions'.
    is_chief = True
    master = ""
    task_type = "worker"
    task_id = 0
    num_worker_replicas = 1
    num_ps_replicas = 0

    def replace(self, **kwargs: Any) -> RunConfig:
        """Returns a copy in which these are otherwise. ValueError for a name that it does not
        have."""
        made = copy.copy(self)
        if any(key in kwargs for key in _CHECKPOINTS):
            made.save_checkpoints_steps = made.save_checkpoints_secs = None
        for key, value in kwargs.items():
            if key not in vars(self):
                raise ValueError(f"Replacing {key} is not supported.")
            setattr(made, key, value)
        return made
