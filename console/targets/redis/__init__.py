"""The cache, a Redis: what it says of itself, its snapshots and what proves them, and the ways back."""
