"""SQL of the service: projections of documents, the send queue, and the queries of the API."""
