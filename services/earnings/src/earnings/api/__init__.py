"""The HTTP API: claims, claimants, intake, queries, determinations."""
