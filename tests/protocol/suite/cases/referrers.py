"""Manifests that refer to another (OCI distribution spec 1.1, "Listing Referrers")."""
from .. import images
from ..case import MISSING, MISSING_512, choice, coded, digest_of, rule, same, true
from .tags import next_of

SIGNATURE = "application/x.protocol-suite.signature"
BOM = "application/x.protocol-suite.bom+json"


def subject_of(t, **annotations):
    """A small image to refer to: its descriptor."""
    data = images.dumps(t.small(**annotations))
    t.put(digest_of(data), data).must(201)
    return images.descriptor(digest_of(data), len(data), images.MANIFEST)


def attach(t, subject, artifact_type=SIGNATURE, reference=None, repo=None, **more):
    """Pushes what refers to the subject: its descriptor as the list should have it."""
    empty = t.descriptor(b"{}", images.EMPTY, repo)
    document = images.artifact(empty, subject, artifact_type, **more)
    data = images.dumps(document)
    t.put(reference or digest_of(data), document, repo=repo).must(201)
    found = images.descriptor(digest_of(data), len(data), images.MANIFEST, artifactType=artifact_type)
    if more.get("annotations"):
        found["annotations"] = more["annotations"]
    return found


def listed(t, digest, query="", repo=None):
    answer = t.referrers(digest, query, repo).must(200)
    return sorted(answer.json()["manifests"], key=lambda d: d["digest"]), answer


def expect(t, digest, wanted, query=""):
    found, answer = listed(t, digest, query)
    same(found, sorted(wanted, key=lambda d: d["digest"]), "the list")
    return answer


# --- the list

@rule("referrers: of an unknown repository the list is 200 and empty")
def _(t):
    expect(t, MISSING, [])


@rule("referrers: of an unknown manifest the list is 200 and empty")
def _(t):
    subject_of(t)
    expect(t, MISSING, [])


@rule("referrers: of an unknown manifest by sha512 the list is 200 and empty")
def _(t):
    expect(t, MISSING_512, [])


@rule("referrers: of a manifest without any the list is 200 and empty")
def _(t):
    expect(t, subject_of(t)["digest"], [])


@rule("referrers: the type is that of an index")
def _(t):
    t.referrers(MISSING).must(200).has("Content-Type", images.INDEX)


@rule("referrers: the list is an index")
def _(t):
    t.referrers(MISSING).must(200).says("schemaVersion", 2).says("mediaType", images.INDEX).says("manifests", [])


@rule("referrers: a malformed digest is 400")
def _(t):
    t.referrers("sha256:12").must(400)


@choice("referrers: a malformed digest is DIGEST_INVALID")
def _(t):
    t.referrers("sha256:12").must(400, "DIGEST_INVALID")


@choice("referrers: a digest of an unknown algorithm is 400")
def _(t):
    t.referrers("md5:d41d8cd98f00b204e9800998ecf8427e").must(400, "DIGEST_INVALID")


@choice("referrers: a tag is no digest")
def _(t):
    t.referrers("latest").must(400)


@rule("referrers: the digest may be percent-encoded")
def _(t):
    subject = subject_of(t)
    one = attach(t, subject)
    expect(t, coded(subject["digest"]), [one])


@rule("referrers: a parameter that nobody knows is ignored")
def _(t):
    subject = subject_of(t)
    expect(t, subject["digest"], [attach(t, subject)], "?what=ever")


@choice("referrers: HEAD is GET without the body")
def _(t):
    subject = subject_of(t)
    attach(t, subject)
    get = t.referrers(subject["digest"]).must(200)
    head = t.head("%s/referrers/%s" % (t.repo, subject["digest"])).must(200)
    for name in ("Content-Type", "Content-Length"):
        same(head.header(name), get.header(name), name)


@choice("referrers: POST is refused with 405")
def _(t):
    t.request("POST", "/v2/%s/referrers/%s" % (t.repo, MISSING), body=b"").must(405).contains("Allow", "GET")


# --- what is in it

@rule("referrers: a manifest with a subject is listed with type, digest and size")
def _(t):
    subject = subject_of(t)
    one = attach(t, subject)
    found, _answer = listed(t, subject["digest"])
    same([{k: d[k] for k in ("mediaType", "digest", "size")} for d in found],
         [{k: one[k] for k in ("mediaType", "digest", "size")}], "the list")


@rule("referrers: its artifactType is listed")
def _(t):
    subject = subject_of(t)
    expect(t, subject["digest"], [attach(t, subject, BOM)])


@rule("referrers: without an artifactType it is the config's type")
def _(t):
    subject = subject_of(t)
    config = t.descriptor(b"{}", "application/x.protocol-suite.config+json")
    data = images.dumps(images.manifest(config, [], subject=subject))
    t.put(digest_of(data), data).must(201)
    expect(t, subject["digest"], [images.descriptor(
        digest_of(data), len(data), images.MANIFEST, artifactType="application/x.protocol-suite.config+json")])


@rule("referrers: an empty artifactType is none")
def _(t):
    subject = subject_of(t)
    kind = "application/x.protocol-suite.config+json"
    data = images.dumps(images.manifest(t.descriptor(b"{}", kind), [], subject=subject, artifactType=""))
    t.put(digest_of(data), data).must(201)
    one = images.descriptor(digest_of(data), len(data), images.MANIFEST, artifactType=kind)
    expect(t, subject["digest"], [one], "?artifactType=" + coded(kind))
    data = images.dumps(images.index([], subject=subject, artifactType=""))
    t.put(digest_of(data), data, media_type=images.INDEX).must(201)
    expect(t, subject["digest"], [one, images.descriptor(digest_of(data), len(data), images.INDEX)])


@rule("referrers: its annotations are listed")
def _(t):
    subject = subject_of(t)
    notes = {"org.opencontainers.image.created": "2026-11-25T00:00:00Z", "über": "日本語 \" \\"}
    expect(t, subject["digest"], [attach(t, subject, annotations=notes)])


@rule("referrers: without annotations none are listed")
def _(t):
    subject = subject_of(t)
    attach(t, subject)
    same("annotations" in listed(t, subject["digest"])[0][0], False, "that there are annotations")


@rule("referrers: an index with a subject is listed with its type")
def _(t):
    subject = subject_of(t)
    data = images.dumps(images.index([], subject=subject, artifactType=BOM, annotations={"a": "b"}))
    t.put(digest_of(data), data, media_type=images.INDEX).must(201)
    expect(t, subject["digest"], [images.descriptor(
        digest_of(data), len(data), images.INDEX, artifactType=BOM, annotations={"a": "b"})])


@rule("referrers: an index without an artifactType is listed without one")
def _(t):
    subject = subject_of(t)
    data = images.dumps(images.index([], subject=subject))
    t.put(digest_of(data), data, media_type=images.INDEX).must(201)
    expect(t, subject["digest"], [images.descriptor(digest_of(data), len(data), images.INDEX)])


@rule("referrers: an index can be the subject")
def _(t):
    t.push(b"something")
    data = images.dumps(images.index([], annotations={"run": t.repo}))
    t.put(digest_of(data), data, media_type=images.INDEX).must(201)
    subject = images.descriptor(digest_of(data), len(data), images.INDEX)
    expect(t, subject["digest"], [attach(t, subject)])


@rule("referrers: several are all listed")
def _(t):
    subject = subject_of(t)
    expect(t, subject["digest"], [attach(t, subject, annotations={"n": str(n)}) for n in range(4)])


@rule("referrers: one that is pushed twice is listed once")
def _(t):
    subject = subject_of(t)
    one = attach(t, subject)
    same(attach(t, subject), one, "the descriptor")
    expect(t, subject["digest"], [one])


@rule("referrers: one that has a tag, too, is listed")
def _(t):
    subject = subject_of(t)
    expect(t, subject["digest"], [attach(t, subject, reference="signature")])


@rule("referrers: the subject may come later")
def _(t):
    data = images.dumps(t.small(later="yes"))
    subject = images.descriptor(digest_of(data), len(data), images.MANIFEST)
    one = attach(t, subject)
    expect(t, subject["digest"], [one])
    t.put(digest_of(data), data).must(201)
    expect(t, subject["digest"], [one])


@rule("referrers: one may refer to another")
def _(t):
    subject = subject_of(t)
    first = attach(t, subject)
    second = attach(t, {k: first[k] for k in ("mediaType", "digest", "size")}, BOM)
    expect(t, subject["digest"], [first])
    expect(t, first["digest"], [second])


@rule("referrers: those of another manifest are not listed")
def _(t):
    one, two = subject_of(t, n="1"), subject_of(t, n="2")
    attach(t, one)
    expect(t, two["digest"], [])


@rule("referrers: those of another repository are not listed")
def _(t):
    subject = subject_of(t)
    attach(t, subject, repo=t.other)
    expect(t, subject["digest"], [])


@rule("referrers: a subject by sha512 is listed by sha512")
def _(t):
    data = images.dumps(t.small())
    digest = digest_of(data, "sha512")
    t.put(digest, data).must(201)
    expect(t, digest, [attach(t, images.descriptor(digest, len(data), images.MANIFEST))])


@rule("referrers: one that was deleted is not listed")
def _(t):
    subject = subject_of(t)
    one, two = attach(t, subject, annotations={"n": "1"}), attach(t, subject, annotations={"n": "2"})
    t.delete("%s/manifests/%s" % (t.repo, one["digest"])).must(202)
    expect(t, subject["digest"], [two])
    expect(t, subject["digest"], [two], "?artifactType=" + coded(two["artifactType"]))


@choice("referrers: one whose tag was deleted is still listed")
def _(t):
    subject = subject_of(t)
    one = attach(t, subject, reference="signature")
    t.delete("%s/manifests/signature" % t.repo).must(202)
    expect(t, subject["digest"], [one])


@rule("referrers: with the subject deleted the list is still answered")
def _(t):
    subject = subject_of(t)
    attach(t, subject)
    t.delete("%s/manifests/%s" % (t.repo, subject["digest"])).must(202)
    t.referrers(subject["digest"]).must(200).has("Content-Type", images.INDEX)


# --- the filter

def mixed(t):
    subject = subject_of(t)
    return subject["digest"], attach(t, subject, SIGNATURE), attach(t, subject, BOM)


@rule("referrers: the filter leaves one type and says so")
def _(t):
    digest, signature, _bom = mixed(t)
    expect(t, digest, [signature], "?artifactType=" + coded(SIGNATURE)).has("OCI-Filters-Applied", "artifactType")


@rule("referrers: a type with a plus sign is filtered")
def _(t):
    digest, _signature, bom = mixed(t)
    expect(t, digest, [bom], "?artifactType=" + coded(BOM)).has("OCI-Filters-Applied", "artifactType")


@rule("referrers: a filter that nothing passes leaves an empty list")
def _(t):
    digest, _signature, _bom = mixed(t)
    expect(t, digest, [], "?artifactType=application/x.other").has("OCI-Filters-Applied", "artifactType")


@rule("referrers: without a filter nothing is said of it")
def _(t):
    digest, signature, bom = mixed(t)
    expect(t, digest, [signature, bom]).lacks("OCI-Filters-Applied")


@rule("referrers: the filter takes the config's type, too")
def _(t):
    subject = subject_of(t)
    config = t.descriptor(b"{}", "application/x.protocol-suite.config+json")
    data = images.dumps(images.manifest(config, [], subject=subject))
    t.put(digest_of(data), data).must(201)
    attach(t, subject)
    found, _answer = listed(t, subject["digest"], "?artifactType=" + coded("application/x.protocol-suite.config+json"))
    same([d["digest"] for d in found], [digest_of(data)], "the list")


@rule("referrers: a filter of an unknown repository is an empty list")
def _(t):
    expect(t, MISSING, [], "?artifactType=application/x.other").has("OCI-Filters-Applied", "artifactType")


# --- what the push says

@rule("subject: the push by digest names it by OCI-Subject")
def _(t):
    subject = subject_of(t)
    document = images.artifact(t.descriptor(b"{}", images.EMPTY), subject, SIGNATURE)
    data = images.dumps(document)
    t.put(digest_of(data), data).must(201).has("OCI-Subject", subject["digest"])


@rule("subject: the push by tag names it by OCI-Subject")
def _(t):
    subject = subject_of(t)
    document = images.artifact(t.descriptor(b"{}", images.EMPTY), subject, SIGNATURE)
    t.put("signature", document).must(201).has("OCI-Subject", subject["digest"])


@rule("subject: the push of an index names it by OCI-Subject")
def _(t):
    subject = subject_of(t)
    t.put("list", images.index([], subject=subject)).must(201).has("OCI-Subject", subject["digest"])


@rule("subject: one that is not there is taken and named")
def _(t):
    subject = images.descriptor(MISSING, 9, images.MANIFEST)
    document = images.artifact(t.descriptor(b"{}", images.EMPTY), subject, SIGNATURE)
    t.put("signature", document).must(201).has("OCI-Subject", MISSING)


@rule("subject: by sha512 it is named so")
def _(t):
    subject = images.descriptor(MISSING_512, 9, images.MANIFEST)
    document = images.artifact(t.descriptor(b"{}", images.EMPTY), subject, SIGNATURE)
    t.put("signature", document).must(201).has("OCI-Subject", MISSING_512)


@rule("subject: a push without one has no OCI-Subject")
def _(t):
    t.put("latest", t.small()).must(201).lacks("OCI-Subject")


# --- lists that clients kept under a tag before there was this one

def fallback(t, subject, *descriptors):
    """The index that a client keeps: sha256-<hex of the subject>."""
    t.put(subject["digest"].replace(":", "-"), images.index(list(descriptors))).must(201)


@choice("referrers: what a client listed under the fallback tag is listed")
def _(t):
    subject = subject_of(t)
    one = attach(t, None, annotations={"kept": "by tag"})
    fallback(t, subject, one)
    expect(t, subject["digest"], [one])


@choice("referrers: an empty artifactType under the fallback tag is none")
def _(t):
    subject = subject_of(t)
    one = attach(t, None, reference="sig")
    fallback(t, subject, {**one, "artifactType": ""})
    found = listed(t, subject["digest"])[0]
    same([d.get("artifactType") for d in found], [None], "the types of the list")


@choice("referrers: what is under the fallback tag and has a subject, too, is listed once")
def _(t):
    subject = subject_of(t)
    one = attach(t, subject)
    fallback(t, subject, one)
    expect(t, subject["digest"], [one])


@choice("referrers: those of the fallback tag and those with a subject come together")
def _(t):
    subject = subject_of(t)
    one, two = attach(t, subject), attach(t, None, BOM)
    fallback(t, subject, two)
    expect(t, subject["digest"], [one, two])


@choice("referrers: the filter is for the fallback tag, too")
def _(t):
    subject = subject_of(t)
    one, two = attach(t, None, SIGNATURE), attach(t, None, BOM)
    fallback(t, subject, one, two)
    expect(t, subject["digest"], [two], "?artifactType=" + coded(BOM)).has("OCI-Filters-Applied", "artifactType")


@choice("referrers: with the fallback tag gone its list is gone")
def _(t):
    subject = subject_of(t)
    fallback(t, subject, attach(t, None))
    t.delete("%s/manifests/%s" % (t.repo, subject["digest"].replace(":", "-"))).must(202)
    expect(t, subject["digest"], [])


@choice("referrers: a manifest under the fallback tag that is no index does no harm")
def _(t):
    subject = subject_of(t)
    t.tagged(subject["digest"].replace(":", "-"), odd="yes")
    one = attach(t, subject)
    expect(t, subject["digest"], [one])


# --- pages

def long_list(t):
    """Five whose annotations have a megabyte each, pushed once."""
    if not hasattr(t.suite, "long_list"):
        repo = t.suite.names.shared[1]
        subject = images.descriptor("sha256:" + "5" * 64, 9, images.MANIFEST)
        attached = [attach(t, subject, repo=repo, annotations={"filler": c * 1000000}) for c in "abcde"]
        t.suite.long_list = repo, subject["digest"], attached
    return t.suite.long_list


def pages(t, query):
    repo, digest, attached = long_list(t)
    answer = t.referrers(digest, query, repo).must(200)
    all_pages = [answer]
    while next_of(answer) is not None and len(all_pages) < 10:
        answer = t.request("GET", next_of(answer)).must(200)
        all_pages.append(answer)
    return all_pages, attached


@rule("referrers: a list above 4 MiB comes in pages, all of it once")
def _(t):
    found, attached = pages(t, "")
    true(len(found) > 1, "it comes in one page of %d bytes" % len(found[0].body))
    same(sorted(d["digest"] for a in found for d in a.json()["manifests"]),
         sorted(d["digest"] for d in attached), "the list")


@rule("referrers: no page is above 4 MiB, each is an index")
def _(t):
    for answer in pages(t, "")[0]:
        true(len(answer.body) <= 4 << 20, "a page has %d bytes" % len(answer.body))
        answer.has("Content-Type", images.INDEX).says("mediaType", images.INDEX)


@rule("referrers: the pages of a filtered list are filtered")
def _(t):
    found, attached = pages(t, "?artifactType=" + coded(SIGNATURE))
    true(len(found) > 1, "it comes in one page")
    for answer in found:
        answer.has("OCI-Filters-Applied", "artifactType")
    same(sum(len(a.json()["manifests"]) for a in found), len(attached), "their number")


@choice("referrers: with a long list under the fallback tag, too, no page is above 4 MiB")
def _(t):
    subject = subject_of(t)
    own = [attach(t, subject, annotations={"filler": c * 1000000}) for c in "ab"]
    kept = [dict(attach(t, None, annotations={"n": c}), annotations={"filler": c * 1000000}) for c in "cde"]
    fallback(t, subject, *kept)
    answer, found = t.referrers(subject["digest"]).must(200), []
    for _n in range(10):
        true(len(answer.body) <= 4 << 20, "a page has %d bytes" % len(answer.body))
        found += [d["digest"] for d in answer.json()["manifests"]]
        if next_of(answer) is None:
            break
        answer = t.request("GET", next_of(answer)).must(200)
    same(sorted(found), sorted(d["digest"] for d in own + kept), "the list")


@choice("referrers: a long list under the fallback tag alone has no Link to an empty page")
def _(t):
    subject = subject_of(t)
    kept = [dict(attach(t, None, annotations={"n": c}), annotations={"filler": c * 900000}) for c in "abc"]
    fallback(t, subject, *kept)
    answer = expect(t, subject["digest"], kept)
    true(next_of(answer) is None, "a Link without more: %s" % next_of(answer))


@choice("referrers: a list above 3 MiB under the fallback tag comes in pages, all of it once")
def _(t):
    subject = subject_of(t)
    own = [attach(t, subject)]
    kept = [dict(attach(t, None, annotations={"n": c}), annotations={"filler": c * 320000}) for c in "abcdefghijkl"]
    fallback(t, subject, *kept, *own)
    answer, found, pages_read = t.referrers(subject["digest"]).must(200), [], 0
    while True:
        true(len(answer.body) <= 4 << 20, "a page has %d bytes" % len(answer.body))
        listed_here = [d["digest"] for d in answer.json()["manifests"]]
        true(listed_here, "an empty page")
        found += listed_here
        pages_read += 1
        if next_of(answer) is None or pages_read == 10:
            break
        answer = t.request("GET", next_of(answer)).must(200)
    same(sorted(found), sorted(d["digest"] for d in own + kept), "the list")
    true(pages_read > 1, "one page alone")


@choice("referrers: a place in the fallback list that no Link names is refused")
def _(t):
    subject = subject_of(t)
    for place in ("x", "-1", "1e3", "99999999999999999999"):
        t.referrers(subject["digest"], "?fallback=" + place).must(400, "PAGINATION_NUMBER_INVALID")


@choice("referrers: what is left of a long fallback list and is listed by its subject gets no page of its own")
def _(t):
    subject = subject_of(t)
    own = attach(t, subject)
    kept = [dict(attach(t, None, annotations={"n": c}), annotations={"filler": c * 1060000}) for c in "abc"]
    fallback(t, subject, *kept, own)
    answer = t.referrers(subject["digest"]).must(200)
    same([d["digest"] for d in answer.json()["manifests"]], [d["digest"] for d in kept], "the first page")
    answer = t.request("GET", next_of(answer)).must(200)
    same([d["digest"] for d in answer.json()["manifests"]], [own["digest"]], "the second page")
    true(next_of(answer) is None, "a Link without more")
