"""Getting data: downloads, archives, checksums, unpacking, links."""
