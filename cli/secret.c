#include "common/base/base.h"
#include "cli/secret.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/io.h"
#include "common/base/pool.h"
#include "common/crypt/passwd.h"

/* more than a password may have, so that the rule says so */
#define INPUT_MAX (PASSWD_LENGTH_MAX + 512)

int
secret_check_password(const char *password, struct err *err)
{
	size_t n = strlen(password);

	if (n < SECRET_PASSWORD_MIN || n > PASSWD_LENGTH_MAX)
		return err_set(err, E_INVALID,
		    "a password has %d to %d bytes, this one has %zu",
		    SECRET_PASSWORD_MIN, PASSWD_LENGTH_MAX, n);
	if (!enc_is_utf8(password, n))
		return err_set(err, E_INVALID,
		    "a password is UTF-8, this one is not: a login by form "
		    "could not send it");
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)password[i] < 0x20 || password[i] == 0x7f)
			return err_set(err, E_INVALID,
			    "a password has no control characters, nor more "
			    "than one line");
	return 0;
}

static int
read_stdin(struct pool *pool, const char **out, struct err *err)
{
	char *text = pool_secret(pool, INPUT_MAX + 1);
	size_t len = 0;

	while (len < INPUT_MAX) {
		ssize_t n = read(STDIN_FILENO, text + len, INPUT_MAX - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			err_set(err, E_INTERNAL, "cannot read standard input");
			return err_errno(err, errno);
		}
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (memchr(text, '\0', len) != NULL)
		return err_set(err, E_INVALID,
		    "standard input has a NUL byte: not a password");
	io_cut_newlines(text, len);
	*out = text;
	return 0;
}

static volatile sig_atomic_t secret_signal;

static void
note_signal(int number)
{
	secret_signal = number;
}

/* One line; E_ABORTED if a signal came. Signals are let in while it waits,
 * and only then: one that came just before would else be seen too late. */
static int
read_line(int fd, char *text, struct err *err)
{
	struct pollfd wanted = { .fd = fd, .events = POLLIN };
	sigset_t none;
	ssize_t n = -1;

	sigemptyset(&none);
	if (ppoll(&wanted, 1, NULL, &none) == 1)
		n = read(fd, text, INPUT_MAX);
	if (n <= 0 || secret_signal != 0)
		return err_set(
		    err, E_ABORTED, "interrupted, no password was set");
	text[n] = '\0';
	io_cut_newlines(text, (size_t)n);
	return 0;
}

static int
ask(int fd, const char *prompt, const char *again, char *text, struct err *err)
{
	int rc;

	dprintf(fd, "%s%s: ", prompt, again);
	rc = read_line(fd, text, err);
	dprintf(fd, "\n");
	return rc;
}

static int
ask_twice(struct pool *pool, int fd, const char *prompt, const char **out,
    struct err *err)
{
	char *first = pool_secret(pool, INPUT_MAX + 1);
	char *second = pool_secret(pool, INPUT_MAX + 1);
	int rc = ask(fd, prompt, "", first, err);

	if (rc == 0)
		rc = ask(fd, prompt, ", again", second, err);
	if (rc < 0)
		return rc;
	if (strcmp(first, second) != 0)
		return err_set(
		    err, E_INVALID, "the two passwords differ, none was set");
	*out = first;
	return 0;
}

/* The terminal gets its echo back whatever ends the question. */
static int
read_terminal(
    struct pool *pool, const char *prompt, const char **out, struct err *err)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGQUIT, SIGTSTP,
		SIGHUP };
	struct sigaction note = { .sa_handler = note_signal }, old[5];
	struct termios saved, quiet;
	sigset_t blocked, before;
	int rc;
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0 || tcgetattr(fd, &saved) < 0) {
		io_close(&fd);
		return err_set(err, E_INVALID,
		    "there is no terminal to ask for the password; give it "
		    "in a file or by standard input, see --help for the option");
	}
	sigemptyset(&blocked);
	for (size_t i = 0; i < COUNT_OF(signals); i++) {
		sigaction(signals[i], &note, &old[i]);
		sigaddset(&blocked, signals[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, &before);
	quiet = saved;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	tcsetattr(fd, TCSAFLUSH, &quiet);
	rc = ask_twice(pool, fd, prompt, out, err);
	tcsetattr(fd, TCSAFLUSH, &saved);
	for (size_t i = 0; i < COUNT_OF(signals); i++)
		sigaction(signals[i], &old[i], NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	io_close(&fd);
	return rc;
}

int
secret_read(struct pool *pool, const char *file, const char *prompt,
    const char **out, struct err *err)
{
	char *text;
	int rc;

	if (file == NULL)
		return read_terminal(pool, prompt, out, err);
	if (strcmp(file, "-") == 0)
		return read_stdin(pool, out, err);
	rc = io_read_secret(pool, file, &text, err);
	if (rc < 0)
		return err_prefix(err, "password file");
	*out = text;
	return 0;
}

int
secret_read_password(struct pool *pool, const char *file, const char *prompt,
    const char **out, struct err *err)
{
	int rc = secret_read(pool, file, prompt, out, err);

	return rc < 0 ? rc : secret_check_password(*out, err);
}
