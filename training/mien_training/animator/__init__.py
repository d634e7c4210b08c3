"""The recurrent network that drives a character, and how it is trained."""
