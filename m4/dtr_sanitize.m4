# --enable-sanitize=LIST: build with the compiler's sanitizers
AC_DEFUN([DTR_SANITIZE], [
AC_ARG_ENABLE([sanitize],
	[AS_HELP_STRING([--enable-sanitize=LIST],
		[build with sanitizers, e.g. address,undefined or thread])],
	[], [enable_sanitize=no])
AS_IF([test "$enable_sanitize" != no], [
	AS_IF([test "$enable_sanitize" = yes],
		[enable_sanitize=address,undefined])
	SANITIZE_CFLAGS="-fsanitize=$enable_sanitize -fno-sanitize-recover=all -fno-omit-frame-pointer"
])
AC_SUBST([SANITIZE_CFLAGS])
])
