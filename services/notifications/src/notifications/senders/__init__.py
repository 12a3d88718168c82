"""The process that talks to the provider: one message at a time per thread, each step in a transaction of its own."""
