"""Randomised experiments: arms drawn, exposure noted before anything is shown, holdouts kept, outcomes for analysts."""
