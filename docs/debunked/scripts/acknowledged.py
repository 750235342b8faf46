"""Sent, acknowledged and never read: TCP's success says nothing about the peer's program."""
import socket, struct, sys, time

if sys.platform != "linux":
    sys.exit("This script asks Linux how many bytes are not acknowledged.")
import fcntl
SIOCOUTQ = 0x5411
with socket.create_server(("127.0.0.1", 0)) as listener:
    a, b = socket.create_connection(listener.getsockname()), listener.accept()[0]
print("a: send() reports success for", a.send(bytes(1000)), "bytes")
time.sleep(0.2)
left = struct.unpack("i", fcntl.ioctl(a, SIOCOUTQ, bytes(4)))[0]
print("a: bytes not acknowledged:", left, "- and b's program has not called recv() once")
b.close()
time.sleep(0.2)
error = a.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
print("a: error", error, "after b closed without reading; the 1000 bytes are lost")
sys.exit(None if left == 0 and error else "On this system it is not so.")
