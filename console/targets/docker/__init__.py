"""Docker: one module for each thing that is asked of an engine or done in its containers."""
