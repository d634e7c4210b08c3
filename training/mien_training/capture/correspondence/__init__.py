"""Which place of the head each pixel shows: the net, its training, and its use."""
