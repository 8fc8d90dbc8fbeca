"""What the handler answers, free of everything that only a component has."""

import json


def answer(path: str) -> tuple[int, bytes]:
    """The status and the JSON for a path, which is relative to where the handler is mounted."""
    if path.partition("?")[0] not in ("", "/"):
        return 404, json.dumps({"error": "nothing is here"}).encode()
    return 200, json.dumps({"message": "Hello from mik!", "version": "0.1.0"}).encode()
