"""The HTTP API of employer-link (interface §3): one router for each party."""
