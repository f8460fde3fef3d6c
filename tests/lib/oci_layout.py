"""Builds OCI image layouts: folders of images as the OCI image specification has them."""
import gzip
import hashlib
import io
import json
import os
import tarfile

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def tar(files):
    """A layer's bytes: the same files give the same bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


class Layout:
    """Add blobs, images and indexes, tag() some of them, then read .path."""

    def __init__(self, path):
        self.path = path
        self.tags = []
        os.makedirs(os.path.join(path, "blobs", "sha256"))
        with open(os.path.join(path, "oci-layout"), "w") as f:
            json.dump({"imageLayoutVersion": "1.0.0"}, f)

    def blob(self, data, media_type, **more):
        """The descriptor of new content."""
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(self.path, "blobs", "sha256", digest), "wb") as f:
            f.write(data)
        return dict({"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}, **more)

    def document(self, value, **more):
        return self.blob(json.dumps(value).encode(), value["mediaType"], **more)

    def image(self, *layers, architecture="amd64", variant=None):
        """Layers are folders' contents: {name: bytes}."""
        tars = [tar(files) for files in layers]
        platform = {"architecture": architecture, "os": "linux"}
        if variant is not None:
            platform["variant"] = variant
        config = dict(platform, config={}, rootfs={
            "type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(t).hexdigest() for t in tars]})
        return self.document({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": self.blob(json.dumps(config).encode(), CONFIG),
            "layers": [self.blob(gzip.compress(t, 1, mtime=0), LAYER + "+gzip") for t in tars]}, platform=platform)

    def raw_image(self, *blobs):
        """An image whose layers are these bytes, not packed."""
        config = {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {
            "type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(b).hexdigest() for b in blobs]}}
        return self.document({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": self.blob(json.dumps(config).encode(), CONFIG),
            "layers": [self.blob(b, LAYER) for b in blobs]})

    def index(self, *manifests):
        return self.document({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(manifests)})

    def tag(self, name, descriptor):
        """Names content; its digest."""
        self.tags.append(dict(descriptor, annotations={"org.opencontainers.image.ref.name": name}))
        with open(os.path.join(self.path, "index.json"), "w") as f:
            json.dump({"schemaVersion": 2, "mediaType": INDEX, "manifests": self.tags}, f)
        return descriptor["digest"]
