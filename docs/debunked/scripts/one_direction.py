"""A FIN ends one direction. In FIN_WAIT_2 the other one still carries a megabyte."""
import pathlib, socket, sys, threading, time

if sys.platform != "linux":
    sys.exit("This script reads /proc/net/tcp, so it needs Linux.")
with socket.create_server(("127.0.0.1", 0)) as listener:
    a, b = socket.create_connection(listener.getsockname()), listener.accept()[0]
ends = [f"0100007F:{s.getsockname()[1]:04X}" for s in (a, b)]
a.shutdown(socket.SHUT_WR)
print("b reads", b.recv(1), "- the end of what a has to say")
time.sleep(0.1)
rows = map(str.split, pathlib.Path("/proc/net/tcp").read_text().splitlines())
print("a is in state", next(row[3] for row in rows if row[1:3] == ends), "- 05 is FIN_WAIT_2")
threading.Thread(target=lambda: (b.sendall(bytes(1_000_000)), b.close())).start()
got = sum(iter(lambda: len(a.recv(65536)), 0))
print("after its own FIN, a received", got, "bytes, and then b's FIN")
sys.exit(None if got == 1_000_000 else "On this system it is not so.")
