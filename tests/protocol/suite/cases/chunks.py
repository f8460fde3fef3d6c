"""Uploads by chunks with Content-Range."""
from ..case import choice, digest_of, rule, same, with_query

DATA = b"0123456789" * 3
DIGEST = digest_of(DATA)


def begun(t, n=10):
    """An upload whose first n bytes have arrived."""
    return t.chunk(t.upload(), 0, DATA[:n]).must(202).header("Location")


@rule("chunk: the first is taken and its range told")
def _(t):
    t.chunk(t.upload(), 0, DATA[:10]).must(202).has("Range", "0-9")


@rule("chunk: the next goes on where the last ended")
def _(t):
    t.chunk(begun(t), 10, DATA[10:20]).must(202).has("Range", "0-19")


@rule("chunk: a PUT without a body finishes")
def _(t):
    location = t.chunk(begun(t), 10, DATA[10:]).must(202).header("Location")
    t.finish(location, DIGEST).must(201)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@rule("chunk: the last may come with the PUT")
def _(t):
    t.finish(begun(t), DIGEST, DATA[10:], ("Content-Range", "10-29")).must(201)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@rule("chunk: the whole may come with the PUT")
def _(t):
    t.finish(t.upload(), DIGEST, DATA, ("Content-Range", "0-29")).must(201)


@rule("chunk: one byte is a chunk")
def _(t):
    location = t.chunk(t.upload(), 0, b"a").must(202).has("Range", "0-0").header("Location")
    t.chunk(location, 1, b"b").must(202).has("Range", "0-1")


@rule("chunk: thirty of one byte are the blob")
def _(t):
    location = t.upload()
    for n in range(len(DATA)):
        location = t.chunk(location, n, DATA[n:n + 1]).must(202).header("Location")
    t.finish(location, DIGEST).must(201)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@rule("chunk: large ones are the blob")
def _(t):
    data, size = bytes(range(256)) * 3000, 300000
    location = t.upload()
    for first in range(0, len(data), size):
        location = t.chunk(location, first, data[first:first + size]).must(202).header("Location")
    t.finish(location, digest_of(data)).must(201)
    t.blob(digest_of(data)).must(200).is_bytes(data)


@rule("chunk: asked between, the upload tells its range")
def _(t):
    t.request("GET", begun(t)).must(204).has("Range", "0-9")


@rule("chunk: a gap is 416")
def _(t):
    t.chunk(begun(t), 15, DATA[15:20]).must(416)


@rule("chunk: a first one that is not at 0 is 416")
def _(t):
    t.chunk(t.upload(), 5, DATA[5:10]).must(416)


@rule("chunk: one sent twice is 416")
def _(t):
    location = begun(t)
    t.chunk(location, 0, DATA[:10]).must(416)


@rule("chunk: one that overlaps is 416")
def _(t):
    t.chunk(begun(t), 5, DATA[5:15]).must(416)


@choice("chunk: 416 is RANGE_INVALID")
def _(t):
    t.chunk(begun(t), 15, DATA[15:20]).must(416, "RANGE_INVALID")


@choice("chunk: 416 tells where the upload is and how far")
def _(t):
    answer = t.chunk(begun(t), 15, DATA[15:20]).must(416)
    answer.has("Range", "0-9").contains("Location", "/blobs/uploads/")


@rule("chunk: after 416 the upload is as it was")
def _(t):
    location = begun(t)
    t.chunk(location, 15, DATA[15:20]).must(416)
    t.request("GET", location).must(204).has("Range", "0-9")


@rule("chunk: after 416 the right one is taken")
def _(t):
    location = begun(t)
    t.chunk(location, 15, DATA[15:20]).must(416)
    location = t.chunk(location, 10, DATA[10:]).must(202).header("Location")
    t.finish(location, DIGEST).must(201)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@rule("chunk: a PUT with a gap is 416")
def _(t):
    t.finish(begun(t), DIGEST, DATA[15:], ("Content-Range", "15-29")).must(416)


@rule("chunk: a PUT at 0 after others is 416")
def _(t):
    t.finish(begun(t), DIGEST, DATA, ("Content-Range", "0-29")).must(416)


@rule("chunk: after a PUT with 416 its address can be asked")
def _(t):
    location = with_query(begun(t), digest=DIGEST)
    t.request("PUT", location, [("Content-Range", "15-29")], DATA[15:]).must(416)
    t.request("GET", location).must(204).has("Range", "0-9")


@rule("chunk: after a PUT with 416 the right one finishes")
def _(t):
    location = begun(t)
    t.finish(location, DIGEST, DATA[15:], ("Content-Range", "15-29")).must(416)
    t.finish(location, DIGEST, DATA[10:], ("Content-Range", "10-29")).must(201)
    t.blob(DIGEST).must(200).is_bytes(DATA)


@choice("chunk: one that ends before it begins is 416")
def _(t):
    t.patch(t.upload(), DATA[:5], ("Content-Range", "5-0")).must(416, "RANGE_INVALID")


@choice("chunk: less than the range says is 400 SIZE_INVALID")
def _(t):
    location = t.upload()
    t.patch(location, DATA[:5], ("Content-Range", "0-9")).must(400, "SIZE_INVALID")
    t.request("GET", location).must(204).has("Range", "0-0")


@choice("chunk: more than the range says is 400 SIZE_INVALID")
def _(t):
    location = t.upload()
    t.patch(location, DATA[:10], ("Content-Range", "0-4")).must(400, "SIZE_INVALID")
    t.request("GET", location).must(204).has("Range", "0-0")


LONG = bytes(range(256)) * 1200  # too long for a web server to count it first


@choice("chunk: without a length, more than the range says is 400 and not kept")
def _(t):
    location = t.upload()
    t.patch(location, LONG, ("Content-Range", "0-99"), chunked=True).must(400, "SIZE_INVALID")
    t.request("GET", location).must(204).has("Range", "0-0")


@choice("chunk: without a length, less than the range says is 400 and not kept")
def _(t):
    location = t.upload()
    t.patch(location, LONG, ("Content-Range", "0-%d" % len(LONG)), chunked=True).must(400, "SIZE_INVALID")
    t.request("GET", location).must(204).has("Range", "0-0")


@rule("chunk: what was refused is no part of the blob")
def _(t):
    location = t.upload()
    t.patch(location, LONG).must(202)
    headers = ("Content-Range", "%d-%d" % (len(LONG), 2 * len(LONG)))
    t.patch(location, LONG, headers, chunked=True)  # a byte too short
    location = t.request("GET", location).must(204).has("Range", "0-%d" % (len(LONG) - 1)).header("Location")
    t.finish(location, digest_of(LONG)).must(201)
    t.blob(digest_of(LONG)).must(200).is_bytes(LONG)


@rule("chunk: without a length, as much as the range says is taken")
def _(t):
    t.patch(t.upload(), DATA[:10], ("Content-Range", "0-9"), chunked=True).must(202).has("Range", "0-9")


@choice("chunk: a range of words is refused and the upload stays")
def _(t):
    location = t.upload()
    t.patch(location, DATA[:5], ("Content-Range", "first to last")).must((400, 416))
    t.finish(location, DIGEST, DATA).must(201)


@choice("chunk: a range of more than 64 bits is refused")
def _(t):
    t.patch(t.upload(), DATA[:5], ("Content-Range", "0-99999999999999999999999")).must((400, 416))


@choice("chunk: a range far away is refused")
def _(t):
    t.patch(t.upload(), DATA[:5], ("Content-Range", "9223372036854775802-9223372036854775806")).must(416)


@choice("chunk: the form of HTTP, with unit and total, is understood")
def _(t):
    t.patch(t.upload(), DATA[:10], ("Content-Range", "bytes 0-9/30")).must(202).has("Range", "0-9")


@choice("chunk: the form of HTTP with a gap is 416")
def _(t):
    t.patch(begun(t), DATA[15:20], ("Content-Range", "bytes 15-19/30")).must(416)


@rule("chunk: two uploads do not mix")
def _(t):
    first, second = begun(t), begun(t, 5)
    first = t.chunk(first, 10, DATA[10:]).must(202).header("Location")
    second = t.chunk(second, 5, DATA[5:7]).must(202).header("Location")
    t.finish(first, DIGEST).must(201)
    t.finish(second, digest_of(DATA[:7])).must(201)
    same(t.blob(digest_of(DATA[:7])).must(200).body, DATA[:7], "the second blob")
