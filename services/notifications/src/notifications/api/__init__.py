"""The HTTP API: coaches' calendars and slots, appointments, messages, and the provider's receipts."""
