"""What is kept: the journal and its inbox, samples, output, and the room that a console sees of them."""
