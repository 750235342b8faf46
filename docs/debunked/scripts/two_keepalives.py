"""TCP keepalive does not keep an HTTP connection: the server counts requests, not probes."""
import http.client, http.server, socket, sys, threading, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version, timeout = "HTTP/1.1", 3  # HTTP keep-alive: 3 idle seconds
    def do_GET(self):
        self.send_response(204)
        self.end_headers()
    def log_message(self, *what):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = http.client.HTTPConnection(*server.server_address)
client.request("GET", "/")
client.getresponse().read()
client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
if hasattr(socket, "TCP_KEEPIDLE"):
    client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)  # a probe after each idle second
start, end = time.monotonic(), client.sock.recv(1)
seconds = round(time.monotonic() - start)
print(f"the server's FIN came after {seconds} idle seconds: recv() gives {end}")
sys.exit(None if end == b"" and 2 <= seconds <= 5 else "On this system it is not so.")
