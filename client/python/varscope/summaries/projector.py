"""TensorBoard's projector of embeddings: the file that tells it which variables to show."""

from __future__ import annotations

import os
from typing import Any


class EmbeddingInfo:
    """One variable that is shown."""

    def __init__(self) -> None:
        self.tensor_name = ""
        self.metadata_path = ""


class _Embeddings(list):
    def add(self) -> EmbeddingInfo:
        """Appends one, and returns it."""
        self.append(EmbeddingInfo())
        return self[-1]


class ProjectorConfig:
    """Which variables are shown."""

    def __init__(self) -> None:
        self.embeddings = _Embeddings()
        self.model_checkpoint_path = ""


def visualize_embeddings(summary_writer: Any, config: ProjectorConfig) -> None:
    """Writes the file into the writer's folder."""
    lines = []
    if config.model_checkpoint_path:
        lines.append(f'model_checkpoint_path: "{config.model_checkpoint_path}"')
    for shown in config.embeddings:
        lines.append("embeddings {")
        lines.append(f'  tensor_name: "{shown.tensor_name}"')
        if shown.metadata_path:
            lines.append(f'  metadata_path: "{shown.metadata_path}"')
        lines.append("}")
    path = os.path.join(summary_writer.get_logdir(), "projector_config.pbtxt")
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")
