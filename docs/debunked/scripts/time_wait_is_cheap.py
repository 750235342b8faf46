"""A thousand TIME_WAIT hold no descriptor and no inode: not a leak."""
import os, pathlib, socket, sys, time

if sys.platform != "linux":
    sys.exit("This script reads /proc/net/tcp, so it needs Linux.")
before = len(os.listdir("/proc/self/fd"))
with socket.create_server(("127.0.0.1", 0)) as listener:
    port = f"{listener.getsockname()[1]:04X}"
    for _ in range(1000):
        with socket.create_connection(listener.getsockname()):
            pass
        listener.accept()[0].close()
time.sleep(0.2)
rows = map(str.split, pathlib.Path("/proc/net/tcp").read_text().splitlines())
inodes = [row[9] for row in rows if row[2].endswith(port) and row[3] == "06"]
more = len(os.listdir("/proc/self/fd")) - before
print("TIME_WAIT, more than 900:", len(inodes) > 900, "- their inodes:", set(inodes))
print("descriptors more than before:", more)
print("this system has tcp_tw_recycle:", os.path.exists("/proc/sys/net/ipv4/tcp_tw_recycle"))
sys.exit(None if set(inodes) == {"0"} and not more else "On this system it is not so.")
