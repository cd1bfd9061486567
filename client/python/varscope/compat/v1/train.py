"""tf.train: optimizers, Saver, what training loops are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from varscope import _core
from varscope.collections_ import GraphKeys, get_collection
from varscope.readers.batches import batch, batch_join, shuffle_batch, shuffle_batch_join
from varscope.readers.producers import (input_producer, range_input_producer,
                                        slice_input_producer, string_input_producer)
from varscope.strings.ops import match_filenames_once
from varscope.compat.v1._missing import missing_of
from varscope.optimizers import (AdadeltaOptimizer, AdagradOptimizer, AdamOptimizer,
                                 AdamWOptimizer, FtrlOptimizer, GradientDescentOptimizer,
                                 LAMBOptimizer, MomentumOptimizer, Optimizer, RMSPropOptimizer)
from varscope.saved_graphs.graph_defs import write_graph
from varscope.saved_graphs.meta_graphs import export_meta_graph, import_meta_graph
from varscope.saver import Saver, SaverDef, latest_checkpoint
from varscope.session import BaseSession
from varscope.summaries.reading import summary_iterator
from varscope.training.averages import ExponentialMovingAverage
from varscope.training.checkpoints import (CheckpointState, checkpoint_exists,
                                           get_checkpoint_state, remove_checkpoint,
                                           update_checkpoint_state)
from varscope.training.checkpoint_reader import (CheckpointReader, list_variables,
                                                 load_checkpoint, load_variable)
from varscope.training.checkpoint_values import init_from_checkpoint
from varscope.training.cluster import ClusterSpec, replica_device_setter
from varscope.training.coordinator import Coordinator, LooperThread
from varscope.training.examples import (BytesList, Example, Feature, FeatureList, FeatureLists,
                                        Features, FloatList, Int64List, SequenceExample)
from varscope.training.hooks import (CheckpointSaverHook, FeedFnHook, FinalOpsHook,
                                     GlobalStepWaiterHook, LoggingTensorHook,
                                     NanLossDuringTrainingError, NanTensorHook, SessionRunArgs,
                                     SessionRunContext, SessionRunHook, SessionRunValues,
                                     StepCounterHook, StopAtStepHook, SummarySaverHook)
from varscope.training.monitored import (ChiefSessionCreator, MonitoredSession,
                                         MonitoredTrainingSession, SingularMonitoredSession,
                                         WorkerSessionCreator)
from varscope.training.queues import QueueRunner, add_queue_runner, start_queue_runners
from varscope.training.scaffold import Scaffold
from varscope.training.schedules import (cosine_decay, cosine_decay_restarts, exponential_decay,
                                         inverse_time_decay, linear_cosine_decay, natural_exp_decay,
                                         piecewise_constant, polynomial_decay)
from varscope.training.server import Server
from varscope.training.supervisor import Supervisor
from varscope.training.sync_replicas import SyncReplicasOptimizer
from varscope.variable_class import Variable

NewCheckpointReader = CheckpointReader
piecewise_constant_decay = piecewise_constant


def get_global_step(graph: _core.Graph | None = None) -> Variable | None:
    """Returns a graph's global step; None when it has none."""
    with (graph or _core.get_default_graph()).as_default():
        steps = get_collection(GraphKeys.GLOBAL_STEP) or [
            variable for variable in _core.global_variables() if variable.op.name == "global_step"]
        return steps[0] if steps else None


def get_or_create_global_step(graph: _core.Graph | None = None) -> Variable:
    """Returns a graph's global step, which it makes where there is none."""
    with (graph or _core.get_default_graph()).as_default():
        return _core.get_or_create_global_step()


def create_global_step(graph: _core.Graph | None = None) -> Variable:
    """Returns a new global step. ValueError when the graph has one."""
    with (graph or _core.get_default_graph()).as_default():
        if get_global_step() is not None:
            raise ValueError('"global_step" already exists.')
        return _core.get_or_create_global_step()


def global_step(sess: BaseSession, global_step_tensor: Variable) -> int:
    """Returns the value of the global step."""
    return int(sess.run(global_step_tensor))


__all__ = [
    "AdadeltaOptimizer", "AdagradOptimizer", "AdamOptimizer", "AdamWOptimizer", "BaseSession",
    "BytesList", "CheckpointReader", "CheckpointSaverHook", "CheckpointState",
    "ChiefSessionCreator", "ClusterSpec", "Coordinator", "Example", "ExponentialMovingAverage",
    "Feature", "FeatureList", "FeatureLists", "Features", "FeedFnHook", "FinalOpsHook",
    "FloatList", "FtrlOptimizer", "GlobalStepWaiterHook", "GradientDescentOptimizer", "GraphKeys",
    "Int64List", "LAMBOptimizer", "LoggingTensorHook", "LooperThread", "MomentumOptimizer",
    "MonitoredSession", "MonitoredTrainingSession", "NanLossDuringTrainingError", "NanTensorHook",
    "NewCheckpointReader", "Optimizer", "QueueRunner", "RMSPropOptimizer", "Saver", "SaverDef",
    "Scaffold", "SequenceExample", "Server", "SessionRunArgs", "SessionRunContext",
    "SessionRunHook", "SessionRunValues", "SingularMonitoredSession", "StepCounterHook",
    "StopAtStepHook", "SummarySaverHook", "Supervisor", "SyncReplicasOptimizer", "Variable",
    "WorkerSessionCreator", "add_queue_runner", "batch", "batch_join", "checkpoint_exists",
    "cosine_decay", "cosine_decay_restarts", "create_global_step", "exponential_decay",
    "export_meta_graph", "get_checkpoint_state", "get_collection", "get_global_step",
    "get_or_create_global_step", "global_step", "import_meta_graph", "init_from_checkpoint",
    "input_producer", "inverse_time_decay", "latest_checkpoint", "linear_cosine_decay",
    "list_variables", "load_checkpoint", "load_variable", "match_filenames_once",
    "natural_exp_decay", "piecewise_constant", "piecewise_constant_decay", "polynomial_decay",
    "range_input_producer", "remove_checkpoint", "replica_device_setter", "shuffle_batch",
    "shuffle_batch_join", "slice_input_producer", "start_queue_runners", "string_input_producer",
    "summary_iterator", "update_checkpoint_state", "write_graph"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
