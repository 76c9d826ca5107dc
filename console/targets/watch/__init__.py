"""Sources of numbers by name: each module asks one kind of target, and tells what is known now."""
