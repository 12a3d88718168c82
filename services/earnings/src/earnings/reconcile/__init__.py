"""`earnings reconcile`: reads the upstream topics again and holds every message against the ledger."""
