"""Names that NumPy had when the scripts were written."""

import numpy as np

for name, kind in (("float", float), ("int", int), ("object", object), ("str", str)):
    if name not in vars(np):
        setattr(np, name, kind)

_reshape = np.reshape


def _old_reshape(a, *shape, newshape=None, **options):
    return _reshape(a, newshape, **options) if newshape is not None else _reshape(
        a, *shape, **options)


np.reshape = _old_reshape
