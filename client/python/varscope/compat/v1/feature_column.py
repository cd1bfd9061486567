"""tf.feature_column."""

from typing import TYPE_CHECKING

from varscope.estimators.hashed_columns import (categorical_column_with_hash_bucket,
                                                categorical_column_with_vocabulary_file,
                                                crossed_column, make_parse_example_spec)
from varscope.estimators.linear import linear_model
from varscope.compat.v1._missing import missing_of
from varscope.estimators.columns import (bucketized_column, categorical_column_with_identity,
                                         categorical_column_with_vocabulary_list,
                                         embedding_column, indicator_column, input_layer,
                                         numeric_column)

__all__ = [
    "bucketized_column", "categorical_column_with_hash_bucket", "categorical_column_with_identity",
    "categorical_column_with_vocabulary_file", "categorical_column_with_vocabulary_list",
    "crossed_column", "embedding_column", "indicator_column", "input_layer", "linear_model",
    "make_parse_example_spec", "numeric_column"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
