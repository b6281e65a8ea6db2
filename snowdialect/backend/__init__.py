"""Programs as files: assembly text."""
