"""tf.contrib.predictor: a SavedModel as a function."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from varscope import _core
from varscope.saved_models import names
from varscope.saved_models.loader import load
from varscope.session import Session


class Predictor:
    """A signature of a graph that is loaded: from arrays by their names to arrays."""

    def __init__(self, session: Session, feeds: Mapping[str, str],
                 fetches: Mapping[str, str]) -> None:
        self.session, self.graph = session, session.graph
        self.feed_tensors, self.fetch_tensors = dict(feeds), dict(fetches)

    def __call__(self, input_dict: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the outputs. ValueError for inputs that there are not."""
        unknown = sorted(set(input_dict) - set(self.feed_tensors))
        if unknown:
            raise ValueError(f"Got unexpected keys in input_dict: {unknown}\nexpected: "
                             f"{sorted(self.feed_tensors)}")
        return self.session.run(self.fetch_tensors, {
            self.feed_tensors[name]: value for name, value in input_dict.items()})


def from_saved_model(export_dir: str | bytes, signature_def_key: str | None = None,
                     signature_def: Any = None, input_names: Mapping[str, str] | None = None,
                     output_names: Mapping[str, str] | None = None, tags: str | None = None,
                     graph: _core.Graph | None = None, config: Any = None) -> Predictor:
    """Loads a SavedModel. ValueError for a signature that it does not have."""
    session = Session(graph=graph or _core.Graph(), config=config)
    folder = os.fsdecode(export_dir)
    said = load(session, tags.split(",") if tags else [names.SERVING], folder).signature_def
    key = signature_def_key or names.DEFAULT_SERVING_SIGNATURE_DEF_KEY
    if signature_def is None and input_names is None:
        if key not in said:
            raise ValueError(f"Got signature_def_key \"{key}\". Available signatures are "
                             f"{sorted(said)}.")
        signature_def = said[key]
    if signature_def is not None:
        input_names = {name: x.name for name, x in signature_def.inputs.items()}
        output_names = {name: x.name for name, x in signature_def.outputs.items()}
    return Predictor(session, input_names or {}, output_names or {})
