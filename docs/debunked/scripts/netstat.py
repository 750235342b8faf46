"""An orphan, an unaccepted connection and a descriptor after a reset: the table of sockets says little."""
import os, pathlib, socket, sys, time

if sys.platform != "linux":
    sys.exit("This script reads /proc/net/tcp, so it needs Linux.")
listener, found = socket.create_server(("127.0.0.1", 0)), []
a = socket.create_connection(listener.getsockname())
ends = [f"0100007F:{s.getsockname()[1]:04X}" for s in (a, listener)]
def show(what, local):  # an inode of 0 says that no process holds the socket
    time.sleep(0.1)
    rows = map(str.split, pathlib.Path("/proc/net/tcp").read_text().splitlines())
    rows = (f"state {r[3]}, {'no process' if r[9] == '0' else 'a process'}" for r in rows if r[1:3] == local)
    found.append(next(rows, "no row"))
    print(f"{what}: {found[-1]}")
show("connected, but not accepted", ends[::-1])
b = listener.accept()[0]
a.close()
show("closed, and b has not: an orphan", ends)
b.send(b"late")  # nobody can read it, so b is reset
show(f"b after the reset, its descriptor open is {bool(os.fstat(b.fileno()))}", ends[::-1])
sys.exit(None if found == ["state 01, no process", "state 05, no process", "no row"] else "Not so here.")
