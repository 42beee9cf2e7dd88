"""Evaluation of the metrics themselves: disturbances, the oracle, and their analysis."""
