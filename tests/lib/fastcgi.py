"""A FastCGI client over a unix socket (FastCGI specification 1.0)."""
import socket
import struct

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = 1, 2, 3, 4, 5, 6, 7
KEEP = 1


def record(kind, body, request_id=1):
    pad = -len(body) % 8
    return struct.pack(">BBHHBB", 1, kind, request_id, len(body), pad, 0) + body + b"\0" * pad


def pair(name, value):
    out = b""
    for text in (name, value):
        out += bytes([len(text)]) if len(text) < 128 else struct.pack(">I", len(text) | 1 << 31)
    return out + name + value


def params(values):
    data = b"".join(pair(k.encode(), v.encode("latin-1")) for k, v in values.items())
    out = b""
    for i in range(0, len(data), 65528):
        out += record(PARAMS, data[i:i + 65528])
    return out + record(PARAMS, b"")


def request_params(method, target, headers=(), length=None, remote="127.0.0.1"):
    values = {
        "REQUEST_METHOD": method, "REQUEST_URI": target, "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": remote, "CONTENT_LENGTH": "" if length is None else str(length),
    }
    for name, value in headers:
        key = name.upper().replace("-", "_")
        values[key if key == "CONTENT_TYPE" else "HTTP_" + key] = value
    return values


class Connection:
    def __init__(self, path, timeout=60):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)

    def close(self):
        self.socket.close()

    def begin(self, values, keep=False):
        self.socket.sendall(record(BEGIN, struct.pack(">HB5x", 1, KEEP if keep else 0)) + params(values))

    def body(self, data, size=32768):
        for i in range(0, len(data), size):
            self.socket.sendall(record(STDIN, data[i:i + size]))

    def end_body(self):
        self.socket.sendall(record(STDIN, b""))

    def read(self, n):
        data = bytearray(n)
        rest = memoryview(data)
        while rest:
            got = self.socket.recv_into(rest)
            if got == 0:
                raise OSError("connection closed in a record")
            rest = rest[got:]
        return bytes(data)

    def answer(self):
        """Status, headers in lower case, body."""
        out = bytearray()
        while True:
            _, kind, _, length, pad, _ = struct.unpack(">BBHHBB", self.read(8))
            body = self.read(length)
            self.read(pad)
            if kind == STDOUT:
                out += body
            elif kind == END:
                return parse(bytes(out))

    def request(self, method, target, headers=(), body=None, chunked=False, keep=False, size=32768):
        length = None if body is None or chunked else len(body)
        self.begin(request_params(method, target, headers, length), keep)
        try:
            if body:
                self.body(body, size)
            self.end_body()
        except OSError:
            pass  # answered before all was sent
        return self.answer()


def parse(out):
    head, _, body = out.partition(b"\r\n\r\n")
    headers = {}
    status = 200
    for line in head.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    if "status" in headers:
        status = int(headers["status"].split()[0])
    return status, headers, body


def ask(path, method, target, headers=(), body=None, chunked=False, size=32768):
    connection = Connection(path)
    try:
        return connection.request(method, target, headers, body, chunked, size=size)
    finally:
        connection.close()
