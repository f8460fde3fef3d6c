# Fuzz targets: with --enable-fuzz they are libFuzzer programs, otherwise
# programs that replay their corpus in `make check`.
