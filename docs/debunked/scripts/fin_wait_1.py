"""FIN_WAIT_1 behind a shut window: the FIN limit does not end it, the peer's recv() does."""
import pathlib, socket, sys, time

if sys.platform != "linux":
    sys.exit("This script reads /proc/net/tcp, so it needs Linux.")
with socket.create_server(("127.0.0.1", 0)) as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    a, b = socket.create_connection(listener.getsockname()), listener.accept()[0]
ends = [f"0100007F:{s.getsockname()[1]:04X}" for s in (a, b)]
def state():
    rows = map(str.split, pathlib.Path("/proc/net/tcp").read_text().splitlines())
    return next((f"state {r[3]}, timer {r[5][:2]}" for r in rows if r[1:3] == ends), "gone")
a.setsockopt(socket.IPPROTO_TCP, socket.TCP_LINGER2, 1)
a.setblocking(False)
a.send(bytes(200_000))
a.close()
time.sleep(3)
print("3 s after close(), limit 1 s:", before := state(), "(FIN_WAIT_1, probing the window)")
sum(iter(lambda: len(b.recv(65536)), 0))  # b reads to the end of file
time.sleep(0.3)
print("after b has read everything:", state(), "(FIN_WAIT_2, with its limit)")
sys.exit(None if before == "state 04, timer 04" and before != state() else "On this system it is not so.")
