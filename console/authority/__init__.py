"""Who said yes: the text that is signed, the keys that sign it, and ssh-keygen, which verifies it."""
