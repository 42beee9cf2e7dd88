"""Ensembles of explainers: the Grad-CAM + LRP + SHAP framework as one, and aggregates over any."""
