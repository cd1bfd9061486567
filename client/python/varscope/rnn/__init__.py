"""Recurrent networks: cells, and what runs a cell over the steps of sequences."""
