"""HTTP/1.1 by hand: what goes over the wire is what a case says, byte for byte."""
import json
import select
import socket
import ssl
import urllib.parse

TIMEOUT = 30


class WireError(Exception):
    """The other side does not speak HTTP, or hung up where it should not."""


class Failed(Exception):
    """A rule does not hold."""


def short(data, n=300):
    return repr(data[:n]) + ("..." if len(data) > n else "")


class Answer:
    """An answer and what it was to; the checks return it, so that they can be chained."""

    def __init__(self, what, status, headers, body, interim=(), version="HTTP/1.1"):
        self.what, self.status, self.headers, self.body = what, status, headers, body
        self.interim = list(interim)
        self.version = version

    # --- what is in it

    def values(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def header(self, name):
        found = self.values(name)
        return ", ".join(found) if found else None

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            self.fail("its body is not JSON")

    def codes(self):
        """Codes of an error's body, none if it has another form."""
        try:
            return [e["code"] for e in json.loads(self.body)["errors"]]
        except (ValueError, KeyError, TypeError):
            return []

    # --- what must be in it

    def fail(self, why):
        raise Failed("%s: %s\n  answered %d %s\n  %s" % (
            self.what[:240], why, self.status, short(self.body),
            "; ".join("%s: %s" % h for h in self.headers)[:900]))

    def must(self, status, *codes):
        """The status (or one of several), and one of these codes as the first error's."""
        allowed = status if isinstance(status, tuple) else (status,)
        if self.status not in allowed:
            self.fail("the status must be " + " or ".join(map(str, allowed)))
        if codes and (not self.codes() or self.codes()[0] not in codes):
            self.fail("the error's code must be " + " or ".join(codes))
        return self

    def refused(self):
        """Some 4xx: the client is told that it is its own fault."""
        if not 400 <= self.status < 500:
            self.fail("it must be refused with 4xx")
        return self

    def has(self, name, value=None):
        """The header is there, once, and is exactly this."""
        found = self.values(name)
        if len(found) != 1:
            self.fail("there must be one header %s, there are %d" % (name, len(found)))
        if value is not None and found[0] != str(value):
            self.fail("%s must be %r" % (name, str(value)))
        return self

    def contains(self, name, text):
        if text not in (self.header(name) or ""):
            self.fail("%s must contain %r" % (name, text))
        return self

    def lacks(self, name):
        if self.values(name):
            self.fail("there must be no header " + name)
        return self

    def is_bytes(self, data):
        if self.body != data:
            self.fail("the body must be %s (%d bytes), it has %d bytes" % (short(data), len(data), len(self.body)))
        return self

    def holds(self, text):
        if text.encode() not in self.body:
            self.fail("the body must contain %r" % text)
        return self

    def says(self, key, value):
        """A member of the JSON body."""
        body = self.json()
        if not isinstance(body, dict) or key not in body or body[key] != value:
            self.fail("%r must be %r" % (key, value))
        return self


class Connection:
    """One connection to a registry; read answers in the order of the requests."""

    def __init__(self, registry):
        self.host = registry.host
        self.data = b""
        self.usable = True
        raw = socket.create_connection((registry.address, registry.port), timeout=TIMEOUT)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = raw
        if registry.tls is not None:
            self.socket = registry.tls.wrap_socket(raw, server_hostname=registry.address)

    def close(self):
        self.usable = False
        self.socket.close()

    def is_stale(self):
        """The other side has closed, or speaks unasked: nothing may be sent here."""
        if not self.usable or self.data:
            return True
        return bool(select.select([self.socket], [], [], 0)[0])

    # --- sending

    def send(self, data):
        """Sends; a peer that answers and closes before it has read all is fine."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.usable = False

    def head(self, method, target, headers=(), version="HTTP/1.1", host=True):
        lines = ["%s %s %s" % (method, target, version)]
        if host:
            lines.append("Host: " + self.host)
        lines += ["%s: %s" % h for h in headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def begin(self, method, target, headers=(), **more):
        self.send(self.head(method, target, headers, **more))

    def chunks(self, data, size=65536):
        """The body in the chunked form, with its end."""
        for i in range(0, len(data), size):
            part = data[i:i + size]
            self.send(b"%x\r\n" % len(part) + part + b"\r\n")
        self.send(b"0\r\n\r\n")

    def request(self, method, target, headers=(), body=None, chunked=False):
        headers = list(headers)
        if chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        elif body is not None:
            headers.append(("Content-Length", len(body)))
        head = self.head(method, target, headers)
        if chunked:
            self.send(head)
            self.chunks(body)
        else:
            self.send(head + (body or b""))
        return self.answer(method, target)

    # --- reading

    def more(self):
        try:
            part = self.socket.recv(1 << 17)
        except (ConnectionResetError, ssl.SSLError) as e:
            raise WireError("the connection broke: %s" % e)
        except socket.timeout:
            raise WireError("no answer for %d seconds" % TIMEOUT)
        self.data += part
        return len(part)

    def line(self):
        while b"\r\n" not in self.data:
            if len(self.data) > 1 << 16 or not self.more():
                raise WireError("the answer breaks off: " + short(self.data))
        line, _, self.data = self.data.partition(b"\r\n")
        return line.decode("latin-1")

    def exactly(self, n):
        while len(self.data) < n:
            if not self.more():
                raise WireError("the body breaks off after %d of %d bytes" % (len(self.data), n))
        part, self.data = self.data[:n], self.data[n:]
        return part

    def rest(self):
        """Whatever comes until the other side closes."""
        while self.more():
            pass
        part, self.data = self.data, b""
        self.usable = False
        return part

    def is_closed(self):
        """Waits for the other side to close; nothing may come before."""
        try:
            return self.rest() == b""
        except WireError:
            return True

    def chunked_body(self):
        parts = []
        while True:
            n = int(self.line().split(";")[0], 16)
            if n == 0:
                break
            parts.append(self.exactly(n))
            if self.line():
                raise WireError("a chunk is longer than it says")
        while self.line():
            pass  # trailers
        return b"".join(parts)

    def one_head(self):
        line = self.line()
        version, _, rest = line.partition(" ")
        if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
            raise WireError("this is no status line: " + short(line))
        headers = []
        while True:
            header = self.line()
            if not header:
                return version, int(rest[:3]), headers
            name, colon, value = header.partition(":")
            if not colon or name != name.strip():
                raise WireError("this is no header: " + short(header))
            headers.append((name, value.strip()))

    def answer(self, method="GET", target="", interim_only=False):
        """The next final answer; interim ones (1xx) are kept beside it."""
        interim = []
        while True:
            version, status, headers = self.one_head()
            answer = Answer("%s %s" % (method, target), status, headers, b"", interim, version)
            if status >= 200 or status == 101:
                break
            interim.append(status)
            if interim_only:
                return answer
        self.read_body(method, answer)
        connection = (answer.header("Connection") or "").lower()
        if "close" in connection or version == "HTTP/1.0" and "keep-alive" not in connection:
            self.usable = False
        return answer

    def read_body(self, method, answer):
        if method == "HEAD" or answer.status in (204, 304):
            return
        if (answer.header("Transfer-Encoding") or "").lower() == "chunked":
            answer.body = self.chunked_body()
        elif answer.values("Content-Length"):
            answer.body = self.exactly(int(answer.values("Content-Length")[0]))
        else:
            answer.body = self.rest()


def parts_of(url):
    """Scheme, host and port of a registry's address."""
    found = urllib.parse.urlsplit(url if "://" in url else "http://" + url)
    if found.scheme not in ("http", "https") or not found.hostname or found.path not in ("", "/"):
        raise ValueError("this is no registry's address: " + url)
    return found.scheme, found.hostname, found.port or {"http": 80, "https": 443}[found.scheme]
