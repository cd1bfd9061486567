"""Distributions: samples, densities, entropies."""
