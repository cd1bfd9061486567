"""tf.contrib.tensorboard.plugins.projector."""

from typing import TYPE_CHECKING

from varscope.summaries.projector import (EmbeddingInfo, ProjectorConfig, SpriteMetadata,
                                          visualize_embeddings)
from varscope.compat.v1._missing import missing_of

__all__ = [
    "EmbeddingInfo", "ProjectorConfig", "SpriteMetadata", "visualize_embeddings"
]

if not TYPE_CHECKING:
    __getattr__ = missing_of(globals())
