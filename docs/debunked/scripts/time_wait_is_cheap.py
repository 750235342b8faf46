"""A thousand TIME_WAIT hold no descriptor and no inode: not a leak."""
import os, pathlib, socket, sys, time

if sys.platform != "linux":
    sys.exit("This script reads /proc/net/tcp, so it needs Linux.")
before = len(os.listdir("/proc/self/fd"))
with socket.create_server(("127.0.0.1", 0)) as listener:
    port = f":{listener.getsockname()[1]:04X}"
    for _ in range(1000):
        client, (server, _) = socket.create_connection(listener.getsockname()), listener.accept()
        client.close(), server.close()
time.sleep(0.2)
rows = [r.split() for r in pathlib.Path("/proc/net/tcp").read_text().splitlines() if port in r]
inodes = {r[9] for r in rows if r[3] == "06"}
more = len(os.listdir("/proc/self/fd")) - before
print("more than 900 in TIME_WAIT:", len(rows) > 900, "- their inodes:", inodes)
print("descriptors more than before:", more)
print("tcp_tw_recycle on this system:", os.path.exists("/proc/sys/net/ipv4/tcp_tw_recycle"))
sys.exit(None if inodes == {"0"} and not more else "On this system it is not so.")
