"""What each study consists of: its models and its data."""
