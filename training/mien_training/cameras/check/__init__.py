"""Whether cameras stand where the calibration says, from what they saw of one moving thing."""
