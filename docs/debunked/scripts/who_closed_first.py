"""TIME_WAIT belongs to the end that closed first, whichever called connect()."""
import pathlib, socket, sys, time

if sys.platform != "linux":
    sys.exit("This script reads /proc/net/tcp, so it needs Linux.")
for first in "client", "server":
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    name = {client.getsockname()[1]: "client", server.getsockname()[1]: "server"}
    for end in (client, server) if first == "client" else (server, client):
        end.close()
        time.sleep(0.1)
    rows = map(str.split, pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:])
    ports = [int(row[1][9:], 16) for row in rows if row[3] == "06"]
    waits = [who for port, who in name.items() if port in ports]
    print(f"the {first} closed first: TIME_WAIT at the", *waits)
    if waits != [first]:
        sys.exit("On this system it is not so.")
