"""CLOSING comes when two FINs cross, not when one segment carries a FIN and an ACK."""
import pathlib, socket, sys, time

if sys.platform != "linux":
    sys.exit("This script reads /proc/net/tcp, so it needs Linux.")
seen = []
for crossing in True, False:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        a, b = socket.create_connection(listener.getsockname()), listener.accept()[0]
    a.setblocking(False)
    a.send(bytes(200_000) if crossing else b"x")  # too much for b's window: a's FIN must wait behind it
    a.shutdown(socket.SHUT_WR)
    b.shutdown(socket.SHUT_WR)  # b's FIN carries an ACK in both cases
    time.sleep(0.2)
    ends = [f"0100007F:{s.getsockname()[1]:04X}" for s in (a, b)]
    rows = map(str.split, pathlib.Path("/proc/net/tcp").read_text().splitlines())
    seen.append(next((r[3] for r in rows if r[1:3] == ends), "gone"))
    print("b's FIN came", "before" if crossing else "after ", "it had a's: a is in state", seen[-1])
print("0B is CLOSING, 06 is TIME_WAIT")
sys.exit(None if seen == ["0B", "06"] else "On this system it is not so.")
