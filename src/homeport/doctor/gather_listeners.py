"""Who listens on a port, on every address: sockets, processes, accept queues, open files. Changes nothing."""

from __future__ import annotations

from homeport.doctor.facts import Listening
from homeport.machine.network import Network, Queue
from homeport.machine.ports import Ports
from homeport.model.ports import SocketFact


def listening(ports: Ports, network: Network, port: int) -> tuple[Listening, ...]:
    queues = network.queues(port)
    return tuple(_listening(ports, network, socket, queues) for socket in ports.sockets(port))


def _listening(ports: Ports, network: Network, socket: SocketFact, queues: list[Queue]) -> Listening:
    process = ports.process(socket.pids[0]) if socket.pids else None
    own = [queue for queue in queues if queue.endpoint == socket.endpoint]
    return Listening(
        socket=socket,
        process=process,
        queue=max(own, key=lambda queue: queue.waiting - queue.limit, default=None),
        files=network.files_of(socket.pids[0]) if socket.pids else None,
    )
