"""The verbs: what people do."""
