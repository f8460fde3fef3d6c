/* The statements of schema/migrate in order, built into the program. */
#ifndef COMMON_MODEL_MIGRATION_H
#define COMMON_MODEL_MIGRATION_H

struct migration_step {
	int version;
	int step; /* from 1, within the version */
	bool repeats; /* a batch: run until it changes no row */
	const char *name;
	const char *text;
};

extern const struct migration_step migration_steps[];
extern const size_t migration_step_count;

#endif
