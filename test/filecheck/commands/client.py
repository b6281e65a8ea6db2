"""What lit finds under the name of each command: has the server run it (server.py), and ends as it does.

Started with -I -S, and only with what needs no import path: this runs some 800 times.
"""

import _socket
import os
import sys
from array import array
from json import dumps

HERE = os.path.dirname(os.path.abspath(sys.argv[0]))


def main() -> int:
    request = dumps([sys.argv, os.getcwd(), dict(os.environ)]).encode()
    streams = array("i", [0, 1, 2]).tobytes()
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        # The path of a socket has to be short.
        os.chdir(HERE)
        connection.connect("socket")
        connection.sendmsg([len(request).to_bytes(4)], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
        connection.sendall(request)
        status = connection.recv(1)
    except OSError as error:
        print(f"{sys.argv[0]}: the server of commands is gone: {error}", file=sys.stderr)
        return 1
    if not status:
        print(f"{sys.argv[0]}: was ended before it was done", file=sys.stderr)
        return 1
    return status[0]


sys.exit(main())
