"""Graphs in files: what a graph is made of as plain values, and a graph from them."""
