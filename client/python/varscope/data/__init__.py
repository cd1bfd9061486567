"""Data sets, in the program: elements are arrays, which runs feed."""
