"""What an Estimator exports: a SavedModel of what it predicts with."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from varscope import _core
from varscope.estimators.export import ClassificationOutput, PredictOutput, RegressionOutput
from varscope.estimators.specs import EstimatorSpec, ModeKeys
from varscope.ops import convert_to_tensor, placeholder
from varscope.saved_models import names
from varscope.saved_models.builder import SavedModelBuilder
from varscope.saved_models.signatures import SignatureDef, predict_signature_def
from varscope.session import Session
from varscope.training.scaffold import Scaffold


class ServingInputReceiver(NamedTuple):
    """The features of a model that is served, and the tensors that callers feed."""

    features: Any
    receiver_tensors: Any
    receiver_tensors_alternatives: Any = None


TensorServingInputReceiver = ServingInputReceiver


def build_raw_serving_input_receiver_fn(
        features: Mapping[str, Any], default_batch_size: int | None = None
) -> Callable[[], ServingInputReceiver]:
    """Returns a function for export_savedmodel: callers feed the features themselves."""

    def receiver() -> ServingInputReceiver:
        fed = {}
        for name, x in features.items():
            x = convert_to_tensor(x)
            shape = None if x.shape.ndims is None else [default_batch_size, *x.shape.as_list()[1:]]
            fed[name] = placeholder(x.dtype, shape, x.op.name.rpartition("/")[2])
        return ServingInputReceiver(fed, fed)

    return receiver


def export(estimator: Any, export_dir_base: str | os.PathLike[str], receiver_fn: Callable[[], Any],
           checkpoint: str | None, assets_extra: Mapping[str, str] | None) -> bytes:
    """Writes a SavedModel into a new folder, named after the time; returns its path. ValueError
    before the estimator was trained."""
    checkpoint = checkpoint or estimator.latest_checkpoint()
    if not checkpoint:
        raise ValueError(f"Couldn't find trained model at {estimator.model_dir}.")
    with _core.Graph().as_default() as graph:
        receiver: list[Any] = []

        def inputs() -> tuple[Any, None]:
            receiver.append(receiver_fn())
            return receiver[0].features, None

        spec = estimator._built(inputs, ModeKeys.PREDICT)
        signatures = _signatures(receiver[0], spec)
        scaffold = (spec.scaffold or Scaffold()).finalize()
        with Session(graph=graph) as session:
            scaffold.initialize(session, checkpoint)
            folder = _new_folder(os.fsdecode(export_dir_base))
            builder = SavedModelBuilder(folder)
            builder.add_meta_graph_and_variables(session, [names.SERVING], signatures,
                                                 saver=scaffold.saver)
            builder.save()
    for name, source in (assets_extra or {}).items():
        path = os.path.join(folder, "assets.extra", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy(source, path)
    return folder.encode()


def _new_folder(base: str) -> str:
    number = int(time.time())
    while os.path.exists(os.path.join(base, str(number))):
        number += 1
    return os.path.join(base, str(number))


def _signatures(receiver: Any, spec: EstimatorSpec) -> dict[str, SignatureDef]:
    """What the model function says that it exports; without that its predictions."""
    given = receiver.receiver_tensors
    fed = given if isinstance(given, Mapping) else {"input": given}
    outputs = dict(spec.export_outputs or {"": PredictOutput(spec.predictions)})
    made = {name or names.DEFAULT_SERVING_SIGNATURE_DEF_KEY: predict_signature_def(
        fed, _tensors(output)) for name, output in outputs.items()}
    if len(made) == 1:
        made[names.DEFAULT_SERVING_SIGNATURE_DEF_KEY] = next(iter(made.values()))
    return made


def _tensors(output: Any) -> dict[str, Any]:
    if isinstance(output, ClassificationOutput):
        found = {"scores": output.scores, "classes": output.classes}
        return {name: x for name, x in found.items() if isinstance(x, _core.Tensor)}
    if isinstance(output, RegressionOutput):
        return {"outputs": output.value}
    if isinstance(output, PredictOutput):
        return dict(output.outputs) if isinstance(output.outputs, Mapping) else {
            "output": output.outputs}
    raise ValueError("export_outputs must be a dict of tf.estimator.export's outputs, but has "
                     f"{output!r}")


class FinalExporter:
    """Exports when train_and_evaluate is at its end."""

    def __init__(self, name: str, serving_input_receiver_fn: Callable[[], Any],
                 assets_extra: Mapping[str, str] | None = None, as_text: bool = False) -> None:
        self.name, self._receiver, self._assets = name, serving_input_receiver_fn, assets_extra

    def export(self, estimator: Any, export_path: str, checkpoint_path: str | None,
               eval_result: Any, is_the_final_export: bool) -> bytes:
        """Exports."""
        return export(estimator, export_path, self._receiver, checkpoint_path, self._assets)


class LatestExporter(FinalExporter):
    """Exports after each evaluation: here there is one, at the end."""

    def __init__(self, name: str, serving_input_receiver_fn: Callable[[], Any],
                 assets_extra: Mapping[str, str] | None = None, as_text: bool = False,
                 exports_to_keep: int | None = 5) -> None:
        super().__init__(name, serving_input_receiver_fn, assets_extra)
