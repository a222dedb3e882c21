"""From evaluation cards to the summary, the claims and the figures."""
