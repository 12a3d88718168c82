"""Stories from end to end, on the wall clock. A package: its platform is stopped when the last of them is told."""
