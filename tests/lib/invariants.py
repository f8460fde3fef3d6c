"""What must always hold between the rows and the files of a registry.

    invariants.check(stack)     # of a registry that is at rest

A crash may leave an upload, a doomed object or a file that a row knows of;
it never leaves a visible row without what it refers to, a file that no row
knows of, or something unused that garbage collection will not look at. The
rules are those of ARCHITECTURE.md, "Blobs and garbage collection". Contents
are hashed as well: use it on the small registries of tests.
"""
import hashlib
import json
import os
import re

UP, LIVE, DOOMED = "1", "2", "3"
FOREIGN = re.compile(r"foreign|nondistributable")

# each finds the rows that break a rule: what it says, and who it is about
RULES = {
    "a manifest names a blob that is not linked": """
        SELECT HEX(m.manifest_id) FROM manifest_blob m LEFT JOIN repo_blob r
        ON r.repository_id = m.repository_id AND r.blob_id = m.blob_id WHERE r.blob_id IS NULL""",
    "a manifest names a blob of another repository": """
        SELECT HEX(b.manifest_id) FROM manifest_blob b JOIN manifest m ON m.id = b.manifest_id
        WHERE m.repository_id <> b.repository_id""",
    "a link without its blob": """
        SELECT HEX(r.blob_id) FROM repo_blob r LEFT JOIN blob_content b ON b.id = r.blob_id WHERE b.id IS NULL""",
    "a blob whose object is not live or not its own": """
        SELECT HEX(b.id) FROM blob_content b LEFT JOIN object o ON o.id = b.object_id
        WHERE o.id IS NULL OR o.state <> 2 OR NOT o.blob_id <=> b.id""",
    "an upload whose object is not up": """
        SELECT HEX(u.id) FROM upload u LEFT JOIN object o ON o.id = u.object_id
        WHERE o.id IS NULL OR o.state <> 1 OR o.blob_id IS NOT NULL""",
    "an object that is up without an upload": """
        SELECT HEX(o.id) FROM object o LEFT JOIN upload u ON u.object_id = o.id
        WHERE o.state = 1 AND u.id IS NULL""",
    "a live object without a blob": """
        SELECT HEX(o.id) FROM object o LEFT JOIN blob_content b ON b.object_id = o.id
        WHERE o.state = 2 AND b.id IS NULL""",
    "a doomed object that is in use": """
        SELECT HEX(o.id) FROM object o WHERE o.state NOT IN (1, 2)
        AND (o.state <> 3 OR o.blob_id IS NOT NULL OR o.not_before IS NULL
            OR EXISTS (SELECT 1 FROM upload u WHERE u.object_id = o.id)
            OR EXISTS (SELECT 1 FROM blob_content b WHERE b.object_id = o.id))""",
    "an unused link that nobody will review": """
        SELECT HEX(r.blob_id) FROM repo_blob r
        LEFT JOIN gc_review g ON g.kind = 2 AND g.id1 = r.repository_id AND g.id2 = r.blob_id
        WHERE g.id1 IS NULL AND NOT EXISTS (SELECT 1 FROM manifest_blob m
            WHERE m.repository_id = r.repository_id AND m.blob_id = r.blob_id)""",
    "an unlinked blob that nobody will review": """
        SELECT HEX(b.id) FROM blob_content b LEFT JOIN gc_review g ON g.kind = 3 AND g.id1 = b.id
        WHERE g.id1 IS NULL AND NOT EXISTS (SELECT 1 FROM repo_blob r WHERE r.blob_id = b.id)""",
    "an unused manifest that nobody will review": """
        SELECT HEX(m.id) FROM manifest m LEFT JOIN gc_review g ON g.kind = 1 AND g.id1 = m.id
        WHERE g.id1 IS NULL AND NOT EXISTS (SELECT 1 FROM tag t WHERE t.manifest_id = m.id)
        AND NOT EXISTS (SELECT 1 FROM manifest_child c WHERE c.child_id = m.id)""",
    "a tag of a manifest that is hidden or elsewhere": """
        SELECT t.name FROM tag t LEFT JOIN manifest m ON m.id = t.manifest_id
        WHERE m.id IS NULL OR m.hidden <> 0 OR m.repository_id <> t.repository_id""",
    "a child that is hidden or elsewhere": """
        SELECT HEX(c.child_id) FROM manifest_child c JOIN manifest p ON p.id = c.parent_id
        LEFT JOIN manifest m ON m.id = c.child_id
        WHERE m.id IS NULL OR m.repository_id <> p.repository_id OR (m.hidden <> 0 AND p.hidden = 0)""",
    "a manifest without its document, or of another size": """
        SELECT HEX(m.id) FROM manifest m LEFT JOIN manifest_payload p ON p.manifest_id = m.id
        WHERE p.payload IS NULL OR LENGTH(p.payload) <> m.size""",
    "a counter that is not the sum of its events": """
        SELECT HEX(n.repository_id), n.kind, SUM(n.counted), SUM(n.told) FROM (
            SELECT repository_id, kind, total AS counted, 0 AS told FROM repository_counter
            UNION ALL SELECT repository_id, kind, 0, times FROM event WHERE object = 1 AND kind IN (1, 2)) n
        GROUP BY n.repository_id, n.kind HAVING SUM(n.counted) <> SUM(n.told)""",
    "a manifest with the digest of another document": """
        SELECT HEX(m.id) FROM manifest m JOIN manifest_payload p ON p.manifest_id = m.id
        WHERE m.digest <> UNHEX(SHA2(p.payload, IF(m.algorithm = 0, 256, 512)))""",
}

OBJECTS = """
    SELECT 'object', o.object_key, o.state, IFNULL(b.size, ''), IFNULL(LOWER(HEX(b.sha256)), ''),
        IFNULL(LOWER(HEX(b.sha512)), ''), IFNULL(u.received, '')
    FROM object o LEFT JOIN blob_content b ON b.object_id = o.id LEFT JOIN upload u ON u.object_id = o.id"""
LINKS = """
    SELECT 'link', HEX(m.manifest_id), LOWER(HEX(b.sha256)), LOWER(HEX(IFNULL(b.sha512, '')))
    FROM manifest_blob m JOIN blob_content b ON b.id = m.blob_id"""
CHILDREN = """
    SELECT 'child', HEX(c.parent_id), LOWER(HEX(m.digest)), ''
    FROM manifest_child c JOIN manifest m ON m.id = c.child_id"""
DOCUMENTS = "SELECT 'document', HEX(manifest_id), HEX(payload) FROM manifest_payload"


def questions():
    """All in one question: one program to start instead of twenty."""
    rules = ["SELECT 'broken', '%s', x.* FROM (%s) x" % item for item in RULES.items()]
    return ";\n".join(rules + [OBJECTS, LINKS, CHILDREN, DOCUMENTS])


def files_of(root):
    """Every file below the store's folder of objects, by its key."""
    found = {}
    for folder, _, names in os.walk(os.path.join(root, "objects")):
        for name in names:
            # what a check of the store writes, and was killed in between
            if not name.startswith("probe-"):
                found[name] = os.path.join(folder, name)
    return found


def hash_of(path, algorithm, known={}):
    """Hashes again only what was written to since."""
    info = os.stat(path)
    key = (path, algorithm, info.st_ino, info.st_size, info.st_mtime_ns)
    if key not in known:
        hashed = hashlib.new(algorithm)
        with open(path, "rb") as f:
            for part in iter(lambda: f.read(1 << 20), b""):
                hashed.update(part)
        known[key] = hashed.hexdigest()
    return known[key]


def check_object(row, path):
    _, key, state, size, sha256, sha512, received = row
    if path is None:
        if state == LIVE:
            yield "a live object is not in the store: " + key
        if state == UP and received not in ("", "0"):
            yield "an upload's %s bytes are not in the store: %s" % (received, key)
        return
    if os.path.basename(os.path.dirname(path)) != key[:2]:
        yield "an object in the wrong folder: " + path
    if state == UP and os.path.getsize(path) < int(received or 0):
        yield "an upload of %s bytes has %d in the store: %s" % (received, os.path.getsize(path), key)
    if state != LIVE:
        return
    if os.path.getsize(path) != int(size):
        yield "a blob of %s bytes has %d in the store: %s" % (size, os.path.getsize(path), key)
    elif hash_of(path, "sha256") != sha256 or (sha512 and hash_of(path, "sha512") != sha512):
        yield "a blob has another content than its digest says: " + key


def named_by(document):
    """The digests that a manifest or an index needs."""
    found = document.get("manifests")
    if found is None:
        found = [document["config"]] if "config" in document else []
        found += [d for d in document.get("layers", []) if not FOREIGN.search(d.get("mediaType", ""))]
    return {d["digest"].split(":")[1] for d in found}


def check_documents(rows):
    links = {}
    for row in rows:
        if row[0] in ("link", "child"):
            links.setdefault(row[1], set()).update(digest for digest in row[2:] if digest)
    for row in rows:
        if row[0] == "document":
            missing = named_by(json.loads(bytes.fromhex(row[2]))) - links.get(row[1], set())
            if missing:
                yield "manifest %s has no link to %s" % (row[1], ", ".join(sorted(missing)))


def broken(stack):
    """Every rule that is broken, as a list of texts."""
    rows = stack.sql(questions())
    files = files_of(stack.storage)
    found = ["%s: %s" % (row[1], " ".join(row[2:])) for row in rows if row[0] == "broken"]
    for row in rows:
        if row[0] == "object":
            found += check_object(row, files.pop(row[1], None))
    found += ["a file that no row knows of: " + path for path in files.values()]
    return found + list(check_documents(rows))


def check(stack):
    found = broken(stack)
    assert not found, "\n".join(found[:20])
