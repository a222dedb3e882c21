"""What training one model consists of; the command is tradeoffs.training.train."""
