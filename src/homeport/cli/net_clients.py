"""`homeport net client`: names for clients whose network is their own. It asks the engine, and looks at nobody."""

from __future__ import annotations

from homeport.cli.session import Session
from homeport.model.net_client import NetClient, NetClientSpec, parse_matches


def list_clients(session: Session) -> None:
    engine = session.maybe_engine()
    clients = engine.clients.list() if engine else []
    if session.as_json:
        session.json(clients)
    elif clients:
        width = max(len(client.name) for client in clients)
        paint = session.terminal.paint
        session.data("\n".join(f"{paint(one.name.ljust(width), 'bold')}  {' '.join(one.words)}" for one in clients))
    else:
        session.say("no client has a name yet: homeport net client alice")


def name_client(session: Session, name: str, words: tuple[str, ...]) -> None:
    client = session.running_engine().clients.name(NetClientSpec(name=name, words=[*words]))
    if session.as_json:
        session.json(client)
        return
    session.data(f"{session.terminal.paint(client.name, 'bold')}  {' '.join(client.words)}")
    for line in how_to_come(client):
        session.say(line)


def forget_client(session: Session, name: str) -> None:
    session.running_engine().clients.forget(name)
    session.say(f"{name} is nobody's name any more, and what was set for it is cleared")


def how_to_come(client: NetClient) -> list[str]:
    """For a client that is told by an address of this computer: how a program comes from there."""
    address = next((one.text for one in parse_matches(client.words) if one.kind == "address"), "")
    if not address.startswith("127.") or address == "127.0.0.1":
        return []
    return [
        f"to come as {client.name}, bind {address} before you connect, or: homeport connect --from {address} ENDPOINT",
        f"its network: homeport net set ROUTE 3g --client {client.name}",
    ]
