"""Rigid parts and lids: eyeballs, eyelids, jaw and teeth, and the finishing of a rig."""
