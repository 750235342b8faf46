"""LAST_ACK waits for one acknowledgement. No time passes for old packets: that is TIME_WAIT, at the other end."""
import pathlib, socket, sys, time

if sys.platform != "linux":
    sys.exit("This script reads /proc/net/tcp, so it needs Linux.")
with socket.create_server(("127.0.0.1", 0)) as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    b, a = socket.create_connection(listener.getsockname()), listener.accept()[0]
local = [f"0100007F:{s.getsockname()[1]:04X}" for s in (a, b)]
def states():
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()]
    return [next((r[3] for r in rows if r[1:3] == ends), "gone") for ends in (local, local[::-1])]
a.shutdown(socket.SHUT_WR)  # a closes first
b.setblocking(False)
b.send(bytes(200_000))  # more than a's window takes, so b's FIN has to wait behind it
b.close()
time.sleep(2)
print("2 s after b's close(), a has not read (09 is LAST_ACK): a, b =", before := states())
sum(iter(lambda: len(a.recv(65536)), 0))  # a reads, so its kernel can acknowledge b's FIN
time.sleep(0.1)
print("0.1 s after a has read everything (06 is TIME_WAIT): a, b =", after := states())
sys.exit(None if (before, after) == (["05", "09"], ["06", "gone"]) else "On this system it is not so.")
