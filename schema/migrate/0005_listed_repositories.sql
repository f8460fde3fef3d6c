-- Repositories that have got a manifest: the catalog names them, and reads no
-- others on its way.

ALTER TABLE repository ADD COLUMN listed TINYINT NOT NULL DEFAULT 0
    COMMENT '1: it has got a manifest';

-- beside those of 0002, which programs of the version before name
ALTER TABLE repository ADD KEY repository_listed (listed, path);

ALTER TABLE repository ADD KEY repository_listed_visible (visibility, listed, path);

ALTER TABLE repository ADD KEY repository_listed_place (namespace_id, listed, path);

-- repeat
UPDATE repository SET listed = 1 WHERE listed = 0
    AND EXISTS (SELECT 1 FROM manifest m WHERE m.repository_id = repository.id)
LIMIT 1000;
