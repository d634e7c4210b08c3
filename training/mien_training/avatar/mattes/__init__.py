"""Where the head ends: coverage of every pixel, as far as anything tells it."""
