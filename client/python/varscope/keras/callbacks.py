"""What fit() calls between steps."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


class Callback:
    """The base: a class of a program's own has some of its methods."""

    model: Any = None
    params: dict[str, Any] = {}

    def set_model(self, model: Any) -> None:
        """Tells it the model."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Tells it of fit()'s arguments."""
        self.params = params

    def on_train_begin(self, logs: Any = None) -> None:
        """Before the first epoch."""

    def on_train_end(self, logs: Any = None) -> None:
        """After the last one."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch; logs has the losses and the metrics."""

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a batch."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a batch."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """The same, by its newer name."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """The same, by its newer name."""


class History(Callback):
    """What each epoch's losses and metrics were."""

    def __init__(self) -> None:
        self.epoch: list[int] = []
        self.history: dict[str, list[float]] = {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epoch.append(epoch)
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(value)


class LambdaCallback(Callback):
    """Functions of a program's own."""

    def __init__(self, on_epoch_begin: Callable | None = None,
                 on_epoch_end: Callable | None = None, on_batch_begin: Callable | None = None,
                 on_batch_end: Callable | None = None, on_train_begin: Callable | None = None,
                 on_train_end: Callable | None = None) -> None:
        for name, function in dict(
                on_epoch_begin=on_epoch_begin, on_epoch_end=on_epoch_end,
                on_batch_begin=on_batch_begin, on_batch_end=on_batch_end,
                on_train_begin=on_train_begin, on_train_end=on_train_end).items():
            if function is not None:
                setattr(self, name, function)


class _Watching(Callback):
    """What looks whether a value becomes better."""

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0) -> None:
        self.monitor = monitor
        larger = mode == "max" or (mode == "auto" and "acc" in monitor)
        self._sign, self._delta = (1.0 if larger else -1.0), abs(min_delta)
        self.best = -np.inf * self._sign

    def _better(self, logs: Any) -> bool:
        value = (logs or {}).get(self.monitor)
        if value is None or (value - self.best) * self._sign <= self._delta:
            return False
        self.best = value
        return True


class EarlyStopping(_Watching):
    """Stops when a value has not become better for some epochs."""

    def __init__(self, monitor: str = "val_loss", min_delta: float = 0.0, patience: int = 0,
                 verbose: int = 0, mode: str = "auto", baseline: float | None = None,
                 restore_best_weights: bool = False) -> None:
        super().__init__(monitor, mode, min_delta)
        if baseline is not None:
            self.best = baseline
        self.patience, self.verbose, self.wait, self.stopped_epoch = patience, verbose, 0, 0
        self._restores, self._weights = restore_best_weights, None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self._better(logs):
            self.wait = 0
            if self._restores:
                self._weights = self.model.get_weights()
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch, self.model.stop_training = epoch, True
            if self._weights is not None:
                self.model.set_weights(self._weights)
            if self.verbose:
                print(f"Epoch {epoch + 1:05d}: early stopping")


class ModelCheckpoint(_Watching):
    """Writes the weights after each epoch, or when a value became better."""

    def __init__(self, filepath: str, monitor: str = "val_loss", verbose: int = 0,
                 save_best_only: bool = False, save_weights_only: bool = False,
                 mode: str = "auto", period: int = 1, save_freq: Any = "epoch") -> None:
        super().__init__(monitor, mode)
        self.filepath, self._only_best, self._period = filepath, save_best_only, period

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        better = self._better(logs)
        if (better or not self._only_best) and (epoch + 1) % self._period == 0:
            self.model.save_weights(self.filepath.format(epoch=epoch + 1, **(logs or {})))


class LearningRateScheduler(Callback):
    """A learning rate for each epoch."""

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        from varscope.keras.backend import get_value, set_value
        rate = self.model.optimizer.lr
        try:
            new = self.schedule(epoch, float(get_value(rate)))
        except TypeError:
            new = self.schedule(epoch)
        set_value(rate, new)


class ReduceLROnPlateau(_Watching):
    """A smaller learning rate when a value has not become better for some epochs."""

    def __init__(self, monitor: str = "val_loss", factor: float = 0.1, patience: int = 10,
                 verbose: int = 0, mode: str = "auto", min_delta: float = 1e-4,
                 cooldown: int = 0, min_lr: float = 0.0) -> None:
        super().__init__(monitor, mode, min_delta)
        self._factor, self._patience, self._least, self._wait = factor, patience, min_lr, 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        from varscope.keras.backend import get_value, set_value
        self._wait = 0 if self._better(logs) else self._wait + 1
        if self._wait >= self._patience:
            rate = self.model.optimizer.lr
            set_value(rate, max(float(get_value(rate)) * self._factor, self._least))
            self._wait = 0


class CSVLogger(Callback):
    """A line of a file for each epoch."""

    def __init__(self, filename: str, separator: str = ",", append: bool = False) -> None:
        self._path, self._separator, self._append = filename, separator, append
        self._rows: list[dict[str, Any]] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._rows.append({"epoch": epoch, **(logs or {})})

    def on_train_end(self, logs: Any = None) -> None:
        with open(self._path, "a" if self._append else "w", newline="") as file:
            writer = csv.DictWriter(file, list(self._rows[0]) if self._rows else ["epoch"],
                                    delimiter=self._separator)
            writer.writeheader()
            writer.writerows(self._rows)


class TerminateOnNaN(Callback):
    """Stops when the loss is no number."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        if not np.isfinite((logs or {}).get("loss", 0.0)):
            print(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True


class TensorBoard(Callback):
    """Writes the graph, and each epoch's losses and metrics, for TensorBoard."""

    def __init__(self, log_dir: str = "./logs", histogram_freq: int = 0, batch_size: int = 32,
                 write_graph: bool = True, write_grads: bool = False, write_images: bool = False,
                 **_: Any) -> None:
        self._folder, self._graph, self._writer = log_dir, write_graph, None

    def on_train_begin(self, logs: Any = None) -> None:
        from varscope.graphs import get_default_graph
        from varscope.summaries.writer import FileWriter
        self._writer = FileWriter(self._folder, get_default_graph() if self._graph else None)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        from varscope.summaries.messages import Summary
        message = Summary()
        for key, value in (logs or {}).items():
            message.value.add(tag=key, simple_value=float(value))
        self._writer.add_summary(message, epoch)

    def on_train_end(self, logs: Any = None) -> None:
        self._writer.close()


class Callbacks:
    """All of a run, called one after the other."""

    def __init__(self, own: Sequence[Callback], model: Any, params: dict[str, Any]) -> None:
        self._own = own
        for one in own:
            one.set_model(model)
            one.set_params(params)

    def __call__(self, method: str, *arguments: Any) -> None:
        names = [method] if "batch" not in method else [
            method, method.replace("on_batch", "on_train_batch")]
        for one in self._own:
            for name in names:
                getattr(one, name, lambda *_: None)(*arguments)
