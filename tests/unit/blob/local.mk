# unit tests of blob
