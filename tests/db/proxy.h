/*
 * Stands between a program and the database server, on a unix socket of its
 * own, and does what networks and dying servers do: refuses, keeps silent,
 * cuts a connection before or after the server got a statement, holds a
 * statement back. It also remembers what was sent. Understands as much of
 * the protocol as that needs: where a command begins, and its text.
 */
#ifndef TESTS_DB_PROXY_H
#define TESTS_DB_PROXY_H

struct proxy;

/* address: "unix:/path" to listen on; server: "unix:/path" of the server. */
struct proxy *proxy_start(const char *address, const char *server);
void proxy_stop(struct proxy **proxy);

enum proxy_mode {
	PROXY_SERVES,
	PROXY_REFUSES, /* nobody listens; connections that are there are cut */
	PROXY_SILENT, /* new connections are taken and nothing is said */
};
void proxy_mode(struct proxy *proxy, enum proxy_mode mode);

/*
 * What is done with the next command whose text begins with these words, or
 * contains them if they begin with "*". One rule at a time.
 * Texts are those of queries and of prepared statements that are executed;
 * another command's text is "command N".
 */
enum proxy_act {
	PROXY_CUT_BEFORE, /* the server does not get it */
	PROXY_CUT_AFTER, /* it runs; its answer is lost */
	/* as that, but it runs at proxy_release(), when nobody waits for it */
	PROXY_CUT_LATE,
	PROXY_HOLD, /* it waits for proxy_release() */
	PROXY_ANSWER, /* see proxy_answer() */
	/* the transaction is rolled back before it, and nobody hears of that;
	 * the next command may also be the statement's preparation */
	PROXY_ROLL_BACK,
};
void proxy_rule(struct proxy *proxy, enum proxy_act act, const char *words);
/* The same for the command that comes after so many more. */
void proxy_rule_after(
    struct proxy *proxy, enum proxy_act act, unsigned commands);
/* Answers the next ones with this error number itself. */
void proxy_answer(
    struct proxy *proxy, unsigned number, const char *words, unsigned times);
/* Has the rule been used, as often as it should? */
bool proxy_is_used(struct proxy *proxy);

/* Waits until a command is held; it goes on with proxy_release(). */
void proxy_wait_held(struct proxy *proxy);
void proxy_release(struct proxy *proxy);

/* Connections taken since the start. */
unsigned proxy_links(struct proxy *proxy);

/* Commands since the start or the last clear, one text a line. */
const char *proxy_log(struct proxy *proxy);
unsigned proxy_count(struct proxy *proxy, const char *words);
void proxy_clear(struct proxy *proxy);

#endif
