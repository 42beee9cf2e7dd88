"""Procedural chest radiographs and dermoscopic images whose evidence is known."""
