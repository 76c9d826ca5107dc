"""PostgreSQL: one module for each thing that is asked of a server or done with its own programs."""
