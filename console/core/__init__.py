"""The domain, pure: no IO, no wall clock, no driver, no screen."""
