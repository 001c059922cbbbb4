"""What is said of a route that other computers reach: where, who may use it, the QR code, and how to close it."""

from __future__ import annotations

from homeport.cli.seams import Engine
from homeport.cli.session import Session
from homeport.cli.status_view import exposed_text
from homeport.cli.words import fingerprint_lines
from homeport.model.app import AppSpec, AppState
from homeport.model.exposure import Exposed


def show_asked_for(
    session: Session, engine: Engine, specs: list[AppSpec], states: list[AppState], *, as_data: bool = True
) -> None:
    """Of the apps that were to be open; in JSON it is the routes that say so."""
    wanted = {state.route for spec, state in zip(specs, states, strict=True) if spec.expose is not None}
    for route in engine.routes.list() if wanted and not session.as_json else []:
        if route.name in wanted and route.exposed is not None:
            show_exposed(session, engine, route.name, route.exposed, as_data=as_data)


def show_exposed(session: Session, engine: Engine, name: str, exposed: Exposed, *, as_data: bool = True) -> None:
    """The link is data, unless there is other data; the code for a phone, and what its owner should know, is talk."""
    import msgspec

    from homeport.cli.qr import qr_lines

    link = engine.routes.exposed_link(name)
    if session.as_json:
        session.json({"route": name, "exposed": exposed, "link": link})
        return
    paint = session.terminal.paint_talk
    session.say(f"{paint('●', 'red')} {exposed_text(name, msgspec.to_builtins(exposed), paint)}")
    if session.terminal.talks_to_person:
        session.say("\n".join(["", *qr_lines(link, colour=paint.enabled), ""]))
    (session.data if as_data else session.say)(link)
    if link != exposed.url:
        session.say(f"The link works once, within five minutes; `homeport expose {name}` makes another.")
    session.say(f"Devices warn of its certificate until they trust {exposed.root}")
    first, second = fingerprint_lines(exposed.fingerprint)
    session.say(f"  {paint(f'SHA-256  {first}', 'dim')}")
    session.say(f"  {paint(f'         {second}', 'dim')}")
    session.say(f"{paint('hint:', 'cyan')} homeport expose {name} --close ends it")
