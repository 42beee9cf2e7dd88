"""The layer whose class activation maps are taken, as it is noted of a model; imports no torch, as plans are made without it."""

CAM_LAYER_NOTE = "class activation maps are taken at "
"""What a note on a model's `cam_layer` begins with; the layer's name follows."""
