/* Which keys of the configuration are never shown. */
#ifndef CLI_MASK_H
#define CLI_MASK_H

/*
 * Is the value of this key a secret by its name? Secrets are in files of
 * their own, so there is none today; the paths of such files are shown. A
 * key that somebody adds with "password", "secret" or "key" in its name is
 * safe from the start.
 */
bool mask_is_secret(const char *key, bool is_path);

#endif
