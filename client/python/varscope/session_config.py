"""Settings of sessions and of runs. varscope has no devices to choose: it keeps what is set."""

from __future__ import annotations

from typing import Any


class _Settings:
    """An object with the attributes that it is made with; those that are not set are None."""

    _nested: dict[str, type] = {}

    def __init__(self, **values: Any) -> None:
        for name, kind in self._nested.items():
            setattr(self, name, kind())
        for name, value in values.items():
            setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({vars(self)})"


class GPUOptions(_Settings):
    """Settings of GPUs, which varscope does not use."""


class OptimizerOptions(_Settings):
    """Settings of a compiler, which varscope does not have."""

    L0 = 0
    L1 = 0
    OFF = -1
    ON_1 = 1


class GraphOptions(_Settings):
    """Settings of graphs."""

    _nested = {"optimizer_options": OptimizerOptions}


class ConfigProto(_Settings):
    """Settings of a session. `intra_op_parallelism_threads`: how many threads compute at a time."""

    _nested = {"gpu_options": GPUOptions, "graph_options": GraphOptions}


class RunOptions(_Settings):
    """Settings of one run."""

    NO_TRACE = 0
    SOFTWARE_TRACE = 1
    HARDWARE_TRACE = 2
    FULL_TRACE = 3


class RunMetadata(_Settings):
    """What a run would say about itself: nothing."""
