"""FIN_WAIT_1 behind a shut window: the FIN limit does not end it, the peer's recv() does."""
import pathlib, socket, sys, time

if sys.platform != "linux":
    sys.exit("This script reads /proc/net/tcp, so it needs Linux.")
with socket.create_server(("127.0.0.1", 0)) as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    a, b = socket.create_connection(listener.getsockname()), listener.accept()[0]
me = f"0100007F:{a.getsockname()[1]:04X}"
def row():
    rows = map(str.split, pathlib.Path("/proc/net/tcp").read_text().splitlines())
    return next((f"state {r[3]}, timer {r[5][:2]}" for r in rows if r[1] == me), "gone")
a.setsockopt(socket.IPPROTO_TCP, socket.TCP_LINGER2, 1), a.setblocking(False)
a.send(bytes(200_000)), a.close(), time.sleep(3)
print("3 s after close(), with a limit of 1 s:", before := row(), "- 04 is FIN_WAIT_1, timer 04 probes the window")
while b.recv(65536):
    pass
time.sleep(0.3), print("b has read to the end of file:", row(), "- 05 is FIN_WAIT_2, timer 03 is the limit")
sys.exit(None if before.startswith("state 04") and not row().startswith("state 04") else "On this system it is not so.")
