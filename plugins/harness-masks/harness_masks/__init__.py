"""Explainers that search for masks, or learn from many: what they have in common, and one module per method or pair."""
