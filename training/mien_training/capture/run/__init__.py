"""`mien capture`: all that surrounds the networks."""
