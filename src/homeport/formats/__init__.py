"""Other tools' files and our own homeport.toml: text in, values out. Nothing here opens a file or waits."""
