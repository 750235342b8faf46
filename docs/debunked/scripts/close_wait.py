"""CLOSE_WAIT has no timer. A keepalive probe may end the kernel's state, never the descriptor."""
import os, pathlib, socket, sys, time

if sys.platform != "linux":
    sys.exit("This script reads /proc/net/tcp, so it needs Linux.")
with socket.create_server(("127.0.0.1", 0)) as listener:
    a, b = socket.create_connection(listener.getsockname()), listener.accept()[0]
ends = [f"0100007F:{s.getsockname()[1]:04X}" for s in (b, a)]
a.setsockopt(socket.IPPROTO_TCP, socket.TCP_LINGER2, 1)  # a's end is forgotten after 1 s in FIN_WAIT_2
a.close()
for what, wait in ("a has closed", 0.2), ("b has read EOF", 0), ("3 s later", 3), ("probed", 2.5):
    if what == "b has read EOF":
        b.recv(1)
    if what == "probed":
        b.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
        b.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    time.sleep(wait)
    rows = map(str.split, pathlib.Path("/proc/net/tcp").read_text().splitlines())
    row = next((f"state {r[3]} timer {r[5][:2]} Recv-Q {r[4][-1]}" for r in rows if r[1:3] == ends), "gone")
    print(f"{what}: {row}; b's descriptor is open:", bool(os.fstat(b.fileno())))
sys.exit(None if row == "gone" else "On this system it is not so.")
