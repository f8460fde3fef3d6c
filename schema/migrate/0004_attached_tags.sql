-- Tags of what belongs to a digest, signatures and lists of referrers
-- (oci_tag_is_attached() in common/oci/name.h): a limit of tags is not for them.

ALTER TABLE tag ADD COLUMN attached TINYINT NOT NULL DEFAULT 0;

ALTER TABLE tag ADD KEY tag_order (repository_id, attached, updated);

ALTER TABLE tag DROP KEY tag_updated;

-- as text: MySQL has no regular expressions of bytes
-- repeat
UPDATE tag SET attached = 1 WHERE attached = 0
    AND CONVERT(name USING ascii) REGEXP '^sha(256|512)-[0-9a-f]{64}([.]|$)'
LIMIT 1000;
