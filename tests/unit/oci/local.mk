# unit tests of oci
