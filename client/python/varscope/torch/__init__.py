"""PyTorch modules whose parameters are variables of a store.

    shared = varscope.torch.share(model, store, "model")
    optimizer = varscope.torch.Adam(model.parameters(), lr=1e-3)

The rest of the training loop stays. `encoder.layer.0.weight` is the variable
`model/encoder/layer/0/weight`: the first worker creates it, the others attach and take its value.
step() pushes the gradients, the server applies them as its groups say, and the new values come back
in the same request.
"""

from varscope.torch.modules import SharedModule, share
from varscope.torch.optimizer import Optimizer
from varscope.torch.optimizers import SGD, Adagrad, Adam, AdamW

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "SharedModule", "share"]
