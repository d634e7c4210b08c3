"""A volume's training run, and the files of a package that it becomes."""
