"""TensorFlow 1's words for varscope: `import varscope.compat.v1 as tf`.

A symbol that varscope does not have is an AttributeError that names it and the nearest one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from varscope import errors
from varscope._core import (
    DType, Graph, Operation, Tensor, Variable, VariableScope, abs, add, add_n, argmax, argmin,
    as_dtype, cast, clip_by_value, cos, divide, equal, exp, fixed_size_partitioner, floor,
    floordiv, get_default_graph, get_variable_scope, global_norm, global_variables,
    global_variables_initializer, greater, greater_equal, identity, less, less_equal, log, log1p,
    matmul, maximum, minimum, multiply, negative, no_op, not_equal, ones, ones_like, placeholder,
    pow, reciprocal, reduce_logsumexp, reduce_max, reduce_mean, reduce_min, reduce_prod,
    reduce_sum, reshape, rsqrt, sigmoid, sign, sin, slice, sqrt, square, squared_difference,
    squeeze, stack, stop_gradient, subtract, tanh, tile, trainable_variables, transpose, zeros,
    zeros_like)
from varscope.collections_ import GraphKeys, add_to_collection, get_collection
from varscope.compat.v1 import compat, initializers, math, nn, random, train
from varscope.compat.v1._missing import missing_of
from varscope.compat.v1._versions import (disable_eager_execution, disable_resource_variables,
                                          disable_v2_behavior, enable_resource_variables,
                                          executing_eagerly)
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
from varscope.ops import (clip_by_global_norm, concat, constant, convert_to_tensor, expand_dims,
                          gather, gradients, group, local_variables_initializer, one_hot, pad,
                          random_normal, random_uniform, where)
from varscope.scopes import (AUTO_REUSE, control_dependencies, name_scope, variable_scope)
from varscope.session import InteractiveSession, Session, get_default_session
from varscope.shapes import Dimension, TensorShape
from varscope.slices import IndexedSlices, IndexedSlicesValue
from varscope.variables import (assign, assign_add, assign_sub, get_variable, scatter_add,
                                scatter_sub, scatter_update)

# Other names of TensorFlow 1 for the same.
truediv = realdiv = div = divide
initialize_all_variables = global_variables_initializer
all_variables = global_variables

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
    "AUTO_REUSE", "DType", "Dimension", "Graph", "GraphKeys", "IndexedSlices",
    "IndexedSlicesValue", "InteractiveSession", "OpError", "Operation", "Session", "Tensor",
    "TensorShape", "Variable", "VariableScope", "abs", "add", "add_n", "add_to_collection",
    "all_variables", "argmax", "argmin", "as_dtype", "assign", "assign_add", "assign_sub",
    "bfloat16", "bool", "cast", "clip_by_global_norm", "clip_by_value", "compat", "concat",
    "constant", "constant_initializer", "control_dependencies", "convert_to_tensor", "cos",
    "disable_eager_execution", "disable_resource_variables", "disable_v2_behavior", "div",
    "divide", "double", "enable_resource_variables", "equal", "errors", "executing_eagerly",
    "exp", "expand_dims", "fixed_size_partitioner", "float16", "float32", "float64", "floor",
    "floordiv", "gather", "get_collection", "get_default_graph", "get_default_session",
    "get_variable", "get_variable_scope", "global_norm", "global_variables",
    "global_variables_initializer", "glorot_normal_initializer", "glorot_uniform_initializer",
    "gradients", "greater", "greater_equal", "group", "identity", "initialize_all_variables",
    "initializers", "int16", "int32", "int64", "int8", "less", "less_equal",
    "local_variables_initializer", "log", "log1p", "math", "matmul", "maximum", "minimum",
    "multiply", "name_scope", "negative", "nn", "no_op", "not_equal", "one_hot", "ones",
    "ones_initializer", "ones_like", "orthogonal_initializer", "pad", "placeholder", "pow",
    "random", "random_normal", "random_normal_initializer", "random_uniform",
    "random_uniform_initializer", "realdiv", "reciprocal", "reduce_logsumexp", "reduce_max",
    "reduce_mean", "reduce_min", "reduce_prod", "reduce_sum", "reset_default_graph", "reshape",
    "rsqrt", "scatter_add", "scatter_sub", "scatter_update", "sigmoid", "sign", "sin", "slice",
    "sqrt", "square", "squared_difference", "squeeze", "stack", "stop_gradient", "subtract",
    "tanh", "tile", "train", "trainable_variables", "transpose", "truediv",
    "truncated_normal_initializer", "uint16", "uint32", "uint64", "uint8", "variable_scope",
    "variance_scaling_initializer", "where", "zeros", "zeros_initializer", "zeros_like"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
