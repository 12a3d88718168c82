"""From bytes on an inbound topic to facts: decrypt, check, pseudonymise. Bad data become dead letters that name the field."""
