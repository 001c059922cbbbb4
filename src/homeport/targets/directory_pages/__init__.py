"""The style sheet and the script of served directories, as package data."""
