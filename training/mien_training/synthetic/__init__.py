"""People whose truth is known: performances, shapes, light, cameras, degradations."""
