"""Progression rules: pure functions of recorded facts. No clock, no input or output, no randomness."""
