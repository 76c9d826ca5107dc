"""GitHub Actions over GitHub's REST API: a workflow disabled and enabled, its runs cancelled and awaited."""
