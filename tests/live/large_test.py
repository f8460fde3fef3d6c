"""Large layers and images of many layers: 300 MB, with DTR_LONG=1 5 GB, streamed without a length as docker does."""
import hashlib
import json
import os
import re
import socket

import stack as stack_module
from policy_test import MANIFEST, Repository, digest_of

SIZE = 5 << 30 if os.environ.get("DTR_LONG") == "1" else 300 << 20
PART = 4 << 20


def parts(size):
    """Never the same part twice."""
    noise = os.urandom(PART)
    for i in range(size // PART):
        yield i.to_bytes(8, "big") + noise[8:]


class Wire:
    """One TLS connection, for bodies that do not fit into memory."""

    def __init__(self, stack):
        raw = socket.create_connection(("127.0.0.1", stack.port), timeout=300)
        self.host = stack.host
        self.socket = stack.tls().wrap_socket(raw, server_hostname="localhost")

    def head(self, method, path, headers):
        lines = ["%s %s HTTP/1.1" % (method, path), "Host: " + self.host, "Connection: close"]
        self.socket.sendall(("\r\n".join(lines + ["%s: %s" % h for h in headers]) + "\r\n\r\n").encode())

    def send_chunked(self, path, headers, size):
        """PATCH; the answer, and the digest of what was sent."""
        self.head("PATCH", path, list(headers) + [("Transfer-Encoding", "chunked")])
        digest = hashlib.sha256()
        for part in parts(size):
            digest.update(part)
            self.socket.sendall(b"%x\r\n" % len(part) + part + b"\r\n")
        self.socket.sendall(b"0\r\n\r\n")
        return stack_module.read_answer(self.socket, "PATCH"), "sha256:" + digest.hexdigest()

    def receive(self, path, headers):
        """GET; status, and length and digest of the body."""
        self.head("GET", path, headers)
        file = self.socket.makefile("rb")
        status, length, digest = int(file.readline().split()[1]), 0, hashlib.sha256()
        while file.readline().strip():
            pass
        while part := file.read(PART):
            length += len(part)
            digest.update(part)
        return status, length, "sha256:" + digest.hexdigest()


def test_a_large_layer_streams_in_and_out(own_stack):
    repository = Repository(own_stack, "admin/large")
    location = repository.ask("POST", "blobs/uploads/").header("Location")
    answer, digest = Wire(own_stack).send_chunked(location, repository.auth, SIZE)
    assert answer.status == 202 and answer.header("Range") == "0-%d" % (SIZE - 1)
    put = own_stack.request("PUT", answer.header("Location") + "&digest=" + digest, repository.auth, timeout=900)
    assert put.status == 201, put.body
    path = "/v2/admin/large/blobs/" + digest
    assert Wire(own_stack).receive(path, repository.auth) == (200, SIZE, digest)
    tail = repository.ask("GET", "blobs/" + digest, [("Range", "bytes=%d-" % (SIZE - 10))])
    assert tail.status == 206 and len(tail.body) == 10
    # nothing of it is left on the web server's disk
    temporary = [f for _, _, files in os.walk(own_stack.webserver.path()) for f in files if re.search(r"\d{5}", f)]
    assert temporary == []


def test_an_image_of_200_layers(stack):
    repository = Repository(stack, "admin/layers")
    config = b'{"layers":200}'
    layers = [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": repository.blob(b"layer %d" % i),
               "size": len(b"layer %d" % i)} for i in range(200)]
    image = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "layers": layers, "config": {
        "mediaType": "application/vnd.oci.image.config.v1+json", "digest": repository.blob(config),
        "size": len(config)}}).encode()
    assert repository.put("all", image).status == 201
    assert repository.ask("GET", "manifests/all").body == image
    assert stack.sql("SELECT COUNT(*) FROM manifest_blob mb JOIN manifest m ON m.id = mb.manifest_id"
                     " WHERE m.digest = UNHEX('%s')" % digest_of(image)[7:]) == [["201"]]
    refused = repository.ask("DELETE", "blobs/" + layers[150]["digest"])
    assert refused.status == 405 and digest_of(image).encode() in refused.body
