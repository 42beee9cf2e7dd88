"""Grids of images of several classes, and objects made of parts that can be taken away; a plugin for xai-harness."""
