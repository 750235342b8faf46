"""A FIN_WAIT_2 limit of 2 s ends an orphan. It touches neither a held socket nor TIME_WAIT."""
import pathlib, socket, sys, time

NAMES, listener = {"05": "FIN_WAIT_2", "06": "TIME_WAIT"}, socket.create_server(("127.0.0.1", 0))
def pair():
    a, b = socket.create_connection(listener.getsockname()), listener.accept()[0]
    a.setsockopt(socket.IPPROTO_TCP, socket.TCP_LINGER2, 2)  # tcp_fin_timeout, for this socket alone
    return a, b, [f"0100007F:{s.getsockname()[1]:04X}" for s in (a, b)]
def state(ends):
    rows = map(str.split, pathlib.Path("/proc/net/tcp").read_text().splitlines())
    return next((NAMES[row[3]] for row in rows if row[1:3] == ends), "gone")
if sys.platform != "linux":
    sys.exit("This script reads /proc/net/tcp, so it needs Linux.")
pairs = held, orphan, both = pair(), pair(), pair()
held[0].shutdown(socket.SHUT_WR)  # keeps its descriptor
for end in orphan[0], both[0], both[1]:
    end.close()
for wait in 0.2, 4:
    time.sleep(wait)
    states = [state(ends) for *_, ends in pairs]
    print(f"{wait} s later: held {states[0]}, orphan {states[1]}, closed by both {states[2]}")
sys.exit(None if states == ["FIN_WAIT_2", "gone", "TIME_WAIT"] else "On this system it is not so.")
