"""tf.feature_column."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.estimators.columns import (bucketized_column, categorical_column_with_identity,
                                         categorical_column_with_vocabulary_list,
                                         embedding_column, indicator_column, input_layer,
                                         numeric_column)

__all__ = [
    "bucketized_column", "categorical_column_with_identity",
    "categorical_column_with_vocabulary_list", "embedding_column", "indicator_column",
    "input_layer", "numeric_column"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
