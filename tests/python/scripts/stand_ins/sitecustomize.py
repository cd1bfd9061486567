"""What a script of the folder finds when its Python starts."""

import old_numpy  # noqa: F401
