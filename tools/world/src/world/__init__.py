"""A seeded synthetic Universal Credit world: latent facts, their feed, and the truth about them.

world = generate(seed=1)                 # everything that is so
publish(world, bootstrap_servers=…, data_key_service_url=…, before_day=…, after_day=…)
truth(world)["labels"]                   # what should be noticed
"""

from __future__ import annotations

from world.generate import generate
from world.model import World
from world.people import People, people

__all__ = ["People", "World", "generate", "people"]
