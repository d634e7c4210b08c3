"""Generated from proto/mien/v1 by proto/generate.py. Never edit."""
