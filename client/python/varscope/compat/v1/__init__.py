"""TensorFlow 1's words for varscope: `import varscope.compat.v1 as tf`.

A symbol that varscope does not have is an AttributeError that names it and the nearest one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from varscope import errors
from varscope._core import (
    DType, Graph, Operation, Tensor, Variable, VariableScope, abs, add, add_n, argmax, argmin,
    as_dtype, cast, clip_by_value, cos, divide, equal, exp, fixed_size_partitioner, floor,
    floordiv, get_default_graph, get_variable_scope, global_norm,
    global_variables_initializer, greater, greater_equal, identity, less, less_equal, log, log1p,
    matmul, maximum, minimum, multiply, negative, no_op, not_equal, ones, ones_like, placeholder,
    pow, reciprocal, reduce_logsumexp, reduce_max, reduce_mean, reduce_min, reduce_prod,
    reduce_sum, reshape, rsqrt, sigmoid, sign, sin, slice, sqrt, square, squared_difference,
    squeeze, stack, stop_gradient, subtract, tanh, tile, trainable_variables, transpose, zeros,
    zeros_like)
from varscope.collections_ import (GraphKeys, add_to_collection, add_to_collections, get_collection,
                                   get_collection_ref, global_variables, local_variables,
                                   model_variables, moving_average_variables)
from varscope.compat.v1 import (app, compat, contrib, core, data, distributions, examples, flags, gfile,
                                image, initializers, keras, layers, logging, losses, math,
                                metrics, nn, python, python_io, random, summary, test, train)
from varscope.compat.v1._missing import missing_of
from varscope.compat.v1._versions import (disable_eager_execution, disable_resource_variables,
                                          disable_v2_behavior, enable_resource_variables,
                                          executing_eagerly)
from varscope.compat.v1._versions import VERSION, __version__
from varscope.counting import (clip_by_norm, count_nonzero, diag, linspace, placeholder_with_default,
                               tensordot, to_double, to_float, to_int32, to_int64)
from varscope.devices import device
from varscope.errors import OpError
from varscope.graphs import reset_default_graph
from varscope.initializers import Constant as constant_initializer
from varscope.initializers import GlorotNormal as glorot_normal_initializer
from varscope.initializers import GlorotUniform as glorot_uniform_initializer
from varscope.initializers import Ones as ones_initializer
from varscope.initializers import Orthogonal as orthogonal_initializer
from varscope.initializers import RandomNormal as random_normal_initializer
from varscope.initializers import RandomUniform as random_uniform_initializer
from varscope.initializers import TruncatedNormal as truncated_normal_initializer
from varscope.initializers import VarianceScaling as variance_scaling_initializer
from varscope.initializers import Zeros as zeros_initializer
from varscope.local_variables import get_local_variable, local_variables_initializer
from varscope.ops import (clip_by_global_norm, concat, constant, convert_to_tensor, expand_dims,
                          gather, gradients, group, one_hot, pad,
                          random_normal, random_uniform, where)
from varscope.pieces import split, unstack
from varscope.scopes import (AUTO_REUSE, control_dependencies, name_scope, variable_scope)
from varscope.session import InteractiveSession, Session, get_default_session
from varscope.session_config import (ConfigProto, GPUOptions, GraphOptions, OptimizerOptions,
                                     RunMetadata, RunOptions)
from varscope.shapes import Dimension, TensorShape
from varscope.slices import IndexedSlices, IndexedSlicesValue
from varscope.summaries.graph_def import GraphDef, NodeDef
from varscope.summaries.messages import Event, HistogramProto, Summary
from varscope.synchronization import VariableAggregation, VariableSynchronization
from varscope.variables import (assign, assign_add, assign_sub, get_variable, scatter_add,
                                scatter_sub, scatter_update, variables_initializer)

# Other names of TensorFlow 1 for the same.
truediv = realdiv = div = divide
initialize_all_variables = global_variables_initializer
all_variables = global_variables
arg_max = argmax
arg_min = argmin
initialize_variables = variables_initializer
initialize_local_variables = local_variables_initializer

float16 = as_dtype("float16")
bfloat16 = as_dtype("bfloat16")
float32 = as_dtype("float32")
float64 = double = as_dtype("float64")
int8 = as_dtype("int8")
int16 = as_dtype("int16")
int32 = as_dtype("int32")
int64 = as_dtype("int64")
uint8 = as_dtype("uint8")
uint16 = as_dtype("uint16")
uint32 = as_dtype("uint32")
uint64 = as_dtype("uint64")
bool = as_dtype("bool")  # noqa: A001 (TensorFlow's name)

__all__ = [
    "AUTO_REUSE", "ConfigProto", "DType", "Dimension", "Event", "GPUOptions", "Graph",
    "GraphDef", "GraphKeys", "GraphOptions", "HistogramProto", "IndexedSlices",
    "IndexedSlicesValue", "InteractiveSession", "NodeDef", "OpError", "Operation",
    "OptimizerOptions", "RunMetadata", "RunOptions", "Session", "Summary", "Tensor",
    "TensorShape", "VERSION", "Variable", "VariableAggregation", "VariableScope",
    "VariableSynchronization", "__version__", "abs", "add", "add_n", "add_to_collection",
    "add_to_collections", "all_variables", "app", "arg_max", "arg_min", "argmax", "argmin",
    "as_dtype", "assign", "assign_add", "assign_sub", "bfloat16", "bool", "cast",
    "clip_by_global_norm", "clip_by_norm", "clip_by_value", "compat", "concat", "constant",
    "constant_initializer", "contrib", "control_dependencies", "convert_to_tensor", "core",
    "cos", "count_nonzero", "data", "device", "diag", "disable_eager_execution",
    "disable_resource_variables", "disable_v2_behavior", "distributions", "div", "divide",
    "double", "enable_resource_variables", "equal", "errors", "examples", "executing_eagerly",
    "exp", "expand_dims", "fixed_size_partitioner", "flags", "float16", "float32", "float64",
    "floor", "floordiv", "gather", "get_collection", "get_collection_ref", "get_default_graph",
    "get_default_session", "get_local_variable", "get_variable", "get_variable_scope", "gfile",
    "global_norm", "global_variables", "global_variables_initializer",
    "glorot_normal_initializer", "glorot_uniform_initializer", "gradients", "greater",
    "greater_equal", "group", "identity", "image", "initialize_all_variables",
    "initialize_local_variables", "initialize_variables", "initializers", "int16", "int32",
    "int64", "int8", "keras", "layers", "less", "less_equal", "linspace", "local_variables",
    "local_variables_initializer", "log", "log1p", "logging", "losses", "math", "matmul",
    "maximum", "metrics", "minimum", "model_variables", "moving_average_variables", "multiply",
    "name_scope", "negative", "nn", "no_op", "not_equal", "one_hot", "ones", "ones_initializer",
    "ones_like", "orthogonal_initializer", "pad", "placeholder", "placeholder_with_default",
    "pow", "python", "python_io", "random", "random_normal", "random_normal_initializer",
    "random_uniform", "random_uniform_initializer", "realdiv", "reciprocal", "reduce_logsumexp",
    "reduce_max", "reduce_mean", "reduce_min", "reduce_prod", "reduce_sum",
    "reset_default_graph", "reshape", "rsqrt", "scatter_add", "scatter_sub", "scatter_update",
    "sigmoid", "sign", "sin", "slice", "split", "sqrt", "square", "squared_difference",
    "squeeze", "stack", "stop_gradient", "subtract", "summary", "tanh", "tensordot", "test",
    "tile", "to_double", "to_float", "to_int32", "to_int64", "train", "trainable_variables",
    "transpose", "truediv", "truncated_normal_initializer", "uint16", "uint32", "uint64",
    "uint8", "unstack", "variable_scope", "variables_initializer",
    "variance_scaling_initializer", "where", "zeros", "zeros_initializer", "zeros_like"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
