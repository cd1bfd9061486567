"""The base of layers: a scope of its own, whose variables each call uses."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from varscope import _core
from varscope.collections_ import GraphKeys, get_collection
from varscope.graphs import get_default_graph
from varscope.keras import choices, nodes
from varscope.keras.learning_phase import learning_phase
from varscope.layers.kernels import KernelAndBias
from varscope.layers.nested import nest
from varscope.ops import convert_to_tensor
from varscope.scopes import variable_scope
from varscope.shapes import TensorShape
from varscope.variables import get_variable


class Layer:
    """A layer: build(input_shape) makes its weights, call(inputs) what it returns."""

    def __init__(self, trainable: bool = True, name: str | None = None, dtype: Any = None,
                 **keywords: Any) -> None:
        self.batch_input_shape = _input_shape(keywords)
        self._first_weights = keywords.pop("weights", None)
        if keywords:
            raise TypeError(f"{type(self).__name__}: varscope has no argument "
                            f"'{next(iter(keywords))}' of it")
        self.trainable = trainable
        self.dtype = dtype
        self._name = name or _snake(type(self).__name__)
        self._scope: Any = None
        self._weights: list[str] = []  # names: optimizers keep theirs below the same scope
        self._updates: list[str] = []
        self._calls: list[tuple[Any, Any]] = []  # shapes
        self._tensors: list[tuple[Any, Any]] = []  # names
        self.built = False

    @property
    def name(self) -> str:
        """The name of its scope; before the first call the wish for one."""
        return self._name if self._scope is None else self._scope.name

    @property
    def takes_training(self) -> bool:
        """Whether call() has an argument 'training'."""
        return "training" in inspect.signature(self.call).parameters

    def build(self, input_shape: Any) -> None:
        """Makes the weights; a class of a program's own may have it."""
        self.built = True

    def call(self, inputs: Any, **keywords: Any) -> Any:
        """Returns what the layer makes of the inputs; each class has its own."""
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs, which the graph's ops say themselves."""
        raise NotImplementedError(f"{type(self).__name__}.compute_output_shape: call the layer, "
                                  "and ask the tensor that it returns for its shape")

    def __call__(self, inputs: Any, *arguments: Any, **keywords: Any) -> Any:
        """Returns what the layer makes of the inputs."""
        inputs = nest.map_structure(_as_tensor, inputs)
        own = dict(keywords)
        if self.takes_training and not arguments and own.get("training") is None:
            own["training"] = learning_phase()
        before = len(get_collection(GraphKeys.UPDATE_OPS))
        first = self._scope is None
        # A first call takes a new name, in the scope that is open; others enter that scope again.
        opened = variable_scope(None, self._name) if first else variable_scope(
            self._scope, reuse=True)
        with opened as scope:
            self._scope = scope
            known = {v.name for v in scope.global_variables()}
            if not self.built:
                self.build(nest.map_structure(lambda x: TensorShape(x.shape), inputs))
                self.built = True
            outputs = self.call(inputs, *arguments, **own)
            self._weights += [v.name for v in scope.global_variables() if v.name not in known]
        if outputs is inputs or any(x is y for x in nodes.tensors_of(outputs)
                                    for y in nodes.tensors_of(inputs)):
            outputs = nest.map_structure(_core.identity, outputs)
        self._updates += [op.name for op in get_collection(GraphKeys.UPDATE_OPS)[before:]]
        nodes.note(self, inputs, keywords, outputs)
        self._calls.append((_shapes(inputs), _shapes(outputs)))
        self._tensors.append((nodes.names(inputs), nodes.names(outputs)))
        if first and self._first_weights is not None:
            from varscope.keras.backend import set_values
            set_values(list(zip(self.weights, self._first_weights)))
        return outputs

    apply = __call__

    def add_weight(self, name: str | None = None, shape: Sequence[int] | None = None,
                   dtype: Any = None, initializer: Any = None, regularizer: Any = None,
                   trainable: bool = True, constraint: Any = None, **_: Any) -> _core.Variable:
        """Returns a variable of the layer."""
        return get_variable(name or "weight", shape if shape is not None else [],
                            dtype or self.dtype or "float32",
                            choices.initializer(initializer), choices.regularizer(regularizer),
                            trainable=trainable, constraint=choices.constraint(constraint))

    add_variable = add_weight

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Adds to what a model that trains makes small."""
        for loss in losses if isinstance(losses, (list, tuple)) else [losses]:
            _core.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, convert_to_tensor(loss))

    @property
    def losses(self) -> list[Any]:
        """What its regularizers and add_loss() add."""
        return [] if self._scope is None else get_collection(
            GraphKeys.REGULARIZATION_LOSSES, re.escape(self._scope.name) + "/")

    @property
    def weights(self) -> list[_core.Variable]:
        """All its variables: first those that can be trained."""
        trained = self._made(True)
        return trained + [v for v in self._made(False) if v not in trained]

    def _made(self, trained: bool) -> list[_core.Variable]:
        """The variables that its calls have made."""
        if self._scope is None:
            return []
        every = self._scope.trainable_variables() if trained else self._scope.global_variables()
        return [v for v in every if v.name in self._weights]

    variables = weights

    @property
    def trainable_weights(self) -> list[_core.Variable]:
        """Those that are trained: none of a layer that is not trainable."""
        return self._made(True) if self.trainable else []

    trainable_variables = trainable_weights

    @property
    def non_trainable_weights(self) -> list[_core.Variable]:
        """The others."""
        trained = self.trainable_weights
        return [v for v in self.weights if v not in trained]

    non_trainable_variables = non_trainable_weights

    @property
    def updates(self) -> list[str]:
        """The names of the ops that move averages."""
        return self._updates

    @property
    def input_shape(self) -> Any:
        """The shape of what it was called with. AttributeError before."""
        return self._call()[0]

    @property
    def output_shape(self) -> Any:
        """The shape of what it returned. AttributeError before."""
        return self._call()[1]

    @property
    def input(self) -> Any:
        """What it was called with, in the default graph. AttributeError before."""
        self._call()
        return nest.map_structure(get_default_graph().as_graph_element, self._tensors[0][0])

    @property
    def output(self) -> Any:
        """What it returned, in the default graph. AttributeError before."""
        self._call()
        return nest.map_structure(get_default_graph().as_graph_element, self._tensors[0][1])

    def _call(self) -> tuple[Any, Any]:
        if not self._calls:
            raise AttributeError(f"The layer {self.name} has never been called.")
        return self._calls[0]

    def count_params(self) -> int:
        """Returns how many numbers its weights have."""
        return sum(int(np.prod(v.shape.as_list())) for v in self.weights)

    def get_weights(self) -> list[np.ndarray]:
        """Returns the present values of the weights."""
        from varscope.keras.backend import get_session
        return get_session().run(self.weights) if self.weights else []

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets the values of the weights. ValueError when there are not as many."""
        from varscope.keras.backend import set_values
        own = self.weights
        if len(own) != len(weights):
            raise ValueError(f"You called `set_weights(weights)` on layer \"{self.name}\" with a "
                             f"weight list of length {len(weights)}, but the layer was expecting "
                             f"{len(own)} weights.")
        set_values(list(zip(own, weights)))

    def get_config(self) -> dict[str, Any]:
        """Returns what a class of a program's own adds to."""
        return {"name": self.name, "trainable": self.trainable}


class OfVariables(KernelAndBias, Layer):
    """A layer with a matrix, or filters, and perhaps biases."""


def _input_shape(keywords: dict[str, Any]) -> tuple[Any, ...] | None:
    """The shape of a batch, where a layer is told one; takes the arguments out."""
    batch, size = keywords.pop("batch_input_shape", None), keywords.pop("batch_size", None)
    shape, dim = keywords.pop("input_shape", None), keywords.pop("input_dim", None)
    if batch is not None:
        return tuple(batch)
    if shape is None and dim is not None:
        shape = (dim,)
    if shape is None:
        return None
    return (size, *((shape,) if isinstance(shape, int) else shape))


def _as_tensor(x: Any) -> Any:
    if isinstance(x, np.ndarray) and x.dtype == np.float64:
        x = x.astype(np.float32)
    return x if isinstance(x, _core.Tensor) else convert_to_tensor(x)


def _shapes(structure: Any) -> Any:
    found = [tuple(x.shape.as_list()) if x.shape.ndims is not None else None
             for x in nodes.tensors_of(structure)]
    return found[0] if len(found) == 1 else found


def _snake(name: str) -> str:
    """'BatchNormalization' is 'batch_normalization', 'Conv2D' 'conv2d'."""
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name.strip("_"))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
