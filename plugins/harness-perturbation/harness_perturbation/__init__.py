"""Explainers that see of a model only what it predicts of changed images: one module per method."""
