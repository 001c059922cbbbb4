"""The recorder's process: the recording, given this machine to ask which process a client is. It knows no engine."""

from __future__ import annotations

import sys

from homeport.machine import this_machine
from homeport.model.endpoint import parse_endpoint
from homeport.recording.command import arguments

ENTRY = ("-P", "-m", "homeport.recorder")  # -P: the folder it is started in must not lend it modules


def run(words: list[str]) -> None:
    from homeport.recording.recorder import main  # the engine reads ENTRY, and has no use for a store

    machine = this_machine()

    def who(client: str, server_port: int) -> str | None:
        endpoint = parse_endpoint(client)
        return machine.client_process(endpoint.host, endpoint.port, server_port)

    main(*arguments(words), who)


if __name__ == "__main__":
    run(sys.argv[1:])
