"""CLOSE_WAIT in a pool stops at the size of the pool, however often it is used."""
import pathlib, select, socket, sys, threading, time

if sys.platform != "linux":
    sys.exit("This script reads /proc/net/tcp, so it needs Linux.")
listener, found = socket.create_server(("127.0.0.1", 0)), []
def serve():  # answers, and closes after 0.3 idle seconds
    with listener.accept()[0] as s:
        while select.select([s], [], [], 0.3)[0] and s.recv(100):
            s.send(b"ok")
def connect():
    threading.Thread(target=serve, daemon=True).start()
    return socket.create_connection(listener.getsockname())
pool = [connect() for _ in range(3)]
for n in range(1, 121):
    pool[n % 3].send(b"?")  # the pool looks at a connection only when it uses it
    pool[n % 3] = pool[n % 3] if pool[n % 3].recv(2) else connect()
    if n % 30 == 0:
        time.sleep(0.6)  # a rest, longer than the server's limit
        found.append(pathlib.Path("/proc/net/tcp").read_text().count(f":{listener.getsockname()[1]:04X} 08"))
        print(f"{n} uses of a pool of 3: CLOSE_WAIT", found[-1])
sys.exit(None if found == [3] * 4 else "On this system it is not so.")
