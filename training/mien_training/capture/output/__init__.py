"""Files of a captured take for other programs."""
