/*
 * What every fuzz target includes after base.h. A target is one function
 * that takes any bytes and aborts if it finds something wrong.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#endif
