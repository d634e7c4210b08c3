"""The command line's commands: one module each, a config dataclass and `run(config) -> int`."""
