"""Benchmarks: what a command, an append or a replay costs, beside its peers in one run."""
