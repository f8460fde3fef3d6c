# unit tests of blob
if HAVE_CMOCKA
blob_tests = \
	tests/unit/blob/fs_test \
	tests/unit/blob/fs_fault_test
check_PROGRAMS += $(blob_tests)
TESTS += $(blob_tests)
tests_unit_blob_fs_test_SOURCES = tests/unit/blob/fs_test.c \
	tests/unit/blob/fs.h
tests_unit_blob_fs_test_LDADD = common/libcommon.a $(CMOCKA_LIBS)
tests_unit_blob_fs_fault_test_SOURCES = tests/unit/blob/fs_fault_test.c \
	tests/unit/blob/fs.h
tests_unit_blob_fs_fault_test_LDADD = common/libcommon.a $(CMOCKA_LIBS)
tests_unit_blob_fs_fault_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=pwrite \
	-Wl,--wrap=fdatasync -Wl,--wrap=fsync -Wl,--wrap=fstatvfs \
	-Wl,--wrap=unlinkat
endif
