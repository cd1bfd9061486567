"""tf.contrib.learn.python.learn."""

from typing import TYPE_CHECKING

from varscope.compat.v1.contrib.learn import datasets
from varscope.compat.v1._missing import missing_of
from varscope.compat.v1.python._borrowing import Borrowing

estimators = Borrowing(f"{__name__}.estimators", ("contrib.learn",), {})
for _name in ("dnn", "estimator", "linear", "model_fn", "run_config"):
    setattr(estimators, _name, Borrowing(f"{__name__}.estimators.{_name}", ("contrib.learn",), {}))

__all__ = [
    "datasets"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
