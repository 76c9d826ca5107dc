"""Docker Swarm: services read, updated to a pinned image, followed, and taken back."""
