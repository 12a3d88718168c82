"""The shell with the real rules beside a plain loop that applies the very same ones: earnings and progression."""
