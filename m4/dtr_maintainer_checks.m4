# --enable-maintainer-checks: warnings are errors (never for distributors)
AC_DEFUN([DTR_MAINTAINER_CHECKS], [
AC_ARG_ENABLE([maintainer-checks],
	[AS_HELP_STRING([--enable-maintainer-checks],
		[turn compiler warnings into errors])],
	[], [enable_maintainer_checks=no])
AS_IF([test "$enable_maintainer_checks" = yes], [WERROR_CFLAGS=-Werror])
AC_SUBST([WERROR_CFLAGS])
])
