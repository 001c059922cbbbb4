"""The nouns of homeport: plain values that travel between rooms. Nothing here waits, reads a clock or opens a file."""
