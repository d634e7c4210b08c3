"""The networks of capture learn from people's own scans, before the rig that will capture them."""
