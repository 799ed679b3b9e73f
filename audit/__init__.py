"""Proof for those who trust nobody: the transparency log over the kept bytes, its checkpoints, and their checking."""
