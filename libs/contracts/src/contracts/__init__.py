"""Events, topics, ids and the envelope that the services share. Imports no service."""
