"""`warroom check`: the targets of an environment, asked as the engine asks them; nothing is changed."""
