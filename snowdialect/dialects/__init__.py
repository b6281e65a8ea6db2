"""The dialects, a package each, and what they share."""
