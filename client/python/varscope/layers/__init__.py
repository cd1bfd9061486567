"""Layers: an op with the variables that it needs, in a scope of its own."""
