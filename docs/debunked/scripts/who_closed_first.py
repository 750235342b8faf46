"""TIME_WAIT belongs to the end that closed first, whichever called connect()."""
import pathlib, socket, sys, time

if sys.platform != "linux":
    sys.exit("This script reads /proc/net/tcp, so it needs Linux.")
for first in "client", "server":
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client, server = socket.create_connection(listener.getsockname()), listener.accept()[0]
    local = [f"0100007F:{s.getsockname()[1]:04X}" for s in (client, server)]
    ends = dict(zip(local, ("client", "server"), strict=True))
    for end in (client, server) if first == "client" else (server, client):
        end.close()
        time.sleep(0.1)
    rows = map(str.split, pathlib.Path("/proc/net/tcp").read_text().splitlines())
    waits = [ends[row[1]] for row in rows if row[3] == "06" and set(row[1:3]) == set(ends)]
    print(f"the {first} closed first: TIME_WAIT at the", *waits)
    if waits != [first]:
        sys.exit("On this system it is not so.")
