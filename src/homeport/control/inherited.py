"""What an app is told by its engine in the environment, and what no other engine may take for its own."""

OF_CHILDREN = frozenset({"HOMEPORT_APP", "HOMEPORT_URL", "HOMEPORT_SOCKET"})
