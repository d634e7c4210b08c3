"""Second stage: pixels to motion and shapes, by Gauss-Newton passes and gradient steps."""
