"""TensorBoard's projector of embeddings: the file that tells it which variables to show."""

from __future__ import annotations

import os
from typing import Any


class SpriteMetadata:
    """One picture that has a small one for each row, and the size of these."""

    def __init__(self) -> None:
        self.image_path = ""
        self.single_image_dim: list[int] = []


class EmbeddingInfo:
    """One variable that is shown."""

    def __init__(self) -> None:
        self.tensor_name = ""
        self.metadata_path = ""
        self.bookmarks_path = ""
        self.tensor_path = ""
        self.tensor_shape: list[int] = []
        self.sprite = SpriteMetadata()

    def lines(self) -> list[str]:
        """Returns what the file says of it."""
        found = [f"tensor_shape: {size}" for size in self.tensor_shape]
        found += [f'{name}: "{getattr(self, name)}"' for name in (
            "tensor_name", "metadata_path", "bookmarks_path", "tensor_path") if getattr(self, name)]
        if self.sprite.image_path:
            found += ["sprite {", f'  image_path: "{self.sprite.image_path}"', *(
                f"  single_image_dim: {size}" for size in self.sprite.single_image_dim), "}"]
        return found


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
        lines += ["  " + line for line in shown.lines()]
        lines.append("}")
    path = os.path.join(summary_writer.get_logdir(), "projector_config.pbtxt")
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")
