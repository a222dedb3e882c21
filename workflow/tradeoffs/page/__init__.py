"""One page per study that people look at: the answer, a leaderboard, charts, claims, images, theory."""
