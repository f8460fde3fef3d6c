# --enable-fuzz: build the fuzz targets with clang's libFuzzer. Without it
# the same targets are built as programs that replay their corpus.
AC_DEFUN([DTR_FUZZ], [
AC_ARG_ENABLE([fuzz],
	[AS_HELP_STRING([--enable-fuzz],
		[build fuzz targets with libFuzzer (needs CC=clang)])],
	[], [enable_fuzz=no])
AM_CONDITIONAL([FUZZ], [test "$enable_fuzz" = yes])
])
