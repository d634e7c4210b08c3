"""One person: from images of a posed head to heights of their skin."""
