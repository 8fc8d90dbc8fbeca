/** What a request is answered with. Its path is relative to where the handler is mounted. */
export function respond(request: Request): Response {
  const { pathname } = new URL(request.url);
  if (pathname !== "/") {
    return Response.json({ error: "nothing is here" }, { status: 404 });
  }
  return Response.json({ message: "Hello from mik!", version: "0.1.0" });
}
