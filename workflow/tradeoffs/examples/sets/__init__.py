"""What each benchmark shows of its images, a module each; :mod:`tradeoffs.examples.collection` says what is in one."""
