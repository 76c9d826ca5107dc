"""How a command of the strategy learns which scratch database is its own; light for those that import it."""

DSN = "WARROOM_SCRATCH_DSN"
"""Environment variable with the address of the scratch database."""
MIGRATIONS = "WARROOM_MIGRATIONS"
"""Environment variable that says whether the release may change the schema: `run` or `off`."""
