"""One module per command, each with a click command named `command`. `homeport.cli.group` imports them when used."""
