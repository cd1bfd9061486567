"""tensorflow.python.ops."""

from typing import TYPE_CHECKING

from varscope.compat.v1._missing import missing_of
from varscope.compat.v1.python._borrowing import borrowing
from varscope.rnn.loop import transpose_batch_time

_HOMES = {
    "array_ops": "tf", "bitwise_ops": "bitwise", "candidate_sampling_ops": "nn",
    "check_ops": "tf", "clip_ops": "tf", "confusion_matrix": "tf", "control_flow_ops": "tf",
    "ctc_ops": "nn", "custom_gradient": "tf", "data_flow_ops": "tf", "embedding_ops": "nn",
    "functional_ops": "tf", "gen_array_ops": "tf", "gen_math_ops": "tf", "gen_nn_ops": "nn",
    "gradients": "tf", "gradients_impl": "tf", "histogram_ops": "tf", "image_ops": "image",
    "image_ops_impl": "image", "init_ops": "tf initializers", "inplace_ops": "tf", "io_ops": "tf",
    "linalg_ops": "tf linalg", "logging_ops": "tf summary", "lookup_ops": "contrib.lookup tf",
    "manip_ops": "tf", "map_fn": "tf", "math_ops": "tf math", "metrics": "metrics",
    "metrics_impl": "metrics", "nn": "nn", "nn_impl": "nn", "nn_ops": "nn tf", "numerics": "tf",
    "parsing_ops": "tf io", "partitioned_variables": "tf", "random_ops": "tf random",
    "resource_variable_ops": "tf", "rnn": "nn", "rnn_cell": "rnn_cell contrib.rnn",
    "rnn_cell_impl": "rnn_cell contrib.rnn", "script_ops": "tf", "sparse_ops": "tf",
    "special_math_ops": "tf math", "standard_ops": "tf", "state_ops": "tf",
    "string_ops": "tf strings", "summary_ops": "summary", "template": "tf",
    "tensor_array_ops": "tf", "variable_scope": "tf", "variables": "tf", "while_v2": "tf"}

globals().update(borrowing(__name__, _HOMES,
                           rnn={"_transpose_batch_time": transpose_batch_time}))

__all__: list[str] = []

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
