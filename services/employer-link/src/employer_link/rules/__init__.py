"""The rules of employer-link: pure functions of state, move and date."""
