"""A handler on plain `wasi:http`: it runs on every host of that interface."""

from componentize_py_types import Ok
from wit_world import exports
from wit_world.imports.types import Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam

from greeting import answer

# What one write takes at most.
PIECE = 4096


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        status, content = answer(request.path_with_query() or "/")

        # First the head.
        response = OutgoingResponse(Fields.from_list([("content-type", b"application/json")]))
        response.set_status_code(status)
        body = response.body()
        ResponseOutparam.set(response_out, Ok(response))

        # Then the body. Its stream belongs to it, and ends before it.
        with body.write() as stream:
            for start in range(0, len(content), PIECE):
                stream.blocking_write_and_flush(content[start : start + PIECE])
        OutgoingBody.finish(body, None)
