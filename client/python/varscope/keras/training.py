"""How a model trains: what compile() makes of a loss, and the steps of fit()."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from varscope import _core, feeders
from varscope.keras import batches, losses, metrics, optimizers
from varscope.keras.callbacks import Callbacks, History
from varscope.keras.learning_phase import placeholder_of
from varscope.ops import placeholder
from varscope.scopes import name_scope


class Steps:
    """The ops of a compiled model: of a step, of its losses and of its metrics."""

    def __init__(self, model: Any, settings: dict[str, Any], ranks: Sequence[int],
                 trained: Sequence[_core.Variable]) -> None:
        self.inputs, self.outputs = model.inputs, model.outputs
        names, found = model.output_names, settings["loss"]
        chosen = _for_each(found, names, "loss")
        parts = _for_each(settings["loss_weights"], names, "loss_weights")
        self.targets, self.weights, self.shown, values = [], [], [], []
        total: Any = None
        several = len(names) > 1
        for number, (name, output, loss) in enumerate(zip(names, self.outputs, chosen)):
            sparse = _is_sparse(loss)
            rank = ranks[number] if ranks else output.shape.ndims
            target = placeholder("int64" if sparse else "float32", [None] * rank, f"{name}_target")
            weight = placeholder("float32", [None], f"{name}_sample_weights")
            self.targets.append(target)
            self.weights.append(weight)
            if loss is None:
                continue
            with name_scope("loss"):
                own = _of_batch(_of_examples(loss, target, output), weight)
            if several:
                values.append(own)
                self.shown.append(f"{name}_loss")
            own = own if parts[number] is None else own * float(parts[number])
            total = own if total is None else total + own
        for number, (name, output) in enumerate(zip(names, self.outputs)):
            for metric in _metrics_of(settings["metrics"], names, number):
                label, function = metrics.get(metric, chosen[number],
                                              output.shape.as_list()[-1] or 0)
                self.shown.append(f"{name}_{label}" if several else label)
                values.append(_core.reduce_mean(_core.cast(
                    function(self.targets[number], output), "float32")))
        for regular in model.losses:
            total = total + regular
        self.loss, self.values = total, values
        self._settings, self._trained, self._model = settings, list(trained), model
        self._step: Any = None

    def step(self) -> Any:
        """The op of a step, and those that move averages."""
        if self._step is None:
            optimizer = self._settings["optimizer"]
            with name_scope("training"):
                step = optimizer.minimize(self.loss, var_list=self._trained)
            fed = {x.op.name for x in self.inputs}
            graph = self.loss.graph
            updates = [graph._operation(name) for name in self._model.updates]
            self._step = [step, [op for op in updates
                                 if feeders.needed([op], set(), dict.fromkeys(fed))]]
        return self._step

    def feeds(self, x: Sequence[Any], y: Sequence[Any], weights: Any, train: bool) -> dict[Any, Any]:
        """What a run is fed."""
        feeds: dict[Any, Any] = dict(zip(self.inputs, x))
        for target, weight, value in zip(self.targets, self.weights, y):
            feeds[target] = value
            feeds[weight] = np.ones(len(value), np.float32) if weights is None else weights
        return with_phase(feeds, self.inputs[0].graph, train)


def with_phase(feeds: dict[Any, Any], graph: _core.Graph, train: bool) -> dict[Any, Any]:
    """Adds whether the run trains, where a layer asks for it."""
    phase = placeholder_of(graph)
    if phase is not None:
        feeds[phase] = train
    return feeds


def _for_each(given: Any, names: Sequence[str], what: str) -> list[Any]:
    """A setting of each output."""
    if isinstance(given, dict):
        unknown = set(given) - set(names)
        if unknown:
            raise ValueError(f"Unknown entry in {what} dictionary: {sorted(unknown)[0]}. Only "
                             f"expected following keys: {list(names)}")
        return [given.get(name) for name in names]
    if isinstance(given, (list, tuple)):
        if len(given) != len(names):
            raise ValueError(f"{what} has {len(given)} entries, and the model {len(names)} outputs")
        return list(given)
    return [given] * len(names)


def _metrics_of(given: Any, names: Sequence[str], number: int) -> list[Any]:
    if isinstance(given, dict):
        given = given.get(names[number], [])
    elif given and all(isinstance(x, (list, tuple)) for x in given):
        given = given[number]
    return list(given) if isinstance(given, (list, tuple)) else [given]


def _is_sparse(loss: Any) -> bool:
    found = losses.get(loss)
    name = getattr(found, "__name__", type(found).__name__).lower()
    return "sparse" in name


def _of_examples(loss: Any, target: Any, output: Any) -> Any:
    found = losses.get(loss)
    return found.of_examples(target, output) if isinstance(found, losses.Loss) else found(
        target, output)


def _of_batch(made: Any, weight: Any) -> Any:
    """The mean of the examples, with their weights."""
    rank = made.shape.ndims
    if rank == 0:
        return made
    if rank is not None and rank > 1:
        made = _core.reduce_mean(made, list(range(1, rank)))
    return _core.reduce_mean(made * weight)


def targets_like(arrays: Sequence[np.ndarray], outputs: Sequence[Any],
                 chosen: Sequence[Any]) -> list[np.ndarray]:
    """Returns targets with as many dimensions as the outputs; of classes by number one less."""
    made = []
    for x, output, loss in zip(arrays, outputs, chosen):
        rank = output.shape.ndims
        if _is_sparse(loss):
            made.append(x[..., 0] if x.ndim == rank and x.shape[-1] == 1 else x)
        else:
            made.append(x[..., None] if rank is not None and x.ndim == rank - 1 else x)
    return made


class Training:
    """compile(), fit(), evaluate() and predict() of a model."""

    inputs: list[Any]
    outputs: list[Any]
    _settings: dict[str, Any] | None = None
    stop_training = False

    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Any = None,
                loss_weights: Any = None, sample_weight_mode: None = None,
                weighted_metrics: None = None, target_tensors: None = None, **_: Any) -> None:
        """Says how the model trains. What is trainable now is trained."""
        for name, value in (("sample_weight_mode", sample_weight_mode),
                            ("weighted_metrics", weighted_metrics),
                            ("target_tensors", target_tensors)):
            if value is not None:
                raise NotImplementedError(f"Model.compile: varscope has no '{name}'")
        self._settings = dict(optimizer=optimizers.get(optimizer), loss=loss, metrics=metrics or [],
                              loss_weights=loss_weights)
        self._trained = list(self.trainable_weights) if self._is_built() else None
        self._steps: Any = None

    @property
    def optimizer(self) -> Any:
        """The optimizer of compile()."""
        return self._compiled()["optimizer"]

    @property
    def metrics_names(self) -> list[str]:
        """What evaluate() returns."""
        return ["loss", *self._ops([]).shown]

    def _compiled(self) -> dict[str, Any]:
        if self._settings is None:
            raise RuntimeError("You must compile your model before training/testing. Use "
                               "`model.compile(optimizer, loss)`.")
        return self._settings

    def _ops(self, targets: Sequence[np.ndarray]) -> Steps:
        if self._steps is None:
            if self._trained is None:
                self._trained = list(self.trainable_weights)
            with self.outputs[0].graph.as_default():
                self._steps = Steps(self, self._compiled(), [y.ndim for y in targets],
                                    self._trained)
        return self._steps

    def _targets(self, y: Any) -> list[np.ndarray]:
        found = batches.arrays_of(y, self.output_names, "output")
        chosen = _for_each(self._compiled()["loss"], self.output_names, "loss")
        return targets_like(found, self.outputs, chosen)

    def _prepared(self, x: Any, y: Any) -> tuple[list[np.ndarray], list[np.ndarray]]:
        self._compiled()
        self._build_for(x)
        return (batches.arrays_of(x, self.input_names, "input"), self._targets(y))

    def _run(self, x: Any, y: Any, weights: Any, train: bool) -> list[float]:
        """The loss and the metrics of one batch."""
        from varscope.keras.backend import get_session
        steps = self._ops(y)
        with steps.loss.graph.as_default():
            wanted = [steps.step() if train else [], steps.loss, steps.values]
            session = get_session()
            _, loss, values = session.run(wanted, steps.feeds(x, y, weights, train))
        return [float(loss), *map(float, values)]

    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None,
                       class_weight: Any = None) -> Any:
        """One step; returns the loss, and the metrics if there are any."""
        x, y = self._prepared(x, y)
        return _one(self._run(x, y, _weights(sample_weight, class_weight, y), True))

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None) -> Any:
        """The loss of a batch, and the metrics if there are any."""
        x, y = self._prepared(x, y)
        return _one(self._run(x, y, sample_weight, False))

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs of a batch."""
        from varscope.keras.backend import get_session
        self._build_for(x)
        arrays = batches.arrays_of(x, self.input_names, "input")
        feeds = with_phase(dict(zip(self.inputs, arrays)), self.outputs[0].graph, False)
        made = get_session().run(self.outputs, feeds)
        return made[0] if len(made) == 1 else made

    def fit(self, x: Any = None, y: Any = None, batch_size: int | None = None, epochs: int = 1,
            verbose: Any = 1, callbacks: Iterable[Any] | None = None,
            validation_split: float = 0.0, validation_data: Any = None, shuffle: Any = True,
            class_weight: Any = None, sample_weight: Any = None, initial_epoch: int = 0,
            steps_per_epoch: int | None = None, validation_steps: int | None = None,
            **_: Any) -> History:
        """Trains; returns what each epoch's losses and metrics were."""
        source, count, check = x, steps_per_epoch or 0, validation_data
        if not batches.is_dataset(x) and not _is_generator(x):
            x, y = self._prepared(x, y)
            weights = _weights(sample_weight, class_weight, y)
            total = batches.count_of([*x, *y])
            if validation_split:
                cut = int(total * (1.0 - validation_split))
                check = [a[cut:] for a in x], [a[cut:] for a in y]
                total = cut
            count = steps_per_epoch or -(-total // (batch_size or 32))
            source = None
        history = History()
        every = Callbacks([*(callbacks or []), history], self, dict(
            epochs=epochs, steps=count, verbose=verbose, metrics=[]))
        self.history = history
        self.stop_training = False
        every("on_train_begin", {})
        for epoch in range(initial_epoch, epochs):
            begin = time.monotonic()
            every("on_epoch_begin", epoch, {})
            if source is None:
                given = _chosen(x, y, weights, batches.slices(total, batch_size or 32,
                                                              bool(shuffle)))
            else:
                given = self._given(source, steps_per_epoch)
            mean = _Mean()
            for number, (own_x, own_y, own_weights) in enumerate(given):
                if source is None and steps_per_epoch is not None and number >= steps_per_epoch:
                    break
                size = len(own_x[0])
                every("on_batch_begin", number, {"batch": number, "size": size})
                mean.add(self._run(own_x, own_y, own_weights, True), size)
                every("on_batch_end", number, {"batch": number, "size": size,
                                               **self._logs(mean.last, "")})
                if self.stop_training:
                    break
            logs = self._logs(mean.values(), "")
            if check is not None:
                logs |= self._logs(self._evaluated(check, batch_size, validation_steps), "val_")
            if verbose:
                print(f"Epoch {epoch + 1}/{epochs}\n{mean.count}/{mean.count} - "
                      f"{time.monotonic() - begin:.0f}s - "
                      + " - ".join(f"{key}: {value:.4f}" for key, value in logs.items()))
            every("on_epoch_end", epoch, logs)
            if self.stop_training:
                break
        every("on_train_end", {})
        return history

    def _logs(self, values: Sequence[float], before: str) -> dict[str, float]:
        names = ["loss", *self._ops([]).shown]
        return {before + name: value for name, value in zip(names, values)}

    def _given(self, source: Any, steps: int | None) -> Iterable[Any]:
        """The batches of what is no array."""
        if batches.is_dataset(source):
            every = batches.of_dataset(source, steps)
        else:
            every = batches.of_generator(source, steps or len(source))
        for batch in every:
            x, y, weights = batches.parts_of(batch)
            yield (*self._prepared(x, y), weights)

    def _evaluated(self, data: Any, batch_size: int | None, steps: int | None) -> list[float]:
        mean = _Mean()
        if isinstance(data, (list, tuple)):
            x, y = self._prepared(data[0], data[1])
            weights = data[2] if len(data) > 2 else None
            given: Any = _chosen(x, y, weights, batches.slices(
                batches.count_of([*x, *y]), batch_size or 32, False))
        else:
            given = self._given(data, steps)
        for own_x, own_y, own_weights in given:
            mean.add(self._run(own_x, own_y, own_weights, False), len(own_x[0]))
        return mean.values()

    def evaluate(self, x: Any = None, y: Any = None, batch_size: int | None = None,
                 verbose: Any = 1, sample_weight: Any = None, steps: int | None = None,
                 **_: Any) -> Any:
        """Returns the loss, and the metrics if there are any, over all batches."""
        self._compiled()
        special = batches.is_dataset(x) or _is_generator(x)
        return _one(self._evaluated(x if special else (x, y, sample_weight), batch_size, steps))

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = 0,
                steps: int | None = None, **_: Any) -> Any:
        """Returns the outputs of all examples."""
        if batches.is_dataset(x) or _is_generator(x):
            every = batches.of_dataset(x, steps) if batches.is_dataset(x) else (
                batches.of_generator(x, steps or len(x)))
            made = [self.predict_on_batch(batches.parts_of(batch)[0]) for batch in every]
        else:
            self._build_for(x)
            arrays = batches.arrays_of(x, self.input_names, "input")
            made = [self.predict_on_batch([a[rows] for a in arrays]) for rows in batches.slices(
                batches.count_of(arrays), batch_size or 32, False)]
        if made and isinstance(made[0], list):
            return [np.concatenate(parts) for parts in zip(*made)]
        return np.concatenate(made)

    def fit_generator(self, generator: Any, steps_per_epoch: int | None = None, epochs: int = 1,
                      verbose: Any = 1, callbacks: Any = None, validation_data: Any = None,
                      validation_steps: int | None = None, class_weight: Any = None,
                      **keywords: Any) -> History:
        """fit() of a generator of batches."""
        return self.fit(generator, None, None, epochs, verbose, callbacks,
                        validation_data=validation_data, class_weight=class_weight,
                        steps_per_epoch=steps_per_epoch, validation_steps=validation_steps,
                        initial_epoch=keywords.get("initial_epoch", 0))

    def evaluate_generator(self, generator: Any, steps: int | None = None, **_: Any) -> Any:
        """evaluate() of a generator of batches."""
        return self.evaluate(generator, steps=steps)

    def predict_generator(self, generator: Any, steps: int | None = None, **_: Any) -> Any:
        """predict() of a generator of batches."""
        return self.predict(generator, steps=steps)


class _Mean:
    """The mean of batches' losses and metrics, each as often as it has examples."""

    def __init__(self) -> None:
        self.count, self.last = 0, []
        self._sums: Any = 0.0

    def add(self, values: Sequence[float], size: int) -> None:
        self.last = list(values)
        self._sums = self._sums + np.asarray(values, np.float64) * size
        self.count += size

    def values(self) -> list[float]:
        return [] if self.count == 0 else [float(x) for x in self._sums / self.count]


def _is_generator(x: Any) -> bool:
    return hasattr(x, "__next__") or (hasattr(x, "__getitem__") and hasattr(x, "on_epoch_end"))


def _chosen(x: Sequence[Any], y: Sequence[Any], weights: Any, every: Iterable[Any]) -> Any:
    for rows in every:
        yield ([a[rows] for a in x], [a[rows] for a in y],
               None if weights is None else np.asarray(weights)[rows])


def _weights(sample_weight: Any, class_weight: Any, y: Sequence[np.ndarray]) -> Any:
    """The weight of each example."""
    if class_weight is None:
        return None if sample_weight is None else np.asarray(sample_weight, np.float32)
    classes = y[0].argmax(-1) if y[0].ndim > 1 and y[0].shape[-1] > 1 else y[0].reshape(-1)
    made = np.array([class_weight.get(int(x), 1.0) for x in classes], np.float32)
    return made if sample_weight is None else made * sample_weight


def _one(values: list[float]) -> Any:
    return values[0] if len(values) == 1 else values
