"""Models: layers between inputs and outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from varscope import _core
from varscope.keras import nodes
from varscope.keras.base import Layer
from varscope.keras.core_layers import InputLayer
from varscope.keras.training import Training
from varscope.layers.nested import nest
from varscope.ops import placeholder
from varscope.saver import Saver


def Input(shape: Any = None, batch_size: int | None = None, name: str | None = None,
          dtype: Any = None, sparse: bool = False, tensor: Any = None,
          batch_shape: Any = None) -> Any:
    """Returns what a model is fed: a tensor of a batch."""
    if sparse:
        raise NotImplementedError("keras.Input: varscope has no 'sparse'")
    if tensor is None:
        if shape is None and batch_shape is None:
            raise ValueError("Please provide to Input either a `shape` or a `tensor` argument.")
        whole = batch_shape if batch_shape is not None else (
            batch_size, *((shape,) if isinstance(shape, int) else shape))
        tensor = placeholder(dtype or "float32", list(whole), name or nodes.name_of_input())
    layer = InputLayer(name=tensor.op.name)
    layer.batch_input_shape = tuple(tensor.shape.as_list())
    layer._calls.append((layer.batch_input_shape,) * 2)
    layer._tensors.append((tensor.name,) * 2)
    layer.built = True
    nodes.note(layer, [], {}, tensor)
    return tensor


def _listed(x: Any) -> list[Any]:
    return list(x) if isinstance(x, (list, tuple)) else nest.flatten(x)


class Model(Training, Layer):
    """What layers make of inputs: Model(inputs, outputs), or a class with a call()."""

    def __init__(self, inputs: Any = None, outputs: Any = None, name: str | None = None,
                 trainable: bool = True, **keywords: Any) -> None:
        Layer.__init__(self, trainable, name, **keywords)
        self._own_layers: list[Layer] = []
        self._form: Any = None
        if inputs is not None or outputs is not None:
            self._set(inputs, outputs)

    def _set(self, inputs: Any, outputs: Any) -> None:
        """Says what the model is."""
        self.inputs, self.outputs = _listed(inputs), _listed(outputs)
        self._form = outputs
        self._own_layers = nodes.layers_between(self.inputs, self.outputs)
        self.input_names = [x.op.name for x in self.inputs]
        graph = self.outputs[0].graph
        made = [nodes.of(graph, x.name) for x in self.outputs]
        self.output_names = [node.layer.name if node else x.op.name
                             for node, x in zip(made, self.outputs)]
        self.built = True

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Layer) and "_own_layers" in self.__dict__:
            self._own_layers.append(value)
        elif isinstance(value, list) and value and name not in ("_own_layers", "layers") and all(
                isinstance(x, Layer) for x in value) and "_own_layers" in self.__dict__:
            self._own_layers += value
        object.__setattr__(self, name, value)

    def _is_built(self) -> bool:
        return "outputs" in self.__dict__

    def _build_for(self, x: Any) -> None:
        """Makes the ops of a class's call(), for inputs of these shapes."""
        if self._is_built():
            return
        given = x if isinstance(x, (list, tuple)) else [x]
        arrays = [np.asarray(a) for a in given]
        kinds = ["int32" if a.dtype.kind in "iu" else "float32" for a in arrays]
        fed = [Input(a.shape[1:], dtype=kind) for a, kind in zip(arrays, kinds)]
        self._set(fed, self(fed[0] if len(fed) == 1 else fed))

    @property
    def layers(self) -> list[Layer]:
        """The layers, each before those that need it."""
        return [x for x in self._own_layers]

    @property
    def input(self) -> Any:
        """What it is fed."""
        return self.inputs[0] if len(self.inputs) == 1 else self.inputs

    @property
    def output(self) -> Any:
        """What it makes."""
        return self.outputs[0] if len(self.outputs) == 1 else self.outputs

    @property
    def input_shape(self) -> Any:
        return _shape(self.input)

    @property
    def output_shape(self) -> Any:
        return _shape(self.output)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Returns a layer, by its name or by its number. ValueError when there is none."""
        if index is not None:
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f"No such layer: {name}")

    @property
    def takes_training(self) -> bool:
        return True if self._form is not None else Layer.takes_training.fget(self)

    def __call__(self, inputs: Any, *arguments: Any, **keywords: Any) -> Any:
        """Returns what the layers make of other inputs."""
        if self._form is None:
            return Layer.__call__(self, inputs, *arguments, **keywords)
        given = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        given = [x if isinstance(x, _core.Tensor) else _core._convert_to_tensor(x, None, None)
                 for x in given]
        made = nodes.again(self._form, {x.name: own for x, own in zip(self.inputs, given)},
                           self.outputs[0].graph, keywords.get("training"))
        nodes.note(self, given if len(given) > 1 else given[0], {}, made)
        for x in nodes.tensors_of(made):  # the call is the model's, not its last layer's
            _noted_as(self, x, given, made)
        return made

    def _all(self, what: str) -> list[Any]:
        found: list[Any] = []
        for layer in self._own_layers:
            found += [x for x in getattr(layer, what) if x not in found]
        if self._scope is not None:
            own = getattr(Layer, what).fget(self) if what != "updates" else self._updates
            found += [x for x in own if x not in found]
        return found

    @property
    def weights(self) -> list[_core.Variable]:
        return self._all("weights")

    variables = weights

    @property
    def trainable_weights(self) -> list[_core.Variable]:
        return self._all("trainable_weights") if self.trainable else []

    trainable_variables = trainable_weights

    @property
    def losses(self) -> list[Any]:
        return self._all("losses")

    @property
    def updates(self) -> list[str]:
        return self._all("updates")

    def count_params(self) -> int:
        return sum(int(np.prod(v.shape.as_list())) for v in self.weights)

    def summary(self, line_length: int | None = None, positions: Any = None,
                print_fn: Callable[[str], Any] = print) -> None:
        """Prints the layers, the shapes of what they make, and how many numbers they have."""
        wide = line_length or 65
        print_fn(f"Model: \"{self.name}\"")
        print_fn("_" * wide)
        print_fn(f"{'Layer (type)':<29}{'Output Shape':<26}{'Param #':<10}")
        print_fn("=" * wide)
        for layer in self.layers:
            title = f"{layer.name} ({type(layer).__name__})"
            shape = str(layer.output_shape) if layer._calls or isinstance(layer, Model) else "?"
            print_fn(f"{title:<29}{shape:<26}{layer.count_params():<10}")
        trained = sum(int(np.prod(v.shape.as_list())) for v in self.trainable_weights)
        print_fn("=" * wide)
        print_fn(f"Total params: {self.count_params():,}")
        print_fn(f"Trainable params: {trained:,}")
        print_fn(f"Non-trainable params: {self.count_params() - trained:,}")
        print_fn("_" * wide)

    def save_weights(self, filepath: Any, overwrite: bool = True,
                     save_format: str | None = None) -> None:
        """Writes the weights: a TensorFlow checkpoint, by the variables' names."""
        from varscope.keras.backend import get_session
        _no_hdf5("save_weights", filepath, save_format)
        session = get_session()
        with session.graph.as_default():
            Saver(self.weights).save(session, str(filepath), write_meta_graph=False)

    def load_weights(self, filepath: Any, by_name: bool = False) -> None:
        """Reads what save_weights() wrote."""
        from varscope.keras.backend import get_session
        _no_hdf5("load_weights", filepath, None)
        session = get_session()
        with session.graph.as_default():
            Saver(self.weights).restore(session, str(filepath))

    def save(self, filepath: Any, overwrite: bool = True, include_optimizer: bool = True,
             **_: Any) -> None:
        """NotImplementedError: varscope writes weights, not models."""
        raise NotImplementedError("Model.save: varscope writes no Keras models; save_weights() "
                                  "writes the weights as a TensorFlow checkpoint")


def _no_hdf5(method: str, path: Any, form: str | None) -> None:
    if form == "h5" or str(path).endswith((".h5", ".hdf5", ".keras")):
        raise NotImplementedError(f"Model.{method}: varscope has no HDF5 files; leave out the ending "
                                  f"of '{path}' for a TensorFlow checkpoint")


def _shape(x: Any) -> Any:
    return [_shape(one) for one in x] if isinstance(x, list) else tuple(x.shape.as_list())


def _noted_as(model: Model, tensor: _core.Tensor, given: Sequence[Any], made: Any) -> None:
    from varscope import graph_data
    graph_data.of(tensor.graph).keras_nodes[tensor.name] = nodes.Node(
        model, given[0].name if len(given) == 1 else [x.name for x in given], {},
        nest.map_structure(lambda x: x.name, made))


class Sequential(Model):
    """Layers one after the other."""

    def __init__(self, layers: Sequence[Layer] | None = None, name: str | None = None) -> None:
        super().__init__(name=name)
        self._waiting: list[Layer] = []
        for layer in layers or []:
            self.add(layer)

    def add(self, layer: Layer) -> None:
        """Adds a layer."""
        if isinstance(layer, _core.Tensor):  # Input()
            self._begin(layer)
            return
        if not callable(layer):
            raise TypeError(f"The added layer must be an instance of class Layer. Found: {layer!r}")
        if self._form is not None and not self._waiting:
            self._next(layer)
            return
        shape = getattr(layer, "batch_input_shape", None)
        self._waiting.append(layer)
        if len(self._waiting) == 1:
            if isinstance(layer, Model) and layer._is_built():
                shape = tuple(layer.inputs[0].shape.as_list())
            if shape is not None:
                kind = getattr(layer, "dtype", None) or "float32"
                self._begin(Input(batch_shape=shape, dtype=kind))

    def _begin(self, fed: Any) -> None:
        self._set(fed, fed)
        waiting, self._waiting = self._waiting, []
        for layer in waiting:
            self._next(layer)

    def _next(self, layer: Layer) -> None:
        if isinstance(layer, InputLayer):
            return
        made, own = layer(self.outputs[0]), self._own_layers
        self._set(self.inputs, made)
        object.__setattr__(self, "_own_layers", [*own, layer])

    @property
    def layers(self) -> list[Layer]:
        return [x for x in self._own_layers if not isinstance(x, InputLayer)] + self._waiting

    def pop(self) -> None:
        """Takes the last layer away."""
        raise NotImplementedError("Sequential.pop: varscope cannot take a layer away; make a model "
                                  "of the layers that are left")

    def _build_for(self, x: Any) -> None:
        if self._form is None:
            array = np.asarray(x)
            self._begin(Input(array.shape[1:], dtype="int32" if array.dtype.kind in "iu"
                              else "float32"))

    def build(self, input_shape: Any = None) -> None:
        """Makes the layers, for batches of this shape."""
        if self._form is None and input_shape is not None:
            self._begin(Input(batch_shape=tuple(input_shape)))

    def __call__(self, inputs: Any, *arguments: Any, **keywords: Any) -> Any:
        """Returns what the layers make of other inputs."""
        if self._form is None:
            shape = inputs.shape.as_list()
            self._begin(Input(batch_shape=[None, *shape[1:]], dtype=inputs.dtype))
        return super().__call__(inputs, *arguments, **keywords)

    def predict_classes(self, x: Any, batch_size: int | None = None, verbose: Any = 0) -> Any:
        """The classes of all examples, by number."""
        made = self.predict(x, batch_size)
        return made.argmax(-1) if made.shape[-1] > 1 else (made > 0.5).astype("int32")

    def predict_proba(self, x: Any, batch_size: int | None = None, verbose: Any = 0) -> Any:
        """predict()."""
        return self.predict(x, batch_size)
