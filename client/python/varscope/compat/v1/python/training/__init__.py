"""tensorflow.python.training."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.compat.v1.python._borrowing import borrowing
from varscope.compat.v1.python.training import moving_averages

_HOMES = {name: "train" for name in (
    "adadelta", "adagrad", "adagrad_da", "adam", "basic_loops", "basic_session_run_hooks",
    "checkpoint_management", "checkpoint_state_pb2", "checkpoint_utils", "coordinator",
    "device_setter", "evaluation", "ftrl", "gradient_descent", "input", "learning_rate_decay",
    "momentum", "monitored_session", "optimizer", "proximal_adagrad", "queue_runner",
    "queue_runner_impl", "rmsprop", "saver", "server_lib", "session_manager",
    "session_run_hook", "summary_io", "supervisor", "sync_replicas_optimizer", "training",
    "training_util", "warm_starting_util")}

globals().update(borrowing(__name__, _HOMES))

__all__ = ["moving_averages"]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
