"""Fault cells. A package: its platform is stopped after the last cell."""
