"""Applications are found in source as it is written in the frameworks' own first steps, without importing it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from homeport.formats.python_app import PythonApp, find_python_app


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from fastapi import FastAPI\napp = FastAPI()", PythonApp("app", "FastAPI", "asgi")),
        ("import fastapi as f\napp: f.FastAPI = f.FastAPI(title='x')", PythonApp("app", "FastAPI", "asgi")),
        (
            "from fastapi.applications import FastAPI as F\napplication = F()",
            PythonApp("application", "FastAPI", "asgi"),
        ),
        ("from starlette.applications import Starlette\napp = Starlette()", PythonApp("app", "Starlette", "asgi")),
        (
            "import starlette.applications\napp = starlette.applications.Starlette()",
            PythonApp("app", "Starlette", "asgi"),
        ),
        ("from flask import Flask\nserver = app = Flask(__name__)", PythonApp("app", "Flask", "wsgi")),
        (
            "try:\n  from flask import Flask\nexcept E:\n  raise\nif 1:\n  app = Flask('x')",
            PythonApp("app", "Flask", "wsgi"),
        ),
        ("import falcon\napp = falcon.App()", PythonApp("app", "Falcon", "wsgi")),
        ("import falcon.asgi\napp = falcon.asgi.App()", PythonApp("app", "Falcon", "asgi")),
        ("async def app(scope, receive, send): ...", PythonApp("app", "ASGI", "asgi")),
        ("def application(environ, start_response): ...", PythonApp("application", "WSGI", "wsgi")),
        (
            "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()",
            PythonApp("application", "Django", "wsgi"),
        ),
        (
            "from flask import Flask\ndef create_app(config=None):\n  app = Flask(__name__)\n  return app",
            PythonApp("create_app", "Flask", "wsgi", factory=True),
        ),
        (
            "def create_app():\n  from fastapi import FastAPI\n  return FastAPI()\napp = create_app()",
            PythonApp("create_app", "FastAPI", "asgi", factory=True),
        ),
        (
            "from flask import Flask\napplication = Flask('a')\napp = Flask('b')\ndef create_app():\n  return Flask()",
            PythonApp("app", "Flask", "wsgi"),
        ),
    ],
)
def test_found(source: str, expected: PythonApp) -> None:
    assert find_python_app(source) == expected


@pytest.mark.parametrize(
    "source",
    [
        "",
        "app = FastAPI()",  # from nowhere
        "from mine import FastAPI\napp = FastAPI()",
        "from .fastapi import FastAPI\napp = FastAPI()",
        "from fastapi import FastAPI\napi = FastAPI()",  # nobody's usual name
        "from fastapi import FastAPI\ndef main():\n  app = FastAPI()",
        "from flask import Flask\ndef create_app(config):\n  return Flask(__name__)",  # needs an argument
        "def app(x): ...",
        "@click.command()\ndef app(first, second): ...",
        "from flask import Flask\napp = Flask(",
        "\0",
    ],
)
def test_not_found(source: str) -> None:
    assert find_python_app(source) is None


WORDS = st.sampled_from(
    ["app", "=", "Flask", "(", ")", "import ", "from ", "flask", "\n", "  ", "def ", ":", ".", "'\\d'"]
)


@given(st.one_of(st.text(), st.lists(WORDS).map("".join)))
@example("app = " + "(" * 5000)
@example("app = " + "-" * 50_000 + "1")
def test_any_text_is_survived(source: str) -> None:
    found = find_python_app(source)
    assert found is None or found.name in source
