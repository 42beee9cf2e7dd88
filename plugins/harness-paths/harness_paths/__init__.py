"""Explainers that add up gradients along paths: the paths, and one module per method."""
