"""Attribution methods of vision transformers."""
