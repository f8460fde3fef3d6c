"""Documents of images: manifests, indexes, descriptors."""
import json

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar"
EMPTY = "application/vnd.oci.empty.v1+json"


def dumps(document):
    return json.dumps(document, separators=(",", ":")).encode()


def descriptor(digest, size, media_type, **more):
    return dict({"mediaType": media_type, "digest": digest, "size": size}, **more)


def manifest(config, layers, media_type=MANIFEST, **more):
    """Members that are None are left out."""
    document = {"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": layers}
    document.update({k: v for k, v in more.items() if v is not None})
    return document


def index(manifests, media_type=INDEX, **more):
    document = {"schemaVersion": 2, "mediaType": media_type, "manifests": manifests}
    document.update({k: v for k, v in more.items() if v is not None})
    return document


def artifact(config, subject=None, artifact_type=None, layers=(), **more):
    """What a signature or a bill of materials is: a manifest with a subject."""
    return manifest(config, list(layers), artifactType=artifact_type, subject=subject, **more)


class Image:
    """An image that was pushed: repository, blobs, manifest."""

    def __init__(self, repo, tag, config, layer, manifest, digest):
        self.repo, self.tag = repo, tag
        self.config, self.layer = config, layer  # contents
        self.manifest, self.digest = manifest, digest
