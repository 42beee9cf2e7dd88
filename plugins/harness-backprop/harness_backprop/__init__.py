"""Explainers that send something else than the gradient back through a network."""
