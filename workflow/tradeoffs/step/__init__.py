"""What every command shares: settings, cards, files, errors, code ids."""
