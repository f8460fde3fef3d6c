"""The requests of a push, each as a scenario that a fault can hit.

A scenario is made for one run: it brings the registry to the point before
its request and knows what was acknowledged until then. request() sends it;
after() looks, whether or not that worked, that nothing acknowledged is lost,
and that a client who goes on gets what it wanted.
"""
import os

from pusher import digest_of, image

SIZE = 300000  # some reads of a body


class Scenario:
    wanted = 201  # the status without a fault

    def __init__(self, stack, pusher):
        self.stack, self.p = stack, pusher
        self.data = os.urandom(SIZE)
        self.digest = digest_of(self.data)
        self.prepare()

    def prepare(self):
        pass

    def finish_upload(self, acknowledged):
        """The upload is as far as was acknowledged, and can be finished."""
        offset = self.p.offset(self.location)
        if offset is None:
            # only a finish may have ended it
            assert self.p.finish(self.location, self.digest).status == 201
        else:
            assert acknowledged <= offset <= SIZE
            assert self.p.until("finish", lambda: self.p.go_on(self.location, self.data, self.digest))
        self.check()

    def check(self):
        self.p.check_blob(self.data)


class Start(Scenario):
    wanted = 202

    def request(self):
        return self.p.request("POST", "blobs/uploads/")

    def after(self):
        self.p.blob(self.data)
        self.check()


class Whole(Scenario):
    """One POST with the body and its digest."""

    def request(self):
        return self.p.request("POST", "blobs/uploads/?digest=" + self.digest, self.data)

    def after(self):
        self.p.persist("post", (201,), self.request)
        self.check()


class FirstAppend(Scenario):
    wanted = 202
    before = 0

    def prepare(self):
        self.location = self.p.start()
        self.id = self.location.partition("?")[0].rpartition("/")[2].replace("-", "")
        if self.before > 0:
            assert self.p.append(self.location, self.data[:self.before]).status == 202

    def set_upload(self, change):
        self.stack.sql("UPDATE upload SET %s WHERE id = UNHEX('%s')" % (change, self.id))

    def request(self):
        return self.p.append(self.location, self.data[self.before:])

    def after(self):
        self.finish_upload(self.before)


class Append(FirstAppend):
    before = 100000


class Rehash(Append):
    """What a crash before the bytes were recorded leaves, and no saved hash: all is read again."""

    def prepare(self):
        super().prepare()
        self.before = 60000
        self.set_upload("received = %d, hash_state = NULL" % self.before)


class TakeOver(Append):
    """The writer before did not give its lease back in time."""

    def prepare(self):
        super().prepare()
        self.set_upload("lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND")


class FinishWithBody(Append):
    wanted = 201

    def request(self):
        return self.p.finish(self.location, self.digest, self.data[self.before:])


class Finish(Append):
    """As docker does: all bytes are there, and an empty PUT ends it."""
    wanted = 201
    before = SIZE

    def request(self):
        return self.p.finish(self.location, self.digest)


class FinishTakeOver(TakeOver):
    wanted = 201
    before = SIZE

    def request(self):
        return self.p.finish(self.location, self.digest)


class FinishSha512(Finish):
    def prepare(self):
        super().prepare()
        self.digest = digest_of(self.data, "sha512")

    def check(self):
        self.p.check_blob(self.data)
        self.p.check_blob(self.data, "sha512")


class FinishKnown(Finish):
    """The same bytes are a blob of this repository already."""

    def prepare(self):
        self.p.blob(self.data)
        super().prepare()


class FinishEmpty(FirstAppend):
    """A blob without a byte, for which no file was made before."""
    wanted = 201

    def prepare(self):
        self.data = b""
        self.digest = digest_of(b"")
        super().prepare()

    def request(self):
        return self.p.finish(self.location, self.digest)


class Cancel(Append):
    wanted = 204

    def request(self):
        return self.p.request("DELETE", self.location)

    def after(self):
        self.p.persist("cancel", (204, 404), self.request)
        assert self.p.offset(self.location) is None


class Manifest(Scenario):
    """A tag moves to a new image."""

    def prepare(self):
        self.config, self.layer = os.urandom(100), self.data
        self.old = image(self.config, [])
        self.new = image(self.config, [self.layer])
        self.p.blob(self.config)
        self.p.blob(self.layer)
        assert self.p.put("moving", self.old).status == 201

    def request(self):
        return self.p.put("moving", self.new)

    def after(self):
        self.p.check_image(digest_of(self.old), self.old)
        tagged = self.p.request("GET", "manifests/moving")
        assert (tagged.status, tagged.body in (self.old, self.new)) == (200, True)
        self.p.persist("put", (201,), self.request)
        self.p.check_image("moving", self.new)
        self.p.check_image(digest_of(self.old), self.old)


class ManifestByDigest(Manifest):
    def request(self):
        return self.p.put(digest_of(self.new), self.new)

    def after(self):
        self.p.persist("put", (201,), self.request)
        self.p.check_image("moving", self.old)
        self.p.check_image(digest_of(self.new), self.new)


class DeleteManifest(Manifest):
    wanted = 202

    def request(self):
        return self.p.request("DELETE", "manifests/" + digest_of(self.old))

    def after(self):
        self.p.persist("delete", (202, 404), self.request)
        for reference in (digest_of(self.old), "moving"):
            assert self.p.request("GET", "manifests/" + reference).status == 404
        self.p.persist("put", (201,), self.p.put, "moving", self.new)
        self.p.check_image("moving", self.new)


class DeleteTag(Manifest):
    wanted = 202

    def request(self):
        return self.p.request("DELETE", "manifests/moving")

    def after(self):
        self.p.persist("delete", (202, 404), self.request)
        assert self.p.request("GET", "manifests/moving").status == 404
        self.p.check_image(digest_of(self.old), self.old)


class DeleteBlob(Scenario):
    wanted = 202

    def prepare(self):
        self.p.blob(self.data)

    def request(self):
        return self.p.request("DELETE", "blobs/" + self.digest)

    def after(self):
        self.p.persist("delete", (202, 404), self.request)
        assert self.p.request("GET", "blobs/" + self.digest).status == 404
        self.p.blob(self.data)
        self.check()


class Mount(Scenario):
    """Needs a pusher that may pull from its other repository."""

    def prepare(self):
        self.p.source.blob(self.data)

    def request(self):
        return self.p.request("POST", "blobs/uploads/?mount=%s&from=%s" % (self.digest, self.p.source.repo))

    def after(self):
        self.p.persist("mount", (201,), self.request)
        self.check()


MAIN = (Start, Whole, FirstAppend, TakeOver, FinishWithBody, Finish, Manifest)
MORE = (FinishKnown, Cancel, ManifestByDigest, DeleteManifest, DeleteTag, DeleteBlob, Mount)
LEFT = (Append, Rehash, FinishTakeOver, FinishSha512, FinishEmpty)
# those that touch the store
WRITING = (Whole, FirstAppend, Append, Rehash, TakeOver, FinishWithBody, FinishTakeOver, FinishSha512, FinishEmpty)
