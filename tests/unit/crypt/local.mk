# unit tests of crypt
