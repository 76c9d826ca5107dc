"""The subcommands, a module for each kind; each key of the console has one that does the same."""
