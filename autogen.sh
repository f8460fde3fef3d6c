#!/bin/sh
# Makes ./configure from a checkout. Needs autoconf, automake and
# autoconf-archive.
set -e
cd "$(dirname "$0")"
autoreconf --install --force
