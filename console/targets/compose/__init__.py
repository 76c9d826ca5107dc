"""Docker Compose as a deployment target: pinned images, the application's services alone."""
