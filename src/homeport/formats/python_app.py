"""Finds the ASGI or WSGI application in Python source by reading it. Never imports or runs it.

Looked at are the statements of the module itself, `if` and `try` included: `app = FastAPI()`, `def create_app(): …`,
`async def app(scope, receive, send)`. What is built in a roundabout way is not found.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from typing import Literal, NamedTuple

NAMES = ("app", "application")
FACTORIES = ("create_app", "make_app")

Interface = Literal["asgi", "wsgi"]

# Where the class or function comes from -> its name there, and what it makes.
_MAKERS: dict[tuple[str, str], tuple[str, Interface]] = {
    ("fastapi", "FastAPI"): ("FastAPI", "asgi"),
    ("starlette.applications", "Starlette"): ("Starlette", "asgi"),
    ("litestar", "Litestar"): ("Litestar", "asgi"),
    ("quart", "Quart"): ("Quart", "asgi"),
    ("blacksheep", "Application"): ("BlackSheep", "asgi"),
    ("falcon.asgi", "App"): ("Falcon", "asgi"),
    ("django.core.asgi", "get_asgi_application"): ("Django", "asgi"),
    ("flask", "Flask"): ("Flask", "wsgi"),
    ("bottle", "Bottle"): ("Bottle", "wsgi"),
    ("falcon", "App"): ("Falcon", "wsgi"),
    ("django.core.wsgi", "get_wsgi_application"): ("Django", "wsgi"),
}
_BY_ARGUMENTS: dict[tuple[bool, int], tuple[str, Interface]] = {
    (True, 3): ("ASGI", "asgi"),  # async def app(scope, receive, send)
    (False, 2): ("WSGI", "wsgi"),  # def app(environ, start_response)
}


class PythonApp(NamedTuple):
    """`name` is the variable or, for a factory, the function that makes the application."""

    name: str
    framework: str
    interface: Interface
    factory: bool = False


def find_python_app(source: str) -> PythonApp | None:
    """The application of a module: a variable before a factory, `app` before `application`; None if there is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes in somebody else's strings
            module = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    statements = list(_statements(module.body))
    origins = dict(_imports(statements))
    found = [app for statement in statements if (app := _application(statement, origins))]
    order = {name: position for position, name in enumerate((*NAMES, *FACTORIES))}
    return min(found, key=lambda app: order[app.name], default=None)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The module's own statements, in order, those below `if`, `try` and `with` included."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.If | ast.Try | ast.With):
            yield from _statements(statement.body)
        if isinstance(statement, ast.If | ast.Try):
            yield from _statements(statement.orelse)
        if isinstance(statement, ast.Try):
            for handler in statement.handlers:
                yield from _statements(handler.body)


def _imports(statements: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Local name -> the dotted name that it stands for."""
    for statement in statements:
        if isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            for alias in statement.names:
                yield alias.asname or alias.name, f"{statement.module}.{alias.name}"
        elif isinstance(statement, ast.Import):
            for alias in statement.names:
                first = alias.name.partition(".")[0]
                yield alias.asname or first, alias.name if alias.asname else first


def _application(statement: ast.stmt, origins: dict[str, str]) -> PythonApp | None:
    if isinstance(statement, ast.Assign):
        targets, value = statement.targets, statement.value
    elif isinstance(statement, ast.AnnAssign) and statement.value:
        targets, value = [statement.target], statement.value
    elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return _function(statement, origins)
    else:
        return None
    name = next((target.id for target in targets if isinstance(target, ast.Name) and target.id in NAMES), "")
    made = _made_by(value, origins)
    return PythonApp(name, *made) if name and made else None


def _function(function: ast.FunctionDef | ast.AsyncFunctionDef, origins: dict[str, str]) -> PythonApp | None:
    """The application itself as a function, or a factory that needs no arguments."""
    arguments = function.args
    count = len(arguments.posonlyargs) + len(arguments.args)
    is_async = isinstance(function, ast.AsyncFunctionDef)
    if function.name in NAMES and (is_async, count) in _BY_ARGUMENTS and not function.decorator_list:
        return PythonApp(function.name, *_BY_ARGUMENTS[is_async, count])
    if function.name not in FACTORIES or is_async or count > len(arguments.defaults):
        return None
    inner = [node for node in ast.walk(function) if isinstance(node, ast.stmt)]
    known = origins | dict(_imports(inner))
    made = next((made for node in ast.walk(function) if (made := _made_by(node, known))), None)
    return PythonApp(function.name, *made, factory=True) if made else None


def _made_by(value: ast.AST, origins: dict[str, str]) -> tuple[str, Interface] | None:
    """Framework and interface, when `value` calls one of the makers."""
    if not isinstance(value, ast.Call):
        return None
    module, _, name = _dotted(value.func, origins).rpartition(".")
    for (origin, maker), made in _MAKERS.items():
        # `fastapi.applications.FastAPI` is `fastapi.FastAPI`: the package re-exports it
        if name == maker and (module == origin or module.partition(".")[0] == origin):
            return made
    return None


def _dotted(node: ast.expr, origins: dict[str, str]) -> str:
    """`module.attribute` for a name or an attribute of one, its import looked up; "" for anything else."""
    if isinstance(node, ast.Name):
        return origins.get(node.id, "")
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value, origins)
        return f"{inner}.{node.attr}" if inner else ""
    return ""
