/* Which keys of the configuration are never shown. */
#ifndef CLI_MASK_H
#define CLI_MASK_H

/*
 * Is the value of this key a secret by its name? Only free text can be one:
 * numbers, choices and paths are shown. Secrets are in files of their own, so
 * there is none today; a key that somebody adds with "password", "secret" or
 * "key" in its name is safe from the start.
 */
bool mask_is_secret(const char *key, bool is_text);

#endif
