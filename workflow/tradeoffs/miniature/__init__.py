"""The embedded miniature: handwritten digits on photographs, written in the published layouts."""
