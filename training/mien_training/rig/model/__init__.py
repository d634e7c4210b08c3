"""The unknowns of a person: neutral and shapes, performance, rest pose."""
