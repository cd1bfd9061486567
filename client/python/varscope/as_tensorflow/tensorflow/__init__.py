"""What `import tensorflow` finds in a script that `python -m varscope run` runs: varscope.compat.v1."""

from varscope import running

running.become_tensorflow()
