"""The neutral from several images of one moment."""
