"""What a monitored session runs before the first step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from varscope.collections_ import global_variables
from varscope.ops import group


class Scaffold:
    """Ops that initialize, and the saver; those that are None are made by finalize()."""

    def __init__(self, init_op: Any = None, init_feed_dict: Any = None,
                 init_fn: Callable[[Any, Any], None] | None = None, ready_op: Any = None,
                 ready_for_local_init_op: Any = None, local_init_op: Any = None,
                 summary_op: Any = None, saver: Any = None,
                 copy_from_scaffold: Scaffold | None = None, local_init_feed_dict: Any = None
                 ) -> None:
        self.init_op = init_op
        self.init_feed_dict = init_feed_dict
        self.init_fn = init_fn
        self.ready_op = ready_op
        self.ready_for_local_init_op = ready_for_local_init_op
        self.local_init_op = local_init_op
        self.local_init_feed_dict = local_init_feed_dict
        self.summary_op = summary_op
        self.saver = saver

    def finalize(self) -> Scaffold:
        """Makes what is missing, in the default graph."""
        from varscope._core import global_variables_initializer
        from varscope.data.initializing import tables_initializer
        from varscope.local_variables import local_variables_initializer
        from varscope.saver import Saver
        from varscope.summaries.merging import merge_all
        if self.init_op is None:
            self.init_op = group(global_variables_initializer(), name="init_all")
        if self.local_init_op is None:
            self.local_init_op = [local_variables_initializer(), tables_initializer()]
        if self.summary_op is None:
            self.summary_op = merge_all()
        if self.saver is None and global_variables():
            self.saver = Saver()
        return self

    def initialize(self, session: Any, checkpoint: str | None = None) -> None:
        """Gives all variables their values: those of the checkpoint, or their first ones.

        A variable of the store that has a value keeps it, so that every worker may do this.
        """
        session.run(self.init_op, self.init_feed_dict)
        if checkpoint is not None:
            self.saver.restore(session, checkpoint)
        if self.local_init_op is not None:
            session.run(self.local_init_op, self.local_init_feed_dict)
        if self.init_fn is not None:
            self.init_fn(self, session)
