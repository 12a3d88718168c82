"""From a record to a change: `prepare` reads it outside the transaction, `handle` applies it inside."""
