"""A repository of the registry as a client sees it, and requests that take their time."""
import hashlib

import stack as stack_module


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Repository:
    def __init__(self, stack, name):
        self.stack, self.name = stack, name
        self.auth = stack.bearer("repository:%s:pull,push" % name, user="alice")

    def path(self, rest):
        return "/v2/%s/%s" % (self.name, rest)

    def request(self, method, path, body=None, headers=(), **more):
        return self.stack.request(method, path, [*self.auth, *headers], body, **more)

    def start(self):
        answer = self.request("POST", self.path("blobs/uploads/"), b"")
        assert answer.status == 202, answer.body
        return answer.header("location")

    def finish(self, location, data):
        """All of it was sent: after this the blob is there."""
        answer = self.request("PUT", location + "&digest=" + digest_of(data), b"")
        assert answer.status == 201, answer.body
        assert answer.header("location") == self.path("blobs/" + digest_of(data))
        assert self.pull(data).status == 200

    def pull(self, data, headers=()):
        answer = self.request("GET", self.path("blobs/" + digest_of(data)), headers=headers)
        assert answer.status != 200 or answer.body == data
        return answer

    def push(self, data):
        answer = self.request("POST", self.path("blobs/uploads/?digest=" + digest_of(data)), data)
        assert answer.status == 201, answer.body
        return digest_of(data)

    def offset(self, location):
        answer = self.request("GET", location)
        assert answer.status == 204, answer.body
        last = int(answer.header("range").split("-")[1])
        return last + 1 if last > 0 else 0


class Sending:
    """A request whose body is sent piece by piece."""

    def __init__(self, repo, method, target, length=None):
        self.method, self.length = method, length
        self.socket = repo.stack.connect()
        lines = ["%s %s HTTP/1.1" % (method, target), "Host: " + repo.stack.host, "Connection: close"]
        lines += ["%s: %s" % header for header in repo.auth]
        lines.append("Transfer-Encoding: chunked" if length is None else "Content-Length: %d" % length)
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def send(self, data):
        self.socket.sendall(data if self.length is not None else b"%x\r\n%s\r\n" % (len(data), data))

    def answer(self):
        if self.length is None:
            self.socket.sendall(b"0\r\n\r\n")
        with self.socket:
            return stack_module.read_answer(self.socket, self.method)

    def abort(self):
        self.socket.close()
