"""The web servers in front of the programs: each with the configuration that conf/ has for it.

A web server belongs to a Stack (stack.py), listens on the stack's port of
loopback, and keeps its files in a folder named after it below the stack's.
"""
import os
import re
import socket
import subprocess
import urllib.parse

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def is_utf8(target):
    try:
        urllib.parse.unquote(target, errors="strict")
        return True
    except UnicodeDecodeError:
        return False


class WebServer:
    """What is common. start() it, use it, stop() it; the same one can be started again."""

    sendfile = "none"  # how the programs hand large blobs over to it
    settings = ()  # of dtr.conf, beside that
    keeps_bodies = False  # one without a length goes on only when it has come as a whole
    broken = (502,)  # what it says when a program dies in the middle of a request
    turns_away = False  # others as well, for a while after that
    streams_forms = False  # they go on as they come
    spools_answers = True  # for clients that read slowly
    token_max = 28000  # the largest token that reaches the programs
    own_words = ()  # cases of tests/protocol that it answers itself, and in another way
    refuses_odd_bytes = False  # by itself, and so without our error
    folders = ()
    by_root = False

    def __init__(self, stack):
        self.stack = stack
        self.port = stack.port
        self.process = None

    def path(self, *names):
        return self.stack.path(self.name, *names)

    def values(self):
        """What the words between @ signs stand for."""
        stack = self.stack
        return {
            "dir": self.path(), "run_dir": stack.path("run"), "listen": self.listen(), "server_name": "localhost",
            "certificate": stack.path("tls/server.crt"), "certificate_key": stack.path("tls/server.key"),
            "registry_socket": stack.path("run/registry.sock"), "upload_socket": stack.path("run/upload.sock"),
            "garant_socket": stack.path("run/garant.sock"), "api_socket": stack.path("run/api.sock"),
            "blobs": stack.storage,
        }

    def configure(self):
        for folder in ("", *self.folders):
            os.makedirs(self.path(folder), exist_ok=True)
        with open(os.path.join(TOP, "conf", self.template)) as f:
            text = f.read()
        if not self.by_root:
            text = re.sub(r"^user .*\n", "", text, flags=re.M)  # of nginx
        values = self.values()
        with open(self.conf(), "w") as f:
            f.write(re.sub(r"@(\w+)@", lambda m: values[m.group(1)], text))

    def conf(self):
        return self.stack.path(self.name + ".conf")

    def start(self):
        self.configure()
        self.stack.own()
        with open(self.path("output"), "w") as f:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=f, stderr=f,
                                            **({} if self.by_root else self.stack.as_user()))

    def check(self):
        """It has not ended by itself."""
        if self.process.poll() is not None:
            with open(self.path("output"), errors="replace") as f:
                raise AssertionError("%s has ended: %s" % (self.name, f.read() + self.errors()))

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)

    def forgive(self, method, target, answer):
        """What it is known to say in its own way is taken for what the programs said."""

    def errors(self):
        """Its error log."""
        if not os.path.exists(self.path("error.log")):
            return ""
        with open(self.path("error.log"), errors="replace") as f:
            return f.read()


class NginxServer(WebServer):
    name = "nginx"
    template = "nginx.conf.in"
    sendfile = "accel"

    def listen(self):
        return "listen 127.0.0.1:%d ssl http2; listen [::1]:%d ssl http2;" % (self.port, self.port)

    def command(self):
        return ["/usr/sbin/nginx", "-e", self.path("error.log"), "-p", self.path(), "-c", self.conf(),
                "-g", "daemon off;"]


class RootNginx(NginxServer):
    """nginx as an administrator starts it, beside the stack's own web server."""

    name = "root-nginx"
    by_root = True

    def __init__(self, stack):
        super().__init__(stack)
        self.port = free_port()


class LighttpdServer(WebServer):
    name = "lighttpd"
    template = "lighttpd.conf.in"
    sendfile = "xsendfile"
    keeps_bodies = True
    refuses_odd_bytes = True
    broken = (500, 503)
    turns_away = True
    folders = ("body", "empty")
    # what it refuses by itself, in its own words
    own_words = ("name: bytes that are no UTF-8 in it is 400 NAME_INVALID",
                 "connection: empty lines before a request are skipped",
                 # 411
                 "upload-post: a digest without a body or its length is an upload, and no blob",
                 # it applies ranges to what the programs send, and reads them in its own way
                 "blob-get: a range of letters is ignored", "blob-get: a range without numbers is ignored",
                 "blob-get: a range with a sign is ignored")

    def listen(self):
        return 'server.bind = "127.0.0.1"\nserver.port = %d\n' \
            '$SERVER["socket"] == "[::1]:%d" { ssl.engine = "enable" }' % (self.port, self.port)

    def command(self):
        return ["/usr/sbin/lighttpd", "-D", "-f", self.conf()]

    def forgive(self, method, target, answer):
        if answer.status == 501 and method == "BREW":
            answer.status = 405
        if answer.status == 404 and not is_utf8(target):
            answer.status = 400


class ApacheServer(WebServer):
    name = "apache"
    template = "apache.conf.in"
    sendfile = "xsendfile"
    broken = (502, 503)
    streams_forms = True
    spools_answers = False
    token_max = 16000  # one byte more than 16 kB and the programs see no token at all
    # it leaves out a length of 0 after HEAD, and takes any version
    own_words = ("blob-head: an empty blob has length 0", "framing: a version of HTTP that is none is refused")

    def listen(self):
        return "Listen 127.0.0.1:%d\nListen [::1]:%d" % (self.port, self.port)

    def values(self):
        return dict(super().values(), port=str(self.port))

    def command(self):
        return ["/usr/sbin/apache2", "-d", self.path(), "-f", self.conf(), "-DFOREGROUND"]

    def forgive(self, method, target, answer):
        if answer.status == 404 and "%00" in target:
            answer.status = 400
        if method == "HEAD" and answer.header("content-length") is None:
            answer.headers["content-length"] = "0"


class Balancer(WebServer):
    """A load balancer that ends TLS, in front of a node that speaks plain HTTP."""

    name = "balancer"
    template = "load-balancer.conf.in"
    sendfile = "accel"
    settings = (("node.trusted_proxies", "127.0.0.1"),)

    def __init__(self, stack):
        super().__init__(stack)
        self.node = PlainNginx(stack, free_port())

    def listen(self):
        return "listen 127.0.0.1:%d ssl http2; listen [::1]:%d ssl http2;" % (self.port, self.port)

    def values(self):
        return dict(super().values(), nodes="server 127.0.0.1:%d;" % self.node.port)

    def command(self):
        return NginxServer.command(self)

    def start(self):
        self.node.start()
        super().start()

    def stop(self):
        super().stop()
        self.node.stop()


class PlainNginx(NginxServer):
    """A node's own web server behind a load balancer."""

    name = "node"

    def __init__(self, stack, port):
        super().__init__(stack)
        self.port = port

    def listen(self):
        return "listen 127.0.0.1:%d;" % self.port


ALL = (LighttpdServer, ApacheServer, Balancer, NginxServer)
BY_NAME = {server.name: server for server in ALL}
