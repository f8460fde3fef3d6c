/*
 * What garbage collection may rely on whatever has happened, as questions to
 * the whole database: ARCHITECTURE.md, "Blobs and garbage collection".
 */
#ifndef TESTS_DB_INVARIANTS_H
#define TESTS_DB_INVARIANTS_H

/* Fails the test and names the rule that is broken. */
void invariants_check(void);

#endif
