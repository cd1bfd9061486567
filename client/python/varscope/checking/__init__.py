"""python -m varscope check: what a script needs that varscope does not have, without running it."""
