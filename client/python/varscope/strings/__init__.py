"""Tensors of strings: the program computes them, and the graph gets what they are decoded to."""
