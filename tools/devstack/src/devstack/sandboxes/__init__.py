"""Stand-ins for what the platform talks to outside: an OIDC issuer, the data key service, GOV.UK Notify.

One process, three ports; started by `python -m devstack.sandboxes`. Each speaks the real one's HTTP API and can be told to
fail (`/sandbox/faults`).
"""
