"""Explainers made of gradients that no library has batched: one module per kind."""
