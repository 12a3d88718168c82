"""The longer fault cells. A package: its platform is stopped after its last cell."""
