"""What each pane says: pure functions from a snapshot to frozen view data, and from that to lines."""
