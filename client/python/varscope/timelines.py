"""tensorflow.python.client.timeline: when a run's ops ran, which varscope does not record."""

from __future__ import annotations

import json
from typing import Any


class Timeline:
    """The events of a run: none."""

    def __init__(self, step_stats: Any, graph: Any = None) -> None:
        self._step_stats = step_stats

    def generate_chrome_trace_format(self, show_dataflow: bool = True,
                                     show_memory: bool = False) -> str:
        """Returns the events in the form that Chrome's tracing shows."""
        return json.dumps({"traceEvents": []})
