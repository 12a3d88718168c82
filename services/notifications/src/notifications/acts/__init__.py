"""Changes to a claim's document and what they cause, shared by consumers, timers, commands and the sender.

Each function takes the unit of work, reads and saves documents through it, and leaves every decision to `rules`.
"""
