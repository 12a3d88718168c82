"""Benchmarks of the event path, beside plain loops and Faust in the same run. `make bench`."""
