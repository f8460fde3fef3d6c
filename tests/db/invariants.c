#include "common/base/base.h"
#include "tests/db/invariants.h"

#include "tests/db/env.h"
#include "tests/unit/unit.h"

/* each counts the rows that break the rule */
static const struct {
	const char *rule;
	const char *question;
} invariants[] = {
	{ "an object that is up has one upload",
	    "SELECT COUNT(*) FROM object o WHERE o.state = 1 AND "
	    "(SELECT COUNT(*) FROM upload u WHERE u.object_id = o.id) <> 1" },
	{ "an upload's object is up",
	    "SELECT COUNT(*) FROM upload u JOIN object o ON o.id = u.object_id "
	    "WHERE o.state <> 1" },
	{ "a live object has the one blob that it names",
	    "SELECT COUNT(*) FROM object o WHERE o.state = 2 AND NOT EXISTS "
	    "(SELECT 1 FROM blob_content b WHERE b.object_id = o.id "
	    "AND b.id = o.blob_id)" },
	{ "a blob's object is live",
	    "SELECT COUNT(*) FROM blob_content b "
	    "JOIN object o ON o.id = b.object_id WHERE o.state <> 2" },
	{ "only doomed objects have a date of removal, and all of them",
	    "SELECT COUNT(*) FROM object "
	    "WHERE (state = 3) <> (not_before IS NOT NULL)" },
	{ "a doomed object has no blob",
	    "SELECT COUNT(*) FROM object "
	    "WHERE state = 3 AND blob_id IS NOT NULL" },
	{ "a blob of a repository that no manifest holds is to be reviewed",
	    "SELECT COUNT(*) FROM repo_blob rb WHERE NOT EXISTS "
	    "(SELECT 1 FROM manifest_blob mb "
	    "WHERE mb.repository_id = rb.repository_id "
	    "AND mb.blob_id = rb.blob_id) AND NOT EXISTS "
	    "(SELECT 1 FROM gc_review g WHERE g.kind = 2 "
	    "AND g.id1 = rb.repository_id AND g.id2 = rb.blob_id)" },
	{ "a blob that no repository has is to be reviewed",
	    "SELECT COUNT(*) FROM blob_content b WHERE NOT EXISTS "
	    "(SELECT 1 FROM repo_blob rb WHERE rb.blob_id = b.id) "
	    "AND NOT EXISTS (SELECT 1 FROM gc_review g WHERE g.kind = 3 "
	    "AND g.id1 = b.id)" },
	{ "a manifest that nothing refers to is to be reviewed",
	    "SELECT COUNT(*) FROM manifest m WHERE NOT EXISTS "
	    "(SELECT 1 FROM tag t WHERE t.manifest_id = m.id) AND NOT EXISTS "
	    "(SELECT 1 FROM manifest_child c WHERE c.child_id = m.id) "
	    "AND NOT EXISTS (SELECT 1 FROM gc_review g WHERE g.kind = 1 "
	    "AND g.id1 = m.id)" },
	{ "a tag does not point to a deleted manifest",
	    "SELECT COUNT(*) FROM tag t JOIN manifest m "
	    "ON m.id = t.manifest_id WHERE m.hidden <> 0" },
	{ "an index does not need a deleted manifest",
	    "SELECT COUNT(*) FROM manifest_child c "
	    "JOIN manifest p ON p.id = c.parent_id "
	    "JOIN manifest m ON m.id = c.child_id "
	    "WHERE p.hidden = 0 AND m.hidden <> 0" },
	{ "a manifest, its children and its blobs are of one repository",
	    "SELECT (SELECT COUNT(*) FROM manifest_blob mb "
	    "JOIN manifest m ON m.id = mb.manifest_id "
	    "WHERE m.repository_id <> mb.repository_id) + "
	    "(SELECT COUNT(*) FROM manifest_child c "
	    "JOIN manifest p ON p.id = c.parent_id "
	    "JOIN manifest m ON m.id = c.child_id "
	    "WHERE p.repository_id <> m.repository_id) + "
	    "(SELECT COUNT(*) FROM tag t JOIN manifest m "
	    "ON m.id = t.manifest_id "
	    "WHERE t.repository_id <> m.repository_id)" },
	{ "a manifest has its bytes",
	    "SELECT COUNT(*) FROM manifest m LEFT JOIN manifest_payload p "
	    "ON p.manifest_id = m.id "
	    "WHERE p.payload IS NULL OR LENGTH(p.payload) <> m.size" },
};

void
invariants_check(void)
{
	for (size_t i = 0; i < COUNT_OF(invariants); i++)
		if (sql_int("%s", invariants[i].question) != 0)
			fail_msg("broken: %s", invariants[i].rule);
}
