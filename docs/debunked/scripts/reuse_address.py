"""SO_REUSEADDR lets a server come back over its TIME_WAIT, if the old one had it too."""
import socket, sys, time

def server(reuse, address):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
    s.bind(address)
    s.listen()
    return s
def restart(old, new):
    with server(old, ("127.0.0.1", 0)) as first, socket.create_connection(first.getsockname()):
        address = first.getsockname()
        first.accept()[0].close()  # the server closes first: TIME_WAIT sits on its port
        time.sleep(0.1)
    try:
        server(new, address).close()
    except OSError as error:
        return error.strerror
    return "works"
answers = [restart(old, new) for old, new in ((0, 0), (0, 1), (1, 1))]
print("neither set: {}\nonly the new one: {}\nold and new: {}".format(*answers))
sys.exit(None if answers[0] != "works" == answers[2] else "On this system it is not so.")
