"""The verbs of the runbook, one module each; the registry of them all is in actions.registry."""
