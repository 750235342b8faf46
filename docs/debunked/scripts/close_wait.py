"""CLOSE_WAIT has no timer. A keepalive probe may end the kernel's state, never the descriptor."""
import os, pathlib, socket, sys, time

if sys.platform != "linux":
    sys.exit("This script reads /proc/net/tcp, so it needs Linux.")
with socket.create_server(("127.0.0.1", 0)) as listener:
    a, b = socket.create_connection(listener.getsockname()), listener.accept()[0]
peer = f"0100007F:{a.getsockname()[1]:04X}"
def b_row():
    rows = map(str.split, pathlib.Path("/proc/net/tcp").read_text().splitlines())
    return next((f"state {r[3]}, Recv-Q {int(r[4][9:], 16)}, timer {r[5][:2]}" for r in rows if r[2] == peer), "gone")
a.setsockopt(socket.IPPROTO_TCP, socket.TCP_LINGER2, 1), a.close(), time.sleep(0.2)
print("a has closed:            ", b_row(), "- 08 is CLOSE_WAIT, timer 00 is none, the FIN counts as 1")
b.recv(1), print("b has read end of file:  ", b_row())
time.sleep(3), print("a's end is long forgotten:", b_row())
b.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1), b.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
time.sleep(2.5), os.fstat(b.fileno())  # fails if the descriptor is closed
print("after a keepalive probe:  ", b_row(), "- and b's descriptor is still open")
sys.exit(None if b_row() == "gone" else "On this system it is not so.")
