"""SO_REUSEADDR lets a server come back over its TIME_WAIT. It does not let two listen at once."""
import socket, sys, time

def server(reuse, address=("127.0.0.1", 0)):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
    s.bind(address), s.listen()
    return s
def attempt(old, new, gone=True):
    first = server(old)
    client, (end, _) = socket.create_connection(first.getsockname()), first.accept()
    end.close(), time.sleep(0.1), client.close(), time.sleep(0.1)  # the server closes first
    address = first.getsockname(), first.close() if gone else None
    try: return server(new, address[0]).close() or "works"
    except OSError as error: return error.strerror
for old, new in (0, 0), (0, 1), (1, 1):
    print(f"old server {old}, new server {new}:", attempt(old, new))
print("both set, old server still listens:", last := attempt(1, 1, gone=False))
sys.exit(None if attempt(1, 1) == "works" != last else "On this system it is not so.")
