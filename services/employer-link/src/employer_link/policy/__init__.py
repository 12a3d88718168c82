"""Dated policy numbers (YAML with sources), read with importlib.resources."""
