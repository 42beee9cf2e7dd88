"""Data sets of image files: found, checked before anything is computed, and read when a sample is asked for."""
