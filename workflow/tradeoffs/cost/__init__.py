"""What a study costs, before it runs: passes, bytes, hours."""
