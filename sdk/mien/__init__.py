"""mien: a face, live. Load a character package, feed it a tracked face, get animation frames."""

__version__ = "0.1.0"
