"""TensorFlow 1's words for varscope: `import varscope.compat.v1 as tf`.

A symbol that varscope does not have is an AttributeError that names it and the nearest one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from varscope import errors
from varscope._core import (
    DType, Graph, Operation, Tensor, VariableScope, abs, acos, acosh, add, add_n,
    argmax, argmin, as_dtype, asin, asinh, atan, atan2, atanh, ceil, cholesky,
    cos, cosh, cumprod, cumsum, digamma, divide, equal, erf, erfc, exp, expm1,
    fixed_size_partitioner, floor, floordiv, floormod, get_variable_scope, global_norm,
    global_variables_initializer, greater, greater_equal, identity, is_finite,
    is_inf, is_nan, less, less_equal, lgamma, log, log1p, logical_and, logical_not, logical_or,
    logical_xor, matrix_band_part, matrix_determinant, matrix_inverse, matrix_solve, maximum,
    minimum, multiply, negative, no_op, not_equal, pow, rank, reciprocal, reduce_logsumexp,
    reduce_max, reduce_mean, reduce_min, reduce_prod, reduce_sum, reverse, round, rsqrt,
    self_adjoint_eig, self_adjoint_eigvals, shape, sigmoid, sign, sin, sinh, size, sqrt, square,
    squared_difference, squeeze, stop_gradient, subtract, tan, tanh, trainable_variables,
    transpose, truncatediv, unsorted_segment_sum)
from varscope.assertions import (Assert, add_check_numerics_ops, assert_equal, assert_greater,
                                 assert_greater_equal, assert_less, assert_less_equal, assert_negative,
                                 assert_non_negative, assert_non_positive, assert_none_equal,
                                 assert_positive, assert_rank, assert_rank_at_least,
                                 check_numerics)
from varscope.arrays import (boolean_mask, broadcast_to, dynamic_partition, fill, gather, gather_nd,
                             invert_permutation, meshgrid, one_hot, ones, pad, range, reshape,
                             reverse_sequence, scatter_nd, segment_sum, sequence_mask, tile,
                             unique, unique_with_counts, where, zeros)
from varscope.collections_ import (GraphKeys, add_to_collection, add_to_collections, get_collection,
                                   get_collection_ref, global_variables, local_variables,
                                   model_variables, moving_average_variables)
from varscope.compat.v1 import (app, bitwise, compat, contrib, core, data, debugging,
                                distributions, dtypes, estimator, examples, feature_column,
                                flags, gfile, graph_util, image, initializers, io, keras, layers,
                                linalg, logging, lookup, losses, manip, math, metrics, nn,
                                python, python_io, random, saved_model, sparse, strings, summary,
                                test, train)
from varscope.data.initializing import tables_initializer
from varscope.products import einsum, matmul
from varscope.tallies import bincount, confusion_matrix
from varscope.readers.parsing import (FixedLenFeature, FixedLenSequenceFeature, VarLenFeature,
                                      parse_example, parse_single_example)
from varscope.readers.sequences import parse_single_sequence_example
from varscope.readers.queues import FIFOQueue, PaddingFIFOQueue, QueueBase, RandomShuffleQueue
from varscope.readers.readers import (FixedLengthRecordReader, IdentityReader, ReaderBase,
                                      TextLineReader, TFRecordReader, WholeFileReader)
from varscope.uninitialized import is_variable_initialized, report_uninitialized_variables
from varscope.blocks import (batch_to_space, batch_to_space_nd, space_to_batch,
                             space_to_batch_nd)
from varscope.broadcasting import (AggregationMethod, UnconnectedGradients,
                                   broadcast_dynamic_shape, broadcast_static_shape)
from varscope.sparse import (SparseTensor, SparseTensorValue, sparse_placeholder,
                             sparse_reduce_sum, sparse_retain,
                             sparse_tensor_dense_matmul, sparse_tensor_to_dense, sparse_to_dense)
from varscope.strings import shaping as _texts
from varscope.strings.shaping import texts_too as _texts_too
from varscope.strings.decoding import decode_csv, decode_image, decode_raw
from varscope.strings.ops import (as_string, matching_files, read_file, string_join, string_strip,
                                  string_to_hash_bucket_strong, string_to_number, substr)
from varscope.strings.tensors import string
from varscope.watchers import Print
from varscope.edit_distances import edit_distance
from varscope.python_functions import py_func
from varscope.segments import (segment_max, segment_mean, segment_min, segment_prod,
                               unsorted_segment_max, unsorted_segment_mean, unsorted_segment_min,
                               unsorted_segment_prod, unsorted_segment_sqrt_n)
from varscope.sorting import (argsort, histogram_fixed_width, histogram_fixed_width_bins,
                              searchsorted, setdiff1d, sort)
from varscope.scatters import (scatter_div, scatter_max, scatter_min, scatter_mul, scatter_nd_add,
                               scatter_nd_sub, scatter_nd_update, tensor_scatter_add,
                               tensor_scatter_sub, tensor_scatter_update)
from varscope.factorizations import qr, svd
from varscope.triangles import (cholesky_solve, matrix_set_diag, matrix_solve_ls,
                                matrix_triangular_solve)
from varscope.joining import diag_part, dynamic_stitch, ensure_shape, identity_n, shape_n, stack
from varscope.rounding import div_no_nan, lbeta, polygamma, rint, truncatemod
from varscope.activations import log_sigmoid
from varscope.strings.splitting import (decode_base64, encode_base64, reduce_join, regex_replace,
                                        string_split, string_to_hash_bucket,
                                        string_to_hash_bucket_fast)
from varscope.tensor_protos import constant_value as get_static_value
from varscope.tensor_protos import is_tensor, make_ndarray, make_tensor_proto
from varscope.templates import colocate_with, container, make_template, op_scope, variable_op_scope
from varscope.layers.nested import nest
from varscope.strings.encoding import write_file
from varscope.compat.v1._missing import missing_of
from varscope.compat.v1._versions import (disable_eager_execution, disable_resource_variables,
                                          disable_v2_behavior, enable_resource_variables,
                                          executing_eagerly)
from varscope.compat.v1._versions import VERSION, __version__
from varscope.casts import (cast, saturate_cast, to_bfloat16, to_double, to_float, to_int32,
                            to_int64)
from varscope.control_flow import case, cond, while_loop
from varscope.creators import variable_creator_scope
from varscope.counting import (accumulate_n, clip_by_average_norm, clip_by_norm, clip_by_value,
                               count_nonzero, cross, div, linspace, ones_like,
                               placeholder_with_default, reduce_all, reduce_any, scalar_mul,
                               tensordot, zeros_like)
from varscope.counting import tuple_ as tuple
from varscope.devices import device
from varscope.errors import OpError
from varscope.graphs import get_default_graph, reset_default_graph
from varscope.given_gradients import RegisterGradient, custom_gradient
from varscope.images import random_crop
from varscope.indexing import slice_ as slice
from varscope.indexing import strided_slice
from varscope.initializers import Constant as constant_initializer
from varscope.initializers import GlorotNormal as glorot_normal_initializer
from varscope.initializers import GlorotUniform as glorot_uniform_initializer
from varscope.initializers import Ones as ones_initializer
from varscope.initializers import Orthogonal as orthogonal_initializer
from varscope.initializers import RandomNormal as random_normal_initializer
from varscope.initializers import RandomUniform as random_uniform_initializer
from varscope.initializers import TruncatedNormal as truncated_normal_initializer
from varscope.initializers import UniformUnitScaling as uniform_unit_scaling_initializer
from varscope.initializers import VarianceScaling as variance_scaling_initializer
from varscope.initializers import Zeros as zeros_initializer
from varscope.batched import batch_gather, repeat
from varscope import slice_assignments as _slice_assignments  # noqa: F401 (adds to the classes)
from varscope.loops import foldl, foldr, map_fn, scan
from varscope.local_variables import get_local_variable, local_variables_initializer
from varscope.matrices import diag, eye, matrix_diag, matrix_diag_part, norm, trace
from varscope.moving import (depth_to_space, extract_image_patches, matrix_transpose, roll,
                             space_to_depth)
from varscope.second_gradients import hessians
from varscope.ops import (clip_by_global_norm, concat, constant, convert_to_tensor, expand_dims,
                          gradients, group, placeholder)
from varscope.pieces import split, unstack
from varscope.random_numbers import (multinomial, random_normal, random_shuffle, random_uniform,
                                     truncated_normal)
from varscope.rejected_numbers import random_gamma, random_poisson
from varscope.saved_graphs.graph_defs import import_graph_def
from varscope.saved_graphs.meta_graphs import MetaGraphDef
from varscope.scopes import (AUTO_REUSE, control_dependencies, name_scope, no_regularizer,
                             variable_scope)
from varscope.seeds import get_seed, set_random_seed
from varscope.session import InteractiveSession, Session, get_default_session
from varscope.session_config import (ConfigProto, GPUOptions, GraphOptions, OptimizerOptions,
                                     RunMetadata, RunOptions)
from varscope.shapes import Dimension, TensorShape
from varscope.slices import IndexedSlices, IndexedSlicesValue
from varscope.summaries.graph_def import GraphDef, NodeDef
from varscope.summaries.messages import Event, HistogramProto, Summary
from varscope.synchronization import VariableAggregation, VariableSynchronization
from varscope.tensor_arrays import TensorArray
from varscope.variable_class import Variable
from varscope.variables import (assign, assign_add, assign_sub, get_variable, scatter_add,
                                scatter_sub, scatter_update, variables_initializer)

# Tensors of strings, which the client does not have.
concat = _texts_too(concat, _texts.concat)
equal = _texts_too(equal, _texts.equal)
expand_dims = _texts_too(expand_dims, _texts.expand_dims)
gather = _texts_too(gather, _texts.gather)
identity = _texts_too(identity, _texts.identity)
not_equal = _texts_too(not_equal, _texts.not_equal)
reshape = _texts_too(reshape, _texts.reshape)
reverse = _texts_too(reverse, _texts.reverse)
shape = _texts_too(shape, _texts.shape)
size = _texts_too(size, _texts.size)
squeeze = _texts_too(squeeze, _texts.squeeze)
stack = _texts_too(stack, _texts.stack)
tile = _texts_too(tile, _texts.tile)
where = _texts_too(where, _texts.where)

# Other names of TensorFlow 1 for the same.
truediv = realdiv = divide
initialize_all_variables = global_variables_initializer
all_variables = global_variables
arg_max = argmax
arg_min = argmin
initialize_variables = variables_initializer
initialize_local_variables = local_variables_initializer
mod = floormod
floor_div = floordiv
concat_v2 = concat
reverse_v2 = reverse
newaxis = None

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
tensor_scatter_nd_add = tensor_scatter_add
tensor_scatter_nd_sub = tensor_scatter_sub
tensor_scatter_nd_update = tensor_scatter_update
lin_space = linspace
parallel_stack = stack
initialize_all_tables = tables_initializer
numpy_function = py_function = py_func

__all__ = [
    "AUTO_REUSE", "AggregationMethod", "Assert", "ConfigProto", "DType", "Dimension", "Event",
    "FIFOQueue", "FixedLenFeature", "FixedLenSequenceFeature", "FixedLengthRecordReader",
    "GPUOptions", "Graph", "GraphDef", "GraphKeys", "GraphOptions", "HistogramProto",
    "IdentityReader", "IndexedSlices", "IndexedSlicesValue", "InteractiveSession", "MetaGraphDef",
    "NodeDef", "OpError", "Operation", "OptimizerOptions", "PaddingFIFOQueue", "Print", "QueueBase",
    "RandomShuffleQueue", "ReaderBase", "RegisterGradient", "RunMetadata", "RunOptions", "Session",
    "SparseTensor", "SparseTensorValue", "Summary", "TFRecordReader", "Tensor", "TensorArray",
    "TensorShape", "TextLineReader", "UnconnectedGradients", "VERSION", "VarLenFeature", "Variable",
    "VariableAggregation", "VariableScope", "VariableSynchronization", "WholeFileReader",
    "__version__", "abs", "accumulate_n", "acos", "acosh", "add", "add_check_numerics_ops", "add_n",
    "add_to_collection", "add_to_collections", "all_variables", "app", "arg_max", "arg_min",
    "argmax", "argmin", "argsort", "as_dtype", "as_string", "asin", "asinh", "assert_equal",
    "assert_greater", "assert_greater_equal", "assert_less", "assert_less_equal", "assert_negative",
    "assert_non_negative", "assert_non_positive", "assert_none_equal", "assert_positive",
    "assert_rank", "assert_rank_at_least", "assign", "assign_add", "assign_sub", "atan", "atan2",
    "atanh", "batch_gather", "batch_to_space", "batch_to_space_nd", "bfloat16", "bincount",
    "bitwise", "bool", "boolean_mask", "broadcast_dynamic_shape", "broadcast_static_shape",
    "broadcast_to", "case", "cast", "ceil", "check_numerics", "cholesky", "cholesky_solve",
    "clip_by_average_norm", "clip_by_global_norm", "clip_by_norm", "clip_by_value", "colocate_with",
    "compat", "concat", "concat_v2", "cond", "confusion_matrix", "constant", "constant_initializer",
    "container", "contrib", "control_dependencies", "convert_to_tensor", "core", "cos", "cosh",
    "count_nonzero", "cross", "cumprod", "cumsum", "custom_gradient", "data", "debugging",
    "decode_base64", "decode_csv", "decode_image", "decode_raw", "depth_to_space", "device", "diag",
    "diag_part", "digamma", "disable_eager_execution", "disable_resource_variables",
    "disable_v2_behavior", "distributions", "div", "div_no_nan", "divide", "double", "dtypes",
    "dynamic_partition", "dynamic_stitch", "edit_distance", "einsum", "enable_resource_variables",
    "encode_base64", "ensure_shape", "equal", "erf", "erfc", "errors", "estimator", "examples",
    "executing_eagerly", "exp", "expand_dims", "expm1", "extract_image_patches", "eye",
    "feature_column", "fill",
    "fixed_size_partitioner", "flags", "float16", "float32", "float64", "floor", "floor_div",
    "floordiv", "floormod", "foldl", "foldr", "gather", "gather_nd", "get_collection",
    "get_collection_ref", "get_default_graph", "get_default_session", "get_local_variable",
    "get_seed", "get_static_value", "get_variable", "get_variable_scope", "gfile", "global_norm",
    "global_variables", "global_variables_initializer", "glorot_normal_initializer",
    "glorot_uniform_initializer", "gradients", "graph_util", "greater", "greater_equal", "group",
    "hessians", "histogram_fixed_width", "histogram_fixed_width_bins", "identity", "identity_n",
    "image", "import_graph_def", "initialize_all_tables", "initialize_all_variables",
    "initialize_local_variables", "initialize_variables", "initializers", "int16", "int32",
    "int64", "int8", "invert_permutation", "io", "is_finite", "is_inf", "is_nan", "is_tensor",
    "is_variable_initialized", "keras", "layers", "lbeta", "less", "less_equal", "lgamma",
    "lin_space", "linalg", "linspace", "local_variables", "local_variables_initializer", "log",
    "log1p", "log_sigmoid", "logging", "logical_and", "logical_not", "logical_or", "logical_xor",
    "lookup", "losses", "make_ndarray", "make_template", "make_tensor_proto", "manip", "map_fn",
    "matching_files", "math", "matmul", "matrix_band_part", "matrix_determinant", "matrix_diag",
    "matrix_diag_part", "matrix_inverse", "matrix_set_diag", "matrix_solve", "matrix_solve_ls",
    "matrix_transpose", "matrix_triangular_solve", "maximum", "meshgrid", "metrics", "minimum",
    "mod", "model_variables", "moving_average_variables", "multinomial", "multiply", "name_scope",
    "negative", "nest", "newaxis", "nn", "no_op", "no_regularizer", "norm", "not_equal",
    "numpy_function", "one_hot", "ones", "ones_initializer", "ones_like", "op_scope",
    "orthogonal_initializer", "pad", "parallel_stack", "parse_example", "parse_single_example",
    "parse_single_sequence_example", "placeholder", "placeholder_with_default", "polygamma", "pow",
    "py_func", "py_function", "python", "python_io", "qr", "random", "random_crop", "random_gamma",
    "random_normal", "random_normal_initializer", "random_poisson", "random_shuffle",
    "random_uniform", "random_uniform_initializer", "range", "rank", "read_file", "realdiv",
    "reciprocal", "reduce_all", "reduce_any", "reduce_join", "reduce_logsumexp", "reduce_max",
    "reduce_mean", "reduce_min", "reduce_prod", "reduce_sum", "regex_replace", "repeat",
    "report_uninitialized_variables", "reset_default_graph", "reshape", "reverse",
    "reverse_sequence", "reverse_v2", "rint", "roll", "round", "rsqrt", "saturate_cast",
    "saved_model", "scalar_mul", "scan", "scatter_add", "scatter_div", "scatter_max", "scatter_min",
    "scatter_mul", "scatter_nd", "scatter_nd_add", "scatter_nd_sub", "scatter_nd_update",
    "scatter_sub", "scatter_update", "searchsorted", "segment_max", "segment_mean", "segment_min",
    "segment_prod", "segment_sum", "self_adjoint_eig", "self_adjoint_eigvals", "sequence_mask",
    "set_random_seed", "setdiff1d", "shape", "shape_n", "sigmoid", "sign", "sin", "sinh", "size",
    "slice", "sort", "space_to_batch", "space_to_batch_nd", "space_to_depth", "sparse",
    "sparse_placeholder", "sparse_reduce_sum", "sparse_retain", "sparse_tensor_dense_matmul",
    "sparse_tensor_to_dense", "sparse_to_dense", "split", "sqrt", "square", "squared_difference",
    "squeeze", "stack", "stop_gradient", "strided_slice", "string", "string_join", "string_split",
    "string_strip", "string_to_hash_bucket", "string_to_hash_bucket_fast",
    "string_to_hash_bucket_strong", "string_to_number", "strings", "substr", "subtract", "summary",
    "svd", "tables_initializer", "tan", "tanh", "tensor_scatter_add", "tensor_scatter_nd_add",
    "tensor_scatter_nd_sub", "tensor_scatter_nd_update", "tensor_scatter_sub",
    "tensor_scatter_update", "tensordot", "test", "tile", "to_bfloat16", "to_double", "to_float",
    "to_int32", "to_int64", "trace", "train", "trainable_variables", "transpose", "truediv",
    "truncated_normal", "truncated_normal_initializer", "truncatediv", "truncatemod", "tuple",
    "uint16", "uint32", "uint64", "uint8", "uniform_unit_scaling_initializer", "unique",
    "unique_with_counts", "unsorted_segment_max", "unsorted_segment_mean", "unsorted_segment_min",
    "unsorted_segment_prod", "unsorted_segment_sqrt_n", "unsorted_segment_sum", "unstack",
    "variable_creator_scope", "variable_op_scope", "variable_scope", "variables_initializer",
    "variance_scaling_initializer", "where", "while_loop", "write_file", "zeros",
    "zeros_initializer", "zeros_like"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
